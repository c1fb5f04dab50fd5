/**
 * A JSON reader for the bodies in which `JSON.parse` would lose something: integers beyond 2^53 become `bigint`, exactly;
 * keys that are repeated at the top and values that are none, such as NaN, are reported.
 */

export interface Read {
  readonly value: unknown
  /** A key that stands twice in the outermost object. */
  readonly repeated: string | undefined
  /** NaN, Infinity or -Infinity: in Python JSON, elsewhere not. */
  readonly foreign: { readonly name: string; readonly pointer: string } | undefined
}

/** Reads what is nested at most as deep as the stack allows; whoever calls has looked. Throws `SyntaxError`. */
export function readCarefully(text: string): Read {
  const reader = new Reader(text)
  const value = reader.document()
  return { value, repeated: reader.repeated, foreign: reader.foreign }
}

/** A JSON Pointer. */
export function pointerOf(steps: readonly (string | number)[]): string {
  return steps.map(step => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

const space = /[ \t\n\r]*/y
const string = /"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"/y
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y
const word = /true|false|null/y
const foreignWord = /NaN|-?Infinity/y

class Reader {
  repeated: string | undefined
  foreign: Read['foreign']
  readonly #text: string
  readonly #steps: (string | number)[] = []
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): unknown {
    this.#take(space)
    const value = this.#value()
    this.#take(space)
    if (this.#at < this.#text.length) throw this.#unexpected()
    return value
  }

  #value(): unknown {
    const sign = this.#text[this.#at]
    if (sign === '{') return this.#object()
    if (sign === '[') return this.#list()
    if (sign === '"') return this.#string()
    const literal = this.#take(word)
    if (literal !== undefined) return literal === 'null' ? null : literal === 'true'
    const foreign = this.#take(foreignWord)
    if (foreign === undefined) return this.#number()
    this.foreign ??= { name: foreign, pointer: pointerOf(this.#steps) }
    return null
  }

  #object(): unknown {
    const object: Record<string, unknown> = {}
    const isTop = this.#steps.length === 0
    this.#members('}', () => {
      const key = this.#string()
      this.#take(space)
      this.#expect(':')
      this.#take(space)
      if (isTop && Object.hasOwn(object, key)) this.repeated ??= key
      this.#steps.push(key)
      const value = this.#value()
      this.#steps.pop()
      // `__proto__` is a key like any other.
      if (key === '__proto__')
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
      else object[key] = value
    })
    return object
  }

  #list(): unknown[] {
    const list: unknown[] = []
    this.#members(']', () => {
      this.#steps.push(list.length)
      list.push(this.#value())
      this.#steps.pop()
    })
    return list
  }

  #members(close: string, member: () => void): void {
    this.#at++
    this.#take(space)
    if (this.#text[this.#at] === close) {
      this.#at++
      return
    }
    for (;;) {
      member()
      this.#take(space)
      if (this.#text[this.#at] === close) break
      this.#expect(',')
      this.#take(space)
    }
    this.#at++
  }

  #string(): string {
    const literal = this.#take(string)
    if (literal === undefined) throw this.#unexpected()
    return JSON.parse(literal) as string
  }

  #number(): number | bigint {
    number.lastIndex = this.#at
    const found = number.exec(this.#text)
    if (!found) throw this.#unexpected()
    this.#at = number.lastIndex
    const [literal, fraction, exponent] = found
    const value = Number(literal)
    return fraction !== undefined || exponent !== undefined || Number.isSafeInteger(value)
      ? value
      : BigInt(literal)
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (!found) return undefined
    this.#at = pattern.lastIndex
    return found[0]
  }

  #expect(sign: string): void {
    if (this.#text[this.#at] !== sign) throw this.#unexpected()
    this.#at++
  }

  #unexpected(): SyntaxError {
    const lines = this.#text.slice(0, this.#at).split('\n')
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
    const sign = this.#text[this.#at]
    return new SyntaxError(
      sign === undefined ? `it ends too early at ${place}` : `unexpected ${JSON.stringify(sign)} at ${place}`,
    )
  }
}
