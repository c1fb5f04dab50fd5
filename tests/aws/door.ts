/** The HTTP door of the cloud: requests in whole, answers out, and the ways to break a connection. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Request } from './actions.ts'
import type { Answer } from './moto.ts'

/** What happens to the connection instead of an answer. */
export type Broken = 'reset' | 'stall'

export type Handler = (request: Request) => Promise<Answer | Broken>

export interface Door {
  readonly port: number
  close(): Promise<void>
}

export async function openDoor(handle: Handler, port: number): Promise<Door> {
  const sockets = new Set<Socket>()
  const server = createServer((incoming, outgoing) => {
    void answer(handle, incoming, outgoing)
  })
  server.keepAliveTimeout = 60_000
  server.requestTimeout = 0
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done))
  return { port: (server.address() as AddressInfo).port, close: () => closeDoor(server, sockets) }
}

async function closeDoor(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise(done => server.close(done))
  for (const socket of sockets) socket.destroy()
  await closed
}

async function answer(handle: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  try {
    const { pathname, search } = splitTarget(incoming.url ?? '/')
    const body = await bodyOf(incoming)
    const request = {
      method: incoming.method ?? 'GET',
      target: incoming.url ?? '/',
      path: pathname,
      query: new URLSearchParams(search),
      headers: incoming.headers,
      body,
    }
    const given = await handle(request)
    if (given === 'stall') return
    if (given === 'reset') {
      incoming.socket.resetAndDestroy()
      return
    }
    outgoing.writeHead(given.status, lengthOf(given, request.method))
    outgoing.end(request.method === 'HEAD' ? undefined : given.body)
  } catch (error) {
    if (incoming.socket.destroyed) return
    // A mistake of the cloud itself: loud, and nothing that a client could take for an answer of AWS.
    const message = `the cloud of the tests: ${error instanceof Error ? error.stack : error}`
    console.error(message)
    outgoing.writeHead(599, { 'content-type': 'application/json', 'x-amzn-errortype': 'MistakeOfTheCloud' })
    outgoing.end(JSON.stringify({ message }))
  }
}

/** By hand: a URL would rewrite `//` and dots, which are parts of keys in S3. */
function splitTarget(target: string): { pathname: string; search: string } {
  const at = target.indexOf('?')
  return at < 0
    ? { pathname: target, search: '' }
    : { pathname: target.slice(0, at), search: target.slice(at + 1) }
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** A HEAD has the length of what a GET would bring. */
function lengthOf({ headers, body }: Answer, method: string): Record<string, string | string[]> {
  const { 'content-length': length, ...rest } = headers
  const own = method === 'HEAD' && length !== undefined ? length : String(body.length)
  return { ...rest, 'content-length': own } as Record<string, string | string[]>
}
