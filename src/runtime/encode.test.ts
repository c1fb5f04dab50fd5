/** contract/encodings.json holds for this runtime too, and what JavaScript adds to it. */
import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { encode, NotJson } from './encode.ts'

interface Value {
  readonly python: string
  readonly javascript?: string
  readonly json: string
  readonly missing?: string
}

interface Refused {
  readonly python: string
  readonly javascript?: string
  readonly where: string
  readonly pointer: string
  readonly what: string
}

const contract = JSON.parse(readFileSync('contract/encodings.json', 'utf8')) as {
  readonly values: readonly Value[]
  readonly refused: readonly Refused[]
}
const inJavaScript = <T extends { javascript?: string }>(cases: readonly T[]): [string, T][] =>
  cases.flatMap(each => (each.javascript === undefined ? [] : [[each.javascript, each]]))

const helpers = `
  const cycle = () => { const list = []; list.push(list); return list };
  const deep = levels => { let list = []; for (let i = 0; i < levels; i++) list = [list]; return list };`
const evaluated = (expression: string): unknown =>
  runInThisContext(`(() => {${helpers} return ${expression} })()`)

describe('the same values as in Python', () => {
  it.each(inJavaScript(contract.values))('%s', (expression, { json, missing }) => {
    const found: string[] = []
    expect(encode(evaluated(expression), where => found.push(where))).toBe(json)
    expect(found).toEqual(missing === undefined ? [] : [missing])
  })

  it.each(inJavaScript(contract.refused))('%s is refused', (expression, { where, pointer, what }) => {
    expect(refusal(evaluated(expression))).toMatchObject({ where, pointer, what })
  })
})

describe('values of JavaScript', () => {
  it('writes typed arrays as lists and leaves out members that are undefined', () => {
    expect(encode({ b: Float32Array.of(0.5, 1), a: undefined, c: BigInt64Array.of(-(2n ** 63n)) })).toBe(
      '{"b":[0.5,1],"c":[-9223372036854775808]}',
    )
  })

  it('asks toJSON, as everywhere in JavaScript, and reads getters', () => {
    const value = {
      url: new URL('https://example.com/a'),
      get doubled() {
        return 2
      },
    }
    expect(encode(value)).toBe('{"doubled":2,"url":"https://example.com/a"}')
  })

  it('says where a getter or a toJSON raised, or never ends', () => {
    const getter = {
      list: [
        {
          get bad(): never {
            throw new RangeError('no')
          },
        },
      ],
    }
    const toJson = { toJSON: (): never => JSON.parse('{') as never }
    const endless = (): object => ({ toJSON: () => ({ again: endless() }) })
    expect(refusal(getter).message).toMatch(/^`result\.list\[0\]\.bad` cannot be read: RangeError: no/)
    expect(refusal({ toJson }).message).toMatch(/^`result\.toJson` cannot be read: SyntaxError/)
    expect(refusal(endless())).toMatchObject({ what: 'is nested too deeply' })
  })

  it.each([
    [[undefined], 'is undefined', 'return null when there is nothing to say'],
    [Symbol('x'), 'is a symbol', undefined],
    [new Set([1]), 'is a Set', 'return `[...…]`'],
    [Buffer.from('x'), 'is a Buffer', "return text: `….toString('base64')`"],
    [new Error('x'), 'is an Error', 'throw it, or return its message'],
    [/x/, 'is a RegExp', 'return `String(…)`'],
    [Promise.resolve(1), 'is a Promise', 'await it'],
    [new ArrayBuffer(1), 'is an ArrayBuffer', 'return `Array.from(new Uint8Array(…))`'],
  ])('%s is refused with a way out', (value, what, fix) => {
    expect(refusal([value])).toMatchObject({ what, ...(fix === undefined ? {} : { fix }) })
  })

  it('refuses undefined on its own, as a forgotten return leaves it', () => {
    expect(refusal(undefined)).toMatchObject({
      where: 'result',
      fix: 'return null when there is nothing to say',
    })
  })

  it('does not mistake a value that stands in two places for a cycle', () => {
    const shared = { x: 1 }
    expect(encode([shared, shared])).toBe('[{"x":1},{"x":1}]')
  })

  it('sorts keys by code point, not by UTF-16 unit', () => {
    expect(encode({ '🙂': 1, ﬀ: 2 })).toBe('{"ﬀ":2,"🙂":1}')
  })
})

function refusal(value: unknown): NotJson {
  try {
    encode(value)
  } catch (error) {
    if (error instanceof NotJson) return error
    throw error
  }
  throw new Error('nothing was refused')
}
