/** Files that were found → entries of a layer: read once, hashed, searched for secrets, and proven not to have moved. */
import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { systemCode } from '../errors.ts'
import { explainFileError } from '../system/files.ts'
import type { FileEntry } from './bundle.ts'
import { moved, unreadable } from './refusals.ts'
import { type Finding, findSecrets } from './secrets.ts'
import type { FoundFile } from './tree.ts'

export interface ReadFile {
  readonly entry: FileEntry
  readonly findings: readonly Finding[]
}

/** Bigger texts are data, and people do not keep passwords in them. */
const SEARCHED = 1024 * 1024
/** How many files are open at once: enough to keep the disk busy, few enough for any limit on descriptors. */
const AT_ONCE = 8

/** In the order of `files`. */
export async function readFiles(files: readonly FoundFile[]): Promise<ReadFile[]> {
  const results: ReadFile[] = new Array(files.length)
  const rest = files.entries()
  const work = async (): Promise<void> => {
    for (const [index, file] of rest) results[index] = await readOne(file)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return results
}

/** Not following links and not waiting for pipes: between the walk and now, something else may have got the name. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

async function readOne(file: FoundFile): Promise<ReadFile> {
  const handle = await open(file.source, FLAGS).catch(cause => {
    throw explainOpen(cause, file)
  })
  try {
    const before = await handle.stat()
    if (!before.isFile() || before.dev !== file.device || before.ino !== file.inode) throw moved(file.path)
    const hash = createHash('sha256')
    const kept: Buffer[] = []
    let size = 0
    const buffer = Buffer.allocUnsafe(Math.min(before.size + 1, 256 * 1024))
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, size)
      if (bytesRead === 0) break
      const piece = buffer.subarray(0, bytesRead)
      hash.update(piece)
      if (before.size <= SEARCHED) kept.push(Buffer.from(piece))
      size += bytesRead
    }
    if (size !== before.size || !same(before, await handle.stat())) throw moved(file.path)
    const { path, source, executable } = file
    const bytes = Buffer.concat(kept)
    return {
      entry: { path, digest: `sha256:${hash.digest('hex')}`, size, source, executable },
      findings: !file.trusted && isText(bytes) ? findSecrets(bytes) : [],
    }
  } finally {
    await handle.close()
  }
}

function same(a: Stats, b: Stats): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs
}

function isText(bytes: Buffer): boolean {
  const utf16 = bytes.length >= 2 && bytes[0] === 0xff && bytes[1] === 0xfe
  return utf16 || !bytes.subarray(0, 8192).includes(0)
}

function explainOpen(cause: unknown, file: FoundFile): unknown {
  const code = systemCode(cause)
  if (code === 'EACCES' || code === 'EPERM') return unreadable(file.path, code, cause)
  if (code === 'ELOOP' || code === 'ENOENT' || code === 'ENXIO') return moved(file.path)
  return explainFileError(cause, file.source)
}
