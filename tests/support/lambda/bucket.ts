/** A small S3: objects in memory, got in ranges over HTTP as the AWS SDK asks for them, with the troubles of a network. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What happens to one request; the default is the answer. */
export type Trouble =
  /** Connection reset. */
  | 'reset'
  /** Half of the body, then the end. */
  | 'half'
  /** An answer that begins and does not go on. */
  | 'stall'
  | { readonly status: number; readonly code: string }

export interface Bucket {
  readonly name: string
  /** For AWS_ENDPOINT_URL_S3. */
  readonly url: string
  readonly objects: Map<string, Buffer>
  /** Of the next requests, in order. */
  readonly troubles: Trouble[]
  /** What was asked for: `key bytes=0-9`. */
  readonly asked: string[]
  close(): Promise<void>
}

export async function startBucket(): Promise<Bucket> {
  const objects = new Map<string, Buffer>()
  const troubles: Trouble[] = []
  const asked: string[] = []
  const name = 'example-store'
  const server = createServer((request, response) => {
    const key = decodeURIComponent((request.url ?? '').replace(`/${name}/`, '').replace(/\?.*$/, ''))
    const range = request.headers.range ?? ''
    asked.push(`${key} ${range}`)
    const trouble = troubles.shift()
    const object = objects.get(key)
    if (trouble === 'reset') request.socket.resetAndDestroy()
    else if (typeof trouble === 'object') refuse(response, trouble.status, trouble.code)
    else if (!object) refuse(response, 404, 'NoSuchKey')
    else if (range === '' && trouble === undefined) response.writeHead(200).end(object)
    else {
      const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
      if (Number(first) >= object.length) return refuse(response, 416, 'InvalidRange')
      const part = object.subarray(Number(first), Math.min(Number(last) + 1, object.length))
      response.writeHead(206, {
        'Content-Length': part.length,
        'Content-Range': `bytes ${first}-${Number(first) + part.length - 1}/${object.length}`,
      })
      if (trouble === undefined) response.end(part)
      else response.write(part.subarray(0, part.length / 2), () => trouble === 'half' && response.destroy())
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { name, url, objects, troubles, asked, close }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'Content-Type': 'application/xml' })
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}
