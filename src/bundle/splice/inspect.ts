/** Reads every file of a wheel once: the bytes must be those of its list, and libraries say what they need. */
import { createHash, hash } from 'node:crypto'
import { atOnceWeighing } from '../at-once.ts'
import { contentOf, unpacked } from '../zip/read.ts'
import type { ZipEntry } from '../zip/zip.ts'
import { type Library, type Range, readLibrary } from './elf.ts'
import { explained, invalid, type OpenWheel, type WheelFile } from './wheel.ts'

/** A library and which file it is. */
export interface FoundLibrary extends Library {
  /** Below `site-packages`. */
  readonly path: string
}

/** `_umath.cpython-313-x86_64-linux-gnu.so`, `libgfortran.so.5.0.0`. */
const LIBRARY = /\.so(\.\d+)*$/
/** A library up to this size is unpacked in one piece; a bigger one is passed through, as often as it takes. */
const WHOLE = 32 * 1024 * 1024
/** Packed and unpacked bytes of the files that are read at a time. Processors are busy with less, and memory is what it costs. */
const BYTES_AT_ONCE = 64 * 1024 * 1024
/** An empty file takes room, too. */
const OVERHEAD = 4 * 1024 * 1024
const ALGORITHMS = new Set(['sha256', 'sha384', 'sha512'])

/** The libraries of a wheel, sorted by path. @throws ThampiError WHEEL_INVALID when bytes are not those that RECORD names */
export async function inspectWheel(open: OpenWheel): Promise<FoundLibrary[]> {
  const libraries: FoundLibrary[] = []
  await atOnceWeighing(BYTES_AT_ONCE, open.files, weightOf, async file => {
    const library = await inspectFile(open, file).catch(cause => {
      throw explained(open.wheel, cause)
    })
    if (library) libraries.push({ path: file.path, ...library })
  })
  return libraries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function weightOf({ entry }: WheelFile): number {
  return OVERHEAD + entry.packedBytes + entry.bytes
}

async function inspectFile({ wheel }: OpenWheel, file: WheelFile): Promise<Library | undefined> {
  const { path, entry, recorded } = file
  const { algorithm = 'sha256', digest } = recorded
  if (!ALGORITHMS.has(algorithm)) throw invalid(wheel, `Its RECORD uses ${algorithm}, which proves nothing.`)
  const isLibrary = LIBRARY.test(path)
  const content = entry.bytes <= WHOLE ? await contentOf(entry) : undefined
  const found = content ? hash(algorithm, content, 'base64url') : await hashOf(entry, algorithm)
  if (digest !== undefined && found !== digest) {
    throw invalid(wheel, `${entry.path} is not the file that its RECORD lists.`)
  }
  if (!isLibrary) return undefined
  return readLibrary(ranges => (content ? cut(content, ranges) : pick(entry, ranges)))
}

async function hashOf(entry: ZipEntry, algorithm: string): Promise<string> {
  const hash = createHash(algorithm)
  for await (const piece of unpacked(entry)) hash.update(piece)
  return hash.digest('base64url')
}

async function cut(content: Buffer, ranges: readonly Range[]): Promise<Buffer[]> {
  return ranges.map(({ offset, length }) => content.subarray(offset, offset + length))
}

/** Unpacks as far as the last range reaches, and keeps nothing else. */
async function pick(entry: ZipEntry, ranges: readonly Range[]): Promise<Buffer[]> {
  const parts: Buffer[][] = ranges.map(() => [])
  const end = Math.max(0, ...ranges.map(({ offset, length }) => offset + length))
  let at = 0
  for await (const piece of unpacked(entry)) {
    for (const [i, { offset, length }] of ranges.entries()) {
      const from = Math.max(offset - at, 0)
      const to = Math.min(offset + length - at, piece.length)
      if (from < to) parts[i]?.push(Buffer.from(piece.subarray(from, to)))
    }
    at += piece.length
    if (at >= end) break
  }
  return parts.map(pieces => Buffer.concat(pieces))
}
