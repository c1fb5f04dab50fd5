/** Writes zip archives that depend on nothing but what is in them: no clock, no user, no order of a directory. */
import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { crc32, deflateRaw } from 'node:zlib'
import { ThampiError } from '../../errors.ts'
import { digestOf, digestOfFile, explainFileError } from '../../system/files.ts'
import { moved } from '../refusals.ts'
import { Names, problemWithName } from './names.ts'
import { Output } from './output.ts'
import { centralHeader, type Described, endOfDirectory, isWide, localHeader } from './records.ts'
import { deflated, LEVEL, piecesOf } from './streams.ts'
import type { Archive, ZipEntry, ZipSource } from './zip.ts'

/** A file up to this size is deflated at once, on a thread of its own; a bigger one while it is written. */
const SMALL = 4 * 1024 * 1024
/** So many small files are deflated ahead of the one that is written: threads stay busy, memory stays small. */
const AHEAD = 8
/** Deflating can make a file a little bigger: from here on its sizes get 64 bits. */
const NEARLY_WIDE = 0xf000_0000

/** Copied as it is, deflated already, or to be deflated while it is written. */
type Ready = ZipEntry | (Omit<ZipEntry, 'open'> & { readonly packed: Uint8Array }) | BigSource

/** To be deflated while it is written. */
interface BigSource extends ZipSource {
  readonly source: string | Uint8Array
  readonly size: number
}

/**
 * Writes an archive: names sorted by their bytes, dated 1980-01-01, modes 0644 and 0755, no data descriptors, 64 bit
 * numbers only where they are needed. The same entries give the same bytes, on any machine; sources, which are deflated
 * here, with the same build of Node. Memory does not depend on sizes. The file is whole or absent, also
 * when the command is killed. Nobody waits for the disk: after a power cut the digest tells.
 *
 * @param approved what the file waits for before it gets its name; when it fails there is none
 * @throws ThampiError INTERNAL for names that no archive may hold, PROJECT_INVALID when a source changed, DISK_FULL, PERMISSION
 * @example
 * const archive = await writeZip('function.zip', [{ path: 'thampi_handler.py', executable: false, source: '/srv/handler.py' }])
 */
export async function writeZip(
  file: string,
  entries: readonly (ZipEntry | ZipSource)[],
  approved?: Promise<unknown>,
): Promise<Archive> {
  // It is awaited when all is written; until then its failure must not count as unhandled.
  approved?.catch(() => {})
  const sorted = sortedByName(entries)
  const dir = dirname(file)
  const temporary = join(dir, `.${basename(file)}.${randomBytes(6).toString('hex')}`)
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const handle = await open(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600)
    const output = new Output(handle)
    let unpackedBytes = 0
    try {
      const directory: Buffer[] = []
      for await (const entry of readyInOrder(sorted)) {
        const { offset, described } = await writeEntry(output, entry)
        directory.push(centralHeader(described, offset))
        unpackedBytes += described.bytes
      }
      const start = output.position
      for (const header of directory) await output.write(header)
      await output.write(endOfDirectory(directory.length, output.position - start, start))
      await output.flush()
    } finally {
      await handle.close()
    }
    const digest = output.digest() ?? (await digestOfFile(temporary))
    await approved
    await rename(temporary, file)
    return { file, digest, bytes: output.position, unpackedBytes }
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw explainFileError(cause, file)
  }
}

/** Bytes, not characters: the order must not depend on a language, and UTF-16 sorts some letters elsewhere. */
function sortedByName(entries: readonly (ZipEntry | ZipSource)[]): (ZipEntry | ZipSource)[] {
  const names = new Names()
  for (const { path } of entries) {
    const problem = problemWithName(path)
    if (problem !== undefined)
      throw refused(`The name ${JSON.stringify(path)} of a file to be packed ${problem}.`)
    const twin = names.add(path)
    if (twin !== undefined) throw refused(`Two files to be packed share a name: "${path}" and "${twin}".`)
  }
  const keyed = entries.map(entry => ({ entry, name: Buffer.from(entry.path) }))
  return keyed.sort((a, b) => Buffer.compare(a.name, b.name)).map(({ entry }) => entry)
}

function refused(message: string): ThampiError {
  return new ThampiError('INTERNAL', { message })
}

/** The same entries in the same order; small sources come deflated, several of them at a time. */
async function* readyInOrder(entries: readonly (ZipEntry | ZipSource)[]): AsyncIterable<Ready> {
  const ahead: Promise<Ready>[] = []
  let next = 0
  try {
    while (next < entries.length || ahead.length > 0) {
      while (next < entries.length && ahead.length < AHEAD) {
        const ready = prepare(entries[next++] as ZipEntry | ZipSource)
        // It is awaited when its turn comes; until then its failure must not count as unhandled.
        ready.catch(() => {})
        ahead.push(ready)
      }
      yield (await ahead.shift()) as Ready
    }
  } finally {
    await Promise.allSettled(ahead)
  }
}

async function prepare(entry: ZipEntry | ZipSource): Promise<Ready> {
  if ('open' in entry) return entry
  const { path, executable } = entry
  const source = typeof entry.source === 'function' ? await entry.source() : entry.source
  const size = typeof source === 'string' ? (await stat(source)).size : source.length
  if (size > SMALL) return { ...entry, source, size }
  const bytes = typeof source === 'string' ? await readFile(source) : source
  if (entry.digest !== undefined && digestOf(bytes) !== entry.digest) throw moved(path)
  const packed = await promisify(deflateRaw)(bytes, { level: LEVEL, chunkSize: bytes.length + 1024 })
  const smaller = packed.length < bytes.length
  return {
    path,
    executable,
    crc32: crc32(bytes),
    method: smaller ? 8 : 0,
    packed: smaller ? packed : bytes,
    packedBytes: smaller ? packed.length : bytes.length,
    bytes: bytes.length,
  }
}

interface Written {
  readonly offset: number
  readonly described: Described
}

async function writeEntry(output: Output, entry: Ready): Promise<Written> {
  const offset = output.position
  if ('size' in entry) return writeWhileDeflating(output, entry)
  const { path, executable, crc32, method, packedBytes, bytes } = entry
  const wide = isWide(bytes) || isWide(packedBytes)
  const described = { name: Buffer.from(path), executable, crc32, method, packedBytes, bytes, wide }
  await output.write(localHeader(described))
  const start = output.position
  if ('packed' in entry) await output.write(entry.packed)
  else for await (const piece of entry.open()) await output.write(piece)
  if (output.position - start !== packedBytes) throw refused(`"${path}" was not as long as its archive says.`)
  return { offset, described }
}

/** The sizes are known at the end only: the header is written twice, the second time over the first. */
async function writeWhileDeflating(output: Output, entry: BigSource): Promise<Written> {
  const { path, executable, source, size, digest } = entry
  const offset = output.position
  const name = Buffer.from(path)
  const unknown = {
    name,
    executable,
    crc32: 0,
    method: 8,
    packedBytes: 0,
    bytes: 0,
    wide: size > NEARLY_WIDE,
  } as const
  await output.write(localHeader(unknown))
  const start = output.position
  const hash = createHash('sha256')
  let crc = 0
  let bytes = 0
  async function* pieces(): AsyncIterable<Uint8Array> {
    for await (const piece of piecesOf(source)) {
      hash.update(piece)
      crc = crc32(piece, crc)
      bytes += piece.length
      if (bytes > size) throw moved(path)
      yield piece
    }
  }
  for await (const packed of deflated(pieces())) await output.write(packed)
  const isOther = digest !== undefined && digest !== `sha256:${hash.digest('hex')}`
  if (bytes !== size || isOther) throw moved(path)
  const described: Described = { ...unknown, crc32: crc, packedBytes: output.position - start, bytes }
  await output.rewrite(offset, localHeader(described))
  return { offset, described }
}
