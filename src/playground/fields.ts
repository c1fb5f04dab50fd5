/** Which fields a JSON Schema asks for, and how what a person writes in them becomes JSON. Nothing here touches the page. */
import type { JsonSchema } from './server.ts'

export type Field =
  | { readonly kind: 'object'; readonly fields: readonly NamedField[] }
  | { readonly kind: 'number'; readonly whole: boolean }
  | { readonly kind: 'text' }
  | { readonly kind: 'flag' }
  | { readonly kind: 'choice'; readonly values: readonly unknown[] }
  /** Numbers or texts in one line, separated by commas. */
  | { readonly kind: 'row'; readonly of: 'number' | 'text'; readonly hint: string }
  /** Whatever a field cannot show: JSON. */
  | { readonly kind: 'json' }

export interface NamedField {
  readonly name: string
  readonly field: Field
  readonly required: boolean
  readonly description: string | undefined
}

type Schemas = Readonly<Record<string, JsonSchema>>

const deepest = 3

/** The field for a schema; `schemas` are those of the OpenAPI document, where references lead. */
export function fieldOf(schema: JsonSchema, schemas: Schemas, depth = 0): Field {
  const own = resolved(schema, schemas)
  if (Array.isArray(own.enum) && own.enum.length > 0) return { kind: 'choice', values: own.enum }
  switch (own.type) {
    case 'number':
    case 'integer':
      return { kind: 'number', whole: own.type === 'integer' }
    case 'string':
      return { kind: 'text' }
    case 'boolean':
      return { kind: 'flag' }
    case 'array':
      return rowOf(own, schemas)
    case 'object':
      return depth < deepest ? objectOf(own, schemas, depth) : { kind: 'json' }
    default:
      return { kind: 'json' }
  }
}

function resolved(schema: JsonSchema, schemas: Schemas, hops = 0): JsonSchema {
  const name =
    typeof schema.$ref === 'string' ? /^#\/components\/schemas\/(.+)$/.exec(schema.$ref)?.[1] : undefined
  const target = name === undefined || hops > 20 ? undefined : schemas[name]
  return target ? { ...resolved(target, schemas, hops + 1), ...withoutReference(schema) } : schema
}

function withoutReference({ $ref: _, ...rest }: JsonSchema): JsonSchema {
  return rest
}

function objectOf(schema: JsonSchema, schemas: Schemas, depth: number): Field {
  const properties = Object.entries((schema.properties ?? {}) as Schemas)
  if (properties.length === 0) return { kind: 'json' }
  const required = new Set(Array.isArray(schema.required) ? schema.required : [])
  const fields = properties.map(([name, inner]) => {
    const { description } = resolved(inner, schemas)
    return {
      name,
      field: fieldOf(inner, schemas, depth + 1),
      required: required.has(name),
      description: typeof description === 'string' ? description : undefined,
    }
  })
  return { kind: 'object', fields }
}

function rowOf(schema: JsonSchema, schemas: Schemas): Field {
  const places = Array.isArray(schema.prefixItems) ? (schema.prefixItems as JsonSchema[]) : []
  const items = typeof schema.items === 'object' && schema.items !== null ? [schema.items as JsonSchema] : []
  const kinds = new Set([...places, ...items].map(place => resolved(place, schemas).type))
  const numbers = [...kinds].every(kind => kind === 'number' || kind === 'integer')
  const texts = [...kinds].every(kind => kind === 'string')
  if (kinds.size === 0 || !(numbers || texts)) return { kind: 'json' }
  const count = schema.minItems === schema.maxItems ? schema.minItems : undefined
  const names = places.map(({ title, description }) => title ?? description).filter(Boolean)
  const what = names.length > 0 && names.length === places.length ? `: ${names.join(', ')}` : ''
  const of = numbers ? 'number' : 'text'
  const many = typeof count === 'number' ? `${count} ${of}s${what}` : `${of}s${what}`
  return { kind: 'row', of, hint: `${many}, separated by commas` }
}

/** What a person wrote in a field was no value of its kind. */
export class NotAValue extends Error {}

/** JSON text of what was written in a number, text, row or JSON field. Throws `NotAValue`. */
export function jsonOf(field: Field, written: string): string {
  switch (field.kind) {
    case 'number':
      return numberOf(written)
    case 'row':
      return `[${partsOf(written)
        .map(part => (field.of === 'number' ? numberOf(part) : JSON.stringify(part)))
        .join(', ')}]`
    case 'json':
      return documentOf(written)
    default:
      return JSON.stringify(written)
  }
}

/** How a value is written in such a field; undefined when it is none of that kind. */
export function writtenAs(field: Field, value: unknown): string | undefined {
  switch (field.kind) {
    case 'number':
      return typeof value === 'number' ? String(value) : undefined
    case 'text':
      return typeof value === 'string' ? value : undefined
    case 'row': {
      const wanted = field.of === 'number' ? 'number' : 'string'
      const fits =
        Array.isArray(value) && value.every(item => typeof item === wanted && !String(item).includes(','))
      return fits ? value.join(', ') : undefined
    }
    default:
      return JSON.stringify(value)
  }
}

const json = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/

function numberOf(written: string): string {
  const trimmed = written.trim()
  // The digits go out as they were written: JavaScript's numbers would round long ones.
  if (json.test(trimmed)) return trimmed
  const value = Number(trimmed)
  if (trimmed === '' || !Number.isFinite(value)) throw new NotAValue(`"${trimmed}" is not a number`)
  return String(value)
}

function partsOf(written: string): string[] {
  return written.trim() === '' ? [] : written.split(',').map(part => part.trim())
}

function documentOf(written: string): string {
  try {
    JSON.parse(written)
    return written.trim()
  } catch (error) {
    throw new NotAValue(`not JSON: ${error instanceof Error ? error.message : error}`)
  }
}
