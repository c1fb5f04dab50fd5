/** Wheels made by hand: as tools write them, or with one lie in them. And libraries of a few hundred bytes. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Wheel } from '../../src/bundle/splice/wheel.ts'
import { type RawEntry, rawZip } from './raw-zip.ts'

export interface WheelParts {
  /** `1.0` unless said. */
  readonly version?: string
  /** `py3-none-any` unless said. */
  readonly tags?: string
  readonly files: Readonly<Record<string, string | Buffer>>
  /** Paths of files that may be started. */
  readonly executable?: readonly string[]
  /** Instead of what is right. */
  readonly wheel?: string
  readonly metadata?: string
  readonly record?: (lines: readonly string[]) => readonly string[]
  readonly info?: string
  /** Entries of the archive that RECORD does not know. */
  readonly more?: readonly RawEntry[]
}

/** Writes the wheel into `dir` and says where it is. */
export function makeWheel(dir: string, name: string, parts: WheelParts): Wheel {
  const { version = '1.0', tags = 'py3-none-any', executable = [], more = [] } = parts
  const spelled = name.replace(/-/g, '_')
  const info = parts.info ?? `${spelled}-${version}.dist-info`
  const files: Record<string, string | Buffer> = {
    ...parts.files,
    [`${info}/METADATA`]:
      parts.metadata ?? `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n\nText: none\n`,
    [`${info}/WHEEL`]: parts.wheel ?? `Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: ${tags}\n`,
  }
  const lines = [
    ...Object.entries(files).map(([path, content]) => recordLine(path, content)),
    `${info}/RECORD,,`,
  ]
  files[`${info}/RECORD`] = `${(parts.record?.(lines) ?? lines).join('\n')}\n`
  const entries = Object.entries(files).map(([path, content]) => ({
    name: path,
    content,
    mode: executable.includes(path) ? 0o100755 : 0o100644,
  }))
  const bytes = rawZip([...entries, ...more])
  const file = `${spelled}-${version}-${tags}.whl`
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, file), bytes)
  return {
    name,
    version,
    file,
    path: join(dir, file),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }
}

export function recordLine(path: string, content: string | Buffer): string {
  const digest = createHash('sha256').update(content).digest('base64url')
  return `${/[",]/.test(path) ? `"${path.replaceAll('"', '""')}"` : path},sha256=${digest},${Buffer.byteLength(content)}`
}

/**
 * A shared library with nothing in it but what it asks for.
 *
 * @param needs `GLIBC_2.28` and the like
 * @param padding bytes between the header and the tables, as in libraries that were patched
 */
export function library(machine: number, needs: readonly string[], padding = 0): Buffer {
  const strings = Buffer.from(`\0libc.so.6\0${needs.join('\0')}\0`)
  const at = { segments: 64, dynamic: 64 + 2 * 56 + padding, versions: 0, strings: 0 }
  at.versions = at.dynamic + 4 * 16
  at.strings = at.versions + 16 * (1 + needs.length)
  const size = at.strings + strings.length
  // Loaded elsewhere than it stands: addresses are no offsets.
  const base = 0x40_0000
  const file = Buffer.alloc(size)
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  file.writeUInt16LE(3, 16)
  file.writeUInt16LE(machine, 18)
  file.writeBigUInt64LE(BigInt(at.segments), 32)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(2, 56)
  const segment = (index: number, type: number, offset: number, length: number): void => {
    const start = at.segments + 56 * index
    file.writeUInt32LE(type, start)
    file.writeBigUInt64LE(BigInt(offset), start + 8)
    file.writeBigUInt64LE(BigInt(base + offset), start + 16)
    file.writeBigUInt64LE(BigInt(length), start + 32)
  }
  segment(0, 1, 0, size)
  segment(1, 2, at.dynamic, 4 * 16)
  const tags = [
    [5n, BigInt(base + at.strings)],
    [0x6ffffffen, BigInt(base + at.versions)],
    [0x6fffffffn, 1n],
    [0n, 0n],
  ] as const
  for (const [i, [tag, value]] of tags.entries()) {
    file.writeBigUInt64LE(tag, at.dynamic + 16 * i)
    file.writeBigUInt64LE(value, at.dynamic + 16 * i + 8)
  }
  file.writeUInt16LE(1, at.versions)
  file.writeUInt16LE(needs.length, at.versions + 2)
  file.writeUInt32LE(1, at.versions + 4)
  file.writeUInt32LE(16, at.versions + 8)
  for (const [i, name] of needs.entries()) {
    const start = at.versions + 16 * (1 + i)
    file.writeUInt32LE(strings.indexOf(`${name}\0`), start + 8)
    file.writeUInt32LE(i === needs.length - 1 ? 0 : 16, start + 12)
  }
  strings.copy(file, at.strings)
  return file
}
