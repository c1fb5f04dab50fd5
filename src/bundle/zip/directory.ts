/** The central directory of a zip archive that somebody else wrote: every number in it is checked before it is used. */
import { isAscii } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { Names, problemWithName } from './names.ts'
import { CENTRAL, ELSEWHERE_16, ELSEWHERE_32, END_64, EXTRA_64, flags, LOCATOR_64, sizes } from './records.ts'

/** How much an archive may hold. */
export interface ZipLimits {
  readonly entries: number
  /** All files together, unpacked. */
  readonly bytes: number
  /** Unpacked to packed. Deflate cannot reach more than 1032. */
  readonly ratio: number
}

/** What the directory says about a file. */
export interface Listed {
  readonly path: string
  /** As it is written in the archive: its local header must have the same. */
  readonly name: Buffer
  readonly executable: boolean
  readonly flags: number
  readonly method: 0 | 8
  readonly crc32: number
  readonly packedBytes: number
  readonly bytes: number
  /** Of its local header. */
  readonly offset: number
  /** Where the next thing begins: header and bytes end before. */
  readonly limit: number
}

/** Says what is wrong with an archive. The words continue "This archive …". */
export class ZipProblem extends Error {}

interface Place {
  readonly count: number
  readonly offset: number
  readonly size: number
}

const END_SIGNATURE = Buffer.from('PK\x05\x06', 'latin1')
/** A comment has 64 KiB at most. */
const LONGEST_END = sizes.end + 0xffff
const LONGEST_DIRECTORY = 64 * 1024 * 1024
/** Below this size the ratio says nothing: a page of zeros packs as well as a bomb. */
const SMALL = 1024 * 1024
/** Higher bits of a mode: what kind of file it is (`stat.h`); 0 when the archive was not made on Unix. */
const KIND = 0o170000
const REGULAR = 0o100000
const DIRECTORY = 0o040000

/** The files of an archive in the order of its directory; directories are left out. @throws ZipProblem */
export async function readDirectory(
  handle: FileHandle,
  size: number,
  limits: ZipLimits,
): Promise<readonly Listed[]> {
  const { count, offset, size: length } = await findDirectory(handle, size)
  if (count > limits.entries)
    throw new ZipProblem(`has ${count} entries; at most ${limits.entries} are allowed`)
  if (length > LONGEST_DIRECTORY) throw new ZipProblem(`has a directory of ${length} bytes`)
  const bytes = await readExactly(handle, offset, length)
  const entries: Omit<Listed, 'limit'>[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    const { entry, next } = parseEntry(bytes, at)
    entries.push(entry)
    at = next
  }
  if (at !== length) throw new ZipProblem('has a directory with something else in it')
  const limited = withLimits(entries, offset)
  checkTotals(limited, size, limits)
  return checkNames(limited)
}

/** Reads so many bytes or says that they are not there. */
export async function readExactly(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done)
    if (bytesRead === 0) throw new ZipProblem('ends too early')
    done += bytesRead
  }
  return buffer
}

async function findDirectory(handle: FileHandle, size: number): Promise<Place> {
  if (size < sizes.end) throw new ZipProblem('is too short for an archive')
  const start = Math.max(0, size - LONGEST_END)
  const tail = await readExactly(handle, start, size - start)
  // The last one, and no other: two readers must not find two directories.
  const at = tail.lastIndexOf(END_SIGNATURE)
  if (at < 0 || at + sizes.end > tail.length || at + sizes.end + tail.readUInt16LE(at + 20) !== tail.length) {
    throw new ZipProblem('has no end of a directory')
  }
  const narrow = {
    disk: tail.readUInt16LE(at + 4) + tail.readUInt16LE(at + 6),
    count: tail.readUInt16LE(at + 10),
    size: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
  }
  const end = start + at
  const locator =
    end >= sizes.locator64 ? await readExactly(handle, end - sizes.locator64, sizes.locator64) : undefined
  if (locator?.readUInt32LE(0) !== LOCATOR_64) {
    if (narrow.size === ELSEWHERE_32 || narrow.offset === ELSEWHERE_32)
      throw new ZipProblem('lacks its 64 bit directory')
    if (narrow.disk !== 0) throw new ZipProblem('is one of several parts')
    return within(narrow, end)
  }
  const offset64 = toNumber(locator.readBigUInt64LE(8))
  const end64 = end - sizes.locator64
  if (offset64 + sizes.end64 > end64) throw new ZipProblem('has its 64 bit directory somewhere else')
  const wide = await readExactly(handle, offset64, sizes.end64)
  if (wide.readUInt32LE(0) !== END_64) throw new ZipProblem('lacks its 64 bit directory')
  if (wide.readUInt32LE(16) !== 0 || wide.readUInt32LE(20) !== 0)
    throw new ZipProblem('is one of several parts')
  const place = {
    count: toNumber(wide.readBigUInt64LE(32)),
    size: toNumber(wide.readBigUInt64LE(40)),
    offset: toNumber(wide.readBigUInt64LE(48)),
  }
  const contradicts = (known: number, elsewhere: number, found: number): boolean =>
    known !== elsewhere && known !== found
  if (
    contradicts(narrow.count, ELSEWHERE_16, place.count) ||
    contradicts(narrow.size, ELSEWHERE_32, place.size) ||
    contradicts(narrow.offset, ELSEWHERE_32, place.offset)
  )
    throw new ZipProblem('has two directories that contradict each other')
  return within(place, offset64)
}

function within(place: Place, end: number): Place {
  // With something between them, some readers take it that all offsets are meant to be moved.
  if (place.offset + place.size !== end)
    throw new ZipProblem('has a directory that does not reach to its end')
  if (place.count * sizes.central > place.size) throw new ZipProblem('has a directory that is too short')
  return place
}

function parseEntry(directory: Buffer, at: number): { entry: Omit<Listed, 'limit'>; next: number } {
  if (at + sizes.central > directory.length || directory.readUInt32LE(at) !== CENTRAL) {
    throw new ZipProblem('has a damaged directory')
  }
  const nameEnd = at + sizes.central + directory.readUInt16LE(at + 28)
  const extraEnd = nameEnd + directory.readUInt16LE(at + 30)
  const next = extraEnd + directory.readUInt16LE(at + 32)
  if (next > directory.length) throw new ZipProblem('has a damaged directory')
  const name = directory.subarray(at + sizes.central, nameEnd)
  const bits = directory.readUInt16LE(at + 8)
  const path = decodeName(name, bits)
  const refuse = (what: string): never => {
    throw new ZipProblem(`has an entry ${JSON.stringify(path)} that ${what}`)
  }
  if (bits & (flags.encrypted | flags.strong | flags.masked)) refuse('is encrypted')
  if (bits & flags.patched) refuse('is a patch')
  const method = directory.readUInt16LE(at + 10)
  if (method !== 0 && method !== 8) return refuse(`is packed by method ${method}`)
  const mode = directory.readUInt32LE(at + 38) >>> 16
  const kind = mode & KIND
  if (kind !== 0 && kind !== REGULAR && kind !== DIRECTORY) refuse('is a link or a device')
  if (kind === DIRECTORY && !path.endsWith('/')) refuse('is a directory by its mode and a file by its name')

  const extra = wideNumbers(directory.subarray(nameEnd, extraEnd))
  const wide = (at: number): number => {
    const narrow = directory.readUInt32LE(at)
    if (narrow !== ELSEWHERE_32) return narrow
    return extra.shift() ?? refuse('lacks its 64 bit numbers')
  }
  // In this order they stand in the extra field, those only that did not fit (4.5.3).
  const bytes = wide(at + 24)
  const packedBytes = wide(at + 20)
  const offset = wide(at + 42)
  if (directory.readUInt16LE(at + 34) !== 0) refuse('lies on another disk')
  if (method === 0 && bytes !== packedBytes) refuse('is stored with two sizes')
  if (path.endsWith('/') && bytes !== 0) refuse('is a directory with content')
  const entry = {
    path,
    name,
    executable: kind === REGULAR && (mode & 0o111) !== 0,
    flags: bits,
    method,
    crc32: directory.readUInt32LE(at + 16),
    packedBytes,
    bytes,
    offset,
  } as const
  return { entry, next }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Without the flag for UTF-8 a name may be in any old code page: then it has to be ASCII. */
function decodeName(name: Buffer, bits: number): string {
  if (isAscii(name)) return name.toString('latin1')
  try {
    const path = utf8.decode(name)
    if ((bits & flags.utf8) !== 0) return path
  } catch {
    // Not UTF-8 at all.
  }
  throw new ZipProblem(`has an entry ${JSON.stringify(name.toString('latin1'))} whose name is not UTF-8`)
}

/** The 64 bit numbers of an extra field; an empty list when it has none. */
export function wideNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2)
    const field = extra.subarray(at + 4, at + 4 + length)
    if (field.length !== length) throw new ZipProblem('has a damaged extra field')
    if (extra.readUInt16LE(at) === EXTRA_64) {
      return Array.from({ length: Math.floor(length / 8) }, (_, i) => toNumber(field.readBigUInt64LE(8 * i)))
    }
    at += 4 + length
  }
  return []
}

function toNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ZipProblem('has a number that no archive can reach')
  return Number(value)
}

/** No two entries may share bytes: what one of them is checked for, the other would be something else. */
function withLimits(entries: readonly Omit<Listed, 'limit'>[], directory: number): Listed[] {
  const limits = new Map<Omit<Listed, 'limit'>, number>()
  let limit = directory
  for (const entry of entries.toSorted((a, b) => b.offset - a.offset)) {
    if (entry.offset + sizes.local + entry.name.length + entry.packedBytes > limit) {
      throw new ZipProblem(`has an entry ${JSON.stringify(entry.path)} that overlaps with what follows it`)
    }
    limits.set(entry, limit)
    limit = entry.offset
  }
  return entries.map(entry => ({ ...entry, limit: limits.get(entry) ?? directory }))
}

function checkTotals(entries: readonly Listed[], size: number, { bytes, ratio }: ZipLimits): void {
  const total = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  if (total > bytes) throw new ZipProblem(`holds ${total} bytes; at most ${bytes} are allowed`)
  if (total > SMALL && total / size > ratio) {
    throw new ZipProblem(
      `holds ${Math.floor(total / size)} times its own size; at most ${ratio} times is allowed`,
    )
  }
}

function checkNames(entries: readonly Listed[]): Listed[] {
  const names = new Names()
  const files: Listed[] = []
  for (const entry of entries) {
    const isDirectory = entry.path.endsWith('/')
    const problem = problemWithName(isDirectory ? entry.path.slice(0, -1) : entry.path)
    if (problem !== undefined)
      throw new ZipProblem(`has an entry ${JSON.stringify(entry.path)} whose name ${problem}`)
    if (isDirectory) continue
    const twin = names.add(entry.path)
    if (twin !== undefined) {
      throw new ZipProblem(`has entries "${entry.path}" and "${twin}", which some systems take for one file`)
    }
    files.push(entry)
  }
  return files
}
