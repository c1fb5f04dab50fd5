/** Our Lambda keeps Lambda's rules: what the tests of functions and of deployments stand on. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/python.ts'
import { type FunctionOptions, type RunningFunction, runFunction } from '../support/runtime-api.ts'

const running: RunningFunction[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(each => each.close()))
})

type Options = Partial<FunctionOptions> & { readonly layer?: Readonly<Record<string, string>> }

async function start(
  files: Readonly<Record<string, string>>,
  runtime: string,
  options: Options,
): Promise<RunningFunction> {
  const { layer, ...more } = options
  const layerRoot = layer && directoryOf(layer)
  const defaults = { runtime, handler: 'app.handler', memoryMb: 512, timeoutSeconds: 20 }
  const started = await runFunction({ taskRoot: directoryOf(files), layerRoot, ...defaults, ...more })
  running.push(started)
  return started
}

const node = (source: string, options: Options = {}): Promise<RunningFunction> =>
  start({ 'app.mjs': source }, 'nodejs24.x', options)
const python = (source: string, options: Options = {}): Promise<RunningFunction> =>
  start({ 'app.py': source }, 'python3.11', options)

function directoryOf(files: Readonly<Record<string, string>>): string {
  const dir = temporaryDirectory()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  return dir
}

const json = ({ payload }: { readonly payload: Buffer }): unknown => JSON.parse(payload.toString())

const echoNode = `export const handler = async (event, context) => ({ event, id: context.awsRequestId, arn: context.invokedFunctionArn,
  version: context.functionVersion, left: context.getRemainingTimeInMillis() > 10_000 })`
const echoPython = `
def handler(event, context):
    return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn,
            "version": context.function_version, "left": context.get_remaining_time_in_millis() > 10_000}`

it.each([
  ['Node', node, echoNode],
  ['Python', python, echoPython],
] as const)('a function in %s gets the event and is told about the call', async (_, run, source) => {
  const fn = await run(source, { version: '7' })
  const given = await fn.invoke({ größe: [1, null] }, { requestId: 'r-1' })
  expect(json(given)).toEqual({
    event: { größe: [1, null] },
    id: 'r-1',
    arn: 'arn:aws:lambda:us-east-1:123456789012:function:function:7',
    version: '7',
    left: true,
  })
  expect(given.functionError).toBeUndefined()
  expect(given.log).toMatch(
    /^START RequestId: r-1 Version: 7\n(?:.*\n)*END RequestId: r-1\nREPORT RequestId: r-1\tDuration: .*Init Duration: /,
  )
  const again = await fn.invoke(1, { requestId: 'r-2' })
  expect(again.initMs).toBeUndefined()
})

it.each([
  ['Node', node, `export const handler = async () => { console.log('said'); throw new TypeError('no') }`],
  ['Python', python, 'def handler(event, context):\n    print("said")\n    raise TypeError("no")'],
] as const)('what a function in %s throws is the answer, and marked as an error', async (_, run, source) => {
  const failed = await (await run(source)).invoke({})
  expect(failed.functionError).toBe('Unhandled')
  expect(json(failed)).toMatchObject({ errorType: 'TypeError', errorMessage: 'no' })
  expect(failed.log).toContain('said')
})

it('a function sees its own variables and the service’s, and none of ours', async () => {
  process.env.OF_THE_TESTS = 'secret'
  const fn = await node('export const handler = async () => process.env', { environment: { OWN: 'yes' } })
  const env = json(await fn.invoke({})) as Record<string, string>
  expect(env).toMatchObject({ OWN: 'yes', AWS_REGION: 'us-east-1', _HANDLER: 'app.handler', TZ: ':UTC' })
  expect(env).not.toHaveProperty('OF_THE_TESTS')
  expect(env).not.toHaveProperty('HOME')
  await expect(node('', { environment: { BIG: 'x'.repeat(4096) } })).rejects.toThrow('exceeded the 4KB limit')
  await expect(node('', { environment: { AWS_REGION: 'x' } })).rejects.toThrow('reserved keys')
})

it('code, layers and scratch stand where Lambda has them', async () => {
  const source = `import os, sys
def handler(event, context):
    import packed
    def writes(path):
        try:
            open(os.path.join(path, "x"), "w").close()
            return True
        except OSError:
            return False
    return {"cwd": os.getcwd(), "packed": packed.__file__, "root": os.environ["LAMBDA_TASK_ROOT"],
            "writes": [path for path in ("/", "/var/task", "/opt", "/tmp", os.path.expanduser("~")) if writes(path)],
            "other": [path for path in sys.path if "site-packages" in path and not path.startswith(("/opt", "/var"))]}`
  const fn = await python(source, { layer: { 'python/packed.py': '' } })
  if (!fn.mounted) {
    console.warn('without root on Linux functions run at their real paths')
    return
  }
  expect(json(await fn.invoke({}))).toEqual({
    ...{ cwd: '/var/task', packed: '/opt/python/packed.py', root: '/var/task', writes: ['/tmp'], other: [] },
  })
})

it('real paths are told to a function where there are no mounts', async () => {
  const source = `import { tmpdir } from 'node:os'
export const handler = async () => [process.cwd() === process.env.LAMBDA_TASK_ROOT, tmpdir()]`
  const fn = await node(source, { mounts: false })
  const [atRoot, scratch] = json(await fn.invoke({})) as [boolean, string]
  expect(atRoot).toBe(true)
  expect(existsSync(scratch)).toBe(true)
})

it('what takes too long is ended, and the next event finds a new process and the old scratch', async () => {
  const source = `import { existsSync, writeFileSync } from 'node:fs'
export const handler = async event => {
  if (!event.hang) return existsSync('/tmp/left') || existsSync(process.env.TMPDIR + '/left')
  writeFileSync((process.env.TMPDIR ?? '/tmp') + '/left', '')
  for (;;);
}`
  const fn = await node(source, { timeoutSeconds: 1 })
  const late = await fn.invoke({ hang: true }, { requestId: 'r-1' })
  expect(late.functionError).toBe('Unhandled')
  expect(json(late)).toEqual({
    errorMessage: expect.stringMatching(/Z r-1 Task timed out after 1\.00 seconds$/),
  })
  expect(late.log).toContain('Task timed out after 1.00 seconds')
  expect(fn.pids).toEqual([])
  const next = await fn.invoke({})
  expect(json(next)).toBe(true)
  expect(next.initMs).toBeGreaterThan(0)
})

it('a process that ends is an error, and is replaced', async () => {
  const fn = await python(
    'import os\ndef handler(event, context):\n    os._exit(3) if event else None\n    return "here"',
  )
  expect(json(await fn.invoke(true, { requestId: 'r-1' }))).toEqual({
    errorType: 'Runtime.ExitError',
    errorMessage: 'RequestId: r-1 Error: Runtime exited with error: exit status 3',
  })
  expect(json(await fn.invoke(false))).toBe('here')
})

it('a start that fails is tried again within the first event, and then says why', async () => {
  const marker = `import { appendFileSync } from 'node:fs'
appendFileSync((process.env.TMPDIR ?? '/tmp') + '/starts', 'x')
throw new Error('no model')`
  const failed = await (await node(marker, { mounts: false })).invoke({})
  expect(failed.functionError).toBe('Unhandled')
  expect(json(failed)).toMatchObject({ errorType: 'Error', errorMessage: 'no model' })
  const missing = await (await python('')).invoke({})
  expect(json(missing)).toMatchObject({ errorType: 'Runtime.HandlerNotFound' })
})

it('a start that is slow once more than the service waits gets the event’s time for a second one', async () => {
  const source = `import { readFileSync, appendFileSync } from 'node:fs'
const path = (process.env.TMPDIR ?? '/tmp') + '/starts'
appendFileSync(path, 'x')
await new Promise(done => setTimeout(done, 1500))
export const handler = async () => readFileSync(path, 'utf8')`
  const fn = await node(source, { initSeconds: 1 })
  expect(json(await fn.invoke({}))).toBe('xx')
  const short = await node(source, { initSeconds: 1, timeoutSeconds: 1 })
  expect(json(await short.invoke({}))).toEqual({
    errorMessage: expect.stringContaining('Task timed out after 1.00 seconds'),
  })
})

it('memory beyond the function’s own ends it', async () => {
  const fn = await python(
    'import time\ndef handler(event, context):\n    held = bytearray(400_000_000)\n    time.sleep(5)',
    { memoryMb: 128 },
  )
  const failed = await fn.invoke({})
  expect(json(failed)).toMatchObject({
    errorType: 'Runtime.OutOfMemory',
    errorMessage: expect.stringContaining('signal: killed'),
  })
  expect(failed.maxMemoryMb).toBeGreaterThan(128)
})

it('six megabytes go in and come out, and not more', async () => {
  const fn = await node('export const handler = async event => "x".repeat(event.bytes ?? 1)')
  const big = 6 * 1024 * 1024
  expect((await fn.invoke({ bytes: big })).payload.length).toBe(big + 2)
  const tooMuch = await fn.invoke({ bytes: big + 1000 })
  expect(json(tooMuch)).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' })
  expect(json(await fn.invoke({ x: 'x'.repeat(big - 10) }))).toBe('x')
  await expect(fn.invoke({ x: 'x'.repeat(big) })).rejects.toMatchObject({
    status: 413,
    type: 'RequestTooLargeException',
  })
})

it('events beyond the concurrency are throttled, within it each has a process', async () => {
  const source = `export const handler = async event => { await new Promise(done => setTimeout(done, event.ms)); return process.pid }`
  const fn = await node(source, { concurrency: 2 })
  const both = [fn.invoke({ ms: 300 }), fn.invoke({ ms: 300 })]
  await expect(fn.invoke({ ms: 0 })).rejects.toMatchObject({ status: 429, type: 'TooManyRequestsException' })
  const pids = (await Promise.all(both)).map(json)
  expect(new Set(pids).size).toBe(2)
  expect(pids).toContain(json(await fn.invoke({ ms: 0 })))
})

it('SnapStart: hooks run before the snapshot and after it was restored', async () => {
  const source = `from snapshot_restore_py import register_after_restore, register_before_snapshot
said = []
register_before_snapshot(lambda: said.append("before"))
register_after_restore(lambda: said.append("after"))
def handler(event, context):
    return said`
  const fn = await python(source, { snapStart: true })
  expect(fn.pids.length).toBe(1)
  expect(json(await fn.invoke({}))).toEqual(['before', 'after'])
  await expect(python('raise RuntimeError("no model")', { snapStart: true })).rejects.toThrow(
    /snapshot: .*no model/,
  )
})

it('old handlers call back, where the runtime still knows them', async () => {
  const source =
    'export const handler = (event, context, callback) => { setTimeout(() => callback(null, event + 1), 10) }'
  expect(json(await (await node(source, { runtime: 'nodejs22.x' })).invoke(1))).toBe(2)
  expect(json(await (await node(source)).invoke(1))).toMatchObject({
    errorType: 'Runtime.CallbackHandlerDeprecated',
  })
})

it('nothing of a function is left when it is closed', async () => {
  const source = `import { spawn } from 'node:child_process'
export const handler = async () => spawn('sleep', ['600'], { stdio: 'ignore' }).pid`
  const fn = await node(source)
  const child = json(await fn.invoke({})) as number
  const [pid = 0] = fn.pids
  await fn.close()
  for (const each of [pid, child]) expect(stateOf(each)).toMatch(/^(gone|Z)$/)
})

function stateOf(pid: number): string {
  try {
    return /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 'gone'
  } catch {
    return 'gone'
  }
}
