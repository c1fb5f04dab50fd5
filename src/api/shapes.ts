/** The types that a JSON Schema names, in a form that both languages can write. */
import type { JsonSchema } from '../model/schema.ts'
import { hoist } from './hoist.ts'

export type Shape =
  | { readonly kind: 'any' | 'number' | 'whole' | 'text' | 'flag' | 'null' }
  | { readonly kind: 'literals'; readonly values: readonly (string | number | boolean | null)[] }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'row'; readonly of: readonly Shape[] }
  | { readonly kind: 'map'; readonly of: Shape }
  | { readonly kind: 'object'; readonly members: readonly Member[] }
  | { readonly kind: 'either'; readonly of: readonly Shape[] }
  | { readonly kind: 'named'; readonly name: string }

export interface Member {
  readonly name: string
  readonly shape: Shape
  readonly required: boolean
  readonly description: string | undefined
}

export interface NamedShape {
  readonly name: string
  readonly shape: Shape
  readonly description: string | undefined
}

const base = '#/'

/**
 * The types of a schema, definitions first and `name` itself last.
 *
 * @example
 * shapesOf('Data', { type: 'array', items: { type: 'number' } }, new Set())
 * // [{ name: 'Data', shape: { kind: 'list', of: { kind: 'number' } }, description: undefined }]
 */
export function shapesOf(name: string, schema: JsonSchema, taken: Set<string>): NamedShape[] {
  const schemas = Object.entries(hoist(name, schema, base)).reverse()
  const names = new Map(schemas.map(([key]) => [key, key === name ? name : identifier(key, taken)]))
  const shape = (value: unknown): Shape => shapeOf(value, names)
  return schemas.map(([key, value]) => ({
    name: names.get(key) ?? key,
    shape: shape(value),
    description: descriptionOf(value),
  }))
}

/** `Data.Iris In` → `IrisIn`, or with what stands before it when that name is taken. */
function identifier(key: string, taken: Set<string>): string {
  const [root = '', ...rest] = key.split('.')
  const short = pascal(rest.join('.')) || root
  let name = taken.has(short) ? root + short : short
  for (let n = 2; taken.has(name); n++) name = `${root}${short}${n}`
  taken.add(name)
  return name
}

function pascal(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter(word => word !== '')
  const name = words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return /^\d/.test(name) ? `_${name}` : name
}

function shapeOf(value: unknown, names: ReadonlyMap<string, string>): Shape {
  if (typeof value !== 'object' || value === null) return { kind: 'any' }
  const schema = value as JsonSchema
  const inner = (part: unknown): Shape => shapeOf(part, names)
  if (typeof schema.$ref === 'string') {
    const name = names.get(schema.$ref.slice(base.length))
    return name === undefined ? { kind: 'any' } : { kind: 'named', name }
  }
  if ('const' in schema) return literals([schema.const])
  if (Array.isArray(schema.enum)) return literals(schema.enum)
  const alternatives = schema.anyOf ?? schema.oneOf
  if (Array.isArray(alternatives)) return either(alternatives.map(inner))
  if (Array.isArray(schema.type)) return either(schema.type.map(type => inner({ ...schema, type })))
  switch (schema.type) {
    case 'number':
      return { kind: 'number' }
    case 'integer':
      return { kind: 'whole' }
    case 'string':
      return { kind: 'text' }
    case 'boolean':
      return { kind: 'flag' }
    case 'null':
      return { kind: 'null' }
    case 'array':
      return arrayOf(schema, inner)
    case 'object':
      return objectOf(schema, inner)
    default:
      return { kind: 'any' }
  }
}

function literals(values: readonly unknown[]): Shape {
  const plain = values.filter(
    value => value === null || ['string', 'number', 'boolean'].includes(typeof value),
  )
  if (plain.length === 0 || plain.length < values.length) return { kind: 'any' }
  return { kind: 'literals', values: plain as (string | number | boolean | null)[] }
}

/** Whatever may be anything is anything. */
function either(shapes: readonly Shape[]): Shape {
  const different = [...new Map(shapes.map(shape => [JSON.stringify(shape), shape])).values()]
  if (different.length === 0 || different.some(({ kind }) => kind === 'any')) return { kind: 'any' }
  return different.length === 1 ? (different[0] as Shape) : { kind: 'either', of: different }
}

function arrayOf(schema: JsonSchema, inner: (part: unknown) => Shape): Shape {
  const places = Array.isArray(schema.prefixItems) ? schema.prefixItems : []
  const isWhole = places.length > 0 && schema.minItems === places.length && schema.maxItems === places.length
  if (isWhole) return { kind: 'row', of: places.map(inner) }
  if (places.length > 0)
    return {
      kind: 'list',
      of: either([...places.map(inner), ...(schema.items ? [inner(schema.items)] : [])]),
    }
  return { kind: 'list', of: inner(schema.items) }
}

function objectOf(schema: JsonSchema, inner: (part: unknown) => Shape): Shape {
  const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, unknown>>)
  if (properties.length === 0) return { kind: 'map', of: inner(schema.additionalProperties) }
  const required = new Set(Array.isArray(schema.required) ? schema.required : [])
  return {
    kind: 'object',
    members: properties.map(([name, value]) => ({
      name,
      shape: inner(value),
      required: required.has(name),
      description: descriptionOf(value),
    })),
  }
}

function descriptionOf(value: unknown): string | undefined {
  const description = (value as { description?: unknown } | null)?.description
  return typeof description === 'string' ? description : undefined
}
