/** The private door: how commands speak to the host. A socket that only its owner can open; never a network port. */
import { lstatSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { dirname } from 'node:path'
import { type ErrorCode, errorCodes, systemCode, ThampiError } from '../../errors.ts'

/** `PUT /route` → what it does with the JSON document that was sent. */
export type DoorRoutes = Readonly<
  Record<string, (input: unknown, connection: DoorConnection) => Promise<unknown>>
>

export interface DoorConnection {
  /** Tells the other side "yes" while the route goes on; see `hold`. */
  accept(): void
  /** Called when the other side is gone, also after kill -9: the kernel closes its sockets. */
  onGone(callback: () => void): void
}

interface ErrorDocument {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly why?: string
    readonly fix?: string
    readonly problem?: unknown
  }
}

/** Opens the door at `path`. Throws `HOST_RUNNING` when somebody answers there. */
export async function openDoor(path: string, routes: DoorRoutes): Promise<Server> {
  const server = createServer((request, response) => void answer(request, response, routes))
  // Releases wait for a model to load; a deployer may hold its turn for minutes.
  server.requestTimeout = 0
  if (process.platform !== 'win32') {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    assertOurs(path)
    // A socket file outlives kill -9 of its owner. Who answers is alive; what refuses is a leftover.
    if (await answers(path))
      throw new ThampiError('HOST_RUNNING', { message: `A local platform already answers at "${path}".` })
    await rm(path, { force: true })
  }
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  } finally {
    process.umask(mask)
  }
  return server
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

async function answer(request: IncomingMessage, response: ServerResponse, routes: DoorRoutes): Promise<void> {
  const send = (status: number, value: unknown): void => {
    if (response.headersSent) {
      response.end()
      return
    }
    const body = JSON.stringify(value ?? null)
    response
      .writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
      .end(body)
  }
  try {
    const route = routes[`${request.method} ${request.url}`]
    if (!route) {
      throw new ThampiError('HOST_UNREACHABLE', {
        message: `The running local platform does not know "${request.method} ${request.url}"; it is of another version.`,
        fix: 'stop it (thampi host --stop) and run the command again',
      })
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const result = await route(text === '' ? undefined : JSON.parse(text), {
      accept: () => {
        response.writeHead(200, { 'Content-Type': 'application/json' })
        response.flushHeaders()
      },
      onGone: callback => {
        response.once('close', callback)
      },
    })
    send(200, result)
  } catch (error) {
    const known =
      error instanceof ThampiError
        ? error
        : new ThampiError('INTERNAL', { message: error instanceof Error ? error.message : String(error) })
    const { code, message, why, fix, problem } = known
    send(500, { error: { code, message, why, fix, problem } } as ErrorDocument)
  }
}

/** Asks through the door; throws the error the host sent, or `HOST_UNREACHABLE` when nobody is there. */
export function knock<T>(path: string, route: string, input?: unknown, signal?: AbortSignal): Promise<T> {
  const [method, url] = route.split(' ') as [string, string]
  return new Promise((resolve, reject) => {
    assertOurs(path)
    const request = httpRequest(
      { socketPath: path, method, path: url, ...(signal ? { signal } : {}) },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
          if (response.statusCode === 200) resolve(value as T)
          else reject(revive(value as ErrorDocument))
        })
      },
    )
    request.on('error', cause => {
      const code = systemCode(cause)
      const nobody = code === 'ENOENT' || code === 'ECONNREFUSED'
      reject(
        new ThampiError('HOST_UNREACHABLE', {
          message: nobody
            ? 'The local platform is not running.'
            : `The local platform broke off: ${cause.message}.`,
          fix: 'thampi host   # or thampi serve, which starts it',
          cause,
        }),
      )
    })
    request.end(input === undefined ? '' : JSON.stringify(input))
  })
}

/** Asks for something that lasts as long as the connection; the returned function lets go. */
export function hold(path: string, route: string, input: unknown): Promise<() => void> {
  const [method, url] = route.split(' ') as [string, string]
  return new Promise((resolve, reject) => {
    assertOurs(path)
    const request = httpRequest({ socketPath: path, method, path: url }, response => {
      if (response.statusCode === 200) {
        response.on('error', () => {})
        response.resume()
        resolve(() => request.destroy())
        return
      }
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        reject(revive(JSON.parse(Buffer.concat(chunks).toString('utf8')) as ErrorDocument)),
      )
    })
    request.on('error', reject)
    request.end(JSON.stringify(input))
  })
}

/**
 * A door whose usual place has too long a name lies in the directory for temporary files, where everybody may write.
 * Somebody who made our directory there first would get what is meant for the host: a stage's environment, for one.
 */
function assertOurs(path: string): void {
  const dir = dirname(path)
  if (process.platform === 'win32' || dirname(dir) !== tmpdir()) return
  const found = lstatSync(dir, { throwIfNoEntry: false })
  if (!found || (found.isDirectory() && found.uid === userInfo().uid && (found.mode & 0o077) === 0)) return
  throw new ThampiError('PERMISSION', {
    message: `"${dir}" is not a directory of yours alone, so nothing is said through it.`,
    fix: 'set THAMPI_HOME to a shorter path, or remove that directory',
  })
}

function revive({ error }: ErrorDocument): ThampiError {
  const code = (error.code in errorCodes ? error.code : 'INTERNAL') as ErrorCode
  return new ThampiError(code, {
    message: error.message,
    why: error.why,
    fix: error.fix,
    problem: error.problem,
  })
}
