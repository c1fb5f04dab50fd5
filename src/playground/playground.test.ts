/** What the playground decides without a page: fields, JSON, snippets, sentences. */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { type Field, fieldOf, jsonOf, NotAValue, writtenAs } from './fields.ts'
import { sentence, slowest, summed } from './figures.ts'
import type { JsonSchema } from './server.ts'
import { languages, snippet } from './snippets.ts'

const iris: JsonSchema = {
  type: 'object',
  required: ['input'],
  properties: {
    input: { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 },
    unit: { enum: ['cm', 'inch'], description: 'What was measured in.' },
    verbose: { type: 'boolean' },
    count: { $ref: '#/components/schemas/Count' },
    anything: {},
  },
}

describe('the fields of a schema', () => {
  it('are one for each property, each of its kind', () => {
    const field = fieldOf(iris, { Count: { type: 'integer', description: 'How many.' } })
    expect(field).toMatchObject({
      kind: 'object',
      fields: [
        {
          name: 'input',
          required: true,
          field: { kind: 'row', of: 'number', hint: '4 numbers, separated by commas' },
        },
        { name: 'unit', required: false, field: { kind: 'choice' }, description: 'What was measured in.' },
        { name: 'verbose', field: { kind: 'flag' } },
        { name: 'count', field: { kind: 'number', whole: true }, description: 'How many.' },
        { name: 'anything', field: { kind: 'json' } },
      ],
    })
  })

  it('name the places of a row where the schema names them', () => {
    const schema = {
      type: 'array',
      prefixItems: [
        { type: 'number', title: 'length' },
        { type: 'number', title: 'width' },
      ],
    }
    expect(fieldOf(schema, {})).toMatchObject({ hint: 'numbers: length, width, separated by commas' })
  })

  it.each([
    ['nothing known', {}],
    ['rows of rows', { type: 'array', items: { type: 'array', items: { type: 'number' } } }],
    ['an object without properties', { type: 'object' }],
    ['alternatives', { anyOf: [{ type: 'number' }, { type: 'null' }] }],
    ['a reference to itself', { $ref: '#/components/schemas/Self' }],
    ['a reference to nothing', { $ref: '#/components/schemas/Nothing' }],
  ])('of %s are JSON', (_, schema) => {
    expect(fieldOf(schema, { Self: { $ref: '#/components/schemas/Self' } })).toEqual({ kind: 'json' })
  })

  it('end somewhere in a schema that contains itself', () => {
    const schemas = { Node: { type: 'object', properties: { next: { $ref: '#/components/schemas/Node' } } } }
    expect(JSON.stringify(fieldOf(schemas.Node, schemas))).toContain('"kind":"json"')
  })
})

describe('what is written in a field', () => {
  const number: Field = { kind: 'number', whole: false }
  const row: Field = { kind: 'row', of: 'number', hint: '' }

  it.each([
    [number, ' 12345678901234567890.10 ', '12345678901234567890.10'],
    [number, '.5', '0.5'],
    [row, '5.9, 3.20,1e3', '[5.9, 3.20, 1e3]'],
    [row, '', '[]'],
    [{ kind: 'row', of: 'text', hint: '' }, 'a, "b"', '["a", "\\"b\\""]'],
    [{ kind: 'text' }, '<img onerror=alert(1)>', '"<img onerror=alert(1)>"'],
    [{ kind: 'json' }, ' {"a": 1.0} ', '{"a": 1.0}'],
  ] as [Field, string, string][])('%j: %s', (field, written, expected) => {
    expect(jsonOf(field, written)).toBe(expected)
  })

  it.each([
    [number, 'four'],
    [number, ''],
    [number, 'Infinity'],
    [row, '1, , 2'],
    [{ kind: 'json' }, '{a: 1}'],
  ] as [Field, string][])('%j: %s is no value', (field, written) => {
    expect(() => jsonOf(field, written)).toThrow(NotAValue)
  })

  it('is what a value of its kind is shown as, and no other value', () => {
    expect(writtenAs(row, [5.9, 3])).toBe('5.9, 3')
    expect(writtenAs(row, [5.9, '3'])).toBeUndefined()
    expect(writtenAs({ kind: 'row', of: 'text', hint: '' }, ['a, b'])).toBeUndefined()
    expect(writtenAs(number, '5')).toBeUndefined()
    expect(writtenAs({ kind: 'json' }, { a: 1 })).toBe('{"a":1}')
  })
})

describe('a snippet', () => {
  const hostile = `{"text": "it's \\"quoted\\" $(touch /tmp/x) \`x\` \${x} \\n naïve \\ud83d"}`

  it('in a shell is one word for the data, whatever that holds', () => {
    const line = snippet('curl', { url: 'http://127.0.0.1:1/a/b/predict', data: hostile, needsKey: false })
    const printed = execFileSync('sh', ['-c', line.replace('curl -d', 'printf %s')], { encoding: 'utf8' })
    expect(printed).toContain(`{"data": ${hostile}}`)
  })

  it('in Python and TypeScript is a text that reads back the same', () => {
    const python = snippet('Python', { url: 'http://x/', data: hostile, needsKey: false })
    const text = /data=(".*")\.encode/.exec(python)?.[1] ?? ''
    const read = execFileSync('python3', ['-c', `import sys; sys.stdout.write(${text})`], {
      encoding: 'utf8',
    })
    expect(read).toBe(`{"data": ${hostile}}`)
    const script = snippet('TypeScript', { url: 'http://x/', data: hostile, needsKey: false })
    expect(JSON.parse(/body: (".*"),/.exec(script)?.[1] ?? '')).toBe(`{"data": ${hostile}}`)
  })

  it.each(languages)('in %s has a key from the environment, never a key', language => {
    expect(snippet(language, { url: 'http://x/', data: '1', needsKey: true })).toContain('THAMPI_API_KEY')
  })
})

describe('the figures', () => {
  it('of versions that began at different times are added from the end', () => {
    expect(summed([[1, 2, 3], [10]])).toEqual([1, 2, 13])
    expect(summed([])).toEqual([])
  })

  it('that say how long it took are those of the slowest version', () => {
    expect(
      slowest([
        [1, null, 3, null],
        [2.5, null],
      ]),
    ).toEqual([1, null, 3, null])
    expect(slowest([[1], [null]])).toEqual([1])
  })

  it('are a sentence', () => {
    expect(sentence([], [])).toBe('No requests in the last ten minutes.')
    const figures = {
      requests: 30,
      errors: 1,
      p50Ms: 1.23,
      p99Ms: 45.6,
      requestsBySlot: [10, 20],
      p99MsBySlot: [40, 45.6],
    }
    expect(sentence([10, 20], [figures])).toBe(
      '30 requests in ten minutes, 1 failed; at most 2.0 a second; half within 1.2 ms, 99 % within 46 ms.',
    )
  })
})
