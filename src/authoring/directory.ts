/** A saved model's directory is written so that whoever looks sees the old model, the new one, or that something is amiss. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemCode, ThampiError } from '../errors.ts'
import { explainFileError, readIfThere, syncDirectory, writeWhole } from '../system/files.ts'

/** All that `save` ever writes; other files in the directory are the user's. */
const ours = [
  'model.mjs',
  'state.json',
  'state.bin',
  'schema.json',
  'receipts.jsonl',
  'thampi.json',
  'saved.json',
]

const forgottenMs = 24 * 60 * 60 * 1000

/**
 * A directory that was not there appears with all its files at once. In one that was, each file is replaced whole and
 * `saved.json`, which holds the digests of the others, last: a mixture is noticed and not loaded.
 *
 * @throws ThampiError MODEL_INVALID, PERMISSION, DISK_FULL
 */
export async function writeModel(
  dir: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  try {
    await mkdir(dirname(dir), { recursive: true })
    if (await isFree(dir)) await writeNew(dir, files)
    else await replaceIn(dir, files)
  } catch (cause) {
    throw systemCode(cause) === 'EEXIST' || systemCode(cause) === 'ENOTDIR'
      ? inTheWay(dir)
      : explainFileError(cause, dir)
  }
}

async function isFree(dir: string): Promise<boolean> {
  try {
    return (await readdir(dir)).length === 0
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return true
    throw cause
  }
}

async function writeNew(dir: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  await removeForgotten(dir)
  const beside = `${prefixOf(dir)}${randomBytes(6).toString('hex')}`
  try {
    await mkdir(beside)
    for (const [name, content] of Object.entries(files))
      await writeFile(join(beside, name), content, { flush: true })
    await syncDirectory(beside)
    await rename(beside, dir)
    await syncDirectory(dirname(dir))
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

/** Hidden, so that nobody takes it for a model. */
function prefixOf(dir: string): string {
  return join(dirname(dir), `.${basename(dir)}.saving-`)
}

/** What killed runs of long ago left behind. */
async function removeForgotten(dir: string): Promise<void> {
  for (const name of await readdir(dirname(dir))) {
    const path = join(dirname(dir), name)
    if (!path.startsWith(prefixOf(dir))) continue
    const age = Date.now() - (await stat(path)).mtimeMs
    if (age > forgottenMs) await rm(path, { recursive: true, force: true })
  }
}

async function replaceIn(dir: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  if ((await readIfThere(join(dir, 'model.pkl'))) !== undefined) {
    throw new ThampiError('MODEL_INVALID', {
      message: `"${dir}" holds a model that Python saved.`,
      fix: 'choose another name or another directory',
    })
  }
  const { 'saved.json': facts, ...others } = files
  for (const [name, content] of Object.entries(others)) await writeWhole(join(dir, name), content, 0o644)
  for (const name of ours) if (!(name in files)) await rm(join(dir, name), { force: true })
  if (facts !== undefined) await writeWhole(join(dir, 'saved.json'), facts, 0o644)
}

function inTheWay(dir: string): ThampiError {
  return new ThampiError('MODEL_INVALID', {
    message: `"${dir}" cannot be made: a file stands in the way.`,
    fix: 'choose another name or another directory',
  })
}
