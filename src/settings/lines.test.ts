import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonLine } from './lines.ts'

it('the line of a value is found however deep it stands', () => {
  const text = '{\n  "dev": {"a": [1,\n 2], "b\\"": {},\n"a:": true},\n  "live":\n null}'
  expect(jsonLine(text, ['dev', 'a', '1'])).toBe(3)
  expect(jsonLine(text, ['dev', 'b"'])).toBe(3)
  expect(jsonLine(text, ['dev', 'a:'])).toBe(4)
  expect(jsonLine(text, ['live'])).toBe(6)
  expect(jsonLine(text, [])).toBe(1)
  expect(jsonLine(text, ['live', 'a'])).toBeUndefined()
  expect(jsonLine(text, ['constructor'])).toBeUndefined()
})

it('of a repeated key the last one counts', () => {
  expect(jsonLine('{"a": 1,\n"a": 2}', ['a'])).toBe(2)
})

it('every key of an indented document is found on its own line', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.dictionary(fc.string(), fc.jsonValue())), content => {
      const text = JSON.stringify(content, null, 2)
      const lines = text.split('\n')
      for (const [stage, entries] of Object.entries(content)) {
        for (const [key, value] of Object.entries(entries)) {
          const line = lines[(jsonLine(text, [stage, key]) ?? 0) - 1]
          const start = JSON.stringify(value, null, 2).split('\n', 1)[0]
          expect(line?.trimStart().startsWith(`${JSON.stringify(key)}: ${start}`)).toBe(true)
        }
      }
    }),
  )
})

it('long texts are no obstacle', () => {
  const text = JSON.stringify({ dev: { long: 'x"\\'.repeat(2_000_000), memory_size: 'big' } }, null, 1)
  expect(jsonLine(text, ['dev', 'memory_size'])).toBe(4)
})
