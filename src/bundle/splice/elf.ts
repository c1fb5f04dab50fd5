/**
 * What a shared library asks of the machine that loads it: processor and glibc. Reads a few kilobytes at the places
 * that the loader itself follows (System V ABI chapters 4 and 5, and the GNU extension for symbol versions in the LSB).
 */

export interface Library {
  /** Number of the processor, `e_machine`: 62 x86_64, 183 aarch64. */
  readonly machine: number
  /** The newest glibc whose symbols it wants, `2.28`. */
  readonly glibc?: string
}

/** `e_machine` of the processors that we pack for. */
export const machines = { x64: 62, arm64: 183 } as const

export interface Range {
  readonly offset: number
  readonly length: number
}

/** Gives the bytes of each range, fewer where the file ends before. */
export type ReadRanges = (ranges: readonly Range[]) => Promise<readonly Buffer[]>

/** Most libraries have what we look for within the first page. */
const HEAD = 4096
const SEGMENT_SIZE = 56
const MAX_SEGMENTS = 256
/** Of the dynamic section and of the list of needed versions; real ones have a few hundred bytes. */
const MAX_TABLE = 64 * 1024
const MAX_NAMES = 1024
/** `GLIBC_2.28` and a zero. */
const NAME_LENGTH = 32

const LOADED = 1
const DYNAMIC = 2
/** Tags of the dynamic section. */
const STRINGS = 5n
const NEEDED_VERSIONS = 0x6ffffffen

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/** Undefined when it is no ELF file. What cannot be read in one is taken as not there: the loader will not find it either. */
export async function readLibrary(read: ReadRanges): Promise<Library | undefined> {
  const one = async (offset: number, length: number): Promise<Buffer> =>
    (await read([{ offset, length }]))[0] ?? Buffer.alloc(0)
  const head = await one(0, HEAD)
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46) return undefined
  const machine = head.readUInt16LE(18)
  // 64 bit, little endian: both processors that we know are. Another one is known by its number alone.
  if (head[4] !== 2 || head[5] !== 1) return { machine }
  const segments = await readSegments(head, one)
  const dynamic = segments.find(({ type }) => type === DYNAMIC)
  if (!dynamic) return { machine }
  const entries = dynamicEntries(await one(dynamic.offset, Math.min(dynamic.size, MAX_TABLE)))
  const versions = placeOf(entries.get(NEEDED_VERSIONS), segments)
  const strings = placeOf(entries.get(STRINGS), segments)
  if (versions === undefined || strings === undefined) return { machine }

  const offsets = neededNames(await one(versions, MAX_TABLE))
  const names = await read(offsets.map(offset => ({ offset: strings + offset, length: NAME_LENGTH })))
  const glibc = names
    .map(bytes => /^GLIBC_(\d+\.\d+)(\.\d+)?\0/.exec(bytes.toString('latin1'))?.[1])
    .filter(version => version !== undefined)
    .sort(compareVersions)
    .at(-1)
  return glibc === undefined ? { machine } : { machine, glibc }
}

/** `2.9` is older than `2.28`. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [a, b].map(version => version.split('.').map(Number))
  return (one?.[0] ?? 0) - (other?.[0] ?? 0) || (one?.[1] ?? 0) - (other?.[1] ?? 0)
}

async function readSegments(
  head: Buffer,
  read: (offset: number, length: number) => Promise<Buffer>,
): Promise<Segment[]> {
  const offset = Number(head.readBigUInt64LE(32))
  const count = Math.min(head.readUInt16LE(56), MAX_SEGMENTS)
  if (head.readUInt16LE(54) !== SEGMENT_SIZE || !Number.isSafeInteger(offset)) return []
  const length = count * SEGMENT_SIZE
  const table =
    offset + length <= head.length ? head.subarray(offset, offset + length) : await read(offset, length)
  return Array.from({ length: Math.floor(table.length / SEGMENT_SIZE) }, (_, i) => {
    const at = i * SEGMENT_SIZE
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      size: Number(table.readBigUInt64LE(at + 32)),
    }
  })
}

function dynamicEntries(section: Buffer): Map<bigint, number> {
  const entries = new Map<bigint, number>()
  for (let at = 0; at + 16 <= section.length; at += 16) {
    const tag = section.readBigUInt64LE(at)
    if (tag === 0n) break
    entries.set(tag, Number(section.readBigUInt64LE(at + 8)))
  }
  return entries
}

/** Where in the file stands what the loader will see at an address. */
function placeOf(address: number | undefined, segments: readonly Segment[]): number | undefined {
  if (address === undefined) return undefined
  const segment = segments.find(
    ({ type, address: start, size }) => type === LOADED && start <= address && address < start + size,
  )
  return segment && segment.offset + (address - segment.address)
}

/** `Elf64_Verneed` is a list of libraries, each with a list of `Elf64_Vernaux`, the versions. Both link by distance. */
function neededNames(table: Buffer): number[] {
  const names: number[] = []
  for (let library = 0; library + 16 <= table.length && names.length < MAX_NAMES; ) {
    let version = library + table.readUInt32LE(library + 8)
    for (let left = table.readUInt16LE(library + 2); left > 0 && names.length < MAX_NAMES; left--) {
      if (version + 16 > table.length) break
      names.push(table.readUInt32LE(version + 8))
      version += table.readUInt32LE(version + 12)
    }
    const next = table.readUInt32LE(library + 12)
    if (next === 0) break
    library += next
  }
  return names
}
