/** Moves a JSON Schema into a document of several: its definitions get names of that document. */
import type { JsonSchema } from '../model/schema.ts'

/** Keywords whose value is data of the author, not schema: nothing in them is a reference. */
const opaque = new Set(['const', 'default', 'enum', 'example', 'examples'])
/** Keywords whose value maps names of the author to schemas. */
const byName = new Set(['properties', 'patternProperties', 'dependentSchemas'])

/**
 * The schemas that `schema` becomes: `name` for itself, `name.X` for each of its `$defs`, all references rewritten to
 * `base` and one of these names.
 *
 * @example
 * hoist('Data', { $ref: '#/$defs/Iris', $defs: { Iris: { type: 'object' } } }, '#/components/schemas/')
 * // { Data: { $ref: '#/components/schemas/Data.Iris' }, 'Data.Iris': { type: 'object' } }
 */
export function hoist(name: string, schema: JsonSchema, base: string): Record<string, JsonSchema> {
  const { $schema: _draft, $id: _id, $defs = {}, definitions = {}, ...own } = schema
  const named = new Map<string, string>()
  for (const key of [...Object.keys(definitions as object), ...Object.keys($defs as object)]) {
    named.set(key, unused(`${name}.${key.replace(/[^A-Za-z0-9._-]+/g, '_')}`, named))
  }
  const rewrite = (reference: string): string => {
    if (reference === '#') return base + name
    const key = /^#\/(?:\$defs|definitions)\/([^/]+)(\/.*)?$/.exec(reference)
    const target = key && named.get(unescaped(key[1] as string))
    return target ? `${base}${target}${key[2] ?? ''}` : reference
  }
  const all = { ...(definitions as object), ...($defs as object) } as Record<string, JsonSchema>
  return {
    [name]: walk(own, rewrite) as JsonSchema,
    ...Object.fromEntries(
      Object.entries(all).map(([key, value]) => [
        named.get(key) as string,
        walk(value, rewrite) as JsonSchema,
      ]),
    ),
  }
}

function unused(wanted: string, named: ReadonlyMap<string, string>): string {
  const taken = new Set(named.values())
  let name = wanted
  for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`
  return name
}

function walk(value: unknown, rewrite: (reference: string) => string): unknown {
  if (Array.isArray(value)) return value.map(item => walk(item, rewrite))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === '$ref' && typeof inner === 'string') return [key, rewrite(inner)]
      if (opaque.has(key)) return [key, inner]
      if (byName.has(key) && typeof inner === 'object' && inner !== null) {
        return [
          key,
          Object.fromEntries(Object.entries(inner).map(([name, one]) => [name, walk(one, rewrite)])),
        ]
      }
      return [key, walk(inner, rewrite)]
    }),
  )
}

/** A name in a JSON Pointer that is part of a URI. */
function unescaped(part: string): string {
  return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
}
