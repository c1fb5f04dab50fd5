/** `schema.json` beside a model: what it takes and gives, as JSON Schema (2020-12). Its owner may edit it. */
import { join } from 'node:path'
import { ThampiError } from '../errors.ts'
import { readIfThere } from '../system/files.ts'

export const SCHEMA_FILE = 'schema.json'

export type JsonSchema = Readonly<Record<string, unknown>>

export interface Schema {
  /**
   * True when a person said so, by annotations or by editing the file: requests that do not fit are refused before
   * the model runs. False when it was inferred from examples: then it only explains.
   */
  readonly declared: boolean
  /** Of the value under `data`. Its `examples` hold what the model was saved with. */
  readonly input?: JsonSchema
  /** Of the value under `result`. Describes; nothing is ever refused by it. */
  readonly output?: JsonSchema
}

/**
 * The schema of the model in `dir`, or undefined when it has none.
 *
 * @param shown the file as its user would write it
 * @throws ThampiError MODEL_INVALID
 */
export async function readSchema(
  dir: string,
  shown: string = join(dir, SCHEMA_FILE),
): Promise<Schema | undefined> {
  const text = await readIfThere(join(dir, SCHEMA_FILE))
  return text === undefined ? undefined : parseSchema(text, shown)
}

export function parseSchema(text: string, shown: string): Schema {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid(`${shown} is not JSON.`, cause instanceof Error ? cause.message : undefined)
  }
  if (!isObject(value)) throw invalid(`${shown} holds no JSON object.`)
  if (typeof value.declared !== 'boolean') throw invalid(`${shown}: "declared" must be true or false.`)
  for (const key of ['input', 'output']) {
    if (value[key] !== undefined && !isObject(value[key]))
      throw invalid(`${shown}: "${key}" must be a JSON Schema, which is an object.`)
  }
  const { declared, input, output } = value as unknown as Schema
  return {
    declared,
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
  }
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string, why?: string): ThampiError {
  return new ThampiError('MODEL_INVALID', {
    message,
    why,
    fix: 'mend the file, or delete it to serve the model without a schema',
  })
}
