/** Where fetched wheels are kept, each under its hash, and how we know that one is whole. */
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ThampiError } from '../../errors.ts'
import { digestOfFile, readIfThere, resolveInside } from '../../system/files.ts'
import type { System } from '../../system/system.ts'
import type { LockedWheel } from '../lock/lock.ts'

export interface CacheEntry {
  readonly dir: string
  /** The wheel, under its own name: that says what it fits. */
  readonly file: string
  /** What arrived of it so far. */
  readonly part: string
  readonly lock: string
  /** What the file looked like when its hash was last right. */
  readonly seen: string
}

/**
 * Also for the archives of source that a wheel is built from.
 *
 * @throws ThampiError INTEGRITY when hash or name are not what they must be: a lock can come from anybody
 */
export function entryOf({ sha256, file }: LockedWheel, { places }: System): CacheEntry {
  if (!/^[0-9a-f]{64}$/.test(sha256) || !/^[^/\\]+\.(whl|tar\.gz|tgz|zip)$/.test(file)) {
    throw new ThampiError('INTEGRITY', {
      message: `"${file}" with the hash "${sha256}" is no wheel that could be fetched.`,
      fix: 'make the lock anew',
    })
  }
  const root = join(places.home, 'wheels')
  const dir = resolveInside(root, sha256)
  return {
    dir,
    file: resolveInside(dir, file),
    part: join(dir, 'part'),
    lock: join(root, `${sha256}.lock`),
    seen: join(dir, 'seen.json'),
  }
}

/**
 * The size of a wheel that is here and whole, else undefined. It is read again only when its size, times or inode are
 * not those of the last time: 900 MB of torch would cost every unchanged build seconds. Whatever writes to a file changes
 * the time of its inode, which nobody can set. Nothing is synced: what a power cut takes away is missing in the size.
 */
export async function sizeOfWhole(entry: CacheEntry, sha256: string): Promise<number | undefined> {
  const now = await looksOf(entry.file)
  if (now === undefined) return undefined
  if ((await readIfThere(entry.seen)) !== now.text) {
    if ((await digestOfFile(entry.file)) !== `sha256:${sha256}`) return undefined
    await writeFile(entry.seen, now.text)
  }
  return now.bytes
}

/** To be called when the file was just written and its hash is right. */
export async function rememberWhole({ file, seen }: CacheEntry): Promise<number> {
  const now = await looksOf(file)
  if (now === undefined) throw new ThampiError('INTEGRITY', { message: `${file} was removed meanwhile.` })
  await writeFile(seen, now.text)
  return now.bytes
}

async function looksOf(file: string): Promise<{ bytes: number; text: string } | undefined> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  if (!found?.isFile()) return undefined
  const { size, mtimeNs, ctimeNs, ino } = found
  return { bytes: Number(size), text: `${JSON.stringify([size, mtimeNs, ctimeNs, ino].map(String))}\n` }
}
