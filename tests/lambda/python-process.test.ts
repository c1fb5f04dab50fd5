/** A Python function as a process: what it logs, what of the project it sees, how it starts and how it survives. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { contract } from '../support/lambda/contract.ts'
import type { ManifestChanges } from '../support/lambda/manifest.ts'
import { pythonFunction, pythonHere, pythonLayer } from '../support/lambda/python-function.ts'
import { temporaryDirectory } from '../support/python.ts'
import {
  type FunctionOptions,
  type Invocation,
  type RunningFunction,
  runFunction,
} from '../support/runtime-api.ts'

let layerRoot: string
beforeAll(() => {
  layerRoot = pythonLayer(pythonHere())
})
const running: RunningFunction[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(each => each.close()))
})

interface Laid extends Partial<FunctionOptions> {
  readonly manifest?: ManifestChanges
  /** Files in `code/`. */
  readonly code?: Readonly<Record<string, string>>
}

/** A function around a model whose class body is `body`. */
async function start(
  body: string,
  { manifest = {}, code = {}, ...options }: Laid = {},
): Promise<RunningFunction> {
  const dir = temporaryDirectory()
  const lines = body.split('\n').map(line => `    ${line}`)
  const source = [
    'import asyncio, logging, os, sys, time, warnings',
    'import thampi',
    'class Wrapped(thampi.Model):',
    ...lines,
    'thampi.save(Wrapped(), "mymodel", ".")',
  ]
  execFileSync(pythonHere().program, ['-c', source.join('\n')], {
    cwd: dir,
    env: { ...process.env, PYTHONPATH: resolve('python/src'), THAMPI_QUIET: '1' },
  })
  const taskRoot = pythonFunction(join(dir, 'mymodel'), manifest)
  for (const [path, text] of Object.entries(code)) {
    mkdirSync(join(taskRoot, 'code'), { recursive: true })
    writeFileSync(join(taskRoot, 'code', path), text)
  }
  const fn = await runFunction({
    ...{ taskRoot, layerRoot, runtime: 'python3.11', handler: 'thampi_handler.handler', version: '7' },
    ...{ memoryMb: 512, timeoutSeconds: 20, ...options },
  })
  running.push(fn)
  return fn
}

const http = (data: unknown, headers = {}): unknown => ({
  rawPath: '/staging/mymodel/predict',
  requestContext: { http: { method: 'POST' } },
  headers,
  body: JSON.stringify({ data }),
})

function answerOf({ payload, functionError }: Invocation): { status: number; body: Record<string, unknown> } {
  expect(functionError, payload.toString()).toBeUndefined()
  const { statusCode, body } = JSON.parse(payload.toString())
  return { status: statusCode, body: JSON.parse(body) }
}

type Line = Record<string, unknown>

/** Everything but the platform's own lines. */
function linesOf({ log }: Invocation): Line[] {
  const printed = log.split('\n').filter(line => line !== '' && !/^(START|END|REPORT) /.test(line))
  return printed.map(line => JSON.parse(line) as Line)
}

it('every line of the log is JSON and names its request, whichever way it was written', async () => {
  const fn = await start(`
def predict(self, args, context):
    print("printed", args)
    print("to stderr", file=sys.stderr)
    context.logger.warning("logged %s\\nin two lines", args)
    logging.getLogger("library").error("größe 🙂")
    print("unfinished", end="")
    return {"x": float("nan")}`)
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const given = { 'x-request-id': 'r-1', traceparent: `00-${trace}-00f067aa0ba902b7-01` }
  const asked = await fn.invoke(http('é', given), { requestId: 'lambda-1' })
  const lines = linesOf(asked)
  const about = { version: 7, requestId: 'r-1', awsRequestId: 'lambda-1', trace_id: trace }
  const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect(lines).toEqual([
    { timestamp, level: 'stdout', source: 'model', ...about, message: 'printed é' },
    { timestamp, level: 'stderr', source: 'model', ...about, message: 'to stderr' },
    { timestamp, level: 'WARNING', source: 'model', ...about, message: 'logged é\nin two lines' },
    { timestamp, level: 'ERROR', source: 'model', ...about, message: 'größe 🙂' },
    {
      ...{ timestamp, level: 'WARNING', source: 'model', ...about },
      message: '`result.x` is NaN, infinite or missing and was written as null',
    },
    { timestamp, level: 'stdout', source: 'model', ...about, message: 'unfinished' },
    {
      ...{ timestamp, level: 'INFO', source: 'http', ...about },
      message: expect.stringMatching(/^POST \/staging\/mymodel\/predict 200 \d+\.\d ms$/),
    },
  ])
  const direct = linesOf(await fn.invoke({ data: 1 }, { requestId: 'lambda-2' }))
  expect(direct[0]).toEqual({
    ...{ timestamp, level: 'stdout', source: 'model', version: 7, requestId: 'lambda-2' },
    message: 'printed 1',
  })
  expect(direct.map(({ source }) => source)).not.toContain('http')
})

it('what a model raises is in the log under its request, with its lines', async () => {
  const fn = await start('def predict(self, args, context):\n    raise KeyError("petal")', {
    manifest: { start: { errors: 'terse' } },
  })
  const asked = await fn.invoke(http(1), { requestId: contract.requestId })
  expect(answerOf(asked)).toMatchObject({
    status: 500,
    body: { code: 'model-error', detail: expect.not.stringContaining('petal') },
  })
  const [raised, ended] = linesOf(asked)
  expect(raised).toMatchObject({ level: 'ERROR', requestId: contract.requestId })
  expect(raised?.message).toMatch(/^KeyError in <string>:\d+, `predict`: 'petal'\nTraceback/)
  expect(ended).toMatchObject({ level: 'ERROR', source: 'http' })
})

it('modules of the project come from code/, and the level of the log from the manifest', async () => {
  const fn = await start(
    `
def predict(self, args, context):
    import features
    context.logger.info("not this")
    return features.double(args)`,
    {
      code: { 'features.py': 'def double(value):\n    return value * 2\n' },
      manifest: { start: { logLevel: 'WARNING' } },
    },
  )
  const asked = await fn.invoke(http(21))
  expect(answerOf(asked).body.result).toBe(42)
  expect(linesOf(asked).map(({ message }) => message)).toEqual([expect.stringContaining('200')])
})

it('a model that asyncio runs keeps its loop from event to event', async () => {
  const fn = await start(`
async def initialize(self, context):
    self.loop = asyncio.get_running_loop()
async def predict(self, args, context):
    await asyncio.sleep(0.01)
    return {"same": self.loop is asyncio.get_running_loop(), "ms": context.get_remaining_time_in_millis()}`)
  await fn.invoke({ thampi: 'warm' })
  const { body } = answerOf(await fn.invoke(http(1)))
  const { same, ms } = body.result as { same: boolean; ms: number }
  expect(same).toBe(true)
  expect(ms).toBeGreaterThan(10_000)
  expect(ms).toBeLessThanOrEqual(20_000)
})

it('a start that takes longer than Lambda allows is done again with the first event, and harms nothing', async () => {
  const body = `
def initialize(self, context):
    time.sleep(1.5)
def predict(self, args, context):
    return "here"`
  const fn = await start(body, { initSeconds: 1 })
  expect(answerOf(await fn.invoke(http(1))).body.result).toBe('here')
})

it('what loading ends in is told to every event until it is mended, and the process lives on', async () => {
  const body = `
def initialize(self, context):
    path = os.path.join(__import__("tempfile").gettempdir(), "tries")
    with open(path, "a") as tries:
        tries.write(".")
    if os.path.getsize(path) < 3:
        raise OSError("the feature store /mnt/features/iris is away")
def predict(self, args, context):
    return "here"`
  const fn = await start(body)
  const first = await fn.invoke(http(1))
  expect(answerOf(first)).toMatchObject({
    status: 503,
    body: {
      ...{
        code: 'model-unavailable',
        executed: 'no',
        retryable: false,
        hint: expect.stringContaining('logs'),
      },
      detail: expect.stringMatching(
        /^OSError in <string>:\d+, `initialize`: the feature store iris is away$/,
      ),
    },
  })
  expect(first.log).toContain('"level":"ERROR"')
  const second = await fn.invoke(http(1))
  expect(second.initMs).toBeUndefined()
  expect(answerOf(second).body.result).toBe('here')
})

it('a model whose package is not there says which is missing', async () => {
  const fn = await start('def predict(self, args, context):\n    return 1')
  const missing = await start(`
def __reduce__(self):
    return __import__, ("sklearn_of_another_planet",)
def predict(self, args, context):
    return 1`)
  expect(JSON.parse((await fn.invoke({ thampi: 'health' })).payload.toString()).ready).toBe(true)
  const health = JSON.parse((await missing.invoke({ thampi: 'health' })).payload.toString())
  expect(health).toMatchObject({ ready: false, version: 7, failed: { code: expect.any(String) } })
  expect(health.failed.message).toContain('sklearn_of_another_planet')
  expect(JSON.parse((await missing.invoke({ thampi: 'warm' })).payload.toString())).toEqual({
    thampi: 'warm',
  })
})

it('files that are not those that were packed are never loaded', async () => {
  const digests = { 'model.pkl': `sha256:${'0'.repeat(64)}`, 'thampi.json': `sha256:${'0'.repeat(64)}` }
  const fn = await start('def predict(self, args, context):\n    return 1', {
    manifest: { start: { digests } },
  })
  expect(answerOf(await fn.invoke(http(1)))).toMatchObject({
    status: 503,
    body: { code: 'artifact-corrupt', retryable: false },
  })
})

it('a function without its manifest does not start, and Lambda is told why', async () => {
  const taskRoot = temporaryDirectory()
  const whole = await start('def predict(self, args, context):\n    return 1')
  await whole.invoke(http(1))
  const dir = pythonFunction(taskRoot)
  rmSync(join(dir, 'thampi-manifest.json'))
  const fn = await runFunction({
    ...{ taskRoot: dir, layerRoot, runtime: 'python3.11', handler: 'thampi_handler.handler', memoryMb: 512 },
  })
  running.push(fn)
  const { payload, functionError } = await fn.invoke(http(1))
  expect(functionError).toBe('Unhandled')
  expect(payload.toString()).toContain('thampi-manifest.json')
})

it('$LATEST has version 0', async () => {
  const fn = await start('def predict(self, args, context):\n    return context.version', {
    version: '$LATEST',
  })
  const { payload } = await fn.invoke(http(1))
  const { headers, body } = JSON.parse(payload.toString())
  expect(headers['Thampi-Version']).toBe('0')
  expect(JSON.parse(body).result).toBe(0)
})

it('a process that dies is Lambda’s to answer, and the next event has a new one', async () => {
  const fn = await start(`
def predict(self, args, context):
    if args == "die":
        os.kill(os.getpid(), 11)
    return "here"`)
  const died = await fn.invoke(http('die'))
  expect(died.functionError).toBe('Unhandled')
  // The place in the model's code is in the log.
  expect(died.log).toContain('Segmentation fault')
  expect(answerOf(await fn.invoke(http(1))).body.result).toBe('here')
})
