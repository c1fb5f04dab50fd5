/** The OpenAPI document, judged by the official schema and by what it promises. */
import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import type { Api } from './api.ts'
import { hoist } from './hoist.ts'
import { openApi } from './openapi.ts'
import { problemStatuses } from './problems.ts'

const bare: Api = {
  stage: 'staging',
  model: 'iris-sklearn',
  version: 7,
  server: 'http://127.0.0.1:8426',
  properties: { thampi_data_version: '0.1', trained_time_utc: '2018-09-06T22:03:04', instance_id: 'x' },
  servedTimeUtc: '2018-09-06T22:03:09',
  schema: undefined,
  examples: [],
  needsKey: false,
  timeoutSeconds: 30,
}

const schema = {
  declared: true,
  input: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $defs: {
      'Flower[int]': { type: 'object', properties: { next: { $ref: '#/$defs/Flower%5Bint%5D' } } },
    },
    type: 'object',
    properties: { flower: { $ref: '#/$defs/Flower[int]' }, self: { $ref: '#' } },
  },
  output: { type: 'number', minimum: 0 },
}

const declared: Api = {
  ...bare,
  needsKey: true,
  schema,
  examples: [
    { data: '{"input": [5.9, 1.0, 12345678901234567890]}', result: '{"p": 1.0}' },
    { data: '"<script>"', result: 'null' },
  ],
}

interface Document {
  readonly components: { readonly schemas: Record<string, unknown>; readonly responses: object }
  readonly paths: Record<string, { post: { responses: Record<string, unknown> } }>
}

const documentOf = (api: Api): Document => JSON.parse(openApi(api)) as Document

describe('the OpenAPI document', () => {
  it.each([
    ['of a model that says nothing', bare],
    ['of a model with schemas, examples and keys', declared],
  ])('%s is valid 3.1, and every reference leads somewhere', async (_, api) => {
    const validator = new Validator()
    expect(await validator.validate(JSON.parse(openApi(api)))).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
    for (const reference of referencesIn(documentOf(api))) {
      expect([reference, at(documentOf(api), reference)]).not.toEqual([reference, undefined])
    }
  })

  it('is checked by a validator that finds mistakes', async () => {
    const broken = { ...JSON.parse(openApi(bare)), servers: 'here' }
    expect((await new Validator().validate(broken)).valid).toBe(false)
  })

  it('has the examples with the digits they were recorded with', () => {
    expect(openApi(declared)).toContain('12345678901234567890')
    expect(openApi(declared)).toMatch(/"p": 1\.0/)
  })

  it('asks for a key only where one is needed', () => {
    expect(documentOf(declared)).toMatchObject({
      security: [{ apiKey: [] }, { bearer: [] }],
      components: { securitySchemes: { apiKey: { in: 'header', name: 'X-API-Key' } } },
    })
    expect(openApi(bare)).not.toContain('apiKey')
  })

  it('says that inferred schemas are hints', () => {
    expect(openApi({ ...declared, schema: { ...schema, declared: false } })).toContain('hints, not limits')
    expect(openApi(declared)).not.toContain('hints, not limits')
  })

  it('knows the problems that the reference page knows', () => {
    const page = readFileSync('docs/reference/http.md', 'utf8')
    // Some come only from pages that are no predictions, or from functions of Lambda.
    const rows = [...page.matchAll(/^\| (\d{3}) \| `([a-z0-9-]+)` \| (?!only )/gm)].map(
      ([, status, code]) => `${status} ${code}`,
    )
    const known = problemStatuses.flatMap(({ status, codes }) => codes.map(code => `${status} ${code}`))
    expect(rows.length).toBeGreaterThan(20)
    expect([...known].sort()).toEqual([...new Set(rows)].sort())
  })
})

describe('hoisting a schema', () => {
  it('gives definitions names of the document, also odd ones and the schema itself', () => {
    const odd = { $ref: { $ref: '#/$defs/Flower[int]' }, self: { $ref: '#' } }
    const examples = [{ $ref: '#/$defs/nothing' }]
    expect(hoist('Data', { ...schema.input, properties: odd, examples }, '#/s/')).toEqual({
      Data: {
        type: 'object',
        properties: { $ref: { $ref: '#/s/Data.Flower_int_' }, self: { $ref: '#/s/Data' } },
        examples,
      },
      'Data.Flower_int_': { type: 'object', properties: { next: { $ref: '#/s/Data.Flower_int_' } } },
    })
  })

  it('keeps two definitions apart whose names would become one', () => {
    const names = Object.keys(hoist('Data', { $defs: { 'a b': {}, 'a+b': {} } }, '#/'))
    expect(names).toEqual(['Data', 'Data.a_b', 'Data.a_b_2'])
  })
})

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'examples') return []
    return key === '$ref' && typeof inner === 'string' ? [inner] : referencesIn(inner)
  })
}

function at(document: unknown, reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .reduce((value: unknown, key) => (value as Record<string, unknown> | undefined)?.[key], document)
}
