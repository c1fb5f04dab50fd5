/** The body of a request, whole or not at all. Never parsed here: the runtime owns its meaning. */
import type { IncomingMessage } from 'node:http'

export type Body =
  | { readonly type: 'whole'; readonly bytes: Buffer }
  | { readonly type: 'too-large' }
  /** The caller went away in the middle. */
  | { readonly type: 'gone' }

/** Reads up to `maxBytes`; a declared length above it is refused before a byte is kept. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > maxBytes) {
    request.resume()
    return Promise.resolve({ type: 'too-large' })
  }
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) {
        // The rest is read and thrown away: a client that is still sending would otherwise see its connection
        // break instead of the answer. The server's request timeout bounds how long that may go on.
        request.removeAllListeners('data').resume()
        resolve({ type: 'too-large' })
        return
      }
      chunks.push(chunk)
    })
    request.on('end', () =>
      resolve({
        type: 'whole',
        bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size),
      }),
    )
    // After `end` this says nothing new; without it the caller broke off. Node emits `error` only to who listens.
    request.on('close', () => resolve({ type: 'gone' }))
  })
}
