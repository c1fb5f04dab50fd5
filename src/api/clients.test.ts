/** Typed clients of every shape of schema: both compilers take them, and what a schema says stays words. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { python, temporaryDirectory } from '../../tests/support/python.ts'
import type { JsonSchema } from '../model/schema.ts'
import type { Api } from './api.ts'
import { pythonClient } from './python.ts'
import { typescriptClient } from './typescript.ts'

const apiOf = (input: JsonSchema | undefined, output?: JsonSchema): Api => ({
  stage: 'staging',
  model: 'iris-sklearn',
  version: 7,
  server: 'http://127.0.0.1:8426',
  properties: { thampi_data_version: '0.1', trained_time_utc: '2018-09-06T22:03:04', instance_id: 'x' },
  servedTimeUtc: '2018-09-06T22:03:09',
  schema: input && { declared: true, input, ...(output ? { output } : {}) },
  examples: [{ data: '{"text": "*/ \\"\\"\\" \\\\"}', result: '1' }],
  needsKey: true,
  timeoutSeconds: 30,
})

/** Also what nobody would write on purpose. */
const everything: JsonSchema = {
  $defs: {
    'Flower Box': {
      type: 'object',
      description: 'Ends */ here """ and \\ there "',
      required: ['lengths'],
      properties: {
        lengths: { type: 'array', items: { type: 'number' }, description: 'In cm. */ """' },
        next: { anyOf: [{ $ref: '#/$defs/Flower%20Box' }, { type: 'null' }] },
      },
    },
    Answer: { type: 'array', items: { type: 'object', properties: { class: { type: 'string' } } } },
    Client: { enum: ['cm', 'inch', 3, true, null] },
    half: { enum: [0.5, 1] },
  },
  type: 'object',
  required: ['box', 'unit'],
  properties: {
    box: { $ref: '#/$defs/Flower Box' },
    unit: { $ref: '#/$defs/Client' },
    half: { $ref: '#/$defs/half' },
    point: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'string' }], minItems: 2, maxItems: 2 },
    loose: { type: 'array', prefixItems: [{ type: 'number' }], items: { type: 'string' } },
    words: { type: 'object', additionalProperties: { type: ['string', 'integer'] } },
    answers: { $ref: '#/$defs/Answer' },
    fixed: { const: 'yes' },
    outside: { $ref: 'https://example.com/schema' },
    anything: true,
  },
}

describe.each([
  ['a model that says nothing', apiOf(undefined)],
  ['everything a schema can say', apiOf(everything, { $ref: '#/$defs/R', $defs: { R: { type: 'number' } } })],
  ['names that are none', apiOf({ type: 'object', required: ['a-b'], properties: { 'a-b': {}, class: {} } })],
  ['one number', apiOf({ type: 'number' }, { type: 'array', items: {} })],
])('the clients of %s', (_, api) => {
  const dir = temporaryDirectory()

  it('are TypeScript in its strictest', () => {
    writeFileSync(join(dir, 'client.ts'), typescriptClient(api))
    expect(compile(dir)).toBe('')
  })

  it('are Python that can be imported, with types that can be read', () => {
    writeFileSync(join(dir, 'client.py'), pythonClient(api))
    const look =
      'import client, typing; print(typing.get_type_hints(client.Client.predict)["return"].__name__)'
    expect(execFileSync(python, ['-c', look], { cwd: dir, encoding: 'utf8' })).toBe('Answer\n')
  })
})

describe('the types', () => {
  it('are those of the schema', () => {
    const script = typescriptClient(apiOf(everything))
    expect(script).toContain('readonly box: FlowerBox')
    expect(script).toContain('export type DataClient = "cm" | "inch" | 3 | true | null')
    expect(script).toContain('readonly next?: FlowerBox | null')
    expect(script).toContain('readonly point?: readonly [number, string]')
    expect(script).toContain('readonly words?: { readonly [key: string]: string | number }')
    const client = pythonClient(apiOf(everything))
    expect(client).toContain('class FlowerBox(_RequiredOfFlowerBox, total=False):')
    expect(client).toContain('    next: Union[FlowerBox, None]')
    expect(client).toContain('DataClient = Literal["cm", "inch", 3, True, None]')
    expect(client).toContain('Half = Any')
  })

  it('find mistakes of the caller', () => {
    const dir = temporaryDirectory()
    writeFileSync(join(dir, 'client.ts'), typescriptClient(apiOf(everything)))
    const wrong = `import { Client } from './client.ts'\nvoid new Client().predict({ box: { lengths: ['5'] }, unit: 'cm' })\n`
    writeFileSync(join(dir, 'wrong.ts'), wrong)
    expect(compile(dir)).toMatch(
      /wrong\.ts\(2,\d+\): error TS2322: Type 'string' is not assignable to type 'number'/,
    )
  })
})

/** What the compiler says. */
function compile(dir: string): string {
  const config = {
    compilerOptions: {
      ...{
        target: 'es2022',
        lib: ['es2022', 'dom'],
        module: 'nodenext',
        types: [],
        strict: true,
        noEmit: true,
      },
      ...{ noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, isolatedDeclarations: true },
      ...{ declaration: true, verbatimModuleSyntax: true, allowImportingTsExtensions: true },
    },
  }
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config))
  writeFileSync(join(dir, 'package.json'), '{"type": "module"}')
  try {
    execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', dir], {
      encoding: 'utf8',
    })
    return ''
  } catch (error) {
    return String((error as { stdout?: string }).stdout)
  }
}
