import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../tests/support/python.ts'
import {
  machineWithoutWheels,
  startWheelServer as serve,
  lockedWheel as wheel,
} from '../../../tests/support/wheel-server.ts'
import type { System } from '../../system/system.ts'
import { fetchWheels } from './fetch.ts'

let system: System
let told: string[]
beforeEach(() => {
  told = []
  system = machineWithoutWheels(line => told.push(line))
})

const content = randomBytes(300_000)

describe('a user name and a password', () => {
  const answers =
    (...accepted: string[]) =>
    (request: IncomingMessage, response: ServerResponse) => {
      const login = request.headers.authorization?.replace('Basic ', '') ?? ''
      if (accepted.includes(Buffer.from(login, 'base64').toString())) return false
      return Boolean(response.writeHead(401).end())
    }

  it.each([
    ['the index in pip’s variable', { PIP_INDEX_URL: 'http://anna:s%40cret@HOST/simple' }],
    [
      'a second index of pip',
      { PIP_EXTRA_INDEX_URL: 'http://HOST.invalid/ http://anna:s%40cret@HOST/simple' },
    ],
    ['the index in uv’s variable', { UV_INDEX_URL: 'http://anna:s%40cret@HOST/simple' }],
    [
      'uv’s variables for a named index',
      {
        UV_INDEX: 'my-own=http://HOST/simple',
        UV_INDEX_MY_OWN_USERNAME: 'anna',
        UV_INDEX_MY_OWN_PASSWORD: 's@cret',
      },
    ],
  ])('comes from %s', async (_, env) => {
    const server = await serve({ '/files/a': content }, answers('anna:s@cret'))
    const here = Object.entries(env).map(([name, value]) => [
      name,
      value.replaceAll('HOST', `127.0.0.1:${server.port}`),
    ])
    system = { ...system, env: { ...system.env, ...Object.fromEntries(here) } }
    await fetchWheels([wheel(content, `${server.url}/files/a`)], system)
  })

  it('comes from pip’s file, or from netrc', async () => {
    const server = await serve({ '/a': content }, answers('anna:s#cret', 'bob:x', 'eve:"y z'))
    const locked = wheel(content, `${server.url}/a`)
    const { home } = system.places
    const fresh = (): System => ({ ...system, places: { ...system.places, home: temporaryDirectory() } })
    await expect(fetchWheels([locked], fresh())).rejects.toMatchObject({ code: 'NETWORK' })
    writeFileSync(
      join(home, '.netrc'),
      'default login nobody password none\n# machine 127.0.0.1 login no password no\nmachine example.org login no password no\nmacdef init\nmachine 127.0.0.1 login no password no\n\nmachine 127.0.0.1\n  login anna account x password s#cret\n',
    )
    await fetchWheels([locked], fresh())
    writeFileSync(join(home, '.netrc'), 'machine 127.0.0.1 login eve password "\\"y z"')
    await fetchWheels([locked], fresh())
    const config = join(home, 'pip.conf')
    writeFileSync(config, `[global]\nindex-url = http://bob:x@127.0.0.1:${server.port}/simple\n`)
    system = { ...system, env: { ...system.env, PIP_CONFIG_FILE: config, NETRC: '/dev/null' } }
    await fetchWheels([locked], fresh())
  })

  it('is that of the index whose address has most in common with the file’s', async () => {
    const server = await serve({ '/team/2/files/a': content }, answers('two:2'))
    const index = (team: number, login: string) =>
      `http://${login}@127.0.0.1:${server.port}/team/${team}/simple`
    const PIP_EXTRA_INDEX_URL = `${index(1, 'one:1')} ${index(2, 'two:2')} ${index(3, 'three:3')}`
    system = { ...system, env: { ...system.env, PIP_EXTRA_INDEX_URL } }
    await fetchWheels([wheel(content, `${server.url}/team/2/files/a`)], system)
  })

  it('is told to nobody else: neither another port nor whoever we are sent to', async () => {
    const other = await serve({ '/a': content })
    const first = await serve({}, (_, response) =>
      Boolean(response.writeHead(302, { location: `${other.url}/a` }).end()),
    )
    const PIP_INDEX_URL = `http://anna:secret@127.0.0.1:${first.port}/simple`
    const netrc = join(system.places.home, '.netrc')
    // For any port of that host, but not when it was not us who wanted to go there.
    writeFileSync(netrc, 'machine 127.0.0.1 login bob password x\n')
    system = { ...system, env: { ...system.env, PIP_INDEX_URL } }
    await fetchWheels([wheel(content, `${first.url}/a`)], system)
    expect(first.asked[0]?.headers.authorization).toBeDefined()
    expect(other.asked[0]?.headers.authorization).toBeUndefined()
  })

  it('stands in no message', async () => {
    const server = await serve({}, (_, response) => Boolean(response.writeHead(403).end()))
    const PIP_INDEX_URL = `http://anna:secret@127.0.0.1:${server.port}/simple`
    system = { ...system, env: { ...system.env, PIP_INDEX_URL } }
    const error = await fetchWheels([wheel(content, `${server.url}/a`)], system).catch(caught => caught)
    expect(error).toMatchObject({ code: 'NETWORK' })
    expect(JSON.stringify([told, error, error.message, String(error.cause)])).not.toMatch(/anna|secret|YW5uY/)
  })
})
