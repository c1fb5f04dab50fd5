/** Typed clients of a model that is served: compiled, called, and told what went wrong. */
import { execFileSync } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { project } from '../support/journey.ts'

const training = `
import thampi
from typing import List, TypedDict

class Flower(TypedDict):
    input: List[float]

class Kind(TypedDict):
    kind: int

class Iris(thampi.Model):
    def predict(self, args: Flower, context) -> Kind:
        if args['input'][0] < 0:
            raise ValueError('shorter than nothing')
        return {'kind': int(args['input'][2] > 2.5)}

thampi.save(Iris(), 'iris', './models', input_example={'input': [5.9, 3.2, 4.8, 1.8]})
`

const shop = project()
let server: Server
/** Answers 503 twice, then like the model. */
let moody = ''
let refusals = 0

beforeAll(async () => {
  shop.write('train.py', training)
  await shop.python(['train.py'])
  const { status, err } = await shop.thampi(['serve'])
  if (status !== 0) throw new Error(err)
  for (const [language, file] of [
    ['typescript', 'iris.ts'],
    ['python', 'iris.py'],
  ] as const) {
    expect(await shop.thampi(['client', language, 'dev', '-o', file])).toMatchObject({ status: 0, out: '' })
  }
  server = createServer((_, response) => {
    refusals += 1
    const isTired = refusals % 3 !== 0
    const problem = {
      code: 'overloaded',
      detail: 'tired',
      status: 503,
      title: '',
      retryable: true,
      retryAfterMs: 1,
    }
    response
      .writeHead(isTired ? 503 : 200)
      .end(JSON.stringify(isTired ? problem : { result: { kind: refusals } }))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  moody = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterAll(() => void server.close())

/** What both programs print: an answer, three refusals, an answer at the third try, a refusal at the second. */
const expected = {
  kind: 1,
  trained: expect.stringMatching(/^20\d\d-/),
  failed: ['ModelFailed', 'model-error', 500],
  refused: ['InputRefused', 'model-rejected-input', 422],
  nowhere: ['NotServed', 'no-such-stage', 404],
  patient: 3,
  hasty: ['Unavailable', 'overloaded', 503],
}

describe('a typed client', () => {
  it('in TypeScript compiles in the strictest mode and does what it says', async () => {
    refusals = 0
    shop.write('use.ts', useTypeScript)
    shop.write('package.json', '{"type": "module"}')
    const tsc = resolve('node_modules/typescript/bin/tsc')
    const strict = [
      '--strict',
      '--noUncheckedIndexedAccess',
      '--exactOptionalPropertyTypes',
      '--outDir',
      'out',
    ]
    const target = ['--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', '--types', '']
    const args = [tsc, ...strict, ...target, '--rewriteRelativeImportExtensions', 'use.ts']
    execFileSync(process.execPath, args, { cwd: shop.dir, encoding: 'utf8' })
    // Not in this process's time: it has to answer as the moody server.
    const { out: printed, err } = await shop.run(process.execPath, [join('out', 'use.js'), moody])
    expect(err).toBe('')
    expect(JSON.parse(printed)).toEqual(expected)
  })

  it('in Python needs nothing but Python and does the same', async () => {
    refusals = 0
    expect(JSON.parse(await shop.python(['-I', '-c', `${isolated}\n${usePython}`, moody]))).toEqual(expected)
  })

  it('is printed when no file is named, and says where none can be written', async () => {
    expect((await shop.thampi(['client', 'python'])).out).toBe(shop.read('iris.py'))
    expect(await shop.thampi(['client', 'python', 'dev', '-o', 'no/such/dir.py'])).toMatchObject({
      status: 2,
    })
    expect((await shop.thampi(['client', 'cobol'])).err).toContain('typescript, python')
  })
})

describe('the OpenAPI document', () => {
  it('is the same from the command and from the endpoint, and valid', async () => {
    const printed = (await shop.thampi(['openapi'])).out
    const { url } = JSON.parse((await shop.thampi(['info', '--json'])).out) as { url: string }
    const place = url.replace(/\/predict$/, '')
    const served = await fetch(`${place}/openapi.json`)
    expect(served.headers.get('content-type')).toBe('application/json')
    expect(await served.text()).toBe(printed)
    expect(await (await fetch(`${place}@1/openapi.json`)).text()).toBe(printed)
    expect((await fetch(`${place}@9/openapi.json`)).status).toBe(404)
    expect(await new Validator().validate(JSON.parse(printed))).toEqual({ valid: true })
    expect(JSON.parse(printed)).toMatchObject({
      components: { schemas: { Data: { required: ['input'] } } },
      paths: { '/dev/iris/predict': { post: { operationId: 'predict' } } },
    })
  })

  it('tells callers no schema and no examples where errors are terse, and its owner all', async () => {
    shop.write('zappa_settings.json', JSON.stringify({ production: { project_name: 'iris' } }))
    expect((await shop.thampi(['serve', 'production', '--model_dir=models/iris'])).status).toBe(0)
    const page = (await shop.thampi(['open', 'production'])).out.trim()
    const [place, token] = page.split('#token=') as [string, string]
    const seen = async (headers: Record<string, string>): Promise<string[]> => {
      const texts = ['openapi.json', 'status'].map(async path =>
        (await fetch(`${place}${path}`, { headers })).text(),
      )
      return Promise.all(texts)
    }
    for (const text of await seen({})) expect(text).not.toContain('4.8')
    for (const text of await seen({ 'Thampi-Token': token })) expect(text).toContain('4.8')
    expect((await shop.thampi(['openapi', 'production'])).out).toContain('4.8')
  })
})

const useTypeScript = `
import { Client, Problem, URL_OF_MODEL } from './iris.ts'

declare const process: { readonly argv: readonly string[] }

const name = async (act: () => Promise<unknown>): Promise<unknown> => {
  try {
    await act()
    return undefined
  } catch (error) {
    return error instanceof Problem ? [error.name, error.code, error.status] : String(error)
  }
}

const client = new Client()
const { properties, result } = await client.predict({ input: [5.9, 3.2, 4.8, 1.8] })
const kind: number = result.kind
const moody = process.argv[2] ?? ''
console.log(
  JSON.stringify({
    kind,
    trained: properties.trained_time_utc,
    failed: await name(() => client.predict({ input: [-1, 0, 0, 0] })),
    // What the compiler refuses as well.
    refused: await name(() => client.predict({ inputs: [] } as never)),
    nowhere: await name(() => new Client({ url: new URL('/nowhere/iris/predict', URL_OF_MODEL).href }).predict({ input: [] })),
    patient: (await new Client({ url: moody }).predict({ input: [] })).result.kind,
    hasty: await name(() => new Client({ url: moody, retries: 0 }).predict({ input: [] })),
  }),
)
`

const usePython = `
import json, sys
import iris

def name(act):
    try:
        act()
    except iris.Problem as problem:
        return [type(problem).__name__, problem.code, problem.status]

client = iris.Client()
answer = client.predict({"input": [5.9, 3.2, 4.8, 1.8]})
moody = sys.argv[1]
print(json.dumps({
    "kind": answer["result"]["kind"],
    "trained": answer["properties"]["trained_time_utc"],
    "failed": name(lambda: client.predict({"input": [-1, 0, 0, 0]})),
    "refused": name(lambda: client.predict({"inputs": []})),
    "nowhere": name(lambda: iris.Client(iris.URL.replace("/dev/", "/nowhere/")).predict({"input": []})),
    "patient": iris.Client(moody).predict({"input": []})["result"]["kind"],
    "hasty": name(lambda: iris.Client(moody, retries=0).predict({"input": []})),
}))
`

/** Isolated Python does not look into the directory it is started in; only this one file is wanted from there. */
const isolated = `import sys; sys.path.insert(0, ".")`
