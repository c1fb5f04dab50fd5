import { expect, it } from 'vitest'
import { tensorsOf } from './tensors.ts'

it('inputs and outputs are the properties that are tensors', () => {
  const row = { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 }
  const input = {
    type: 'object',
    $defs: { Word: { type: 'string' }, Loop: { $ref: '#/$defs/Loop' } },
    properties: {
      row,
      table: { type: 'array', items: row },
      word: { $ref: '#/$defs/Word' },
      loop: { $ref: '#/$defs/Loop' },
      pair: { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'integer' }] },
      nested: { type: 'object' },
      anything: {},
    },
  }
  const output = { type: 'object', properties: { flag: { type: 'boolean' } } }
  expect(tensorsOf({ declared: true, input, output })).toEqual({
    inputs: [
      { name: 'row', datatype: 'FP64', shape: [4] },
      { name: 'table', datatype: 'FP64', shape: [-1, 4] },
      { name: 'word', datatype: 'BYTES', shape: [1] },
      { name: 'pair', datatype: 'INT64', shape: [2] },
    ],
    outputs: [{ name: 'flag', datatype: 'BOOL', shape: [1] }],
  })
})

it('a result that is no object is one output, an unknown schema none', () => {
  expect(tensorsOf({ declared: false, output: { type: 'number' } })).toEqual({
    inputs: [],
    outputs: [{ name: 'result', datatype: 'FP64', shape: [1] }],
  })
  expect(tensorsOf(undefined)).toEqual({ inputs: [], outputs: [] })
})
