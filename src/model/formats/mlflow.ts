/** A directory that MLflow wrote: its `MLmodel` says what is in it. Read as data; nothing of it is ever run here. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parse as parseLossless, stringify as stringifyLossless } from 'lossless-json'
import { parseDocument } from 'yaml'
import { ThampiError } from '../../errors.ts'
import { digestOf, readIfThere } from '../../system/files.ts'
import { naiveUtc } from '../../system/time.ts'
import { noFacts } from '../facts.ts'
import type { Properties, Receipt, SavedModel } from '../saved-model.ts'
import { filesBelow } from './files-below.ts'
import type { BroughtFormat, Place } from './format.ts'
import { schemaOfSignature, signatureIn } from './mlflow-signature.ts'

const MAIN = 'MLmodel'
const leftBySave = ['thampi.json', 'saved.json']

/** The biggest ones hold a signature of some thousand columns. */
const maxBytes = 4 * 1024 * 1024

/** Flavours that our runtime loads by itself where MLflow is not installed. */
const plain = ['sklearn', 'xgboost', 'lightgbm', 'onnx']

export const mlflow: BroughtFormat = {
  name: 'mlflow',
  // `save` writes an `MLmodel` too: what else it left says whose the directory is, however damaged.
  isAt: ({ names = [] }) => names.includes(MAIN) && !leftBySave.some(name => names.includes(name)),
  read,
}

type Json = Readonly<Record<string, unknown>>

async function read(place: Place): Promise<SavedModel> {
  const { path, name, shown } = place
  const { document, bytes } = await readMain(join(path, MAIN), shown(MAIN))
  const flavors = objectAt(document, 'flavors')
  const pyfunc = objectAt(flavors, 'python_function')
  if (typeof pyfunc.loader_module !== 'string' && !plain.some(flavor => flavor in flavors)) {
    throw invalid(
      `${shown(MAIN)} names no flavour that Python can ask (${Object.keys(flavors).join(', ') || 'none at all'}).`,
      'Needed is python_function, or one of sklearn, xgboost, lightgbm, onnx.',
    )
  }
  const files = await filesBelow(path, shown)
  const signature = signatureIn(objectAt(document, 'signature'), shown(MAIN))
  const properties = propertiesOf(document, bytes, (await stat(join(path, MAIN))).mtime)
  const receipts = await examplesIn(path)
  const schema = schemaOfSignature(
    signature,
    receipts.map(({ data }) => data),
  )
  const python = isPickled(flavors) ? textAt(pyfunc, 'python_version') : undefined
  return {
    dir: path,
    name,
    format: 'mlflow',
    properties,
    made: { ...noFacts.made, python },
    receipts,
    schema,
    files,
    added: {
      'thampi.json': `${JSON.stringify(properties, null, 2)}\n`,
      'brought.json': `${JSON.stringify({ format: 'mlflow', flavors, signature }, null, 2)}\n`,
      ...(schema === undefined ? {} : { 'schema.json': `${JSON.stringify(schema, null, 2)}\n` }),
    },
    dependencyFile: ['requirements.txt', 'conda.yaml'].filter(file => file in files).map(shown)[0],
  }
}

async function readMain(file: string, shown: string): Promise<{ document: Json; bytes: Buffer }> {
  const { size } = await stat(file)
  if (size > maxBytes) throw invalid(`${shown} has ${size} bytes: that is no MLmodel.`)
  const bytes = await readFile(file)
  const document = parseDocument(bytes.toString('utf8'), { logLevel: 'silent', uniqueKeys: true })
  const [error] = document.errors
  if (error) throw invalid(`${shown} is not YAML.`, error.message.split('\n')[0])
  let value: unknown
  try {
    // Aliases may be used; so many that a small file becomes a big value may not.
    value = document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw invalid(`${shown} cannot be read.`, cause instanceof Error ? cause.message : undefined)
  }
  if (!isObject(value)) throw invalid(`${shown} holds no mapping.`)
  return { document: value, bytes }
}

function propertiesOf(document: Json, bytes: Buffer, changed: Date): Properties {
  const time = textAt(document, 'utc_time_created')?.replace(' ', 'T')
  return {
    thampi_data_version: '0.1',
    trained_time_utc: time !== undefined && !Number.isNaN(Date.parse(`${time}Z`)) ? time : naiveUtc(changed),
    instance_id: textAt(document, 'model_uuid') ?? textAt(document, 'run_id') ?? digestOf(bytes).slice(7, 39),
  }
}

/** A pickle belongs to the Python that wrote it; the libraries' own formats do not. */
function isPickled(flavors: Json): boolean {
  const { sklearn, xgboost, lightgbm, onnx } = flavors
  if (isObject(onnx) || isObject(xgboost)) return false
  for (const flavor of [sklearn, lightgbm]) {
    if (!isObject(flavor)) continue
    const file = textAt(flavor, 'pickled_model') ?? textAt(flavor, 'data') ?? ''
    return flavor.serialization_format !== 'skops' && /\.pkl$/.test(file)
  }
  return true
}

/**
 * The example input that MLflow keeps, in our words. MLflow keeps no answer with it: that it is answered at all is
 * what can be proven.
 */
async function examplesIn(path: string): Promise<Receipt[]> {
  const text = await readIfThere(join(path, 'serving_input_example.json'))
  if (text === undefined || text.length > maxBytes) return []
  let sent: unknown
  try {
    sent = parseLossless(text)
  } catch {
    return []
  }
  if (!isObject(sent)) return []
  const input = isObject(sent.dataframe_split) ? recordsOf(sent.dataframe_split) : (sent.inputs ?? undefined)
  if (input === undefined) return []
  const data = stringifyLossless({ input })
  return data === undefined ? [] : [{ data, result: undefined }]
}

function recordsOf({ columns, data }: Json): unknown {
  if (!Array.isArray(columns) || !Array.isArray(data)) return undefined
  // Columns without names are numbered: then rows are what the model wants.
  if (columns.every(column => typeof column !== 'string')) return data
  return data.map(row => Object.fromEntries(columns.map((column, index) => [String(column), row?.[index]])))
}

function objectAt(object: Json, key: string): Json {
  const value = object[key]
  return isObject(value) ? value : {}
}

function textAt(object: Json, key: string): string | undefined {
  const value = object[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string, why?: string): ThampiError {
  return new ThampiError('MODEL_INVALID', { message, why, fix: 'save the model with MLflow again' })
}
