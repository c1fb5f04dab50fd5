/**
 * Results as JSON: one text for one value, the same text that the Python runtime writes. Keys sorted, no spaces, non-ASCII
 * text as it is. JavaScript has one kind of number, so a whole one is written without a point: 1.0 becomes 1.
 */

import { pointerOf } from './careful.ts'

/** Deeper values cannot be read back by the runtimes. */
const maxDepth = 900
/** Beyond it Python writes no integer. */
const maxDigits = 4_000

/** A step on the way to a value: a key, or a place in a list. */
type Step = string | number

/** Something that JSON cannot carry, and where it is. */
export class NotJson extends Error {
  override readonly name = 'NotJson'
  /** `result.scores[3]` */
  readonly where: string
  /** The same place as a JSON Pointer: `/result/scores/3`. */
  readonly pointer: string
  /** What is there: `is a function`. */
  readonly what: string
  /** What to return instead. */
  readonly fix: string | undefined

  constructor(steps: readonly Step[], what: string, fix?: string) {
    const where = `result${steps.map(pathStep).join('')}`
    super(`\`${where}\` ${what}.`)
    this.where = where
    this.pointer = pointerOf(['result', ...steps])
    this.what = what
    this.fix = fix
  }
}

/**
 * The JSON text of a result; `pretty` lays it out in lines, as a member of an object.
 *
 * @param onMissing called once with the first place where NaN or Infinity was written as null
 * @throws NotJson
 * @example encode({ b: 1, a: [1, 2] }) // '{"a":[1,2],"b":1}'
 */
export function encode(value: unknown, onMissing?: (where: string) => void, pretty = false): string {
  const walk = new Walk(pretty ? 2 : 0)
  let text: string
  try {
    text = walk.any(value, pretty ? 2 : 1)
  } catch (error) {
    if (error instanceof NotJson) throw error
    if (isStackOverflow(error)) throw new NotJson([], 'is nested too deeply', 'return a flatter value')
    // A getter or a `toJSON` of the model's raised.
    throw new NotJson(walk.steps, `cannot be read: ${textOf(error)}`)
  }
  if (walk.missing !== undefined) onMissing?.(new NotJson(walk.missing, '').where)
  return text
}

function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message === 'Maximum call stack size exceeded'
}

/** One walk over one value. */
class Walk {
  /** Where the walk stands. */
  readonly steps: Step[] = []
  missing: readonly Step[] | undefined
  readonly #above: object[] = []
  readonly #indent: number

  constructor(indent: number) {
    this.#indent = indent
  }

  any(value: unknown, depth: number): string {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return value ? 'true' : 'false'
      case 'object':
        return value === null ? 'null' : this.#object(value, depth)
      case 'bigint':
        return this.#bigint(value)
      case 'undefined':
        throw this.#refusal('is undefined', 'return null when there is nothing to say')
      default:
        throw this.#refusal(`is a ${typeof value}`, advice)
    }
  }

  #number(value: number): string {
    if (Number.isFinite(value)) return numberText(value)
    this.missing ??= [...this.steps]
    return 'null'
  }

  #bigint(value: bigint): string {
    const text = value.toString()
    if (text.length > maxDigits)
      throw this.#refusal('is an integer of more than 4,000 digits', 'return `String(…)`')
    return text
  }

  #object(value: object, depth: number): string {
    if (this.#above.includes(value)) throw this.#refusal('contains itself', 'return a value without cycles')
    if (depth > maxDepth) throw new NotJson([], 'is nested too deeply', 'return a flatter value')
    this.#above.push(value)
    const text = this.#inside(value, depth)
    this.#above.pop()
    return text
  }

  #inside(value: object, depth: number): string {
    if (Array.isArray(value)) return this.#list(value, depth)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) return this.#plain(value, depth)
    if (value instanceof Date) return this.#date(value)
    if (value instanceof Map) return this.#map(value, depth)
    if (ArrayBuffer.isView(value) && !(value instanceof DataView) && !(value instanceof Buffer))
      return this.#list(value as unknown as ArrayLike<unknown>, depth)
    if (value instanceof Number || value instanceof String || value instanceof Boolean)
      return this.any(value.valueOf(), depth)
    const refused = refusalOf(value)
    if (refused) throw this.#refusal(...refused)
    return this.#plain(value, depth)
  }

  /** An object's own members; one that is undefined is not there, as everywhere in JavaScript. */
  #plain(value: object, depth: number): string {
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.any(value.toJSON(''), depth + 1)
    const members: string[] = []
    const object = value as Record<string, unknown>
    for (const key of sorted(Object.keys(object))) {
      this.steps.push(key)
      const member = object[key]
      if (member !== undefined) members.push(this.#member(key, member, depth))
      this.steps.pop()
    }
    return this.#enclosed('{', members, '}', depth)
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): string {
    const named = new Map<string, unknown>()
    for (const [key, value] of map) {
      if (typeof key !== 'string' && !(typeof key === 'number' && Number.isFinite(key)))
        throw this.#refusal(`has a key that is ${a(key)}`, 'use `String(key)`')
      const name = typeof key === 'number' ? numberText(key) : key
      if (named.has(name))
        throw this.#refusal('has two keys that are the same text in JSON', 'use other keys')
      if (value !== undefined) named.set(name, value)
    }
    const numeric = [...map.keys()].every(key => typeof key === 'number')
    const keys = numeric ? [...named.keys()].sort((x, y) => Number(x) - Number(y)) : sorted([...named.keys()])
    const members = keys.map(key => {
      this.steps.push(key)
      const text = this.#member(key, named.get(key), depth)
      this.steps.pop()
      return text
    })
    return this.#enclosed('{', members, '}', depth)
  }

  #member(key: string, value: unknown, depth: number): string {
    return `${JSON.stringify(key)}:${this.#indent > 0 ? ' ' : ''}${this.any(value, depth + 1)}`
  }

  #list(list: ArrayLike<unknown>, depth: number): string {
    const items: string[] = []
    for (let i = 0; i < list.length; i++) {
      this.steps.push(i)
      items.push(this.any(list[i], depth + 1))
      this.steps.pop()
    }
    return this.#enclosed('[', items, ']', depth)
  }

  #enclosed(open: string, items: readonly string[], close: string, depth: number): string {
    if (this.#indent === 0 || items.length === 0) return open + items.join(',') + close
    const margin = `\n${' '.repeat(this.#indent * depth)}`
    return `${open}${margin}${items.join(`,${margin}`)}\n${' '.repeat(this.#indent * (depth - 1))}${close}`
  }

  /** HTTP date text, as dates have always been written in answers. */
  #date(date: Date): string {
    if (!Number.isNaN(date.getTime())) return JSON.stringify(date.toUTCString())
    this.missing ??= [...this.steps]
    return 'null'
  }

  #refusal(what: string, fix?: string): NotJson {
    return new NotJson([...this.steps], what, fix)
  }
}

/** A finite number as Python writes it: 1e-05 for 0.00001, 1e+16 for 10 ** 16 and above. */
export function numberText(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size < 1e16 && size >= 1e-4) return String(value)
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/** Sorted as Python sorts: by code point, which is another order than that of UTF-16 units where those are surrogates. */
function sorted(keys: string[]): string[] {
  return keys.some(key => /[\ud800-\uffff]/.test(key)) ? keys.sort(byCodePoint) : keys.sort()
}

function byCodePoint(one: string, other: string): number {
  const [x, y] = [[...one], [...other]]
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = (x[i]?.codePointAt(0) ?? 0) - (y[i]?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return x.length - y.length
}

const advice = 'return objects, arrays, text, numbers, booleans or null'

/** What an object is that would be written as `{}`, or as something nobody wants, and what to return instead. */
function refusalOf(value: object): [what: string, fix: string] | undefined {
  if (value instanceof Buffer) return ['is a Buffer', "return text: `….toString('base64')`"]
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer || value instanceof DataView)
    return [`is ${a(value)}`, 'return `Array.from(new Uint8Array(…))`']
  if (value instanceof Set) return ['is a Set', 'return `[...…]`']
  if (typeof (value as { then?: unknown }).then === 'function') return ['is a Promise', 'await it']
  if (value instanceof Error) return [`is ${a(value)}`, 'throw it, or return its message']
  if (value instanceof RegExp) return ['is a RegExp', 'return `String(…)`']
  if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef)
    return [`is ${a(value)}`, advice]
  if (typeof (value as { next?: unknown }).next === 'function')
    return [Symbol.asyncIterator in value ? 'is an async generator' : 'is a generator', 'return `[...…]`']
  return undefined
}

function a(value: unknown): string {
  const name =
    typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'object') : typeof value
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`
}

const identifier = /^[\p{L}_$][\p{L}\p{N}_$]*$/u

/** `.scores` or `[3]` or `['two words']` */
function pathStep(step: Step): string {
  if (typeof step === 'number') return `[${step}]`
  return identifier.test(step) ? `.${step}` : `['${step.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`
}

function textOf(error: unknown): string {
  try {
    return String(error)
  } catch {
    return 'it raised'
  }
}
