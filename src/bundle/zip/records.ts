/** The records of a zip archive as bytes. Numbers and names are those of PKWARE's APPNOTE 6.3, section 4. */

export const LOCAL = 0x04034b50
export const CENTRAL = 0x02014b50
export const END = 0x06054b50
export const END_64 = 0x06064b50
export const LOCATOR_64 = 0x07064b50

/** Sizes of the fixed parts. */
export const sizes = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 } as const

/** A 16 or 32 bit field that says: the number stands elsewhere, in 64 bits. */
export const ELSEWHERE_16 = 0xffff
export const ELSEWHERE_32 = 0xffffffff

/** General purpose flags (4.4.4). */
export const flags = { encrypted: 1, descriptor: 8, patched: 0x20, strong: 0x40, utf8: 0x800, masked: 0x2000 }

/** Id of the extra field with 64 bit numbers (4.5.3). */
export const EXTRA_64 = 1

/** 1980-01-01 00:00, the first moment the format knows: the same in every time zone, because it has none. */
const DATE = 0x0021
const TIME = 0

/** Made on Unix (4.4.2): the mode stands in the upper half of the external attributes. */
const UNIX = 3 << 8
const MODES = { plain: 0o100644, executable: 0o100755 }

/** What stands about a file in the archive, twice: before its bytes and in the directory. */
export interface Described {
  readonly name: Buffer
  readonly executable: boolean
  readonly crc32: number
  readonly method: 0 | 8
  readonly packedBytes: number
  readonly bytes: number
  /** The sizes have 64 bits. Decided before they are known, for a file whose header is written first. */
  readonly wide: boolean
}

/** Does a size, or an offset, need more than 32 bits? */
export function isWide(value: number): boolean {
  return value >= ELSEWHERE_32
}

export function localHeader(file: Described): Buffer {
  const { name, wide } = file
  const extra = wide ? extra64([file.bytes, file.packedBytes]) : Buffer.alloc(0)
  const header = Buffer.alloc(sizes.local)
  header.writeUInt32LE(LOCAL, 0)
  writeCommon(header, 4, file, wide)
  header.writeUInt16LE(name.length, 26)
  header.writeUInt16LE(extra.length, 28)
  return Buffer.concat([header, name, extra])
}

export function centralHeader(file: Described, offset: number): Buffer {
  const { name, executable, wide } = file
  const numbers = [...(wide ? [file.bytes, file.packedBytes] : []), ...(isWide(offset) ? [offset] : [])]
  const extra = numbers.length > 0 ? extra64(numbers) : Buffer.alloc(0)
  const header = Buffer.alloc(sizes.central)
  header.writeUInt32LE(CENTRAL, 0)
  header.writeUInt16LE(UNIX | versionFor(numbers.length > 0), 4)
  writeCommon(header, 6, file, numbers.length > 0)
  header.writeUInt16LE(name.length, 28)
  header.writeUInt16LE(extra.length, 30)
  header.writeUInt32LE(((executable ? MODES.executable : MODES.plain) << 16) >>> 0, 38)
  header.writeUInt32LE(Math.min(offset, ELSEWHERE_32), 42)
  return Buffer.concat([header, name, extra])
}

/** What closes an archive of `count` files whose directory has `size` bytes and stands at `offset`. */
export function endOfDirectory(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(sizes.end)
  end.writeUInt32LE(END, 0)
  end.writeUInt16LE(Math.min(count, ELSEWHERE_16), 8)
  end.writeUInt16LE(Math.min(count, ELSEWHERE_16), 10)
  end.writeUInt32LE(Math.min(size, ELSEWHERE_32), 12)
  end.writeUInt32LE(Math.min(offset, ELSEWHERE_32), 16)
  if (count < ELSEWHERE_16 && !isWide(size) && !isWide(offset)) return end

  const end64 = Buffer.alloc(sizes.end64)
  end64.writeUInt32LE(END_64, 0)
  // Counted from after this field.
  end64.writeBigUInt64LE(BigInt(sizes.end64 - 12), 4)
  end64.writeUInt16LE(UNIX | versionFor(true), 12)
  end64.writeUInt16LE(versionFor(true), 14)
  end64.writeBigUInt64LE(BigInt(count), 24)
  end64.writeBigUInt64LE(BigInt(count), 32)
  end64.writeBigUInt64LE(BigInt(size), 40)
  end64.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(sizes.locator64)
  locator.writeUInt32LE(LOCATOR_64, 0)
  locator.writeBigUInt64LE(BigInt(offset + size), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([end64, locator, end])
}

/** The fields that both headers have, in the same order; `at` is where they begin. */
function writeCommon(header: Buffer, at: number, file: Described, wide: boolean): void {
  header.writeUInt16LE(versionFor(wide), at)
  header.writeUInt16LE(flags.utf8, at + 2)
  header.writeUInt16LE(file.method, at + 4)
  header.writeUInt16LE(TIME, at + 6)
  header.writeUInt16LE(DATE, at + 8)
  header.writeUInt32LE(file.crc32, at + 10)
  header.writeUInt32LE(file.wide ? ELSEWHERE_32 : file.packedBytes, at + 14)
  header.writeUInt32LE(file.wide ? ELSEWHERE_32 : file.bytes, at + 18)
}

/** Of the format that a reader must know: 4.5 has the 64 bit fields (4.4.3). */
function versionFor(wide: boolean): number {
  return wide ? 45 : 20
}

function extra64(numbers: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * numbers.length)
  field.writeUInt16LE(EXTRA_64, 0)
  field.writeUInt16LE(8 * numbers.length, 2)
  for (const [i, number] of numbers.entries()) field.writeBigUInt64LE(BigInt(number), 4 + 8 * i)
  return field
}
