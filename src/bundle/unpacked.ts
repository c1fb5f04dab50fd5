/** An archive of packages as a directory that nobody writes to: unpacked once, whole or not there at all. */
import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { atOnce } from './at-once.ts'
import { withLock } from './installers/lock.ts'
import { ours, readZip } from './zip/read.ts'
import { unpackZip } from './zip/unpack.ts'

const filesAtOnce = 32

/**
 * Unpacks `file` as `dir`, by way of a directory below `work`, which must be on the same disk; `undefined` gives an empty
 * one. What is there already stays when it is whole, else it is replaced: nobody waits for the disk with thousands of
 * files, so a power cut may take some. Two processes at a time do it once, and what a killed one left below `work` goes
 * when the same is unpacked again.
 *
 * @param waiting called once, with the process that does it already
 * @throws ThampiError ARCHIVE_INVALID, DISK_FULL, PERMISSION
 * @example
 * await unpackOnce(archive.file, '/cache/layers/4f3a', '/cache/tmp', () => {})
 */
export async function unpackOnce(
  file: string | undefined,
  dir: string,
  work: string,
  waiting: (pid: number) => void,
): Promise<void> {
  if (await isWhole(file, dir)) return
  const name = `unpacking-${basename(dir)}`
  for (const place of [work, dirname(dir)]) await mkdir(place, { recursive: true, mode: 0o700 })
  await withLock(join(work, `${name}.lock`), waiting, async () => {
    if (await isWhole(file, dir)) return
    await removeLeftOvers(work, name)
    const attempt = join(work, name)
    try {
      if (file === undefined) await mkdir(attempt)
      else await unpackZip(file, attempt, ours)
      // A directory that cannot be written to cannot be moved either: itself comes last.
      for (const below of await directoriesIn(attempt)) await makeReadOnly(below)
      await replace(dir, attempt)
    } catch (cause) {
      await removeReadOnly(attempt)
      throw cause
    }
    await chmod(dir, 0o555)
  })
}

async function removeLeftOvers(work: string, name: string): Promise<void> {
  for (const entry of await readdir(work)) {
    const isOurs = entry === name || entry.startsWith(`.${name}.`)
    if (isOurs) await removeReadOnly(join(work, entry))
  }
}

/** Whether every file of the archive is there in its size. */
async function isWhole(file: string | undefined, dir: string): Promise<boolean> {
  if (!(await isThere(dir))) return false
  if (file === undefined) return true
  const { entries, close } = await readZip(file)
  await close()
  let whole = true
  await atOnce(filesAtOnce, entries, async ({ path, bytes }) => {
    const found = whole ? await lstat(join(dir, path)).catch(() => undefined) : undefined
    whole &&= found?.isFile() === true && found.size === bytes
  })
  return whole
}

/** What was there is out of the way in one step, and only then taken apart: who has a file of it open keeps that. */
async function replace(dir: string, by: string): Promise<void> {
  if (!(await isThere(dir))) return rename(by, dir)
  const aside = join(dirname(by), `.${basename(by)}.${randomBytes(6).toString('hex')}`)
  await chmod(dir, 0o755)
  await rename(dir, aside)
  await rename(by, dir)
  await removeReadOnly(aside)
}

/** Directories decide whether files can be made; files of ours are never written to by anybody who behaves. */
export async function makeReadOnly(dir: string): Promise<void> {
  for (const below of await directoriesIn(dir)) await makeReadOnly(below)
  await chmod(dir, 0o555)
}

async function makeWritable(dir: string): Promise<void> {
  await chmod(dir, 0o755).catch(() => {})
  for (const below of await directoriesIn(dir)) await makeWritable(below)
}

/** Removes a directory of which nothing may be writable. */
export async function removeReadOnly(dir: string): Promise<void> {
  if (!(await isThere(dir))) return
  await makeWritable(dir)
  await rm(dir, { recursive: true, force: true })
}

async function isThere(dir: string): Promise<boolean> {
  return lstat(dir).then(
    () => true,
    () => false,
  )
}

async function directoriesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  return entries.filter(entry => entry.isDirectory()).map(({ name }) => join(dir, name))
}
