/** `remote_env` of a Python function: read from S3 before the model is loaded, and a reason when it cannot be. */
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Bucket, startBucket } from '../support/lambda/bucket.ts'
import { pythonFunction, pythonHere, pythonLayer } from '../support/lambda/python-function.ts'
import { temporaryDirectory } from '../support/python.ts'
import { type RunningFunction, runFunction } from '../support/runtime-api.ts'

let saved: string
let layerRoot: string
let bucket: Bucket
let fn: RunningFunction | undefined

beforeAll(() => {
  const dir = temporaryDirectory()
  const source = `
import os, thampi
class Telling(thampi.Model):
    def initialize(self, context):
        self.at = os.environ["GREETING"]
    def predict(self, args, context):
        return [self.at, os.environ["NATIVE"], os.environ["OWN"], os.environ["AWS_REGION"]]
thampi.save(Telling(), "mymodel", ".")
`
  execFileSync(pythonHere().program, ['-c', source], {
    cwd: dir,
    env: { ...process.env, PYTHONPATH: resolve('python/src'), THAMPI_QUIET: '1' },
  })
  saved = join(dir, 'mymodel')
  layerRoot = pythonLayer(pythonHere())
})
beforeEach(async () => {
  bucket = await startBucket()
})
afterEach(async () => {
  await fn?.close()
  await bucket.close()
})

async function start(content?: unknown): Promise<RunningFunction> {
  put(content)
  const remoteEnvironment = { bucket: bucket.name, key: 'live.json', replaces: ['NATIVE'] }
  fn = await runFunction({
    taskRoot: pythonFunction(saved, { remoteEnvironment }),
    ...{ layerRoot, runtime: 'python3.11', handler: 'thampi_handler.handler', version: '7' },
    ...{ memoryMb: 512, timeoutSeconds: 20 },
    environment: { AWS_ENDPOINT_URL_S3: bucket.url, NATIVE: 'native', OWN: 'ours' },
  })
  return fn
}

function put(content: unknown): void {
  if (content === undefined) return
  bucket.objects.set(
    'live.json',
    Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
  )
}

async function asked(fn: RunningFunction, event: unknown): Promise<{ said: unknown; log: string }> {
  const { payload, log } = await fn.invoke(event)
  return { said: JSON.parse(payload.toString()), log }
}

it('is there before the model is loaded; settings and Lambda win over it; it is asked for once', async () => {
  const fn = await start({ GREETING: 'remote', NATIVE: 'remote', OWN: 'remote', AWS_REGION: 'moon' })
  const { said } = await asked(fn, { data: 1 })
  expect(said).toMatchObject({ result: ['remote', 'remote', 'ours', expect.not.stringMatching('moon')] })
  await asked(fn, { data: 1 })
  expect(bucket.asked).toEqual(['live.json '])
})

it.each([
  ['that is not there', undefined, 'SETTINGS_INVALID', 'does not exist'],
  ['that is no JSON', '{"PASSWORD": "hunter2"', 'SETTINGS_INVALID', 'is no JSON'],
  ['that is no object', ['hunter2'], 'SETTINGS_INVALID', 'no object of names and texts'],
  ['that is not flat', { DB: { PASSWORD: 'hunter2' } }, 'SETTINGS_INVALID', 'no text as the value of DB'],
  ['with a name that is none', { 'A=B': 'hunter2' }, 'SETTINGS_INVALID', '"A=B"'],
])(
  'one %s is a reason without a value and without a stack, until it is right',
  async (_, content, code, words) => {
    const fn = await start(content)
    const { said, log } = await asked(fn, { thampi: 'health' })
    expect(said).toMatchObject({
      ready: false,
      failed: {
        code,
        message: expect.stringContaining(words),
        fix: expect.stringContaining('flat JSON file'),
      },
    })
    expect(JSON.stringify(said) + log).not.toMatch(/hunter2|Traceback/)
    put({ GREETING: 'right' })
    expect((await asked(fn, { data: 1 })).said).toMatchObject({
      result: ['right', 'native', 'ours', expect.any(String)],
    })
  },
)

it('one that S3 refuses names the permission; one that S3 does not give in time may be asked for again', async () => {
  const fn = await start({ GREETING: 'late' })
  bucket.troubles.push(...Array(12).fill({ status: 403, code: 'AccessDenied' }))
  expect((await asked(fn, { thampi: 'health' })).said).toMatchObject({
    failed: { code: 'PERMISSION', fix: expect.stringContaining('s3:GetObject') },
  })
  bucket.troubles.splice(0, 12, ...Array(12).fill({ status: 503, code: 'SlowDown' }))
  expect((await asked(fn, { thampi: 'health' })).said).toMatchObject({ failed: { code: 'NETWORK' } })
  bucket.troubles.length = 0
  expect((await asked(fn, { data: 1 })).said).toMatchObject({
    result: ['late', 'native', 'ours', expect.any(String)],
  })
})
