/** The three texts beside a model, parsed once: `thampi.json`, `saved.json`, `receipts.jsonl`. */
import { ThampiError } from '../errors.ts'
import type { Digest } from '../system/files.ts'
import type { MadeWith, Package, Properties, Receipt } from './saved-model.ts'

/** What `saved.json` says; the digests are compared by the reader. */
export interface Facts {
  readonly made: MadeWith
  readonly digests: Readonly<Record<string, Digest>>
}

/** Models saved by the original of 2018 have no `saved.json`. */
export const noFacts: Facts = {
  made: {
    python: undefined,
    cloudpickle: undefined,
    machine: undefined,
    thampi: undefined,
    packages: {},
    localModules: [],
  },
  digests: {},
}

type Json = Readonly<Record<string, unknown>>

/** `shown` is the file as its user would write it. */
export function parseProperties(text: string, shown: string): Properties {
  const object = parseObject(text, shown)
  const property = (key: string): string => {
    const value = object[key]
    if (typeof value === 'string' && value !== '') return value
    const got = value === undefined ? 'is missing' : `is ${JSON.stringify(value)} and must be a text`
    throw invalid(`${shown}: "${key}" ${got}.`)
  }
  return {
    thampi_data_version: property('thampi_data_version'),
    trained_time_utc: property('trained_time_utc'),
    instance_id: property('instance_id'),
    ...(object.tags === undefined ? {} : { tags: object.tags }),
  }
}

export function parseFacts(text: string, shown: string): Facts {
  const object = parseObject(text, shown)
  if (object.schemaVersion !== 1) {
    throw new ThampiError('MODEL_INVALID', {
      message: `${shown} was written by another version of thampi (${String(object.thampi ?? 'unknown')}).`,
      why: `Its schemaVersion is ${JSON.stringify(object.schemaVersion) ?? 'missing'}; this version reads 1.`,
      fix: 'serve with the thampi that saved the model, or run your training script again',
    })
  }
  const digests: Record<string, Digest> = {}
  for (const [name, digest] of Object.entries(objectAt(object, 'files'))) {
    if (!isDigest(digest)) throw invalid(`${shown}: the digest of "${name}" is ${JSON.stringify(digest)}.`)
    digests[name] = digest
  }
  return {
    made: {
      python: textAt(objectAt(object, 'python'), 'version'),
      cloudpickle: textAt(object, 'cloudpickle'),
      machine: textAt(object, 'machine'),
      thampi: textAt(object, 'thampi'),
      packages: packagesIn(objectAt(object, 'packages')),
      localModules: textsIn(object.localModules),
    },
    digests,
  }
}

/** One JSON document a line; the texts of both members stay as they were written, to the last digit. */
export function parseReceipts(text: string, shown: string): Receipt[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const place = `${shown}:${index + 1}`
    parseObject(line, place)
    const members = membersOf(line)
    const data = members.get('data')
    const result = members.get('result')
    if (data === undefined || result === undefined) throw invalid(`${place} needs "data" and "result".`)
    return [{ data, result }]
  })
}

/** The members of a JSON object that is known to be well-formed, each as the very text it was written in. */
function membersOf(text: string): Map<string, string> {
  const members = new Map<string, string>()
  let depth = 0
  let start = 0
  let name: string | undefined
  const tokens = /"(?:[^"\\]|\\.)*"|[[\]{}:,]/gs
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '{' || token === '[') depth++
    if (depth === 1 && (token === '{' || token === ',' || token === ':' || token === '}')) {
      const before = text.slice(start, index).trim()
      if (token === ':') name = JSON.parse(before) as string
      else if (name !== undefined) {
        members.set(name, before)
        name = undefined
      }
      start = index + 1
    }
    if (token === '}' || token === ']') depth--
  }
  return members
}

function parseObject(text: string, shown: string): Json {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ThampiError('MODEL_INVALID', {
      message: `${shown} is not JSON.`,
      why: cause instanceof Error ? cause.message : undefined,
      fix: 'run your training script again',
      cause,
    })
  }
  if (isObject(value)) return value
  throw invalid(`${shown} holds no JSON object.`)
}

function objectAt(object: Json, key: string): Json {
  const value = object[key]
  return isObject(value) ? value : {}
}

function textAt(object: Json, key: string): string | undefined {
  const value = object[key]
  return typeof value === 'string' ? value : undefined
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

function packagesIn(object: Json): Record<string, Package> {
  const packages: Record<string, Package> = Object.create(null)
  for (const [module, value] of Object.entries(object)) {
    if (!isObject(value)) continue
    const { distribution, version } = value
    if (typeof distribution === 'string' && typeof version === 'string') {
      packages[module] = { distribution, version }
    }
  }
  return packages
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value)
}

function invalid(message: string): ThampiError {
  return new ThampiError('MODEL_INVALID', { message, fix: 'run your training script again' })
}
