/** Pools over the real Python runtime: what callers see when processes die, hang, fail to start or are too few. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ask, commandIn, lastRequestId, poolOf, resultOf } from '../../tests/support/pools.ts'
import { isRunning } from '../../tests/support/processes.ts'
import { saveModel, temporaryDirectory } from '../../tests/support/python.ts'
import { SandboxFailed } from './ending.ts'
import type { Outcome } from './job.ts'
import { spawnProcess } from './process.ts'
import { Zygote } from './zygote.ts'

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
    const mine = printed.filter(line => line.requestId === lastRequestId())
    expect(mine).toEqual([
      { level: 'stdout', requestId: lastRequestId(), message: 'hello 7' },
      { level: 'WARNING', requestId: lastRequestId(), message: 'careful' },
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
    expect(pids.filter(isRunning)).toEqual([])
  })

  it('answers "unavailable" when the interpreter is not there', async () => {
    const { pool } = poolOf(saveModel('def predict(self, args, context):\n    return 1'), {
      process: command => spawnProcess({ ...command, file: '/nowhere/python' }),
    })
    expect(await ask(pool, 1)).toMatchObject({ type: 'unavailable', failed: { code: 'MODEL_LOAD_FAILED' } })
  })
})

describe('a temporary directory that is of no use', () => {
  afterEach(() => void vi.unstubAllEnvs())

  it.each([
    ['is not there', () => '/no/such/place'],
    [
      'has too long a name for a socket',
      () => {
        const long = join(temporaryDirectory(), 'x'.repeat(120))
        mkdirSync(long)
        return long
      },
    ],
  ])('keeps no model from being served: it %s', async (_, place) => {
    const modelDir = saveModel('def predict(self, args, context):\n    return "x" * args')
    vi.stubEnv('TMPDIR', place())
    const { pool } = poolOf(modelDir)
    expect(resultOf(await ask(pool, 300_000))).toBe('x'.repeat(300_000))
  })
})

describe('batches', () => {
  const batching = `def predict(self, args, context):
    if args == "poison":
        os._exit(9)
    return {"batch": 1, "got": args}
def predict_batch(self, batch, context):
    if any(args == "poison" for args in batch):
        os._exit(9)
    time.sleep(0.02)
    return [{"batch": len(batch), "got": args} for args in batch]`

  it('take what waits when the model becomes free, and give each request its own answer', async () => {
    const { pool } = poolOf(saveModel(batching), { maxSandboxes: 1 })
    await pool.warm()
    const answers = (await Promise.all(Array.from({ length: 50 }, (_, i) => ask(pool, i)))).map(resultOf)
    expect(answers.map(answer => (answer as { got: number }).got)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    )
    const sizes = answers.map(answer => (answer as { batch: number }).batch)
    expect(Math.max(...sizes)).toBeGreaterThan(30)
  })

  it('are no larger than allowed, and none at all when they are switched off', async () => {
    const dir = saveModel(batching)
    for (const maxBatch of [8, 1]) {
      const { pool } = poolOf(dir, { maxSandboxes: 1, maxBatch })
      await pool.warm()
      const answers = (await Promise.all(Array.from({ length: 30 }, (_, i) => ask(pool, i)))).map(resultOf)
      expect(Math.max(...answers.map(answer => (answer as { batch: number }).batch))).toBe(maxBatch)
    }
  })

  it('are asked again one by one when their process dies, so that only the poison fails', async () => {
    const { pool } = poolOf(saveModel(batching), { maxSandboxes: 1 })
    await pool.warm()
    const [first, poison, ...rest] = await Promise.all(
      ['a', 'poison', 'b', 'c', 'd'].map(data => ask(pool, data)),
    )
    expect(poison).toMatchObject({ type: 'crashed' })
    expect([first, ...rest].map(outcome => (resultOf(outcome as Outcome) as { got: string }).got)).toEqual([
      'a',
      'b',
      'c',
      'd',
    ])
  })

  it('wait for more only as long as they are told to', async () => {
    const { pool } = poolOf(saveModel(batching), { maxSandboxes: 1, maxWaitMs: 400 })
    await pool.warm()
    const first = ask(pool, 1)
    await sleep(100)
    const second = ask(pool, 2)
    expect([resultOf(await first), resultOf(await second)]).toEqual([
      { batch: 2, got: 1 },
      { batch: 2, got: 2 },
    ])
  })
})

describe.runIf(process.platform === 'linux')('a zygote', () => {
  const zygotes: Zygote[] = []
  afterEach(() => {
    for (const zygote of zygotes.splice(0)) zygote.stop()
  })

  function zygoteOf(imports: readonly string[]): Zygote {
    const dir = temporaryDirectory()
    const zygote = new Zygote({
      command: commandIn(dir),
      imports,
      socketPath: join(dir, 'z'),
      onPrinted: () => {},
    })
    zygotes.push(zygote)
    return zygote
  }

  const importing =
    'def initialize(self, context):\n    self.known = "numpy" in sys.modules\ndef predict(self, args, context):\n    import numpy\n    print("from the fork")\n    return {"known": self.known, "stage": os.environ.get("STAGE"), "parent": os.getppid(), "sum": float(numpy.ones((200, 200)).dot(numpy.ones((200, 200))).sum())}'

  it('forks sandboxes that find their libraries imported and see their own environment', async () => {
    const zygote = zygoteOf(['numpy', 'no_such_module'])
    const { pool, printed } = poolOf(saveModel(importing), {
      process: command => zygote.fork({ ...command, env: { ...command.env, STAGE: 'forked' } }),
    })
    const answer = resultOf(await ask(pool, 1))
    expect(answer).toEqual({ known: true, stage: 'forked', parent: zygote.pid, sum: 8_000_000 })
    await expect
      .poll(() => printed)
      .toContainEqual(expect.objectContaining({ level: 'stdout', message: 'from the fork' }))
  })

  it('reports the death of what it forked, so that requests are asked again', async () => {
    const zygote = zygoteOf([])
    const { pool, starts } = poolOf(
      saveModel('def predict(self, args, context):\n    time.sleep(args)\n    return args'),
      {
        process: command => zygote.fork(command),
        maxSandboxes: 1,
      },
    )
    await pool.warm()
    const asked = ask(pool, 0.3)
    await sleep(100)
    for (const pid of pool.pids) process.kill(pid, 'SIGKILL')
    expect(resultOf(await asked)).toBe(0.3)
    expect(starts).toBeLessThanOrEqual(2)
  })

  it('takes its children along when it dies', async () => {
    const zygote = zygoteOf([])
    const { pool } = poolOf(saveModel('def predict(self, args, context):\n    return os.getpid()'), {
      process: command => (zygote.isAlive ? zygote.fork(command) : spawnProcess(command)),
    })
    const before = resultOf(await ask(pool, 1)) as number
    process.kill(zygote.pid as number, 'SIGKILL')
    await zygote.ended
    expect(resultOf(await ask(pool, 1))).not.toBe(before)
    await expect.poll(() => isRunning(before)).toBe(false)
  })

  it('refuses connections that do not know a token', async () => {
    const dir = temporaryDirectory()
    const zygote = new Zygote({
      command: commandIn(dir),
      imports: [],
      socketPath: join(dir, 'z'),
      onPrinted: () => {},
    })
    zygotes.push(zygote)
    await zygote.ready
    const socket = connect(join(dir, 'z'))
    socket.write(`${'0'.repeat(64)} wire\n`)
    await new Promise(resolve => socket.once('close', resolve))
    expect(zygote.isAlive).toBe(true)
  })
})
