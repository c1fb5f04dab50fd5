/** What `thampi package` makes for Python, unpacked and run as Lambda runs it, answers as the local platform does: to the byte. */
import { cpSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unpackZip } from '../../src/bundle/zip/unpack.ts'
import { pinned } from '../support/doors.ts'
import { project } from '../support/journey.ts'
import { type Emulated, emulated, emulator } from '../support/lambda/rie.ts'
import { savedWithNewerPython } from '../support/newer-model.ts'
import { newerPython } from '../support/newer-python.ts'
import { type FunctionOptions, type RunningFunction, runFunction } from '../support/runtime-api.ts'

const [newer, rie] = [await newerPython(), await emulator()]
const why = 'missing' in newer ? ` (not here: ${newer.missing})` : ''
const servedTimeUtc = '2018-09-06T22:03:09.247038'

/** The same training with both Pythons: what is saved has the same id and the same time. */
const train = `
from typing import List, TypedDict
import thampi

class Basket(TypedDict):
    prices: List[float]
    currency: str

class Total(thampi.Model):
    def predict(self, args: Basket, context):
        import rates

        context.logger.info("%d prices", len(args["prices"]))
        if args["currency"] == "none":
            raise KeyError(args["currency"])
        if args["currency"] == "bad":
            raise thampi.BadInput("no such currency", pointer="/data/currency")
        if args["currency"] == "nan":
            return {"total": float("nan")}
        return {"total": sum(args["prices"]) * rates.of(args["currency"]), "größe": "🙂", "version": context.version}

thampi.save(
    Total(), "model", ".", instance_id="9dbc56dd-936d-4dff-953c-8c22267ebe84",
    trained_time_utc="2018-09-06T22:03:04.886644", tags={"team": "shop"},
)
`

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string | null>>
}

const compared = ['Content-Type', 'X-Request-Id', 'Thampi-Version', 'Cache-Control', 'Allow']

describe.skipIf(why !== '')(`a model in Python, in Lambda${why}`, () => {
  const shop = project()
  let url: string
  let fn: RunningFunction
  /** The same package in Amazon's emulator. */
  let there: Emulated | undefined

  beforeAll(async () => {
    shop.write('rates.py', 'def of(currency):\n    return {"EUR": 1.0, "CHF": 1.0625}[currency]\n')
    shop.write('train.py', train)
    shop.write('lambda.txt', `${pinned('cloudpickle')}\n`)
    cpSync(await savedWithNewerPython(train), join(shop.dir, 'newer/model'), { recursive: true })
    await shop.python(['train.py'])
    url = await served()
    const options = await packaged()
    fn = await runFunction(options)
    if ('path' in rie) there = await emulated(rie.path, options)
  })
  afterAll(async () => {
    await fn?.close()
    await there?.close()
  })

  async function served(): Promise<string> {
    const args = ['serve', 'dev', '--model_dir=model', `--served_time_utc=${servedTimeUtc}`]
    const { status, out, err } = await shop.thampi(args)
    expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining('serves') })
    return out.trim()
  }

  async function packaged(): Promise<FunctionOptions> {
    const program = 'path' in newer ? newer.path : ''
    const options = ['--model_dir=newer/model', '--dependency_file=lambda.txt', '-o', 'dist']
    const env = { THAMPI_UV: resolve('.venv/bin/uv'), PATH: `${shop.env.PATH}:${resolve(program, '..')}` }
    const args = ['package', 'dev', ...options, `--served_time_utc=${servedTimeUtc}`]
    const { status, err } = await shop.thampi(args, { env })
    expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining('python3.13') })
    const { function: made, layers } = JSON.parse(shop.read('dist/thampi-package.json'))
    const [taskRoot, layerRoot] = [join(shop.dir, 'task'), join(shop.dir, 'opt')]
    await unpackZip(join(shop.dir, 'dist', made.zip), taskRoot)
    for (const { zip } of layers) await unpackZip(join(shop.dir, 'dist', zip), layerRoot)
    const { runtime, handler, memoryMb, timeoutSeconds } = made
    const settings = { runtime, handler, memoryMb, timeoutSeconds }
    return { taskRoot, layerRoot, program, version: '1', ...settings }
  }

  async function askLocally(body: string, query: string): Promise<Answer> {
    const response = await fetch(url + query, { method: 'POST', body, headers: { 'X-Request-Id': 'r-1' } })
    const headers = Object.fromEntries(compared.map(name => [name, response.headers.get(name)]))
    return { status: response.status, body: await response.text(), headers }
  }

  async function askLambda(lambda: Pick<Emulated, 'invoke'>, body: string, query: string): Promise<Answer> {
    const { payload } = await lambda.invoke({
      ...{ version: '2.0', rawPath: new URL(url).pathname, rawQueryString: query.slice(1), body },
      ...{ headers: { 'x-request-id': 'r-1' }, requestContext: { http: { method: 'POST' } } },
    })
    const { statusCode, headers, body: given } = JSON.parse(payload.toString())
    const same = Object.fromEntries(compared.map(name => [name, headers[name] ?? null]))
    return { status: statusCode, body: given, headers: same }
  }

  const requests = [
    ['{"data": {"prices": [1.5, 2.25], "currency": "CHF"}}', ''],
    ['{"data": {"prices": [1.5, 2.25], "currency": "CHF"}}', '?pretty'],
    ['{"data": {"prices": [], "currency": "nan"}}', ''],
    ['{"data": {"prices": [1], "currency": "bad"}}', ''],
    ['{"data": {"prices": [1], "currency": "none"}}', ''],
    ['{"data": {"prices": [1], "currency": "none"}}', '?pretty=1'],
    ['{"data": {"price": [1], "currency": "EUR"}}', ''],
    ['{"data": {"prices": "1", "currency": 7}}', ''],
    ['{"data": {"prices": [1], "currency": "XYZ"}}', ''],
    ['{"data": null}', ''],
    ['{}', ''],
    ['{"data": ', ''],
    ['[]', ''],
    ['{"data": 1, "data": 2}', ''],
    ['', ''],
    [`{"data": ${'['.repeat(101)}${']'.repeat(101)}}`, ''],
  ] as const

  it.each(requests)('%s %s', async (body, query) => {
    const wanted = await askLocally(body, query)
    expect(await askLambda(fn, body, query)).toEqual(wanted)
  })

  const whyNot = 'missing' in rie ? ` (not here: ${rie.missing})` : ''
  it.skipIf(whyNot !== '').each(requests)(`in Amazon's emulator${whyNot}: %s %s`, async (body, query) => {
    const wanted = await askLocally(body, query)
    expect(await askLambda(there as Emulated, body, query)).toEqual(wanted)
  })
})
