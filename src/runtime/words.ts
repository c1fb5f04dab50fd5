/** Words for what a JSON Schema wants and for what was sent instead; `contract/validation.json` holds the very texts. */
import { isObject, type JsonObject, listIn, numberIn, resolved } from './validate.ts'

/** Steps from the input to a place in it. */
export type Keys = readonly (string | number)[]

const longestText = 40
const longestExample = 120
const mostNames = 10
const deepestReference = 20

export const anything = 'a value'

const singular: Readonly<Record<string, string>> = {
  number: 'a number',
  integer: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  null: 'null',
  array: 'a list',
  object: 'an object',
}

const nouns: Readonly<Record<string, string>> = {
  number: 'number',
  integer: 'whole number',
  string: 'text',
  boolean: 'boolean',
  array: 'list',
  object: 'object',
}

/** Names for what the parts of one document want. */
export class Words {
  readonly #root: unknown

  constructor(root: unknown) {
    this.#root = root
  }

  /** What a chain of references ends at. */
  meant(schema: unknown): unknown {
    let found = schema
    for (let i = 0; i < deepestReference; i++) {
      if (!isObject(found) || typeof found.$ref !== 'string' || 'type' in found) break
      found = resolved(this.#root, found.$ref)
    }
    return found
  }

  /** `a number`, `a list of 4 numbers (…)`, ``an object with `input` ``, `"red" or "green"`. */
  kind(of: unknown): string {
    const schema = this.meant(of)
    if (!isObject(schema)) return anything
    if ('const' in schema) return shown(schema.const)
    const known = listIn(schema, 'enum')
    if (known.length > 0) return or(known.slice(0, 8).map(shown), known.length > 8)
    if ('type' in schema) return or(namesOf(schema.type).map(name => this.#ofType(name, schema)))
    const anyOf = listIn(schema, 'anyOf')
    const alternatives = anyOf.length > 0 ? anyOf : listIn(schema, 'oneOf')
    return alternatives.length > 0 ? or([...new Set(alternatives.map(part => this.kind(part)))]) : anything
  }

  /** `4 numbers (sepal length, …)` for a list whose length is fixed, else undefined. */
  counted(schema: unknown): string | undefined {
    if (!isObject(schema)) return undefined
    const [least, most] = bounds(schema)
    if (least !== most) return undefined
    const titles = listIn(schema, 'prefixItems').map(part => (isObject(part) ? part.title : undefined))
    const named =
      titles.length > 0 && titles.length === least && titles.every(title => typeof title === 'string')
    const names = named ? ` (${titles.slice(0, 6).join(', ')}${titles.length > 6 ? ', …' : ''})` : ''
    return this.items(schema, least) + names
  }

  /** `4 numbers`, `1 text`, `2 values`. */
  items(schema: JsonObject, count: number): string {
    const kinds = new Set(listIn(schema, 'prefixItems').map(part => this.#itemType(part)))
    if (isObject(schema.items)) kinds.add(this.#itemType(schema.items))
    const [kind] = kinds.size === 1 ? kinds : []
    return amount(count, (kind !== undefined && nouns[kind]) || 'value')
  }

  #itemType(of: unknown): string | undefined {
    const schema = this.meant(of)
    return isObject(schema) && typeof schema.type === 'string' ? schema.type : undefined
  }

  #ofType(name: string, schema: JsonObject): string {
    if (name === 'array') {
      const counted = this.counted(schema)
      if (counted !== undefined) return `a list of ${counted}`
      const noun = this.items(schema, 2).slice(2)
      return noun === 'values' ? 'a list' : `a list of ${noun}`
    }
    const required = listIn(schema, 'required') as readonly string[]
    if (name === 'object' && required.length > 0) return `an object with ${listed(required, 4, ' and ')}`
    return singular[name] ?? anything
  }
}

/** The text of an example for a place: its own, or its part of the whole input's; undefined without one. */
export function exampleIn(root: unknown, schema: unknown = true, keys: Keys = []): string | undefined {
  const [own] = isObject(schema) ? listIn(schema, 'examples') : []
  let value = own
  if (value === undefined) {
    value = isObject(root) ? listIn(root, 'examples')[0] : undefined
    for (const key of keys) {
      if (typeof key === 'number' ? !Array.isArray(value) : !isObject(value)) return undefined
      value = (value as Readonly<Record<string | number, unknown>>)[key]
    }
  }
  const text = value === undefined ? undefined : jsonLine(value)
  return text !== undefined && [...text].length <= longestExample ? text : undefined
}

export function namesOf(types: unknown): readonly string[] {
  return (Array.isArray(types) ? types : [types]) as readonly string[]
}

/** Fewest and most items of a list. */
export function bounds(schema: JsonObject): [number, number | undefined] {
  const [least, most] = [numberIn(schema, 'minItems') ?? 0, numberIn(schema, 'maxItems')]
  if (schema.items !== false) return [least, most]
  const count = listIn(schema, 'prefixItems').length
  return [least, most === undefined ? count : Math.min(count, most)]
}

/** What a value is called when it is not what was wanted. */
export function sent(value: unknown): string {
  return typeof value === 'string' ? `the text ${quoted(value)}` : shown(value)
}

export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return numberText(value)
  if (value === null || typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'a list' : 'an object'
}

export function quoted(text: string): string {
  const letters = [...text]
  return JSON.stringify(letters.length <= longestText ? text : `${letters.slice(0, longestText).join('')}…`)
}

/** Too large a number to be written in JSON comes out of `1e999`. */
export function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : 'a number too large'
}

/** One line of JSON with a space after `,` and `:`. */
function jsonLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonLine).join(', ')}]`
  if (!isObject(value)) return typeof value === 'number' ? numberText(value) : JSON.stringify(value)
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jsonLine(item)}`)
  return `{${members.join(', ')}}`
}

export function amount(count: number, noun: string): string {
  return count === 1 ? `${count} ${noun}` : `${count} ${noun}s`
}

function or(words: readonly string[], more = false): string {
  if (more) return `${words.join(', ')}, …`
  const last = words.at(-1) ?? ''
  return words.length === 1 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

export function listed(names: readonly string[], most: number, last = ', '): string {
  const cut = names.slice(0, most).map(name => `\`${[...name].slice(0, longestText).join('')}\``)
  if (names.length > most) return `${cut.join(', ')}, …`
  return [cut.slice(0, -1).join(', '), cut.at(-1)].filter(Boolean).join(last)
}

/** The name that was probably meant: a slip of the keyboard, or another way to write the same words. */
export function nearest(wanted: string, names: readonly string[]): string | undefined {
  const length = [...wanted].length
  if (length > longestText) return undefined
  let best: string | undefined
  let fewest = Math.floor(length / 3) + 1
  for (const name of names.slice(0, mostNames)) {
    if ([...name].length > longestText) continue
    const [one, other] = [bare(wanted), bare(name)]
    const slips = Math.abs(one.length - other.length) < fewest ? slipsBetween(one, other) : fewest
    if (slips < fewest) [best, fewest] = [name, slips]
  }
  return best
}

function bare(name: string): readonly string[] {
  return [...name.replace(/[ _-]/g, '').toLowerCase()]
}

/** How many letters were added, left out, exchanged for another or for their neighbour. */
function slipsBetween(one: readonly string[], other: readonly string[]): number {
  let [beforeLast, last]: [number[], number[]] = [[], [...other.keys(), other.length]]
  one.forEach((letter, i) => {
    const row = [i + 1]
    other.forEach((ofOther, j) => {
      const changed = letter === ofOther ? 0 : 1
      let cost = Math.min((last[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1, (last[j] ?? 0) + changed)
      if (i > 0 && j > 0 && letter === other[j - 1] && one[i - 1] === ofOther)
        cost = Math.min(cost, (beforeLast[j - 1] ?? 0) + 1)
      row.push(cost)
    })
    ;[beforeLast, last] = [last, row]
  })
  return last[other.length] ?? 0
}
