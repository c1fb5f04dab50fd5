/** Node functions in Lambda's own client, and in ours: models from the function and from S3, of both formats. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Bucket, startBucket } from '../support/lambda/bucket.ts'
import { digestsOf, type ManifestChanges, sha256 } from '../support/lambda/manifest.ts'
import { nodeFunction } from '../support/lambda/node-function.ts'
import { amazonClient, newerNode } from '../support/newer-node.ts'
import { saveSource } from '../support/node-runtime.ts'
import { externalTensor, identity, model, node, port, types } from '../support/onnx-file.ts'
import { layOnnxRuntime } from '../support/onnx-packages.ts'
import { temporaryDirectory } from '../support/python.ts'
import {
  type FunctionOptions,
  type Invocation,
  type RunningFunction,
  runFunction,
} from '../support/runtime-api.ts'

const running: RunningFunction[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(each => each.close()))
})

async function run(taskRoot: string, options: Partial<FunctionOptions> = {}): Promise<RunningFunction> {
  const fn = await runFunction({
    ...{ taskRoot, runtime: 'nodejs24.x', handler: 'thampi_handler.handler', version: '7' },
    ...{ memoryMb: 1024, timeoutSeconds: 20, ...around, ...options },
  })
  running.push(fn)
  return fn
}

/** Runs a model that is written here. */
async function serve(
  source: string,
  changes?: ManifestChanges,
  options?: Partial<FunctionOptions>,
): Promise<RunningFunction> {
  return run(await nodeFunction(await saveSource(source), changes), options)
}

const said = ({ payload }: Invocation): Record<string, unknown> => JSON.parse(payload.toString())

/** What a caller over HTTP gets. */
async function post(
  fn: RunningFunction,
  data: unknown,
  headers = {},
): Promise<{ status: number; headers: Record<string, string>; said: Record<string, unknown>; log: string }> {
  const answer = await fn.invoke({
    ...{ version: '2.0', rawPath: '/staging/mymodel/predict', headers, body: JSON.stringify({ data }) },
    requestContext: { http: { method: 'POST' } },
  })
  const {
    statusCode,
    headers: given,
    body,
  } = said(answer) as unknown as { statusCode: number; headers: Record<string, string>; body: string }
  return { status: statusCode, headers: given, said: JSON.parse(body), log: answer.log }
}

/** The lines of ours, parsed. */
function linesOf(log: string): Record<string, unknown>[] {
  return log
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
}

const [newer, amazon] = [await newerNode('24'), await amazonClient()]
const reasons = [newer, amazon].flatMap(each => ('missing' in each ? [each.missing] : []))
const environments: [string, boolean, Partial<FunctionOptions>][] = [
  ['in a client of ours, on this Node', true, {}],
  [
    `in Amazon's client, on Node 24${reasons.map(reason => ` (not here: ${reason})`)}`,
    reasons.length === 0,
    { program: pathOf(newer), runtimeRoot: pathOf(amazon) },
  ],
]
/** What is different in the environment that is tried. */
let around: Partial<FunctionOptions> = {}

function pathOf(found: { readonly path: string } | { readonly missing: string }): string | undefined {
  return 'path' in found ? found.path : undefined
}

for (const [name, isHere, environment] of environments) {
  describe.skipIf(!isHere)(name, () => {
    beforeAll(() => {
      around = environment
    })

    it('answers over HTTP and directly', async () => {
      const fn = await serve('export default class { predict(args) { return { doubled: args.value * 2 } } }')
      expect(await post(fn, { value: 4 })).toMatchObject({
        ...{ status: 200, said: { result: { doubled: 8 } }, headers: { 'Thampi-Version': '7' } },
      })
      expect(said(await fn.invoke({ data: { value: 5 } }))).toMatchObject({ result: { doubled: 10 } })
    })

    it.each([
      ['machine code', 'onnxruntime-node'],
      ['WebAssembly', 'onnxruntime-web'],
    ] as const)('asks a model in ONNX, in %s', async (_, runtime) => {
      const fn = await onnxFunction(runtime, [null, 2])
      const rows = [
        [1.5, 2],
        [3, 4],
      ]
      expect(await post(fn, { input: rows })).toMatchObject({ status: 200, said: { result: rows } })
    })

    it('a direct call keeps whole numbers to the last digit, where the language can', async () => {
      const source = 'export default class { predict() { return [2n ** 70n, 9007199254740993n, 0.1, 1] } }'
      const { payload } = await (await serve(source)).invoke({})
      const whole =
        environment.program === undefined
          ? '[1.1805916207174113e+21,9007199254740992,0.1,1]'
          : '[1180591620717411303424,9007199254740993,0.1,1]'
      expect(payload.toString()).toContain(whole)
    })

    it('everything that is printed is a line of JSON under its request', async () => {
      const source = `export default class {
  initialize() { console.log('begins') }
  predict(args, context) {
    console.log('printed', { args })
    console.error('to stderr')
    context.log.warn('logged\\nin two lines')
    context.log.debug('too quiet')
    process.stdout.write('unfinished')
    return null
  }
}`
      const fn = await serve(source)
      const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
      const { log } = await post(fn, 1, { 'x-request-id': 'r-1', ...trace })
      const lines = linesOf(log).map(({ timestamp, ...line }) => {
        expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/)
        return line
      })
      const about = {
        version: 7,
        requestId: 'r-1',
        awsRequestId: expect.any(String),
        trace_id: trace.traceparent.slice(3, 35),
      }
      expect(lines).toEqual([
        { level: 'stdout', source: 'model', version: 7, message: 'begins' },
        { level: 'stdout', source: 'model', ...about, message: 'printed { args: 1 }' },
        { level: 'stderr', source: 'model', ...about, message: 'to stderr' },
        { level: 'WARNING', source: 'model', ...about, message: 'logged' },
        { level: 'WARNING', source: 'model', ...about, message: 'in two lines' },
        { level: 'stdout', source: 'model', ...about, message: 'unfinished' },
        {
          level: 'INFO',
          source: 'http',
          ...about,
          message: expect.stringMatching(/^POST \/staging\/mymodel\/predict 200 [\d.]+ ms$/),
        },
      ])
    })

    it('process.exit in the model is an answer, and the next event finds the model as it was saved', async () => {
      const source = `let asked = 0
export default class { predict(args) { asked++; if (args === 'exit') process.exit(3); return asked } }`
      const fn = await serve(source)
      expect(await post(fn, 1)).toMatchObject({ said: { result: 1 } })
      const [pid] = fn.pids
      expect(await post(fn, 'exit')).toMatchObject({
        status: 500,
        said: { code: 'model-error', detail: expect.stringContaining('process.exit(3)') },
      })
      expect(await post(fn, 1)).toMatchObject({ status: 200, said: { result: 1 } })
      expect(fn.pids).toEqual([pid])
    })

    it.each([
      'Promise.reject(new Error("lost"))',
      'setTimeout(() => { throw new RangeError("lost") })',
      'setTimeout(() => process.exit(3))',
    ])('what nobody catches ends the process: %s', async lost => {
      const source = `export default class {
  async predict(args) {
    if (!args) return 'here'
    ${lost}
    await new Promise(done => setTimeout(done, 10_000))
  }
}`
      const fn = await serve(source)
      const failed = await fn.invoke({ data: 1 })
      expect(failed.functionError).toBe('Unhandled')
      await expect.poll(() => fn.pids).toEqual([])
      expect(await post(fn, 0)).toMatchObject({ status: 200, said: { result: 'here' } })
    })

    it('a model that cannot be loaded ends nothing: each event hears why, and tries again', async () => {
      const source = `import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
export default class {
  initialize() { if (!existsSync(tmpdir() + '/weights')) throw new Error('no weights at ' + tmpdir() + '/weights') }
  predict() { return 'here' }
}`
      const fn = await serve(source, {}, { mounts: false })
      const refused = await post(fn, 1)
      expect(refused).toMatchObject({
        status: 503,
        said: { code: 'model-unavailable', executed: 'no', retryable: false },
      })
      expect(refused.said.detail).toMatch(/no weights at weights$/)
      expect(linesOf(refused.log)[0]).toMatchObject({
        level: 'ERROR',
        message: expect.stringContaining('no weights at /'),
      })
      const health = said(await fn.invoke({ thampi: 'health' }))
      expect(health).toMatchObject({ ready: false, runtime: 'node', failed: { code: 'MODEL_RAISED' } })
      const [, scratch] = /no weights at (.*)\/weights/.exec(
        (health.failed as { message: string }).message,
      ) as RegExpExecArray
      writeFileSync(join(scratch as string, 'weights'), '')
      expect(await post(fn, 1)).toMatchObject({ status: 200, said: { result: 'here' } })
      expect(said(await fn.invoke({ thampi: 'health' }))).toMatchObject({
        ready: true,
        language: expect.stringMatching(/^2\d\.\d/),
        loadMs: expect.any(Number),
      })
    })

    it('what the model declares is asked of callers', async () => {
      const saved = await saveSource('export default class { predict(args) { return args } }')
      const input = {
        type: 'object',
        required: ['input'],
        properties: { input: { type: 'array', items: { type: 'number' } } },
      }
      writeFileSync(join(saved, 'schema.json'), JSON.stringify({ declared: true, input }))
      const fn = await run(await nodeFunction(saved))
      const refused = await post(fn, { input: [1, 'two'] })
      expect(refused).toMatchObject({ status: 422, said: { errors: [{ pointer: '/data/input/1' }] } })
    })

    it('a function without a manifest says so', async () => {
      const root = await nodeFunction(await saveSource('export default class { predict() {} }'))
      writeFileSync(join(root, 'thampi-manifest.json'), '{"schemaVersion": 2}')
      expect(said(await (await run(root)).invoke({}))).toMatchObject({
        errorMessage: expect.stringContaining('has schema 2'),
      })
    })

    describe('a model in S3', () => {
      let bucket: Bucket
      beforeEach(async () => {
        bucket = await startBucket()
      })
      afterEach(() => bucket.close())

      const mb = 1024 * 1024
      /** Of weights: three ranges. */
      const size = 40 * mb
      /** Goes on where half of a range has come. */
      const inTheMiddle = /bytes=(8388608|25165824|37748736)-/
      const source = `export default class {
  predict() { return { bytes: this.weights.length, last: this.weights.at(-1) } }
}`

      async function withWeights(
        options: Partial<FunctionOptions> = {},
        bytes = size,
      ): Promise<RunningFunction> {
        const saved = await saveSource(source)
        writeFileSync(
          join(saved, 'state.json'),
          JSON.stringify({ state: { weights: { $: ['Uint8Array', 0, bytes] } } }),
        )
        writeFileSync(join(saved, 'state.bin'), Buffer.alloc(bytes, 7))
        return run(await fromS3(saved, 'state.bin', 'memory'), { ...inS3(), ...options })
      }

      const inS3 = (): Partial<FunctionOptions> => ({ environment: { AWS_ENDPOINT_URL_S3: bucket.url } })

      /** A file of a saved model that is in S3 is not in the function. */
      async function fromS3(saved: string, file: string, load: 'memory' | 'scratch'): Promise<string> {
        const bytes = readFileSync(join(saved, file))
        const stored = {
          key: `thampi/blobs/sha256/${sha256(bytes)}`,
          sha256: sha256(bytes),
          bytes: bytes.length,
        }
        bucket.objects.set(stored.key, bytes)
        const where = { in: 's3', bucket: bucket.name, load, files: { [file]: stored } }
        const root = await nodeFunction(saved, { start: { digests: digestsOf(saved) }, model: where })
        rmSync(join(root, 'model', file))
        return root
      }

      it('comes in ranges with the first event that needs it', async () => {
        const fn = await withWeights()
        expect(await post(fn, 1)).toMatchObject({ status: 200, said: { result: { bytes: size, last: 7 } } })
        expect(bucket.asked.map(line => line.replace(/^.* /, '')).sort()).toEqual([
          'bytes=0-16777215',
          'bytes=16777216-33554431',
          'bytes=33554432-41943039',
        ])
        await post(fn, 1)
        expect(bucket.asked.length).toBe(3)
      })

      it('takes its own size of memory, and not twice as much', async () => {
        // Node, the SDK and what the collector has not taken away yet need about 150 MB; twice the model would need 600.
        const fn = await withWeights({ memoryMb: 448 }, 224 * mb)
        expect(await post(fn, 1)).toMatchObject({ status: 200, said: { result: { bytes: 224 * mb } } })
      })

      it('comes with a call that keeps warm, which asks it nothing', async () => {
        const fn = await withWeights()
        expect(said(await fn.invoke({ thampi: 'warm' }))).toEqual({ thampi: 'warm' })
        expect(bucket.asked.length).toBe(3)
        await post(fn, 1)
        expect(bucket.asked.length).toBe(3)
      })

      it('comes in spite of a network that resets, breaks off and answers 503', async () => {
        bucket.troubles.push('reset', 'half', { status: 503, code: 'SlowDown' }, 'half')
        expect(await post(await withWeights(), 1)).toMatchObject({
          status: 200,
          said: { result: { bytes: size } },
        })
        // What had come of a range that broke off was not asked for again.
        expect(bucket.asked.length).toBe(7)
        expect(bucket.asked.some(line => inTheMiddle.test(line))).toBe(true)
      })

      it('that stalls is asked for again by the next event, which gets only what is missing', async () => {
        bucket.troubles.push('stall')
        const fn = await withWeights({ timeoutSeconds: 6 })
        const refused = await post(fn, 1)
        expect(refused).toMatchObject({
          status: 503,
          headers: { 'Retry-After': '1' },
          said: { code: 'model-unavailable', retryable: true, retryAfterMs: 1000 },
        })
        expect(refused.said.detail).toMatch(
          /^state\.bin has not come from S3 in time; [\d,]+ of 41,943,040 bytes are missing\.$/,
        )
        expect(await post(fn, 1)).toMatchObject({ status: 200, said: { result: { bytes: size } } })
        expect(bucket.asked.some(line => inTheMiddle.test(line))).toBe(true)
      })

      it.each([
        [
          { status: 403, code: 'AccessDenied' },
          /^S3 does not give s3:\/\/example-store\/thampi\/blobs.*AccessDenied\.$/,
        ],
        [{ status: 404, code: 'NoSuchKey' }, /^state\.bin is not in S3: .* does not exist\.$/],
      ])('that S3 refuses with %o is a refusal, until S3 does not', async (trouble, detail) => {
        bucket.troubles.push(trouble, trouble, trouble)
        const fn = await withWeights()
        const refused = await post(fn, 1)
        expect(refused).toMatchObject({ status: 503, said: { code: 'model-unavailable', retryable: false } })
        expect(refused.said.detail).toMatch(detail)
        bucket.troubles.length = 0
        expect(await post(fn, 1)).toMatchObject({ status: 200 })
      })

      it('whose bytes are others is not loaded, and fetched anew by the next event', async () => {
        const fn = await withWeights()
        const [[key, right]] = [...bucket.objects] as [[string, Buffer]]
        bucket.objects.set(key, Buffer.alloc(size, 8))
        expect(await post(fn, 1)).toMatchObject({
          status: 503,
          said: { code: 'artifact-corrupt', detail: expect.stringContaining('state.bin') },
        })
        bucket.objects.set(key, right.subarray(1))
        expect(await post(fn, 1)).toMatchObject({ status: 503, said: { code: 'artifact-corrupt' } })
        bucket.objects.set(key, right)
        expect(await post(fn, 1)).toMatchObject({ status: 200, said: { result: { last: 7 } } })
      })

      it('cannot come where the AWS SDK is missing', async () => {
        const empty = temporaryDirectory()
        writeFileSync(join(empty, 'index.mjs'), readFileSync('tests/support/lambda/node-client.mjs'))
        const refused = await post(await withWeights({ runtimeRoot: empty }), 1)
        expect(refused.said.detail).toContain('@aws-sdk/client-s3')
      })

      it('becomes files where the format opens files, which outlive their process when they are whole', async () => {
        const saved = savedOnnx(
          model({
            inputs: [port('x', types.float, [null, 2])],
            outputs: [port('y', types.float, [null, 2])],
            nodes: [node('Add', ['x', 'w'], ['y'])],
            initializers: [externalTensor('w', 'w.bin')],
          }),
          { inputs: [['x', [null, 2]]], outputs: [['y', [null, 2]]], external: ['w.bin'] },
        )
        writeFileSync(join(saved, 'w.bin'), Buffer.from(new Float32Array([10, 20]).buffer))
        const root = await fromS3(saved, 'w.bin', 'scratch')
        await layOnnxRuntime('onnxruntime-node', join(root, 'code'))
        const fn = await run(root, inS3())
        const added = { status: 200, said: { result: [[11, 22]] } }
        expect(await post(fn, { x: [[1, 2]] })).toMatchObject(added)
        expect(bucket.asked.length).toBe(1)
        await crash(fn)
        expect(await post(fn, { x: [[1, 2]] })).toMatchObject(added)
        expect(bucket.asked.length).toBe(1)
        await crash(fn)
        const [scratch = ''] = fn.scratch
        writeFileSync(join(scratch, `thampi-${'0'.repeat(16)}`, 'w.bin'), 'damaged!')
        expect(await post(fn, { x: [[1, 2]] })).toMatchObject(added)
        expect(bucket.asked.length).toBe(2)
      })
    })
  })
}

async function crash(fn: RunningFunction): Promise<void> {
  process.kill(fn.pids[0] as number, 'SIGKILL')
  await expect.poll(() => fn.pids).toEqual([])
}

/** A saved model around an ONNX file, as the command line makes one of what other tools wrote. */
function savedOnnx(
  file: Buffer,
  {
    inputs,
    outputs,
    external = [],
  }: { inputs: readonly Port[]; outputs: readonly Port[]; external?: readonly string[] },
): string {
  const saved = temporaryDirectory()
  const ports = (of: readonly Port[]): unknown[] =>
    of.map(([name, shape]) => ({ name, type: 'float32', shape }))
  writeFileSync(join(saved, 'model.onnx'), file)
  writeFileSync(join(saved, 'thampi.json'), JSON.stringify({ instance_id: 'x', thampi_data_version: '0.1' }))
  writeFileSync(
    join(saved, 'brought.json'),
    JSON.stringify({
      format: 'onnx',
      file: 'model.onnx',
      external,
      inputs: ports(inputs),
      outputs: ports(outputs),
    }),
  )
  return saved
}

type Port = readonly [name: string, shape: readonly (number | null)[]]

/** Gives back what it gets. */
async function onnxFunction(
  runtime: 'onnxruntime-node' | 'onnxruntime-web',
  shape: readonly (number | null)[],
  options: Partial<FunctionOptions> = {},
): Promise<RunningFunction> {
  const saved = savedOnnx(identity(['input', types.float, shape]), {
    inputs: [['input', shape]],
    outputs: [['input_out', shape]],
  })
  const root = await nodeFunction(saved)
  await layOnnxRuntime(runtime, join(root, 'code'))
  return run(root, options)
}
