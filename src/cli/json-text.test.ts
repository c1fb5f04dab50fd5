import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indentedJson, jsonProblem } from './json-text.ts'

describe('indented JSON', () => {
  it('keeps numbers, escapes and the order of keys as they were written', () => {
    expect(indentedJson('{"10":1.0,"9":[],"a":{},"s":"\\u00e9 { , }","n":[1E5,-0]}\n')).toBe(
      [
        '{',
        '  "10": 1.0,',
        '  "9": [],',
        '  "a": {},',
        '  "s": "\\u00e9 { , }",',
        '  "n": [',
        '    1E5,',
        '    -0',
        '  ]',
        '}',
      ].join('\n'),
    )
  })

  it('equals what JavaScript writes for values that JavaScript can hold', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const text = JSON.stringify(value)
        expect(indentedJson(text)).toBe(JSON.stringify(JSON.parse(text), null, 2))
      }),
    )
  })
})

describe('a problem with JSON', () => {
  it.each(['1', '{"a": [1.0, null]}', ' "x" ', '{"a": 1, "a": 2}'])('is not seen in %s', text => {
    expect(jsonProblem(text)).toBeUndefined()
  })

  it.each([
    ['{"a":', 'at the end'],
    ['', 'at the end'],
    ["{'a': 1}", 'at character 2'],
    ['{"a": 1} x', 'at character 10'],
    ['{\n "a": 1,,\n}', 'at line 2, character 9'],
  ])('in %j stands %s', (text, place) => {
    expect(jsonProblem(text)).toContain(place)
  })

  it('is said of something nested too deeply', () => {
    expect(jsonProblem('['.repeat(200_000))).toBe('it is nested too deeply')
  })
})
