/** Directory → `SavedModel`: everything is checked here and trusted afterwards. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { systemCode, ThampiError } from '../errors.ts'
import {
  type Digest,
  digestOf,
  digestOfFile,
  explainFileError,
  forPeople,
  readIfThere,
} from '../system/files.ts'
import { noFacts, parseFacts, parseProperties, parseReceipts } from './facts.ts'
import { broughtFormatOf, formatOf, formats } from './formats/index.ts'
import type { SavedModel } from './saved-model.ts'
import { parseSchema, SCHEMA_FILE } from './schema.ts'
import { parseTolerances, TOLERANCES_FILE } from './tolerances.ts'

const PROPERTIES = 'thampi.json'
const FACTS = 'saved.json'
const RECEIPTS = 'receipts.jsonl'

/**
 * Reads the directory that `save()` wrote, or what another tool wrote. `dir` is taken as its user wrote it, relative
 * to `cwd`. Nothing is unpickled: only digests of the model's bytes are taken.
 *
 * @throws ThampiError MODEL_MISSING, MODEL_INVALID, INTEGRITY, PERMISSION
 * @example
 * const model = await readModel('./models/iris-sklearn', process.cwd())
 * model.properties.trained_time_utc // '2018-09-06T22:03:04.886644'
 */
export async function readModel(dir: string, cwd: string): Promise<SavedModel> {
  const path = resolve(cwd, dir)
  const shownDir = forPeople(path, cwd)
  const shown = (name: string): string => join(shownDir, name)
  const isSingle = await isFile(path)
  const names = isSingle ? [] : await namesIn(path, dir)
  const format = formatOf(names)
  if (!format || !names.includes(PROPERTIES)) {
    const place = { path, name: basename(path), names: isSingle ? undefined : names, shown }
    const brought = broughtFormatOf(place)
    if (brought) return brought.read(place)
  }
  if (isSingle) throw noDirectory(dir)
  for (const wanted of [PROPERTIES, format?.main ?? formats[0]?.main]) {
    if (wanted !== undefined && !names.includes(wanted)) throw noModel(dir, `${wanted} is missing`)
  }
  if (!format) throw noModel(dir, 'it has no file of a known format')
  const propertiesBytes = await readFile(join(path, PROPERTIES)).catch(cause => {
    throw explainFileError(cause, join(path, PROPERTIES))
  })
  const properties = parseProperties(propertiesBytes.toString('utf8'), shown(PROPERTIES))
  const factsText = await readIfThere(join(path, FACTS))
  const facts = factsText === undefined ? noFacts : parseFacts(factsText, shown(FACTS))
  const receiptsText = await readIfThere(join(path, RECEIPTS))
  const schemaText = await readIfThere(join(path, SCHEMA_FILE))
  const tolerancesText = await readIfThere(join(path, TOLERANCES_FILE))
  // Of what was read already, the digest of those very bytes.
  const digestOfRead = async (name: string): Promise<Digest> => {
    if (name === PROPERTIES) return digestOf(propertiesBytes)
    if (name === RECEIPTS && receiptsText !== undefined) return digestOf(receiptsText)
    if (name === SCHEMA_FILE && schemaText !== undefined) return digestOf(schemaText)
    return digestHere(join(path, name))
  }

  const files: Record<string, Digest> = {}
  const travelling = [...format.files, ...format.companions.filter(name => names.includes(name))]
  for (const name of new Set([...travelling, ...Object.keys(facts.digests)])) {
    const saved = facts.digests[name]
    if (!names.includes(name)) throw changed(shown(name), saved, undefined)
    const digest = await digestOfRead(name)
    if (saved !== undefined && saved !== digest) throw changed(shown(name), saved, digest)
    if (travelling.includes(name)) files[name] = digest
  }
  return {
    dir: path,
    name: basename(path),
    format: format.name,
    properties,
    made: facts.made,
    receipts: receiptsText === undefined ? [] : parseReceipts(receiptsText, shown(RECEIPTS)),
    tolerances:
      tolerancesText === undefined ? undefined : parseTolerances(tolerancesText, shown(TOLERANCES_FILE)),
    schema: schemaText === undefined ? undefined : parseSchema(schemaText, shown(SCHEMA_FILE)),
    files,
  }
}

/**
 * The saved model that was trained last among the directories in `modelsDir`, or undefined.
 * What cannot be read counts by the time of its file, so that a broken newest model is reported, not passed over.
 */
export async function newestModel(modelsDir: string): Promise<string | undefined> {
  const names = await readdir(modelsDir).catch(() => [])
  let newest: { dir: string; time: number; trained: string } | undefined
  // Hidden ones are what a `save` that was killed left half-written.
  for (const name of names.filter(found => !found.startsWith('.')).sort()) {
    const dir = join(modelsDir, name)
    const file = join(dir, PROPERTIES)
    const text = await readIfThere(file)
    if (text === undefined) continue
    const trained = trainedTime(text)
    const time = trained ? Date.parse(`${trained}Z`) : (await stat(file)).mtimeMs
    const later = !newest || time > newest.time || (time === newest.time && trained > newest.trained)
    if (later) newest = { dir, time, trained }
  }
  return newest?.dir
}

/** Naive UTC as `save()` writes it; empty when it is not there. */
function trainedTime(text: string): string {
  try {
    const time = parseProperties(text, PROPERTIES).trained_time_utc
    return Number.isNaN(Date.parse(`${time}Z`)) ? '' : time
  } catch {
    return ''
  }
}

async function namesIn(path: string, asWritten: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') throw noModel(asWritten, 'there is no such directory')
    throw explainFileError(cause, path)
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}

function noDirectory(asWritten: string): ThampiError {
  const around = dirname(asWritten)
  return new ThampiError('MODEL_INVALID', {
    message: `\`${asWritten}\` is a file; \`--model_dir\` takes the directory around it.`,
    fix: `--model_dir=${around}`,
  })
}

function noModel(dir: string, reason: string): ThampiError {
  return new ThampiError('MODEL_MISSING', {
    message: `No model at "${dir}": ${reason}.`,
    fix: 'run your training script, or pass the directory given to save()',
  })
}

/** A pipe named `model.pkl` would keep us waiting for ever, so the kind is asked first. */
async function digestHere(path: string): Promise<Digest> {
  try {
    if (!(await stat(path)).isFile()) {
      throw new ThampiError('MODEL_INVALID', { message: `"${path}" is not a regular file.` })
    }
    return await digestOfFile(path)
  } catch (cause) {
    throw explainFileError(cause, path)
  }
}

function changed(shown: string, saved: Digest | undefined, found: Digest | undefined): ThampiError {
  return new ThampiError('INTEGRITY', {
    message: `${shown} ${found === undefined ? 'is missing' : 'is not the file that was saved'}.`,
    why: `${found === undefined ? '' : `Its digest is ${found}. `}When it was saved it was ${saved}.`,
    fix: 'run your training script again, or restore the directory from your backup',
  })
}
