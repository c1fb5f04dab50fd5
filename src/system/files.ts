/** Files that are whole or absent: atomic writes, safe joins, digests. */
import { createHash, randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { systemCode, ThampiError } from '../errors.ts'

/** `sha256:` and 64 hexadecimal digits. */
export type Digest = `sha256:${string}`

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Digest of a file, read in pieces so that its size does not matter. */
export async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer)
  return `sha256:${hash.digest('hex')}`
}

/**
 * Writes so that a reader, or a crash at any moment, sees the old content or the new one:
 * temporary file beside the target, sync, rename, sync of the directory (without it a rename can be lost).
 */
export async function writeWhole(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const dir = dirname(path)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const temporary = join(dir, `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true })
    throw explainFileError(cause, path)
  }
  await syncDirectory(dir)
}

/** Makes renames inside `dir` durable. Windows cannot open directories and journals renames itself. */
export async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(dir, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Text of a file, or undefined when it is not there. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw explainFileError(cause, path)
  }
}

/**
 * `relativePath` under `root`, refused when it would leave it.
 * The comparison includes the separator: `/store-evil` is not inside `/store`.
 */
export function resolveInside(root: string, relativePath: string): string {
  const base = resolve(root)
  const path = resolve(base, relativePath)
  if (path !== base && !path.startsWith(base + sep)) {
    throw new ThampiError('PERMISSION', { message: `"${relativePath}" lies outside "${root}".` })
  }
  return path
}

/** A path as a person in `from` would write it. */
export function forPeople(path: string, from: string): string {
  const short = relative(from, path)
  return short === '' ? '.' : short.startsWith('..') ? path : short
}

/** Turns an operating system error about `path` into one with a next step. */
export function explainFileError(cause: unknown, path: string): unknown {
  const code = systemCode(cause)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ThampiError('DISK_FULL', {
      message: `No space left for "${path}".`,
      fix: 'thampi clean --scope=all --dry-run   # shows what Thampi itself could give back',
      cause,
    })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new ThampiError('PERMISSION', {
      message: `"${path}" may not be written or read (${code}).`,
      fix: 'set THAMPI_HOME to a directory of yours',
      cause,
    })
  }
  return cause
}
