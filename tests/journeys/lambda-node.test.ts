/** What `thampi package` makes for Node, unpacked and run by Amazon's client as Lambda runs it, answers as the local platform does: to the byte. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unpackZip } from '../../src/bundle/zip/unpack.ts'
import { type Project, project } from '../support/journey.ts'
import { type Emulated, emulated, emulator } from '../support/lambda/rie.ts'
import { amazonClient, newerNode } from '../support/newer-node.ts'
import { identity, types } from '../support/onnx-file.ts'
import { onnxPackages } from '../support/onnx-packages.ts'
import { type FunctionOptions, type RunningFunction, runFunction } from '../support/runtime-api.ts'
import { installIn, tsx } from '../support/typescript.ts'

const [node, client, rie] = [await newerNode('24'), await amazonClient(), await emulator()]
const missing = [node, client].flatMap(each => ('missing' in each ? [each.missing] : []))
const why = missing.map(reason => ` (not here: ${reason})`).join('')
const servedTimeUtc = '2018-09-06T22:03:09.247038'

/** What `thampi-package.json` says of a function. */
interface Packaged {
  readonly function: {
    readonly zip: string
    readonly runtime: string
    readonly handler: string
    readonly memoryMb: number
    readonly timeoutSeconds: number
  }
}

/** Runs `package` in a project; gives how to run what came of it on the Node that it was made for. */
async function packaged(shop: Project, modelDir: string): Promise<FunctionOptions> {
  const options = [`--model_dir=${modelDir}`, `--served_time_utc=${servedTimeUtc}`, '-o', 'dist']
  const { status, err } = await shop.thampi(['package', 'dev', ...options])
  expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining('nodejs24.x') })
  const { function: made } = JSON.parse(shop.read('dist/thampi-package.json')) as Packaged
  const taskRoot = join(shop.dir, 'task')
  await unpackZip(join(shop.dir, 'dist', made.zip), taskRoot)
  const { runtime, handler, memoryMb, timeoutSeconds } = made
  return {
    ...{ taskRoot, runtime, handler, memoryMb, timeoutSeconds, version: '1' },
    program: 'path' in node ? node.path : undefined,
    runtimeRoot: 'path' in client ? client.path : undefined,
  }
}

async function served(shop: Project, modelDir: string): Promise<string> {
  const options = [`--model_dir=${modelDir}`, `--served_time_utc=${servedTimeUtc}`]
  const { status, out, err } = await shop.thampi(['serve', 'dev', ...options])
  expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining('serves') })
  return out.trim()
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string | null>>
}

const compared = ['Content-Type', 'X-Request-Id', 'Thampi-Version', 'Cache-Control', 'Allow']

async function askLocally(url: string, body: string): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body, headers: { 'X-Request-Id': 'r-1' } })
  const headers = Object.fromEntries(compared.map(name => [name, response.headers.get(name)]))
  return { status: response.status, body: await response.text(), headers }
}

async function askLambda(fn: Pick<Emulated, 'invoke'>, path: string, body: string): Promise<Answer> {
  const { payload } = await fn.invoke({
    ...{ version: '2.0', rawPath: path, headers: { 'x-request-id': 'r-1' }, body },
    requestContext: { http: { method: 'POST' } },
  })
  const { statusCode, headers, body: given } = JSON.parse(payload.toString())
  const same = Object.fromEntries(compared.map(name => [name, headers[name] ?? null]))
  return { status: statusCode, body: given, headers: same }
}

describe.skipIf(why !== '')(`in Lambda${why}`, () => {
  describe('the iris model in TypeScript', () => {
    const shop = project({ door: 'npm' })
    let url: string
    let fn: RunningFunction
    /** The same package in Amazon's emulator. */
    let there: Emulated | undefined
    beforeAll(async () => {
      const made = await shop.thampi(['create', 'iris', '--template', 'ts'])
      expect(made, made.err).toMatchObject({ status: 0 })
      installIn(shop, 'iris')
      const trained = await tsx(shop, 'train.ts', 'iris')
      expect(trained).toMatchObject({ status: 0, err: '' })
      url = await served(shop, 'iris/models/iris')
      const options = await packaged(shop, 'iris/models/iris')
      fn = await runFunction(options)
      if ('path' in rie) there = await emulated(rie.path, options)
    })
    afterAll(async () => {
      await fn?.close()
      await there?.close()
    })

    const bodies = [
      '{"data": {"input": [5.9, 3.2, 4.8, 1.8]}}',
      '{"data": {"input": [5.1, 3.5, 1.4, 0.2]}}',
      '{"data": {"input": [1, 2]}}',
      '{"data": null}',
      '{"data": ',
      '[]',
      '{"data": 1, "data": 2}',
      '',
    ]

    it.each(bodies)('%s', async body => {
      const wanted = await askLocally(url, body)
      expect(await askLambda(fn, new URL(url).pathname, body)).toEqual(wanted)
    })

    const whyNot = 'missing' in rie ? ` (not here: ${rie.missing})` : ''
    it.skipIf(whyNot !== '').each(bodies)(`in Amazon's emulator${whyNot}: %s`, async body => {
      const wanted = await askLocally(url, body)
      expect(await askLambda(there as Emulated, new URL(url).pathname, body)).toEqual(wanted)
    })
  })

  describe('a model in ONNX', () => {
    const shop = project()
    let url: string
    let fn: RunningFunction
    beforeAll(async () => {
      symlinkSync(await onnxPackages('onnxruntime-node'), join(shop.dir, 'node_modules'))
      const file = identity(
        ['whole', types.int64, [null]],
        ['text', types.string, [null]],
        ['half', types.float16, [null]],
        ['exact', types.double, [null, 2]],
      )
      shop.write('echo.onnx', file)
      url = await served(shop, './echo.onnx')
      fn = await runFunction(await packaged(shop, './echo.onnx'))
    })
    afterAll(() => fn?.close())

    it.each([
      '{"data": {"whole": [9007199254740993, -1], "text": ["\u00fc", ""], "half": [0.5, -65504], "exact": [[0.1, -2.5e-10], [1, 2]]}}',
      '{"data": {"whole": [1.5], "text": ["a"], "half": [1], "exact": [[1, 2]]}}',
      '{"data": {"whole": [1]}}',
    ])('%s', async body => {
      const there = await askLocally(url, body)
      expect(await askLambda(fn, new URL(url).pathname, body)).toEqual(there)
    })
  })
})
