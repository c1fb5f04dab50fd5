/** Bytes that come in pieces: from files, through zlib. A consumer that stops early leaves nothing open. */
import { createReadStream } from 'node:fs'
import { Readable, type Transform } from 'node:stream'
import { createDeflateRaw, createInflateRaw } from 'node:zlib'

const PIECE = 256 * 1024
/** What zip tools take when nobody says otherwise. */
export const LEVEL = 6

/** The bytes of a file, or those given. */
export function piecesOf(source: string | Uint8Array): AsyncIterable<Uint8Array> {
  return typeof source === 'string' ? createReadStream(source, { highWaterMark: PIECE }) : cut(source)
}

export function deflated(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return through(pieces, createDeflateRaw({ level: LEVEL, chunkSize: PIECE }))
}

export function inflated(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return through(pieces, createInflateRaw({ chunkSize: PIECE }))
}

async function* cut(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

async function* through(pieces: AsyncIterable<Uint8Array>, transform: Transform): AsyncIterable<Uint8Array> {
  const input = Readable.from(pieces, { objectMode: false, highWaterMark: PIECE })
  input.on('error', error => transform.destroy(error))
  input.pipe(transform)
  try {
    for await (const piece of transform) yield piece as Uint8Array
  } finally {
    input.destroy()
    transform.destroy()
  }
}
