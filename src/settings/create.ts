/** A new settings file: written whole, and never over an existing one. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, open, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { systemCode, ThampiError } from '../errors.ts'
import { explainFileError, syncDirectory } from '../system/files.ts'
import { findFile, settingsFileNames } from './file.ts'

/** Throws `SETTINGS_EXISTS` when the project in `dir` has a settings file of any of the known names. */
export async function refuseExistingSettings(dir: string): Promise<void> {
  const found = await findFile(dir)
  if (found) throw exists(basename(found.path))
}

/**
 * Creates `zappa_settings.json` in `dir` and returns its path. Whoever looks sees the whole file or none; of two who
 * create it at once, one gets `SETTINGS_EXISTS`.
 */
export async function createSettings(
  dir: string,
  stages: Readonly<Record<string, unknown>>,
): Promise<string> {
  const [name] = settingsFileNames
  const path = resolve(dir, name)
  const temporary = join(dir, `.${name}.${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(`${JSON.stringify(stages, null, 4)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await moveWithoutReplacing(temporary, path)
  } catch (cause) {
    throw systemCode(cause) === 'EEXIST' ? exists(name) : explainFileError(cause, path)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncDirectory(dir)
  return path
}

/** A rename would replace what is there; a link does not. Some file systems have no links: there a copy must do. */
async function moveWithoutReplacing(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (cause) {
    const code = systemCode(cause)
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw cause
    await copyFile(from, to, constants.COPYFILE_EXCL)
  }
}

function exists(name: string): ThampiError {
  return new ThampiError('SETTINGS_EXISTS', { message: `${name} already exists. Delete it and run again.` })
}
