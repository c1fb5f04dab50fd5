/** Notes about what was made, with a digest of themselves: one that a disk or a hand has changed is no note. */
import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { digestOf, explainFileError, readIfThere } from '../../system/files.ts'

/** Raised when what stands in notes changes. */
const SCHEMA = 2

/** Nobody waits for the disk: a power cut may leave half a note, which is none. */
export async function writeSealed(file: string, content: unknown): Promise<void> {
  const digest = digestOf(JSON.stringify(content))
  const unfinished = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}`)
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(unfinished, JSON.stringify({ schemaVersion: SCHEMA, digest, content }), { mode: 0o600 })
    await rename(unfinished, file)
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => {})
    throw explainFileError(cause, file)
  }
}

/** What was written, else undefined. It is ours, to the last letter: nothing in it is checked again. */
export async function readSealed<T>(file: string): Promise<T | undefined> {
  const text = await readIfThere(file)
  if (text === undefined) return undefined
  try {
    const { schemaVersion, digest, content } = JSON.parse(text)
    return schemaVersion === SCHEMA && digestOf(JSON.stringify(content)) === digest ? content : undefined
  } catch {
    return undefined
  }
}
