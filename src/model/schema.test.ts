import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { saveModel } from '../../tests/support/python.ts'
import { digestOf } from '../system/files.ts'
import { readModel } from './read.ts'
import { parseSchema } from './schema.ts'

describe('schema.json', () => {
  it('is its owner’s to edit, and travels with the digest of what it then is', async () => {
    const dir = saveModel('def predict(self, args, context): return args', { examples: '[{"x": 1}]' })
    const path = join(dir, 'schema.json')
    const before = await readModel(dir, '/')
    expect(before.schema).toMatchObject({ declared: false, input: { required: ['x'] } })
    writeFileSync(path, readFileSync(path, 'utf8').replace('false', 'true'))
    const after = await readModel(dir, '/')
    expect(after.schema?.declared).toBe(true)
    expect(after.files['schema.json']).toBe(digestOf(readFileSync(path)))
    expect(after.files['schema.json']).not.toBe(before.files['schema.json'])
  })

  it.each([
    ['{', 'is not JSON'],
    ['[]', 'holds no JSON object'],
    ['{"input": {}}', '"declared" must be true or false'],
    ['{"declared": true, "input": []}', '"input" must be a JSON Schema'],
    ['{"declared": true, "output": 7}', '"output" must be a JSON Schema'],
  ])('%s is refused', (text, words) => {
    expect(() => parseSchema(text, 'schema.json')).toThrow(words)
  })
})
