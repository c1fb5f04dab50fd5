/** The model layer: the files of a saved model, still those that were read. */
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ThampiError } from '../errors.ts'
import type { SavedModel } from '../model/saved-model.ts'
import { digestOf, explainFileError, forPeople, readIfThere, writeWhole } from '../system/files.ts'
import type { FileEntry, Layer } from './bundle.ts'
import { secretFound } from './code.ts'
import { layerOf } from './layer.ts'
import { findSecrets } from './secrets.ts'

/** A pickle up to this size is searched for secrets: strings stand in it as they are. */
const SEARCHED = 64 * 1024 * 1024

export interface ModelRules {
  readonly projectDir: string
  /** Paths relative to the project that are wanted although they hold what looks like a secret. */
  readonly includeSecrets: readonly string[]
  /** Where files of our own making are kept until they are packed. */
  readonly home: string
}

/** @throws ThampiError SECRET_FOUND, INTEGRITY when a file changed since the model was read */
export async function modelLayer(model: SavedModel, rules: ModelRules): Promise<Layer> {
  const wanted = new Set(rules.includeSecrets.map(path => resolve(rules.projectDir, path)))
  const entries: FileEntry[] = []
  for (const [path, digest] of Object.entries(model.files)) {
    if (model.added?.[path] !== undefined) continue
    const source = join(model.dir, path)
    const shown = forPeople(source, rules.projectDir)
    try {
      const { size } = await stat(source)
      entries.push({ path, digest, size, source, executable: false })
      if (size > SEARCHED) continue
      const bytes = await readFile(source)
      if (digestOf(bytes) !== digest) throw changed(shown)
      const [finding] = wanted.has(source) ? [] : findSecrets(bytes)
      if (finding) throw secretFound({ path: shown, place: shown, kind: finding.kind }, [])
    } catch (cause) {
      throw explainFileError(cause, source)
    }
  }
  for (const [path, text] of Object.entries(model.added ?? {})) {
    entries.push(await addedEntry(path, text, rules.home))
  }
  return layerOf('model', entries)
}

/** A layer is made of files, so what was only found out becomes one, named by what is in it. */
async function addedEntry(path: string, text: string, home: string): Promise<FileEntry> {
  const digest = digestOf(text)
  const source = join(home, 'added', digest.slice('sha256:'.length))
  if ((await readIfThere(source)) !== text) await writeWhole(source, text)
  return { path, digest, size: Buffer.byteLength(text), source, executable: false }
}

function changed(shown: string): ThampiError {
  return new ThampiError('INTEGRITY', {
    message: `${shown} changed while it was packed.`,
    fix: 'run the command again when training has ended',
  })
}
