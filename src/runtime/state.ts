/**
 * The state of a trained model as two files: `state.json` for its values, `state.bin` for the numbers of its typed arrays.
 *
 * JSON carries what it can. Everything else is an object with the one key `$`: `{"$":["Date",1536271389247]}`. An object
 * of the model that has a key `$` itself is written as `{"$":["Object",{…}]}`.
 */

/** Typed arrays, in the order of bytes of the machine: all that Node runs on put the lowest first. */
const arrayTypes: Readonly<Record<string, ArrayType>> = {
  ...{ Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array },
  ...{ Float32Array, Float64Array, BigInt64Array, BigUint64Array },
}

interface ArrayType {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, start: number, length: number): ArrayBufferView
}

/** What has no place in JSON. */
type Tag = readonly [type: string, ...parts: unknown[]]

/** Something in a model's fields that cannot be saved. */
export class StateRefused extends Error {
  override readonly name = 'StateRefused'
  /** `weights[3]` */
  readonly where: string
  /** `is a function` */
  readonly what: string

  constructor(steps: readonly (string | number)[], what: string) {
    const where = steps
      .map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`))
      .join('')
    super(`\`${where}\` ${what}.`)
    this.where = where
    this.what = what
  }
}

/** The two files of a state. Throws `StateRefused` naming the place. */
export function encodeState(state: unknown): { readonly json: unknown; readonly arrays: Buffer } {
  const writer = new Writer()
  const json = writer.value(state)
  return { json, arrays: Buffer.concat(writer.arrays) }
}

/** The state that `encodeState` was given. Its typed arrays may lie in `arrays`, which is the model's from here on. */
export function decodeState(json: unknown, arrays: Buffer): unknown {
  // The typed arrays are views into one memory; a buffer that is a part of another one is copied, for its alignment.
  const isWhole = arrays.length === arrays.buffer.byteLength
  return revive(json, (isWhole ? arrays : new Uint8Array(arrays)).buffer as ArrayBuffer)
}

class Writer {
  readonly arrays: Buffer[] = []
  #size = 0
  readonly #steps: (string | number)[] = []
  readonly #above: object[] = []

  value(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : tag('number', String(Object.is(value, -0) ? '-0' : value))
      case 'bigint':
        return tag('bigint', String(value))
      case 'undefined':
        return tag('undefined')
      case 'object':
        return value === null ? null : this.#object(value)
      default:
        throw this.#refusal(`is a ${typeof value}`)
    }
  }

  #object(value: object): unknown {
    if (this.#above.includes(value)) throw this.#refusal('contains itself')
    this.#above.push(value)
    const written = this.#inside(value)
    this.#above.pop()
    return written
  }

  #inside(value: object): unknown {
    if (Array.isArray(value)) return value.map((item, at) => this.#step(at, item))
    if (value instanceof Date) return tag('Date', value.getTime())
    if (value instanceof RegExp) return tag('RegExp', value.source, value.flags)
    if (value instanceof Map)
      return tag(
        'Map',
        [...value].map(([key, item], at) => [this.#step(at, key), this.#step(at, item)]),
      )
    if (value instanceof Set)
      return tag(
        'Set',
        [...value].map((item, at) => this.#step(at, item)),
      )
    if (value instanceof ArrayBuffer) return tag('ArrayBuffer', ...this.#bytes(new Uint8Array(value)))
    if (ArrayBuffer.isView(value)) return this.#view(value)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null)
      throw this.#refusal(
        `is ${/^[aeiou]/i.test(value.constructor.name) ? 'an' : 'a'} ${value.constructor.name}`,
      )
    const members = Object.entries(value).map(([key, item]) => [key, this.#step(key, item)])
    const object: unknown = Object.fromEntries(members)
    return Object.hasOwn(value, '$') ? tag('Object', object) : object
  }

  #view(view: ArrayBufferView): Tag | unknown {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    const type = Buffer.isBuffer(view) ? 'Buffer' : view.constructor.name
    const size = arrayTypes[type]?.BYTES_PER_ELEMENT ?? (type === 'Buffer' ? 1 : undefined)
    if (size === undefined) throw this.#refusal(`is a ${type}`)
    const [start, length] = this.#bytes(bytes)
    return tag(type, start, length / size)
  }

  /** Where the bytes begin in `state.bin`, and how many they are; every array begins at a multiple of eight. */
  #bytes(bytes: Uint8Array): [start: number, length: number] {
    const start = this.#size
    const padding = (8 - (bytes.length % 8)) % 8
    this.arrays.push(Buffer.from(bytes), Buffer.alloc(padding))
    this.#size += bytes.length + padding
    return [start, bytes.length]
  }

  #step(step: string | number, value: unknown): unknown {
    this.#steps.push(step)
    const written = this.value(value)
    this.#steps.pop()
    return written
  }

  #refusal(what: string): StateRefused {
    return new StateRefused(this.#steps, what)
  }
}

function tag(type: string, ...parts: unknown[]): { readonly $: Tag } {
  return { $: [type, ...parts] }
}

function revive(json: unknown, memory: ArrayBuffer): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(item => revive(item, memory))
  const object = json as Record<string, unknown>
  if (Array.isArray(object.$)) return tagged(object.$ as unknown as Tag, memory)
  return members(object, memory)
}

function members(object: Record<string, unknown>, memory: ArrayBuffer): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, item]) => [key, revive(item, memory)]))
}

function tagged([type, one, two]: Tag, memory: ArrayBuffer): unknown {
  const list = (): unknown[] => (one as unknown[]).map(item => revive(item, memory))
  switch (type) {
    case 'undefined':
      return undefined
    case 'number':
      return Number(one)
    case 'bigint':
      return BigInt(one as string)
    case 'Date':
      return new Date(one as number)
    case 'RegExp':
      return new RegExp(one as string, two as string)
    case 'Map':
      return new Map(list() as [unknown, unknown][])
    case 'Set':
      return new Set(list())
    case 'Object':
      return members(one as Record<string, unknown>, memory)
    case 'ArrayBuffer':
      return memory.slice(one as number, (one as number) + (two as number))
    case 'Buffer':
      return Buffer.from(memory, one as number, two as number)
    default: {
      const Type = Object.hasOwn(arrayTypes, type) ? arrayTypes[type] : undefined
      if (!Type) throw new Error(`no state has values of the type ${JSON.stringify(type)}`)
      return new Type(memory, one as number, two as number)
    }
  }
}
