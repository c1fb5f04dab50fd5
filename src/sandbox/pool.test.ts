/** Pools over the real Python runtime: what callers see when processes die, hang, fail to start or are too few. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { python, runtimeLayer, saveModel } from '../../tests/support/python.ts'
import { digestOf } from '../system/files.ts'
import { realSystem } from '../system/system.ts'
import { memoryReader } from './memory.ts'
import { type Outcome, Pool, type PoolOptions } from './pool.ts'
import type { Printed } from './printed.ts'
import { Sandbox, SandboxFailed } from './sandbox.ts'

const layer = runtimeLayer()
const readMemoryMb = memoryReader(realSystem())
const open: Pool[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(pool => pool.close()))
})

interface Running {
  readonly pool: Pool
  readonly printed: Printed[]
  readonly events: string[]
  starts: number
}

function poolOf(
  modelDir: string,
  options: Partial<PoolOptions> & { memoryMb?: number; startTimeoutMs?: number } = {},
): Running {
  const printed: Printed[] = []
  const events: string[] = []
  const digests = Object.fromEntries(
    ['model.pkl', 'thampi.json'].map(name => [name, digestOf(readFileSync(join(modelDir, name)))]),
  )
  const running: Running = {
    printed,
    events,
    starts: 0,
    pool: new Pool({
      start: () => {
        running.starts += 1
        return new Sandbox(
          {
            file: python,
            args: [layer],
            cwd: modelDir,
            env: { PATH: process.env.PATH ?? '' },
            memoryMb: options.memoryMb ?? 512,
            startTimeoutMs: options.startTimeoutMs ?? 30_000,
            start: {
              protocol: 1,
              modelDir,
              codeDir: null,
              digests,
              servedTimeUtc: '2018-09-06T22:03:09',
              stage: 'dev',
              model: 'model',
              version: 1,
              errors: 'full',
              logLevel: 'INFO',
              maxResultBytes: 6_000_000,
            },
          },
          line => printed.push(line),
          readMemoryMb,
        )
      },
      maxSandboxes: 2,
      keepWarm: () => true,
      idleMs: 60_000,
      maxQueue: 100,
      onEvent: (_level, message) => events.push(message),
      ...options,
    }),
  }
  open.push(running.pool)
  return running
}

let requests = 0
function ask(pool: Pool, data: unknown, remainingMs = 20_000): Promise<Outcome> {
  requests += 1
  return pool.ask({
    requestId: `r-${requests}`,
    body: Buffer.from(JSON.stringify({ data })),
    pretty: false,
    remainingMs,
  })
}

function resultOf(outcome: Outcome): unknown {
  if (outcome.type !== 'reply') throw new Error(`no reply: ${JSON.stringify(outcome)}`)
  return JSON.parse(outcome.body.toString('utf8')).result
}

describe('a pool of sandboxes', () => {
  it('starts a process for the first request and answers from it', async () => {
    const { pool } = poolOf(
      saveModel('def predict(self, args, context):\n    return {"pid": os.getpid(), "got": args}'),
    )
    expect(pool.size).toBe(0)
    expect(resultOf(await ask(pool, [1, 2]))).toMatchObject({ got: [1, 2] })
    expect(pool.size).toBe(1)
  })

  it('gives each request its own answer, however many come at once, and never starts more than the maximum', async () => {
    const running = poolOf(saveModel('def predict(self, args, context):\n    return args'))
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => ask(running.pool, { nonce: i })))
    expect(answers.map(resultOf)).toEqual(Array.from({ length: 60 }, (_, i) => ({ nonce: i })))
    expect(running.starts).toBeLessThanOrEqual(2)
  })

  it('asks once more when a process is killed under its requests, and loses none', async () => {
    const { pool } = poolOf(
      saveModel('def predict(self, args, context):\n    time.sleep(0.05)\n    return args'),
    )
    await pool.warm()
    let asking = true
    const killer = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(700)
        const [pid] = pool.pids
        if (pid) process.kill(pid, 'SIGKILL')
      }
      asking = false
    })()
    const outcomes: Promise<Outcome>[] = []
    for (let i = 0; asking; i++) {
      outcomes.push(ask(pool, i))
      await sleep(60)
    }
    await killer
    expect((await Promise.all(outcomes)).map(resultOf)).toEqual(outcomes.map((_, i) => i))
  })

  it('gives up after the second death of the same request', async () => {
    const { pool } = poolOf(saveModel('def predict(self, args, context):\n    os._exit(9)'))
    expect(await ask(pool, null)).toEqual({ type: 'crashed', ending: { reason: 'exit', status: 9 } })
  })

  it('kills what takes too long, says so in time, and serves the next request', async () => {
    const { pool } = poolOf(
      saveModel('def predict(self, args, context):\n    time.sleep(args)\n    return args'),
      { maxSandboxes: 1 },
    )
    await pool.warm()
    const [slow, next] = await Promise.all([ask(pool, 30, 300), ask(pool, 0)])
    expect(slow).toEqual({ type: 'late', executed: 'maybe' })
    expect(resultOf(next)).toBe(0)
  })

  it('says why a model cannot be loaded, to the one who warms it and to those who ask', async () => {
    const { pool } = poolOf(
      saveModel(
        'def initialize(self, context):\n    raise ValueError("no weights")\ndef predict(self, args, context):\n    return 1',
      ),
    )
    await expect(pool.warm()).rejects.toThrow(SandboxFailed)
    const outcome = await ask(pool, null)
    expect(outcome.type).toBe('unavailable')
    expect(JSON.stringify(outcome)).toContain('no weights')
  })

  it('ends a process that needs more memory than allowed', async () => {
    const { pool } = poolOf(
      saveModel(
        'def predict(self, args, context):\n    hoard = bytearray(300_000_000)\n    time.sleep(5)\n    return len(hoard)',
      ),
      { memoryMb: 150 },
    )
    expect(await ask(pool, null)).toMatchObject({ type: 'crashed', ending: { reason: 'out-of-memory' } })
  })

  it('refuses a model that changed since it was released', async () => {
    const dir = saveModel('def predict(self, args, context):\n    return 1')
    const { pool } = poolOf(dir)
    const { writeFileSync } = await import('node:fs')
    writeFileSync(
      join(dir, 'model.pkl'),
      Buffer.concat([readFileSync(join(dir, 'model.pkl')), Buffer.from('.')]),
    )
    await expect(pool.warm()).rejects.toMatchObject({ failed: { code: 'INTEGRITY' } })
  })

  it('replaces a process whose model called sys.exit, after its answer', async () => {
    const { pool } = poolOf(
      saveModel(
        'def predict(self, args, context):\n    if args == "exit":\n        sys.exit(3)\n    return os.getpid()',
      ),
      { maxSandboxes: 1 },
    )
    const before = resultOf(await ask(pool, null))
    const exit = await ask(pool, 'exit')
    expect(exit).toMatchObject({ type: 'reply', status: 500 })
    const after = resultOf(await ask(pool, null))
    expect(after).not.toBe(before)
  })

  it('hears what the model prints, with the request it belongs to', async () => {
    const { pool, printed } = poolOf(
      saveModel(
        'def predict(self, args, context):\n    print("hello", args)\n    context.logger.warning("careful")\n    return 1',
      ),
    )
    await ask(pool, 7)
    await pool.close()
    const mine = printed.filter(line => line.requestId === `r-${requests}`)
    expect(mine).toEqual([
      { level: 'stdout', requestId: `r-${requests}`, message: 'hello 7' },
      { level: 'WARNING', requestId: `r-${requests}`, message: 'careful' },
    ])
  })

  it('stops idle processes unless they are kept warm', async () => {
    const dir = saveModel('def predict(self, args, context):\n    return 1')
    const cold = poolOf(dir, { keepWarm: () => false, idleMs: 200 })
    const warm = poolOf(dir, { keepWarm: () => true, idleMs: 200 })
    await Promise.all([ask(cold.pool, 1), ask(warm.pool, 1)])
    await expect.poll(() => cold.pool.size, { timeout: 10_000 }).toBe(0)
    expect(warm.pool.size).toBe(1)
  })

  it('leaves no process behind when it closes', async () => {
    const { pool } = poolOf(saveModel('def predict(self, args, context):\n    return 1'))
    await ask(pool, 1)
    const { pids } = pool
    await pool.close()
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow()
  })

  it('answers "unavailable" when the interpreter is not there', async () => {
    const { pool } = poolOf(saveModel('def predict(self, args, context):\n    return 1'), {
      start: () =>
        new Sandbox(
          {
            file: '/nowhere/python',
            args: [],
            cwd: layer,
            env: {},
            memoryMb: 100,
            startTimeoutMs: 1000,
            start: {} as never,
          },
          () => {},
          readMemoryMb,
        ),
    })
    expect(await ask(pool, 1)).toMatchObject({ type: 'unavailable', failed: { code: 'MODEL_LOAD_FAILED' } })
  })
})
