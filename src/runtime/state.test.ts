/** What the fields of a trained model may hold, and that they come back as they were. */
import { describe, expect, it } from 'vitest'
import { decodeState, encodeState, StateRefused } from './state.ts'

const through = (state: unknown): unknown => {
  const { json, arrays } = encodeState(state)
  return decodeState(JSON.parse(JSON.stringify(json)), arrays)
}

describe('the state of a model', () => {
  it.each([
    ['plain values', { a: 1, b: 'text', c: [true, null, { d: -1.5 }] }],
    ['numbers that JSON lacks', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]],
    ['undefined and bigints', { a: undefined, b: 2n ** 70n }],
    ['dates and patterns', { when: new Date(1536271389247), pattern: /a+/gi }],
    [
      'maps and sets',
      new Map<unknown, unknown>([
        [1, new Set(['x'])],
        [{ k: 1 }, [2]],
      ]),
    ],
    ['an object with our own mark', { $: ['Date', 0], other: { $: 1 } }],
    ['a key named __proto__', JSON.parse('{"__proto__":{"x":1}}')],
  ])('keeps %s', (_, state) => {
    expect(through(state)).toStrictEqual(state)
  })

  it('keeps every kind of typed array, whatever stands before it', () => {
    const state = {
      bytes: Uint8Array.of(1, 2, 3),
      floats: Float64Array.of(0.1, Number.NaN),
      more: [Int16Array.of(-5), Float32Array.of(), BigUint64Array.of(2n ** 63n)],
      view: new Float64Array(new Float64Array([0, 1, 2, 3]).buffer, 8, 2),
      memory: Uint8Array.of(7, 8).buffer,
      buffer: Buffer.from('text'),
    }
    const back = through(state) as typeof state
    expect(back).toStrictEqual(state)
    expect(back.view).toEqual(Float64Array.of(1, 2))
    expect(Buffer.isBuffer(back.buffer)).toBe(true)
  })

  it('keeps __proto__ a key and nothing else', () => {
    const back = through(JSON.parse('{"__proto__":{"polluted":true}}')) as object
    expect(Object.hasOwn(back, '__proto__')).toBe(true)
    expect('polluted' in back).toBe(false)
  })

  class Tokenizer {}
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  it.each([
    [{ layers: [{ act: () => 1 }] }, 'layers[0].act', 'is a function'],
    [{ tokenizer: new Tokenizer() }, 'tokenizer', 'is a Tokenizer'],
    [{ cycle }, 'cycle.self', 'contains itself'],
    [{ key: Symbol('x') }, 'key', 'is a symbol'],
    [{ later: Promise.resolve() }, 'later', 'is a Promise'],
  ])('refuses what cannot come back, and says where', (state, where, what) => {
    expect(() => encodeState(state)).toThrow(StateRefused)
    try {
      encodeState(state)
    } catch (error) {
      expect(error).toMatchObject({ where, what })
    }
  })
})
