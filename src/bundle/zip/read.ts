/** Reads zip archives of others: nothing in them is believed that was not compared with something else. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { crc32, inflateRaw, inflateRawSync } from 'node:zlib'
import { ThampiError } from '../../errors.ts'
import { explainFileError } from '../../system/files.ts'
import {
  type Listed,
  readDirectory,
  readExactly,
  wideNumbers,
  type ZipLimits,
  ZipProblem,
} from './directory.ts'
import { ELSEWHERE_32, flags, LOCAL, sizes } from './records.ts'
import { inflated } from './streams.ts'
import type { ZipEntry } from './zip.ts'

export type { ZipLimits } from './directory.ts'

/** An archive that is open. */
export interface ZipFile {
  /** Its files, in the order of its directory. They can be read until it is closed. */
  readonly entries: readonly ZipEntry[]
  close(): Promise<void>
}

const inflatedElsewhere = promisify(inflateRaw)

/** What an archive of unknown origin may hold. */
export const careful: ZipLimits = { entries: 20_000, bytes: 1024 ** 3, ratio: 200 }
/** Archives that we wrote ourselves hold what their owner put into them, a model of nothing but zeros too. */
export const ours: ZipLimits = { entries: Infinity, bytes: Infinity, ratio: Infinity }

/** What is read at once. Most files are shorter, so that nobody has to put them together. */
const PIECE = 4 * 1024 * 1024
const LONGEST_EXTRA = 0xffff
/** What `node:zlib` wants at least. */
const SMALLEST_CHUNK = 64
/** Up to this size unpacking takes less time than asking another thread to do it. */
const TINY = 128 * 1024
/** A file up to this size is unpacked at once, on a thread of its own. */
const SMALL = 4 * 1024 * 1024

/**
 * Opens an archive and checks its directory: bounds, names, kinds of file, sizes. What stands before each file is
 * compared with the directory when the file is read.
 *
 * @param limits of somebody else's archive: the default is for our own
 * @throws ThampiError ARCHIVE_INVALID and what is wrong
 * @example
 * const zip = await readZip('numpy-2.4.6-cp313-cp313-manylinux_2_28_x86_64.whl')
 * for (const { path, bytes } of zip.entries) console.log(path, bytes)
 * await zip.close()
 */
export async function readZip(file: string, limits: ZipLimits = ours): Promise<ZipFile> {
  const handle = await open(file, constants.O_RDONLY).catch(cause => {
    throw explainFileError(cause, file)
  })
  try {
    const { size } = await handle.stat()
    const listed = await readDirectory(handle, size, limits)
    const entries = listed.map(entry => ({
      path: entry.path,
      executable: entry.executable,
      crc32: entry.crc32,
      method: entry.method,
      packedBytes: entry.packedBytes,
      bytes: entry.bytes,
      open: () => packedBytesOf(handle, entry, file),
    }))
    return { entries, close: () => handle.close() }
  } catch (cause) {
    await handle.close()
    throw explained(cause, file)
  }
}

/** The bytes of a file, unpacked. @throws ThampiError ARCHIVE_INVALID when they are not what the archive says */
export async function* unpacked(entry: ZipEntry): AsyncIterable<Uint8Array> {
  if (entry.packedBytes <= SMALL && entry.bytes <= SMALL) {
    yield await contentOf(entry)
    return
  }
  let crc = 0
  let bytes = 0
  try {
    for await (const piece of entry.method === 0 ? entry.open() : inflated(entry.open())) {
      bytes += piece.length
      if (bytes > entry.bytes) break
      crc = crc32(piece, crc)
      yield piece
    }
  } catch (cause) {
    throw damaged(entry, cause)
  }
  if (bytes !== entry.bytes || crc !== entry.crc32) throw damaged(entry)
}

/** The same in one piece, for files that are known to be small. */
export async function contentOf(entry: ZipEntry): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of entry.open()) pieces.push(piece)
  const packed = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
  const content = entry.method === 0 ? asBuffer(packed) : await inflate(packed, entry)
  if (content.length !== entry.bytes || crc32(content) !== entry.crc32) throw damaged(entry)
  return content
}

/** The same bytes, not a copy. */
function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

/** In one step, whose result has its size already. One byte more than the archive says is enough to know that it lied. */
async function inflate(packed: Uint8Array, entry: ZipEntry): Promise<Buffer> {
  const maxOutputLength = entry.bytes + 1
  const chunkSize = Math.max(maxOutputLength, SMALLEST_CHUNK)
  const options = { maxOutputLength, chunkSize }
  try {
    if (entry.bytes <= TINY) return inflateRawSync(packed, options)
    return await inflatedElsewhere(packed, options)
  } catch (cause) {
    throw damaged(entry, cause)
  }
}

function damaged(entry: ZipEntry, cause?: unknown): unknown {
  if (cause instanceof ThampiError) return cause
  return new ThampiError('ARCHIVE_INVALID', {
    message: `"${entry.path}" in an archive is not what the archive says it is.`,
    why: `${entry.bytes} bytes with the checksum ${entry.crc32.toString(16).padStart(8, '0')} were expected.`,
    fix: 'fetch the archive again; when that does not help, it was made wrong',
    cause,
  })
}

/** Compares what stands before the bytes with what the directory says, then gives the bytes. */
async function* packedBytesOf(handle: FileHandle, entry: Listed, file: string): AsyncIterable<Uint8Array> {
  try {
    const { offset, limit, name, packedBytes } = entry
    // What stands before the bytes comes with them: one read is all that most files cost.
    const most = sizes.local + name.length + LONGEST_EXTRA + packedBytes
    const first = await readExactly(handle, offset, Math.min(limit - offset, most, PIECE))
    const start = startOf(first, entry)
    const end = start + packedBytes
    if (packedBytes > 0) yield first.subarray(start, Math.min(end, first.length))
    for (let at = first.length; at < end; ) {
      const piece = await readExactly(handle, offset + at, Math.min(end - at, PIECE))
      yield piece
      at += piece.length
    }
  } catch (cause) {
    throw explained(cause, file)
  }
}

/** Where in `header`, which begins with the entry, its bytes begin. */
function startOf(header: Buffer, entry: Listed): number {
  const { offset, name, path } = entry
  const refuse = (what: string): never => {
    throw new ZipProblem(`has an entry ${JSON.stringify(path)} that ${what}`)
  }
  if (header.readUInt32LE(0) !== LOCAL) refuse('is not where the directory says')
  const nameLength = header.readUInt16LE(26)
  const extraLength = header.readUInt16LE(28)
  const start = sizes.local + nameLength + extraLength
  if (offset + start + entry.packedBytes > entry.limit) refuse('overlaps with what follows it')
  const rest = header.subarray(sizes.local, start)
  if (!rest.subarray(0, nameLength).equals(name)) refuse('has another name before its bytes')
  const bits = header.readUInt16LE(6)
  if (bits & (flags.encrypted | flags.strong | flags.masked)) refuse('is encrypted')
  if (header.readUInt16LE(8) !== entry.method) refuse('is packed in two ways')

  const wide = wideNumbers(rest.subarray(nameLength))
  const [packed, bytes] = [header.readUInt32LE(18), header.readUInt32LE(22)]
  const actual = { crc: header.readUInt32LE(14), bytes, packed }
  if (bytes === ELSEWHERE_32 && wide.length > 0) actual.bytes = wide.shift() ?? 0
  if (packed === ELSEWHERE_32 && wide.length > 0) actual.packed = wide.shift() ?? 0
  // Whoever wrote the archive as a stream knew them after the bytes only.
  const comesLater = (bits & flags.descriptor) !== 0
  const same = (found: number, wanted: number): boolean => found === wanted || (comesLater && found === 0)
  if (
    !same(actual.crc, entry.crc32) ||
    !same(actual.bytes, entry.bytes) ||
    !same(actual.packed, entry.packedBytes)
  ) {
    refuse('has other sizes before its bytes than in the directory')
  }
  return start
}

function explained(cause: unknown, file: string): unknown {
  if (!(cause instanceof ZipProblem)) return explainFileError(cause, file)
  return new ThampiError('ARCHIVE_INVALID', {
    message: `"${basename(file)}" ${cause.message}.`,
    why: 'Such an archive is damaged, or made to do harm where it is unpacked.',
    fix: 'fetch it again; when that does not help, ask whoever made it',
    cause,
  })
}
