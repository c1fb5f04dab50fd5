/** G9: bodies that are no request, bytes that are no HTTP, paths and methods that mean something else elsewhere. */
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { atMost, type Figure, none } from '../figure.ts'
import type { Lab } from '../lab.ts'
import { bodies, paths, probes } from '../probes.ts'
import type { World } from '../world.ts'

interface Answer {
  readonly name: string
  /** 0: the connection was closed without one. */
  readonly status: number
  readonly text: string
}

const methods = ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH', 'LINK']
/** What an error may tell nobody: places of this machine, lines of our code, stacks. */
const inner =
  /\/(root|home|tmp|usr|var|work)\/|\bat \S+ \(|\.m?js:\d+|node:internal|Traceback|File "|Parse Error|llhttp|HPE_/
const silenceMs = 2_000

export const hostileHttp: Figure = {
  id: 'G9',
  title: 'hostile bodies, raw bytes, paths, headers and methods',
  mutants: [
    {
      name: 'the raw text of an error in one body',
      edits: [
        {
          file: 'src/gateway/gateway.ts',
          find: "detail: 'The request is not valid HTTP, too large or too slow.'",
          replace: 'detail: String(error.stack)',
        },
      ],
      reddens: 'bodies that tell what is inside',
    },
  ],
  run: async lab => {
    const world = await lab.serving()
    const [host, sandboxes] = [(await world.host())?.pid ?? 0, await world.sandboxes()]
    // Once to fill what is filled once, then measured.
    await attack(world, lab, lab.size(50, 200))
    const before = { memory: memoryMb(host), descriptors: descriptors(host) }
    const answers = await attack(world, lab, lab.size(300, 1000))
    const honest = await world.ask()
    const after = { memory: memoryMb(host), descriptors: descriptors(host) }
    const still = await world.sandboxes()
    return [
      { name: 'attempts', got: answers.length, atLeast: lab.size(450, 1500) },
      none('answers of 5xx', answers.filter(({ status }) => status >= 500).map(shown)),
      none(
        'invalid HTTP with a result',
        answers.filter(({ name, status }) => name in probes && status === 200).map(shown),
      ),
      none(
        'invalid HTTP that ran',
        [...world.executions().keys()].filter(nonce => nonce.startsWith('probe')),
      ),
      none('bodies that tell what is inside', answers.filter(({ text }) => inner.test(text)).map(shown)),
      none(
        'processes that died',
        sandboxes.filter(pid => !still.includes(pid)),
      ),
      none('honest requests refused afterwards', honest.verdict === 'right' ? 0 : 1),
      atMost('descriptors left open', after.descriptors - before.descriptors, 4),
      atMost('growth in MB', after.memory - before.memory, 64),
    ]
  },
}

async function attack(world: World, lab: Lab, fuzzed: number): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const { host, pathname } = new URL(world.url)
  const raw = Object.entries(probes).map(([name, bytes]) => sendRaw(world, name, bytes, host, pathname))
  const posted = [...bodies, ...Array.from({ length: fuzzed }, () => fuzz(lab))].map((body, i) =>
    send(world, agent, {
      name: `body ${i}: ${String(body).slice(0, 40)}`,
      method: 'POST',
      path: pathname,
      body,
    }),
  )
  const asked = [...paths, ...Array.from({ length: Math.floor(fuzzed / 3) }, () => oddPath(lab))].flatMap(
    path =>
      ['POST', lab.pick(methods) ?? 'GET'].map(method =>
        send(world, agent, { name: `${method} ${path.slice(0, 60)}`, method, path, body: '{"data":1}' }),
      ),
  )
  const answers = await Promise.all([...raw, ...posted, ...asked])
  agent.destroy()
  return answers
}

interface Sent {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly body: string | Buffer
}

function send(world: World, agent: Agent, { name, method, path, body }: Sent): Promise<Answer> {
  const { hostname, port } = new URL(world.url)
  return new Promise(resolve => {
    const sent = request({ hostname, port, method, path, agent }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => resolve({ name, status: 0, text: '' }))
      response.on('end', () =>
        resolve({ name, status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    sent.on('error', () => resolve({ name, status: 0, text: '' }))
    sent.end(method === 'POST' ? body : undefined)
  })
}

function sendRaw(world: World, name: string, bytes: string, host: string, path: string): Promise<Answer> {
  const { hostname, port } = new URL(world.url)
  const text = bytes.replaceAll('HOST', host).replaceAll('PATH', path)
  return new Promise(resolve => {
    let said = ''
    const end = (): void => {
      socket.destroy()
      resolve({ name, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 0), text: said })
    }
    const socket = connect(Number(port), hostname, () => socket.write(text, 'latin1'))
    socket.setTimeout(silenceMs, end)
    socket.on('data', piece => {
      said += piece.toString('latin1')
      if (said.includes('\r\n\r\n')) setTimeout(end, 50)
    })
    socket.on('error', end)
    socket.on('close', end)
  })
}

/** A good body with some bytes changed, inserted or taken out. */
function fuzz(lab: Lab): Buffer {
  const bytes = [
    ...Buffer.from('{"data":{"nonce":"x","numbers":[1,2.5e-3,-0],"text":"\\u00e9","nothing":null}}'),
  ]
  const times = 1 + Math.floor(lab.random() * 4)
  for (let i = 0; i < times; i++) {
    const at = Math.floor(lab.random() * bytes.length)
    const byte = Math.floor(lab.random() * 256)
    bytes.splice(at, lab.random() < 0.5 ? 1 : 0, ...(lab.random() < 0.7 ? [byte] : []))
  }
  return Buffer.from(bytes)
}

function oddPath(lab: Lab): string {
  const pieces = [
    'live',
    'probe',
    'predict',
    '..',
    '.',
    '',
    '%2f',
    '%00',
    '@1',
    ';',
    '?',
    '~',
    '\\',
    '*',
    'é',
    '%zz',
  ]
  const count = 1 + Math.floor(lab.random() * 6)
  return `/${Array.from({ length: count }, () => encodeURI(lab.pick(pieces) ?? '')).join('/')}`
}

function shown({ name, status, text }: Answer): string {
  return `${name}: ${status} ${text.slice(0, 200)}`
}

function memoryMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
