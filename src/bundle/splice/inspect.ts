/** Reads every file of a wheel once: the bytes must be those of its list, and libraries say what they need. */
import { createHash } from 'node:crypto'
import { atOnce } from '../at-once.ts'
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
/** Two of the biggest at a time are what the memory allows. */
const AT_ONCE = 2
const ALGORITHMS = new Set(['sha256', 'sha384', 'sha512'])

/** The libraries of a wheel, sorted by path. @throws ThampiError WHEEL_INVALID when bytes are not those that RECORD names */
export async function inspectWheel(open: OpenWheel): Promise<FoundLibrary[]> {
  const libraries: FoundLibrary[] = []
  await atOnce(AT_ONCE, open.files, async file => {
    const library = await inspectFile(open, file).catch(cause => {
      throw explained(open.wheel, cause)
    })
    if (library) libraries.push({ path: file.path, ...library })
  })
  return libraries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function inspectFile({ wheel }: OpenWheel, file: WheelFile): Promise<Library | undefined> {
  const { path, entry, recorded } = file
  const { algorithm = 'sha256', digest } = recorded
  if (!ALGORITHMS.has(algorithm)) throw invalid(wheel, `Its RECORD uses ${algorithm}, which proves nothing.`)
  const hash = createHash(algorithm)
  const isLibrary = LIBRARY.test(path)
  const content = isLibrary && entry.bytes <= WHOLE ? await contentOf(entry) : undefined
  if (content) hash.update(content)
  else for await (const piece of unpacked(entry)) hash.update(piece)
  if (digest !== undefined && hash.digest('base64url') !== digest) {
    throw invalid(wheel, `${entry.path} is not the file that its RECORD lists.`)
  }
  if (!isLibrary) return undefined
  return readLibrary(ranges => (content ? cut(content, ranges) : pick(entry, ranges)))
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
