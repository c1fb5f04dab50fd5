/** Zip archives byte by byte, also such as no honest tool writes: every number can be another than it should be. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface RawEntry {
  readonly name: string | Buffer
  /** Unpacked. */
  readonly content?: string | Buffer
  /** Packed, when it is not what `content` gives. */
  readonly packed?: Buffer
  readonly method?: number
  readonly flags?: number
  /** Unix mode with the kind of file, `0o120777`. */
  readonly mode?: number
  /** Lies of the directory. */
  readonly central?: Partial<RawNumbers>
  /** Lies of what stands before the bytes. */
  readonly local?: Partial<RawNumbers & { readonly name: string; readonly method: number }>
  /** Extra field of the directory. */
  readonly extra?: Buffer
  /** No bytes of its own: the directory points to the entry of this number. */
  readonly sharesWith?: number
}

export interface RawNumbers {
  readonly crc32: number
  readonly packedBytes: number
  readonly bytes: number
  readonly offset: number
}

/** Lies of the end of the directory. */
export interface RawEnd {
  readonly count?: number
  readonly size?: number
  readonly offset?: number
  readonly disk?: number
  /** Put before the end. */
  readonly before?: (directoryOffset: number, directorySize: number, count: number) => Buffer
}

const UTF8 = 0x800

export function rawZip(entries: readonly RawEntry[], end: RawEnd = {}): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  const offsets: number[] = []
  let position = 0
  for (const entry of entries) {
    const { method = 8, flags = UTF8, mode = 0o100644, extra = Buffer.alloc(0) } = entry
    const content = Buffer.from(entry.content ?? '')
    const packed = entry.packed ?? (method === 8 ? deflateRawSync(content) : content)
    const name = Buffer.from(entry.name)
    const shared = entry.sharesWith === undefined ? undefined : offsets[entry.sharesWith]
    const honest = {
      crc32: crc32(content),
      packedBytes: packed.length,
      bytes: content.length,
      offset: shared ?? position,
    }
    offsets.push(honest.offset)
    const local = { ...honest, name: name.toString(), method, ...entry.local }
    const header = Buffer.alloc(30)
    header.writeUInt32LE(0x04034b50, 0)
    writeNumbers(header, 4, flags, local.method, local)
    header.writeUInt16LE(Buffer.byteLength(local.name), 26)
    if (shared === undefined) {
      const localName = entry.local?.name === undefined ? name : Buffer.from(local.name)
      parts.push(header, localName, packed)
      position += header.length + localName.length + packed.length
    }
    const central = { ...honest, ...entry.central }
    const record = Buffer.alloc(46)
    record.writeUInt32LE(0x02014b50, 0)
    record.writeUInt16LE(3 << 8, 4)
    writeNumbers(record, 6, flags, method, central)
    record.writeUInt16LE(name.length, 28)
    record.writeUInt16LE(extra.length, 30)
    record.writeUInt32LE((mode << 16) >>> 0, 38)
    record.writeUInt32LE(central.offset, 42)
    directory.push(record, name, extra)
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  const before = end.before?.(position, size, entries.length) ?? Buffer.alloc(0)
  const record = Buffer.alloc(22)
  record.writeUInt32LE(0x06054b50, 0)
  record.writeUInt16LE(end.disk ?? 0, 4)
  record.writeUInt16LE(end.count ?? Math.min(entries.length, 0xffff), 8)
  record.writeUInt16LE(end.count ?? Math.min(entries.length, 0xffff), 10)
  record.writeUInt32LE(end.size ?? size, 12)
  record.writeUInt32LE(end.offset ?? position, 16)
  return Buffer.concat([...parts, ...directory, before, record])
}

/** The 64 bit end of a directory, and what points to it. */
export function rawEnd64(at: number, numbers: { count: bigint; size: bigint; offset: bigint }): Buffer {
  const end = Buffer.alloc(56)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(44n, 4)
  end.writeBigUInt64LE(numbers.count, 24)
  end.writeBigUInt64LE(numbers.count, 32)
  end.writeBigUInt64LE(numbers.size, 40)
  end.writeBigUInt64LE(numbers.offset, 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(at), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([end, locator])
}

/** An extra field with 64 bit numbers. */
export function wide(...numbers: bigint[]): Buffer {
  const field = Buffer.alloc(4 + 8 * numbers.length)
  field.writeUInt16LE(1, 0)
  field.writeUInt16LE(8 * numbers.length, 2)
  for (const [i, number] of numbers.entries()) field.writeBigUInt64LE(number, 4 + 8 * i)
  return field
}

function writeNumbers(
  header: Buffer,
  at: number,
  flags: number,
  method: number,
  { crc32, packedBytes, bytes }: Omit<RawNumbers, 'offset'>,
): void {
  header.writeUInt16LE(20, at)
  header.writeUInt16LE(flags, at + 2)
  header.writeUInt16LE(method, at + 4)
  header.writeUInt16LE(0x21, at + 8)
  header.writeUInt32LE(crc32, at + 10)
  header.writeUInt32LE(packedBytes, at + 14)
  header.writeUInt32LE(bytes, at + 18)
}
