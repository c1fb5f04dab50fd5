/** Unpacks an archive: into a fresh directory that nobody else can enter, which gets its name when all is in it. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { explainFileError, resolveInside } from '../../system/files.ts'
import { atOnce } from '../at-once.ts'
import { careful, readZip, unpacked, type ZipLimits } from './read.ts'
import type { ZipEntry } from './zip.ts'

/** New files only, and never through a link. */
const FLAGS = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)
/** So many files are unpacked at a time. */
const AT_ONCE = 8

/**
 * Unpacks the files of an archive into `dir`, which must not be there. It is there when all of it is: an archive that
 * is refused half-way leaves nothing.
 *
 * @param limits how much it may be: `ours` for an archive that we wrote
 * @throws ThampiError ARCHIVE_INVALID, DISK_FULL, PERMISSION
 * @example
 * await unpackZip('dependencies.zip', '/tmp/layer')
 */
export async function unpackZip(file: string, dir: string, limits: ZipLimits = careful): Promise<void> {
  const parent = dirname(resolve(dir))
  const temporary = join(parent, `.${basename(dir)}.${randomBytes(6).toString('hex')}`)
  const zip = await readZip(file, limits)
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 })
    await mkdir(temporary, { mode: 0o700 })
    const made = new Set([temporary])
    await atOnce(AT_ONCE, zip.entries, entry => unpackOne(entry, temporary, made))
    await rename(temporary, dir)
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {})
    throw explainFileError(cause, dir)
  } finally {
    await zip.close()
  }
}

async function unpackOne(entry: ZipEntry, root: string, made: Set<string>): Promise<void> {
  const path = resolveInside(root, entry.path)
  const parent = dirname(path)
  if (!made.has(parent)) {
    await mkdir(parent, { recursive: true, mode: 0o755 })
    made.add(parent)
  }
  const handle = await open(path, FLAGS, entry.executable ? 0o755 : 0o644)
  try {
    for await (const piece of unpacked(entry)) await handle.writeFile(piece)
  } finally {
    await handle.close()
  }
}
