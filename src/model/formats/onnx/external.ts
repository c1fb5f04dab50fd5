/** Files beside an ONNX file that hold its weights. A name in a file is a wish of whoever wrote it, and is not trusted. */
import { lstat, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { systemCode, ThampiError } from '../../../errors.ts'
import { explainFileError } from '../../../system/files.ts'

/** More than any export has made. */
const maxFiles = 20_000

/**
 * Refuses names that lead anywhere but to regular files below `dir`, with no link on the way and no second name on the disk.
 *
 * @param shown how messages name the ONNX file
 * @throws ThampiError MODEL_INVALID
 */
export async function checkExternalData(
  dir: string,
  locations: readonly string[],
  shown: string,
): Promise<void> {
  if (locations.length > maxFiles) throw refused(shown, `It names ${locations.length} other files.`)
  const root = await realpath(dir)
  for (const location of locations) {
    const why = problemOf(location) ?? (await problemOnDisk(root, location))
    if (why !== undefined)
      throw refused(shown, `It keeps weights in ${JSON.stringify(location.slice(0, 200))}, ${why}.`)
  }
}

function problemOf(location: string): string | undefined {
  if (location === '' || location.length > 1000) return 'which is no name of a file'
  if (/[\0-\x1f\\:]/.test(location)) return 'which has a character that such names cannot have'
  const steps = location.split('/')
  if (steps.some(step => step === '' || step === '.' || step === '..')) return 'which leads elsewhere'
  return undefined
}

async function problemOnDisk(root: string, location: string): Promise<string | undefined> {
  const path = join(root, ...location.split('/'))
  try {
    const kind = await lstat(path)
    if (kind.isSymbolicLink()) return 'which is a link'
    if (!kind.isFile()) return 'which is not a regular file'
    // A second name on the disk: bytes of somebody else's file would travel.
    if (kind.nlink > 1) return 'which is a hard link'
    const real = await realpath(path)
    if (real !== path || !real.startsWith(root + sep)) return 'which is behind a link'
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return 'which is not there'
    throw explainFileError(cause, path)
  }
  return undefined
}

function refused(shown: string, why: string): ThampiError {
  return new ThampiError('MODEL_INVALID', {
    message: `${shown} was not read.`,
    why,
    fix: 'onnx.save(model, path) without external data, or put the files beside it',
  })
}
