/** All files of a directory that somebody else laid out, with their digests. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ThampiError } from '../../errors.ts'
import { type Digest, digestOfFile, explainFileError } from '../../system/files.ts'

const maxFiles = 20_000

/**
 * Path with `/` → digest, of every regular file below `root`. Links are refused: what they point to may be anything.
 *
 * @param shown how messages name a file
 * @throws ThampiError MODEL_INVALID, PERMISSION
 */
export async function filesBelow(
  root: string,
  shown: (path: string) => string,
): Promise<Record<string, Digest>> {
  const paths: string[] = []
  const walk = async (dir: string): Promise<void> => {
    for (const name of (await readdir(join(root, dir))).sort()) {
      if (leftOut.test(name)) continue
      const path = dir === '' ? name : `${dir}/${name}`
      const kind = await lstat(join(root, path))
      if (kind.isDirectory()) await walk(path)
      else if (kind.isFile()) paths.push(path)
      else throw invalid(`${shown(path)} is ${kind.isSymbolicLink() ? 'a link' : 'not a regular file'}.`)
      if (paths.length > maxFiles) throw invalid(`${shown('')} holds more than ${maxFiles} files.`)
    }
  }
  try {
    await walk('')
    const files: Record<string, Digest> = {}
    for (const path of paths) files[path] = await digestOfFile(join(root, path))
    return files
  } catch (cause) {
    throw explainFileError(cause, root)
  }
}

/** What Python and operating systems leave behind. */
const leftOut = /^(__pycache__|\.DS_Store|Thumbs\.db)$/

function invalid(message: string): ThampiError {
  return new ThampiError('MODEL_INVALID', { message, fix: 'put the file itself into the directory' })
}
