/** The signature in an `MLmodel`: columns or tensors with their types, and the JSON Schema of what callers send. */
import { ThampiError } from '../../errors.ts'
import type { JsonSchema, Schema } from '../schema.ts'

/** As MLflow writes it; the runtime holds requests against it. */
export interface Signature {
  readonly inputs?: readonly Input[]
  readonly hasParams?: boolean
}

/** A column has a type and mostly a name, a tensor a dtype and a shape. */
export type Input = Column | Tensor

export interface Column {
  readonly type: string
  readonly name?: string
  readonly required: boolean
}

export interface Tensor {
  readonly type: 'tensor'
  readonly name?: string
  readonly dtype: string
  /** -1 where any length will do. */
  readonly shape: readonly number[]
}

/** `signature` holds JSON texts. @throws ThampiError MODEL_INVALID */
export function signatureIn(signature: Readonly<Record<string, unknown>>, shown: string): Signature {
  const inputs = listAt(signature.inputs, shown)
  return {
    ...(inputs === undefined ? {} : { inputs: inputs.map(input => inputOf(input, shown)) }),
    ...(typeof signature.params === 'string' ? { hasParams: true } : {}),
  }
}

function listAt(text: unknown, shown: string): unknown[] | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value)) return value.length > 0 ? value : undefined
  } catch {
    // Said below.
  }
  throw invalid(`${shown}: the inputs of the signature cannot be read.`)
}

function inputOf(value: unknown, shown: string): Input {
  const { type, name, required, 'tensor-spec': spec } = value as Readonly<Record<string, unknown>>
  const named = typeof name === 'string' ? { name } : {}
  if (typeof type !== 'string') throw invalid(`${shown}: an input of the signature has no type.`)
  if (type !== 'tensor') return { type, ...named, required: required !== false }
  const { dtype, shape } = (spec ?? {}) as Readonly<Record<string, unknown>>
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !shape.every(Number.isInteger))
    throw invalid(`${shown}: a tensor of the signature has no dtype or no shape.`)
  return { type: 'tensor', ...named, dtype, shape }
}

/**
 * What stands under `data`. Not declared: the runtime itself knows what a signature lets through, which is more than
 * the one form described here.
 */
export function schemaOfSignature({ inputs }: Signature, examples: readonly string[]): Schema | undefined {
  const shown = examples.length > 0 ? { examples: examples.map(text => JSON.parse(text)) } : {}
  if (inputs === undefined)
    return examples.length > 0 ? { declared: false, input: { type: 'object', ...shown } } : undefined
  const isNamed = inputs.every(({ name }) => name !== undefined)
  const input = inputs.some(isTensor)
    ? tensors(inputs.filter(isTensor), isNamed)
    : columns(inputs as readonly Column[], isNamed)
  return {
    declared: false,
    input: { type: 'object', properties: { input }, required: ['input'], ...shown },
  }
}

function isTensor(input: Input): input is Tensor {
  return input.type === 'tensor'
}

function columns(list: readonly Column[], isNamed: boolean): JsonSchema {
  if (!isNamed) {
    const row = { type: 'array', prefixItems: list.map(({ type }) => ofColumn(type)), minItems: list.length }
    return { type: 'array', items: row }
  }
  const properties = Object.fromEntries(list.map(({ name, type }) => [name as string, ofColumn(type)]))
  const required = list.filter(column => column.required).map(({ name }) => name)
  return { type: 'array', items: { type: 'object', properties, required } }
}

function tensors(list: readonly Tensor[], isNamed: boolean): JsonSchema {
  if (!isNamed) return ofTensor(list[0] as Tensor)
  const properties = Object.fromEntries(list.map(tensor => [tensor.name as string, ofTensor(tensor)]))
  return { type: 'object', properties, required: list.map(({ name }) => name) }
}

/** MLflow's names of types; the complex ones describe themselves too differently to be told in a line. */
const columnTypes: Readonly<Record<string, JsonSchema>> = {
  boolean: { type: 'boolean' },
  integer: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  long: { type: 'integer' },
  float: { type: 'number' },
  double: { type: 'number' },
  string: { type: 'string' },
  binary: { type: 'string', contentEncoding: 'base64' },
  datetime: { type: 'string', format: 'date-time' },
}

function ofColumn(type: string): JsonSchema {
  return Object.hasOwn(columnTypes, type) ? (columnTypes[type] as JsonSchema) : {}
}

function ofTensor({ dtype, shape }: Tensor): JsonSchema {
  const leaf: JsonSchema = /^u?int/.test(dtype)
    ? { type: 'integer' }
    : /^float/.test(dtype)
      ? { type: 'number' }
      : /^bool/.test(dtype)
        ? { type: 'boolean' }
        : { type: 'string' }
  return nested(shape, leaf)
}

/** Lists in lists, one for each axis. */
export function nested(shape: readonly number[], leaf: JsonSchema): JsonSchema {
  return shape.reduceRight<JsonSchema>(
    (items, length) => ({
      type: 'array',
      items,
      ...(length >= 0 ? { minItems: length, maxItems: length } : {}),
    }),
    leaf,
  )
}

function invalid(message: string): ThampiError {
  return new ThampiError('MODEL_INVALID', { message, fix: 'save the model with MLflow again' })
}
