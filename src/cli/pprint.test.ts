import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pprintJson } from './pprint.ts'

// Reads JSON documents, gives each back as Python itself spells it, with what pprint makes of it.
// Characters that this Python's Unicode tables do not know yet are dropped: newer tables may call them printable.
const oracle = `
import json, pprint, sys, unicodedata
def known(v):
    if isinstance(v, str): return ''.join(c for c in v if unicodedata.category(c) != 'Cn')
    if isinstance(v, list): return [known(i) for i in v]
    if isinstance(v, dict): return {known(k): known(i) for k, i in v.items()}
    return v
documents = [known(json.loads(text)) for text in json.load(sys.stdin)]
json.dump([[json.dumps(d), pprint.pformat(d)] for d in documents], sys.stdout)
`

function asPythonPrints(documents: readonly string[]): [string, string][] {
  const python = spawnSync('python3', ['-c', oracle], {
    input: JSON.stringify(documents),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  expect(python.stderr).toBe('')
  return JSON.parse(python.stdout)
}

describe('pprint', () => {
  it('prints an answer as the original did', () => {
    const answer =
      '{"properties": {"instance_id": "9dbc56dd-936d-4dff-953c-8c22267ebe84", "served_time_utc": "2018-09-06T22:03:09.247038", "thampi_data_version": "0.1", "trained_time_utc": "2018-09-06T22:03:04.886644"}, "result": {"result": 2}}'
    expect(pprintJson(answer)).toBe(
      [
        "{'properties': {'instance_id': '9dbc56dd-936d-4dff-953c-8c22267ebe84',",
        "                'served_time_utc': '2018-09-06T22:03:09.247038',",
        "                'thampi_data_version': '0.1',",
        "                'trained_time_utc': '2018-09-06T22:03:04.886644'},",
        " 'result': {'result': 2}}",
      ].join('\n'),
    )
  })

  it('keeps the spelling of every number', () => {
    expect(pprintJson('[1.0, 9007199254740993, -0.0, 1e400, 1E5]')).toBe(
      '[1.0, 9007199254740993, -0.0, 1e400, 1E5]',
    )
  })

  it('takes the last of several equal keys, like Python', () => {
    expect(pprintJson('{"a": 1, "a": [2]}')).toBe("{'a': [2]}")
  })

  it('does not mistake names that objects have by birth', () => {
    expect(pprintJson('{"constructor": 1, "__proto__": {"x": null}}')).toBe(
      "{'__proto__': {'x': None}, 'constructor': 1}",
    )
  })

  it('agrees with Python on strings chosen for their difficulty', () => {
    const words = 'the quick brown fox jumps over the lazy dog '
    const documents = [
      '',
      "it's",
      'say "hi"',
      `both ' and "`,
      'back\\slash',
      words.repeat(5),
      words.repeat(5).trim(),
      `${words.repeat(3)}\n${words.repeat(3)}`,
      `x${'y'.repeat(100)} z`,
      `${words.repeat(2)}\u001c${words.repeat(2)}\u0085${words}`,
      '\u0000\u0007\u001b[31m\u007f\u0080\u00a0\u00ad\u200b\u2028\ufeff\ud800',
      '🎉'.repeat(60),
      `${'é'.repeat(40)} ${'漢字'.repeat(30)}`,
      '\r\n\r\n'.repeat(30),
      ' '.repeat(100),
    ].flatMap(text => [text, [text], { key: text, other: [text, { deeper: text }] }])
    const keys = {
      '\ue000': 1,
      '😀': 2,
      '': 3,
      Z: 4,
      a: 5,
      '10': 6,
      '9': 7,
      ['k'.repeat(90)]: { a: 1, b: [2] },
    }
    for (const [json, printed] of asPythonPrints([...documents, keys].map(d => JSON.stringify(d)))) {
      expect(pprintJson(json)).toBe(printed)
    }
  })

  it('agrees with Python on values nobody chose', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc
        .array(fc.constantFrom('word', ' ', 'longer-word', '\n', '\t', "'", '"', '\\', '\r', 'é', '😀'), {
          maxLength: 60,
        })
        .map(parts => parts.join('')),
    )
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        fc.oneof(
          text,
          fc.integer(),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.boolean(),
          fc.constant(null),
        ),
        fc.array(tie('value'), { maxLength: 8 }),
        fc.dictionary(text, tie('value'), { maxKeys: 8 }),
      ),
    }))
    const documents = fc
      .sample(value, { numRuns: 3000, seed: 20180906 })
      .map(sample => JSON.stringify(sample))
    for (const [json, printed] of asPythonPrints(documents)) expect(pprintJson(json)).toBe(printed)
  })
})
