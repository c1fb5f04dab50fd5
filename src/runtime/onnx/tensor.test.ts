/** Lists become tensors and tensors lists, without anything lost on the way. */
import { describe, expect, test } from 'vitest'
import { readData } from '../body.ts'
import { encode } from '../encode.ts'
import { fromHalf, toHalf } from './half.ts'
import { joined, listOf, rowsOf, type Shape, tensorOf } from './tensor.ts'

/** Through the very texts that callers send and get. */
function there(json: string, type: string, shape: Shape): string {
  const value = readData(Buffer.from(`{"data":${json}}`))
  return encode(listOf(tensorOf(value, type, shape, '/data/input').tensor))
}

test.each([
  ['[[1.5,2],[3,4]]', 'float32', [null, 2]],
  ['[[0.1]]', 'float64', [null, 1]],
  ['[9007199254740993,-9223372036854775808,9223372036854775807]', 'int64', [null]],
  ['[18446744073709551615]', 'uint64', [1]],
  ['[true,false]', 'bool', [2]],
  ['["a","\u00fc",""]', 'string', [null]],
  ['7', 'int32', []],
  ['[[[1],[2]]]', 'uint8', undefined],
  ['[0.5,-2,65504]', 'float16', [null]],
  ['[]', 'int64', [null]],
] as const)('%s as %s stays what it is', (json, type, shape) => {
  expect(there(json, type, shape)).toBe(json)
})

test('an item alone is a list of one, where any number will do', () => {
  expect(tensorOf([1, 2], 'float32', [null, 2], '/data/input')).toMatchObject({
    alone: true,
    tensor: { dims: [1, 2] },
  })
  expect(tensorOf([[1, 2]], 'float32', [null, 2], '/data/input').alone).toBe(false)
  expect(tensorOf(7n, 'int64', [null], '/data/input')).toMatchObject({ alone: true, tensor: { dims: [1] } })
})

test.each([
  ['[[1,2,3]]', 'float32', [null, 2], '`data.input[0]` has 3 values; 2 are wanted.'],
  ['[1,2,3]', 'float32', [null, 2], '`data.input` has 3 values; 2 are wanted.'],
  ['[]', 'float32', [null, 2], '`data.input` has 0 values; 2 are wanted.'],
  ['[[1],[1,2]]', 'float32', [null, null], 'The lists in `data.input` must be of one length.'],
  ['[[1,2],[1]]', 'float32', undefined, '`data.input[1]` has 1 value; 2 are wanted.'],
  ['[[1,2],3]', 'float32', [null, 2], '`data.input[1]` must be a list.'],
  ['"x"', 'float32', [null, 2], '`data.input` must be a list.'],
  ['{}', 'float32', [2], '`data.input` must be a list.'],
  ['[1,"2"]', 'float32', [null], '`data.input[1]` must be a number.'],
  ['[1,true]', 'float32', [null], '`data.input[1]` must be a number.'],
  ['[1,null]', 'float64', [null], '`data.input[1]` must be a number.'],
  ['[1,2.5]', 'int64', [null], '`data.input[1]` must be a whole number.'],
  ['[[1]]', 'int64', [1], '`data.input[0]` must be a whole number.'],
  ['[9223372036854775808]', 'int64', [null], '`data.input[0]` has a number that does not fit into int64.'],
  ['[-1]', 'uint64', [null], 'does not fit into uint64.'],
  ['[300]', 'uint8', [null], 'does not fit into uint8.'],
  ['[9007199254740993]', 'int32', [null], 'does not fit into int32.'],
  ['[1e39]', 'float32', [null], 'does not fit into float32.'],
  ['[65520]', 'float16', [null], 'does not fit into float16.'],
  ['[1]', 'bool', [null], '`data.input[0]` must be true or false.'],
  ['[1]', 'string', [null], '`data.input[0]` must be a text.'],
] as const)('%s is no %s %j', (json, type, shape, words) => {
  expect(() => there(json, type, shape)).toThrow(
    expect.objectContaining({ name: 'BadInput', message: expect.stringContaining(words) }),
  )
})

test('callers are put under each other and taken apart again', () => {
  for (const type of ['float32', 'int64', 'string'] as const) {
    const items = [
      [[1, 2]],
      [
        [3, 4],
        [5, 6],
      ],
      [],
      [[7, 8]],
    ].map(rows => rows.map(row => row.map(value => (type === 'string' ? String(value) : value))))
    const tensors = items
      .filter(item => item.length > 0)
      .map(item => tensorOf(item, type, [null, 2], '').tensor)
    const all = joined(tensors)
    expect(all.dims).toEqual([4, 2])
    let first = 0
    for (const tensor of tensors) {
      const rows = tensor.dims[0] as number
      expect(listOf(rowsOf(all, first, rows))).toEqual(listOf(tensor))
      first += rows
    }
  }
})

describe('numbers of 16 bits', () => {
  test('all of them go there and back', () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = fromHalf(half)
      if (!Number.isNaN(value)) expect(toHalf(value)).toBe(half)
    }
  })

  test.each([
    [0.1, 0x2e66],
    [1 / 3, 0x3555],
    [2 ** -24, 1],
    [2 ** -25, 0], // a tie, to even
    [2 ** -25 * 1.001, 1],
    [2 ** -14 - 2 ** -26, 0x0400],
    [1 + 2 ** -11, 0x3c00], // a tie, to even
    [1 + 3 * 2 ** -11, 0x3c02],
    [2047.5, 0x6800], // a carry into the exponent
    [65519, 0x7bff],
    [65520, 0x7c00],
    [-0, 0x8000],
  ])('%d is the nearest', (value, half) => {
    expect(toHalf(value)).toBe(half)
  })
})
