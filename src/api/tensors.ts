/** What a model takes and gives as tensors: the metadata of the Open Inference Protocol, as far as a schema knows it. */
import type { JsonSchema, Schema } from '../model/schema.ts'

export interface TensorMetadata {
  readonly name: string
  readonly datatype: string
  /** -1 for a dimension of any size. */
  readonly shape: readonly number[]
}

export interface ModelTensors {
  readonly inputs: readonly TensorMetadata[]
  readonly outputs: readonly TensorMetadata[]
}

/**
 * One input for each property, because that is how the runtime hands tensors to the model. What is no tensor, or not
 * known, is left out.
 *
 * @example
 * tensorsOf({ declared: true, input: { type: 'object', properties: { x: { type: 'array', items: { type: 'number' } } } } })
 * // { inputs: [{ name: 'x', datatype: 'FP64', shape: [-1] }], outputs: [] }
 */
export function tensorsOf(schema: Schema | undefined): ModelTensors {
  const { input, output } = schema ?? {}
  const whole = output && output.type !== 'object' ? tensor('result', output, output) : []
  return { inputs: members(input), outputs: output?.type === 'object' ? members(output) : whole }
}

function members(root: JsonSchema | undefined): TensorMetadata[] {
  const properties = (root?.properties ?? {}) as Readonly<Record<string, JsonSchema>>
  return Object.entries(properties).flatMap(([name, schema]) => tensor(name, schema, root ?? {}))
}

const datatypes: Readonly<Record<string, string>> = {
  number: 'FP64',
  integer: 'INT64',
  boolean: 'BOOL',
  string: 'BYTES',
}

function tensor(name: string, schema: JsonSchema, root: JsonSchema): TensorMetadata[] {
  const shape: number[] = []
  let at = resolved(schema, root)
  while (at?.type === 'array' && shape.length < 32) {
    const places = Array.isArray(at.prefixItems) ? (at.prefixItems as JsonSchema[]) : []
    shape.push(sizeOf(at, places.length))
    at = resolved((at.items || places[0]) as JsonSchema | undefined, root)
  }
  const datatype = datatypes[String(at?.type)]
  return datatype === undefined ? [] : [{ name, datatype, shape: shape.length === 0 ? [1] : shape }]
}

function sizeOf({ minItems, maxItems }: JsonSchema, places: number): number {
  if (typeof minItems === 'number' && minItems === maxItems) return minItems
  return places > 0 && minItems === undefined ? places : -1
}

function resolved(schema: JsonSchema | undefined, root: JsonSchema): JsonSchema | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  if (typeof schema.$ref !== 'string') return schema
  const [, where, name] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(schema.$ref) ?? []
  const target = where && (root[where] as Readonly<Record<string, JsonSchema>> | undefined)?.[name as string]
  // One step: a definition that is only a reference says nothing about tensors.
  return target && target.$ref === undefined ? target : undefined
}
