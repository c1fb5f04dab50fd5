import { fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { selfSigned } from '../../../tests/support/certificate.ts'
import { temporaryDirectory } from '../../../tests/support/python.ts'
import {
  machineWithoutWheels,
  startWheelServer as serve,
  lockedWheel as wheel,
} from '../../../tests/support/wheel-server.ts'
import type { System } from '../../system/system.ts'
import type { LockedWheel } from '../lock/lock.ts'
import { fetchWheels } from './fetch.ts'

let system: System
let told: string[]
beforeEach(() => {
  told = []
  system = machineWithoutWheels(line => told.push(line))
})

const content = randomBytes(300_000)

describe('wheels', () => {
  it('are on the disk under their own names, in the order of the lock, and are not fetched twice', async () => {
    const contents = Array.from({ length: 20 }, (_, at) => randomBytes(1000 * at + 1))
    const server = await serve(Object.fromEntries(contents.map((bytes, at) => [`/${at}`, bytes])))
    const wheels = contents.map((bytes, at) => wheel(bytes, `${server.url}/${at}`, `package${at}`))
    const fetched = await fetchWheels(wheels, system)
    expect(fetched.map(({ path }, at) => readFileSync(path).equals(contents[at] as Buffer))).not.toContain(
      false,
    )
    expect(fetched).toEqual(wheels.map((it, at) => ({ ...it, path: fetched[at]?.path })))
    expect(fetched[3]?.path).toMatch(/\/package3-1\.0-py3-none-any\.whl$/)
    expect(told[0]).toMatch(/^fetching 20 wheels \(0\.2 MB\)$/)
    expect(told.at(-1)).toMatch(/^fetched 20 wheels in /)

    told.length = 0
    expect(await fetchWheels(wheels, system)).toEqual(fetched)
    expect(server.asked).toHaveLength(20)
    expect(told).toEqual([])
  })

  it('need no size in the lock', async () => {
    const { url } = await serve({ '/a': content })
    const { bytes: _, ...unsized } = wheel(content, `${url}/a`)
    expect(await fetchWheels([unsized], system)).toMatchObject([{ bytes: content.length }])
  })

  it('of this disk are checked like all others', async () => {
    const file = join(temporaryDirectory(), 'numpy-1.0-py3-none-any.whl')
    writeFileSync(file, content)
    const here = wheel(content, pathToFileURL(file).href)
    const [fetched] = await fetchWheels([here], system)
    expect(readFileSync(fetched?.path as string).equals(content)).toBe(true)
    expect(fetched?.path).not.toBe(file)
    const other = wheel(randomBytes(content.length), pathToFileURL(file).href)
    await expect(fetchWheels([other], system)).rejects.toMatchObject({ code: 'INTEGRITY' })
    const gone = wheel(randomBytes(1), 'file:///nowhere/numpy-1.0-py3-none-any.whl')
    await expect(fetchWheels([gone], system)).rejects.toMatchObject({
      code: 'NETWORK',
      message: 'numpy 1.0 cannot be read from /nowhere/numpy-1.0-py3-none-any.whl.',
    })
  })

  it('that a hostile lock names are refused before anything is written', async () => {
    const { url, asked } = await serve({ '/a': content })
    for (const wrong of [
      { file: '../../out.whl' },
      { sha256: '../..' },
      { file: '..' },
      { sha256: 'A'.repeat(64) },
    ]) {
      const hostile = { ...wheel(content, `${url}/a`), ...wrong }
      await expect(fetchWheels([hostile], system)).rejects.toMatchObject({ code: 'INTEGRITY' })
    }
    expect(asked).toHaveLength(0)
    expect(readdirSync(system.places.home)).toEqual([])
  })
})

describe('whoever waits for wheels', () => {
  it('hears of each that comes as soon as it is here', async () => {
    const [old, quick] = [Buffer.from('was here'), Buffer.from('quick')]
    let goOn = (): void => {}
    const server = await serve({ '/old': old, '/quick': quick }, ({ url }, response) => {
      if (url !== '/slow') return false
      goOn = () => void response.end(content)
      return true
    })
    const wheels = [wheel(old, `${server.url}/old`, 'old'), wheel(content, `${server.url}/slow`, 'slow')]
    await fetchWheels(wheels.slice(0, 1), system)
    const heard: string[] = []
    const fetching = fetchWheels([...wheels, wheel(quick, `${server.url}/quick`, 'quick')], system, here => {
      heard.push(`${here.name} ${readFileSync(here.path).length}`)
    })
    await expect.poll(() => heard).toEqual(['quick 5'])
    await expect.poll(() => server.asked.length).toBe(3)
    goOn()
    await fetching
    expect(heard).toEqual(['quick 5', `slow ${content.length}`])
  })
})

describe('a wheel in the cache', () => {
  const cached = async () => {
    const { url, asked } = await serve({ '/a': content })
    const locked = wheel(content, `${url}/a`)
    const [{ path } = { path: '' }] = await fetchWheels([locked], system)
    return { locked, path, asked }
  }

  it.each([
    ['cut', (path: string) => writeFileSync(path, content.subarray(0, 1000))],
    ['emptied', (path: string) => writeFileSync(path, '')],
    [
      'changed in one byte, its time set back',
      (path: string) => {
        const { atime, mtime } = statSync(path)
        writeFileSync(
          path,
          Buffer.concat([content.subarray(0, -1), Buffer.from([~(content.at(-1) ?? 0) & 255])]),
        )
        utimesSync(path, atime, mtime)
      },
    ],
  ])('is fetched again when it was %s', async (_, damage) => {
    const { locked, path, asked } = await cached()
    damage(path)
    await fetchWheels([locked], system)
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(asked).toHaveLength(2)
  })

  it('is read once, and used, when only its time is another', async () => {
    const { locked, path, asked } = await cached()
    utimesSync(path, 1, 1)
    expect(await fetchWheels([locked], system)).toMatchObject([{ path }])
    expect(asked).toHaveLength(1)
  })
})

describe('a server', () => {
  it('that breaks off is asked for the rest', async () => {
    const server = await serve({ '/a': content }, (_, response, count) => {
      if (count > 2) return false
      response
        .writeHead(200, { 'content-length': content.length })
        .write(content.subarray(0, count * 100_000), () => response.socket?.end())
      return true
    })
    await fetchWheels([wheel(content, `${server.url}/a`)], system)
    const ranges = server.asked.map(({ headers }) => headers.range)
    // How much of what was sent before the end arrives is up to the network. The second one began again, with more.
    expect(ranges).toEqual([undefined, ...[1, 2].map(() => expect.stringMatching(/^bytes=[1-9]\d*-$/))])
  })

  it('that ends early and says so nowhere is asked for the rest', async () => {
    const server = await serve({ '/a': content }, (_, response, count) => {
      if (count > 1) return false
      response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(content.subarray(0, 1234))
      return true
    })
    await fetchWheels([wheel(content, `${server.url}/a`)], system)
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=1234-'])
  })

  it('that is overloaded is asked again', async () => {
    const server = await serve({ '/a': content }, (_, response, count) => {
      if (count > 3) return false
      response.writeHead([503, 429, 500][count - 1] as number, { 'retry-after': '0' }).end('no')
      return true
    })
    await fetchWheels([wheel(content, `${server.url}/a`)], system)
    expect(server.asked).toHaveLength(4)
  })

  it('that stays overloaded is given up, by name', async () => {
    const server = await serve({}, (_, response) => Boolean(response.writeHead(503).end()))
    system = { ...system, env: { ...system.env, PIP_RETRIES: '1' } }
    await expect(fetchWheels([wheel(content, `${server.url}/a`)], system)).rejects.toMatchObject({
      code: 'NETWORK',
      message: `numpy 1.0 could not be fetched from 127.0.0.1:${server.port}.`,
      why: 'It answered 503.',
    })
    expect(server.asked).toHaveLength(2)
  })

  it('that falls silent is given up and asked for the rest', async () => {
    const server = await serve({ '/a': content }, (_, response, count) => {
      if (count === 1) return true
      if (count > 2) return false
      response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 5000))
      return true
    })
    system = { ...system, env: { ...system.env, UV_HTTP_TIMEOUT: '0.3' } }
    await fetchWheels([wheel(content, `${server.url}/a`)], system)
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([undefined, undefined, 'bytes=5000-'])
  })

  it('that is slow but not silent has all the time it needs', async () => {
    const server = await serve({}, (_, response) => {
      response.writeHead(200)
      let sent = 0
      const timer = setInterval(() => {
        response.write(content.subarray(sent, sent + 30_000))
        sent += 30_000
        if (sent < content.length) return
        clearInterval(timer)
        response.end()
      }, 100)
      return true
    })
    system = { ...system, env: { ...system.env, UV_HTTP_TIMEOUT: '0.5' } }
    await fetchWheels([wheel(content, `${server.url}/a`)], system)
    expect(server.asked).toHaveLength(1)
  })

  it.each([
    [404, 'the file is no longer there.', expect.stringMatching(/^rm -r ".*locks"/)],
    [401, 'it wants a user name and a password, or others than it got.', expect.stringContaining('~/.netrc')],
    [400, '', 'run the command again later'],
  ])('that answers %i is asked once', async (status, why, fix) => {
    const server = await serve({}, (_, response) => Boolean(response.writeHead(status).end()))
    await expect(fetchWheels([wheel(content, `${server.url}/a`)], system)).rejects.toMatchObject({
      code: 'NETWORK',
      why: expect.stringContaining(why),
      fix,
    })
    expect(server.asked).toHaveLength(1)
  })

  it('that is not there leaves the way out', async () => {
    const { url, close } = await serve({})
    close()
    system = { ...system, env: { ...system.env, PIP_RETRIES: '0' } }
    await expect(fetchWheels([wheel(content, `${url}/a`)], system)).rejects.toMatchObject({
      code: 'NETWORK',
      why: expect.stringContaining('ECONNREFUSED'),
      fix: expect.stringContaining('HTTPS_PROXY'),
    })
  })

  it('that gives other bytes than were locked leaves nothing behind, and both hashes are named', async () => {
    const other = randomBytes(content.length)
    const server = await serve({ '/a': other })
    const locked = wheel(content, `${server.url}/a`)
    await expect(fetchWheels([locked], system)).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: `127.0.0.1:${server.port} gives another numpy-1.0-py3-none-any.whl than the one that numpy 1.0 was locked to.`,
      why: `The lock says sha256 ${locked.sha256}, what came has ${createHash('sha256').update(other).digest('hex')}.`,
    })
    expect(server.asked).toHaveLength(1)
    expect(readdirSync(join(system.places.home, 'wheels', locked.sha256))).toEqual([])
  })

  it('that never stops is stopped where the lock says the end is', async () => {
    const server = await serve({}, (_, response) => {
      const go = (): void => {
        while (response.write(content));
        response.once('drain', go)
      }
      response.writeHead(200)
      go()
      return true
    })
    await expect(fetchWheels([wheel(content, `${server.url}/a`)], system)).rejects.toMatchObject({
      code: 'INTEGRITY',
      why: expect.stringContaining(`The lock says ${content.length} bytes`),
    })
  })

  it('is not asked for what a killed run had whole, and is asked for all where nothing is behind it', async () => {
    const server = await serve({ '/a': content }, ({ headers }, response) => {
      if (headers.range !== `bytes=${content.length}-`) return false
      return Boolean(response.writeHead(416).end())
    })
    const { bytes: _, ...locked } = wheel(content, `${server.url}/a`)
    const dir = join(system.places.home, 'wheels', locked.sha256)
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'part'), content)
    await fetchWheels([locked], system)
    expect(server.asked).toHaveLength(0)
    writeFileSync(join(dir, locked.file), '')
    writeFileSync(join(dir, 'part'), randomBytes(content.length))
    await fetchWheels([locked], system)
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([`bytes=${content.length}-`, undefined])
  })

  it('that continues something else is asked for all of it', async () => {
    const server = await serve({ '/a': content })
    const locked = wheel(content, `${server.url}/a`)
    await fetchWheels([locked], system)
    const dir = join(system.places.home, 'wheels', locked.sha256)
    writeFileSync(join(dir, locked.file), '')
    writeFileSync(join(dir, 'part'), randomBytes(1000))
    await fetchWheels([locked], system)
    expect(readFileSync(join(dir, locked.file)).equals(content)).toBe(true)
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=1000-', undefined])
  })
})

describe('whoever sends us elsewhere', () => {
  it('is followed, but not in circles', async () => {
    const there = await serve({ '/a': content })
    const here = await serve({}, ({ url }, response) => {
      response
        .writeHead(url === '/a' ? 307 : 302, { location: url === '/a' ? `${there.url}/a` : '/round' })
        .end()
      return true
    })
    await fetchWheels([wheel(content, `${here.url}/a`)], system)
    await expect(fetchWheels([wheel(randomBytes(9), `${here.url}/round`)], system)).rejects.toMatchObject({
      code: 'NETWORK',
      why: `127.0.0.1:${here.port} sends us from one address to the next, more than 10 times.`,
    })
  })

  it('is not followed out of encryption, nor to a file of this disk', async () => {
    const plain = await serve({ '/a': content })
    const certificate = selfSigned()
    const secure = createTlsServer(certificate, (_, response) =>
      response.writeHead(301, { location: `${plain.url}/a` }).end(),
    ).listen(0, '127.0.0.1')
    await once(secure, 'listening')
    onTestFinished(() => {
      secure.close()
      secure.closeAllConnections()
    })
    const PIP_CERT = join(system.places.home, 'company.pem')
    writeFileSync(PIP_CERT, certificate.cert)
    system = { ...system, env: { ...system.env, PIP_CERT } }
    const { port } = secure.address() as AddressInfo
    await expect(fetchWheels([wheel(content, `https://localhost:${port}/a`)], system)).rejects.toMatchObject({
      code: 'NETWORK',
      why: `localhost:${port} sends us to http://127.0.0.1:${plain.port}, which is not encrypted.`,
    })
    expect(plain.asked).toHaveLength(0)
    const toDisk = await serve({}, (_, response) =>
      Boolean(response.writeHead(302, { location: 'file:///etc/passwd' }).end()),
    )
    await expect(fetchWheels([wheel(content, `${toDisk.url}/a`)], system)).rejects.toMatchObject({
      code: 'NETWORK',
    })
  })
})

describe('several', () => {
  it('at a time are eight, and the failure of one ends them all', async () => {
    let open = 0
    let most = 0
    const server = await serve({}, (request, response) => {
      most = Math.max(most, ++open)
      response.once('close', () => open--)
      if (request.url !== '/7') return Boolean(response.writeHead(200).write('x'))
      return Boolean(setTimeout(() => response.writeHead(404).end(), 300))
    })
    const wheels = Array.from({ length: 20 }, (_, at) =>
      wheel(randomBytes(1000), `${server.url}/${at}`, `package${at}`),
    )
    await expect(fetchWheels(wheels, system)).rejects.toMatchObject({
      message: `package7 1.0 could not be fetched from 127.0.0.1:${server.port}.`,
    })
    expect(most).toBe(8)
    expect(server.asked).toHaveLength(8)
  })

  it('processes that need the same wheel fetch it once', async () => {
    const server = await serve({ '/a': content }, (_, response) => {
      response.writeHead(200).write(content.subarray(0, 1000))
      setTimeout(() => response.end(content.subarray(1000)), 700)
      return true
    })
    const locked = wheel(content, `${server.url}/a`)
    const ends = await Promise.all([1, 2, 3].map(() => once(inAnotherProcess(locked), 'exit')))
    expect(ends).toEqual([
      [0, null],
      [0, null],
      [0, null],
    ])
    expect(server.asked).toHaveLength(1)
  })

  it('attempts make one wheel when the first process was killed', async () => {
    let killed = false
    const server = await serve({ '/a': content }, (_, response) => {
      if (killed) return false
      response.writeHead(200).write(content.subarray(0, 40_000))
      return true
    })
    const locked = wheel(content, `${server.url}/a`)
    const part = join(system.places.home, 'wheels', locked.sha256, 'part')
    const child = inAnotherProcess(locked)
    const ended = once(child, 'exit')
    await expect.poll(() => existsSync(part) && statSync(part).size, { timeout: 20_000 }).toBe(40_000)
    child.kill('SIGKILL')
    await ended
    killed = true
    const [fetched] = await fetchWheels([locked], system)
    expect(readFileSync(fetched?.path as string).equals(content)).toBe(true)
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=40000-'])
    expect(existsSync(part)).toBe(false)
  })

  function inAnotherProcess(locked: LockedWheel) {
    const child = fork('tests/support/fetch-wheel.ts', [JSON.stringify(locked)], {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, ...system.env, THAMPI_HOME: system.places.home },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }
})
