/**
 * Why a value does not fit a JSON Schema, in words for people who never saw the model. The texts are those of the Python
 * edition; `contract/validation.json` holds the two together.
 */
import { pointerOf } from './careful.ts'
import type { Place } from './problem.ts'
import {
  compiled,
  isObject,
  isSame,
  isType,
  type JsonObject,
  lengthOf,
  listIn,
  numberIn,
  objectIn,
  patternOf,
  resolved,
} from './validate.ts'
import {
  amount,
  anything,
  bounds,
  exampleIn,
  type Keys,
  listed,
  namesOf,
  nearest,
  numberText,
  quoted,
  sent,
  shown,
  Words,
} from './words.ts'

const mostErrors = 20
const mostSentences = 3

/** One place that does not fit. */
export interface Misfit {
  readonly keys: Keys
  /** The keyword of the schema that says so. */
  readonly code: string
  /** A sentence. */
  readonly message: string
  /** What is wanted at that place. */
  readonly schema: unknown
}

/**
 * The places where a value does not fit, at most 20; none when it fits.
 *
 * @example
 * explain({ required: ['input'] }, { inputs: [1] })[0]?.message
 * // '`data.input` is missing (got `inputs`). Did you mean `input`?'
 */
export function explain(schema: unknown, value: unknown): readonly Misfit[] {
  const walk = new Walk(schema)
  walk.look(schema, value, [])
  return walk.found.slice(0, mostErrors)
}

/** As it stands in `errors` of a problem document. */
export function placeOf({ keys, code, message }: Misfit): Place {
  return { pointer: pointerOf(['data', ...keys.map(String)]), code, message }
}

/** The first sentences, for a reader who sees nothing else. */
export function summary(misfits: readonly Misfit[]): string {
  const sentences = misfits.slice(0, mostSentences).map(({ message }) => message)
  return (misfits.length > mostSentences ? [...sentences, '…'] : sentences).join(' ')
}

/** What helps after the sentence was read: what is missing, and an example; undefined when there is nothing. */
export function hintFor(root: unknown, misfit: Misfit | undefined): string | undefined {
  if (!misfit) return undefined
  const words = new Words(root)
  const schema = words.meant(misfit.schema)
  const example = exampleIn(root, schema, misfit.keys)
  const expected = words.counted(schema) ?? words.kind(schema)
  if (misfit.code !== 'required' || expected === anything)
    return example === undefined ? undefined : `For example: ${example}`
  return example === undefined ? `Expected: ${expected}.` : `Expected: ${expected}, e.g. ${example}`
}

/** One value against one schema. */
class Walk {
  readonly found: Misfit[] = []
  readonly #root: unknown
  readonly #words: Words

  constructor(root: unknown) {
    this.#root = root
    this.#words = new Words(root)
  }

  look(schema: unknown, value: unknown, keys: Keys): void {
    if (this.found.length >= mostErrors || schema === true) return
    if (!isObject(schema)) {
      this.#add(keys, 'false', 'is not allowed.', schema)
      return
    }
    if ('type' in schema && !namesOf(schema.type).some(name => isType(name, value))) {
      this.#wrongKind(schema, value, keys)
      return
    }
    if ('const' in schema && !isSame(value, schema.const)) {
      const words = `must be ${shown(schema.const)}; you sent ${shown(value)}.`
      this.#add(keys, 'const', words, schema)
      return
    }
    if ('enum' in schema && !listIn(schema, 'enum').some(one => isSame(value, one))) {
      this.#notAmong(schema, value, keys)
      return
    }
    if (typeof schema.$ref === 'string') this.look(resolved(this.#root, schema.$ref), value, keys)
    for (const part of listIn(schema, 'allOf')) this.look(part, value, keys)
    for (const code of ['anyOf', 'oneOf'] as const) {
      if (code in schema) this.#noneOf(schema, listIn(schema, code), value, keys, code)
    }
    if (typeof value === 'number') this.#number(schema, value, keys)
    else if (typeof value === 'string') this.#text(schema, value, keys)
    else if (Array.isArray(value)) this.#array(schema, value, keys)
    else if (isObject(value)) this.#object(schema, value, keys)
  }

  #add(keys: Keys, code: string, words: string, schema: unknown): void {
    this.found.push({ keys, code, message: `\`${nameOf(keys)}\` ${words}`, schema })
  }

  #wrongKind(schema: JsonObject, value: unknown, keys: Keys): void {
    const number = typeof value === 'string' && isMeantAsNumber(schema, value)
    const words = `must be ${this.#words.kind(schema)}; you sent ${sent(value)}.`
    this.#add(keys, 'type', number ? `${words} Send ${value}, without quotes.` : words, schema)
  }

  #notAmong(schema: JsonObject, value: unknown, keys: Keys): void {
    const known = listIn(schema, 'enum')
    const texts = known.filter(one => typeof one === 'string')
    const near = typeof value === 'string' ? nearest(value, texts) : undefined
    const words = `must be ${this.#words.kind({ enum: known })}; you sent ${shown(value)}.`
    this.#add(keys, 'enum', near ? `${words} Did you mean "${near}"?` : words, schema)
  }

  /** Says what is wrong with the one alternative that was meant, if that can be told. */
  #noneOf(
    schema: JsonObject,
    parts: readonly unknown[],
    value: unknown,
    keys: Keys,
    code: 'anyOf' | 'oneOf',
  ): void {
    const attempts = parts.map(part => {
      const attempt = new Walk(this.#root)
      attempt.look(part, value, keys)
      return attempt.found
    })
    const fitting = attempts.filter(found => found.length === 0).length
    if (fitting === 1 || (fitting > 0 && code === 'anyOf')) return
    if (fitting > 0) {
      const words = `fits ${fitting} of the things that it may be, and must fit one; you sent ${sent(value)}.`
      this.#add(keys, code, words, schema)
      return
    }
    let meant = attempts.filter(([first]) => !(first?.code === 'type' && first.keys.length === keys.length))
    if (meant.length > 1) {
      if (this.#wrongTag(meant, value, keys, code)) return
      meant = meant.filter(found => !found.some(one => one.code === 'const'))
    }
    const [only] = meant
    if (only && meant.length === 1) this.found.push(...only)
    else
      this.#add(
        keys,
        code,
        `must be ${this.#words.kind({ [code]: parts })}; you sent ${sent(value)}.`,
        schema,
      )
  }

  /** Whether the alternatives are told apart by one member, which has none of their values. */
  #wrongTag(
    meant: readonly (readonly Misfit[])[],
    value: unknown,
    keys: Keys,
    code: 'anyOf' | 'oneOf',
  ): boolean {
    const tags = meant.map(found => found.find(one => one.code === 'const'))
    const [first] = tags
    const path = first && JSON.stringify(first.keys)
    if (!first || tags.some(tag => !tag || JSON.stringify(tag.keys) !== path)) return false
    const wanted = { enum: tags.map(tag => (isObject(tag?.schema) ? tag.schema.const : undefined)) }
    let got = value
    for (const key of first.keys.slice(keys.length))
      got = (got as Readonly<Record<string | number, unknown>>)[key]
    this.#add(first.keys, code, `must be ${this.#words.kind(wanted)}; you sent ${shown(got)}.`, wanted)
    return true
  }

  #number(schema: JsonObject, value: number, keys: Keys): void {
    for (const [keyword, isRight, words] of limits) {
      const limit = numberIn(schema, keyword)
      if (limit === undefined || isRight(value, limit)) continue
      this.#add(keys, keyword, `must be ${words} ${numberText(limit)}; you sent ${sent(value)}.`, schema)
    }
  }

  #text(schema: JsonObject, value: string, keys: Keys): void {
    const length = lengthOf(value)
    const [least, most] = [numberIn(schema, 'minLength') ?? 0, numberIn(schema, 'maxLength')]
    if (length < least)
      this.#add(
        keys,
        'minLength',
        `needs at least ${amount(least, 'character')}; you sent ${length}.`,
        schema,
      )
    if (most !== undefined && length > most)
      this.#add(
        keys,
        'maxLength',
        `may have at most ${amount(most, 'character')}; you sent ${length}.`,
        schema,
      )
    if (patternOf(schema)?.test(value) === false) {
      const words = `must match the pattern ${schema.pattern}; you sent ${shown(value)}.`
      this.#add(keys, 'pattern', words, schema)
    }
  }

  #array(schema: JsonObject, value: readonly unknown[], keys: Keys): void {
    const [least, most] = bounds(schema)
    const count = value.length
    if (count < least || (most !== undefined && count > most)) {
      let words = `needs ${this.#words.counted(schema)}`
      if (least !== most)
        words =
          count < least
            ? `needs at least ${this.#words.items(schema, least)}`
            : `may have at most ${this.#words.items(schema, most ?? 0)}`
      const code = count < least ? 'minItems' : 'maxItems'
      this.#add(keys, code, `${words}; you sent ${count}.`, schema)
      return
    }
    const first = listIn(schema, 'prefixItems')
    for (const [i, part] of first.slice(0, count).entries()) this.look(part, value[i], [...keys, i])
    if (!('items' in schema) || schema.items === true) return
    // A list may be long: what fits is passed over quickly.
    const fits = compiled(schema.items, this.#root)
    for (let i = first.length; i < count && this.found.length < mostErrors; i++)
      if (!fits(value[i])) this.look(schema.items, value[i], [...keys, i])
  }

  #object(schema: JsonObject, value: JsonObject, keys: Keys): void {
    const properties = objectIn(schema, 'properties')
    const unknown = Object.keys(value).filter(key => !Object.hasOwn(properties, key))
    const required = listIn(schema, 'required') as readonly string[]
    const explained = new Set<string>()
    for (const name of required.filter(known => !Object.hasOwn(value, known)).slice(0, mostErrors)) {
      const near = nearest(
        name,
        unknown.filter(key => !explained.has(key)),
      )
      if (near !== undefined) explained.add(near)
      const wanted = Object.hasOwn(properties, name) ? properties[name] : true
      this.#add([...keys, name], 'required', missing(name, near, unknown), wanted)
    }
    for (const [name, part] of Object.entries(properties))
      if (Object.hasOwn(value, name)) this.look(part, value[name], [...keys, name])
    const more = schema.additionalProperties
    if ('patternProperties' in schema || more === undefined || more === true) return
    const free = Object.keys(properties).filter(name => !Object.hasOwn(value, name))
    for (const key of unknown) {
      if (this.found.length >= mostErrors) return
      if (more === false && !explained.has(key))
        this.#add([...keys, key], 'additionalProperties', notKnown(key, free, properties), true)
      else if (more !== false) this.look(more, value[key], [...keys, key])
    }
  }
}

function missing(name: string, near: string | undefined, unknown: readonly string[]): string {
  if (near !== undefined) return `is missing (got \`${near}\`). Did you mean \`${name}\`?`
  return unknown.length > 0 ? `is missing (got ${listed(unknown, 3)}).` : 'is missing.'
}

function notKnown(key: string, free: readonly string[], properties: JsonObject): string {
  const near = nearest(key, free)
  if (near !== undefined) return `is not known. Did you mean \`${near}\`?`
  const known = Object.keys(properties)
  return known.length > 0 ? `is not known. Known: ${listed(known, 8)}.` : 'is not known.'
}

const limits: readonly (readonly [string, (value: number, limit: number) => boolean, string])[] = [
  ['minimum', (value, limit) => value >= limit, 'at least'],
  ['maximum', (value, limit) => value <= limit, 'at most'],
  ['exclusiveMinimum', (value, limit) => value > limit, 'more than'],
  ['exclusiveMaximum', (value, limit) => value < limit, 'less than'],
]

function isMeantAsNumber(schema: JsonObject, text: string): boolean {
  const names = namesOf(schema.type)
  if (names.includes('number')) return /^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?$/.test(text)
  return names.includes('integer') && /^-?(0|[1-9][0-9]{0,15})$/.test(text)
}

/** `data.input[3]`, `data["two words"]` */
function nameOf(keys: Keys): string {
  const steps = keys.map(key => {
    if (typeof key === 'number') return `[${key}]`
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `.${key}` : `[${quoted(key)}]`
  })
  return `data${steps.join('')}`
}
