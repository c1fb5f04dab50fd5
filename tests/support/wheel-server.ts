/** Whoever gives wheels away, and a machine that wants them. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { LockedWheel } from '../../src/bundle/lock/lock.ts'
import { realSystem, type System } from '../../src/system/system.ts'
import { temporaryDirectory } from './python.ts'

export interface WheelServer {
  readonly url: string
  readonly port: number
  /** Requests so far. */
  readonly asked: IncomingMessage[]
  readonly close: () => void
}

/** A server of files until the test ends; `handle` may answer a request otherwise, and knows how many there were. */
export async function startWheelServer(
  files: Record<string, Buffer>,
  handle: (request: IncomingMessage, response: ServerResponse, count: number) => boolean | undefined = () =>
    false,
): Promise<WheelServer> {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    if (handle(request, response, asked.length)) return
    const bytes = files[request.url ?? '']
    if (!bytes) return void response.writeHead(404).end()
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? range : {}).end(bytes.subarray(from))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  onTestFinished(close)
  return { url: `http://127.0.0.1:${port}`, port, asked, close }
}

/** Nothing of the person at this machine counts: neither its index nor its netrc. */
export function machineWithoutWheels(tell: (line: string) => void): System {
  const home = temporaryDirectory()
  return {
    ...realSystem(tell),
    places: { home, state: join(home, 'local') },
    env: { HOME: home, PIP_CONFIG_FILE: '/dev/null' },
  }
}

export function lockedWheel(bytes: Buffer, url: string, name = 'numpy'): LockedWheel {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { name, version: '1.0', file: `${name}-1.0-py3-none-any.whl`, url, sha256, bytes: bytes.length }
}
