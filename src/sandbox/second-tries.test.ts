/** Requests whose process dies: asked again once, on their own, and not for ever. */
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ask, poolOf, resultOf } from '../../tests/support/pools.ts'
import { saveModel, temporaryDirectory } from '../../tests/support/python.ts'
import type { Outcome } from './job.ts'

/** Notes each execution in a file, then does as it is told. */
const noting = (file: string): string => `def predict(self, args, context):
    with open(${JSON.stringify(file)}, "a") as notes:
        notes.write(args["id"] + "\\n")
    if args.get("die"):
        os._exit(9)
    time.sleep(args.get("sleep", 0))
    return args["id"]`

function executions(file: string, id: string): number {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line === id).length
}

function notes(): string {
  const file = join(temporaryDirectory(), 'notes')
  appendFileSync(file, '')
  return file
}

const crashed = { type: 'crashed', ending: { reason: 'exit', status: 9 } }

describe('a request that ends its process', () => {
  it('runs twice, then is not tried again for a while, whoever sends the same body', async () => {
    const file = notes()
    const { pool, starts } = poolOf(saveModel(noting(file)), { maxSandboxes: 1 })
    await pool.warm()
    const poison = { id: 'poison', die: true }
    expect(await ask(pool, poison)).toEqual(crashed)
    expect(await ask(pool, poison)).toEqual({ type: 'quarantined' })
    expect(executions(file, 'poison')).toBe(2)
    expect(resultOf(await ask(pool, { id: 'fine' }))).toBe('fine')
    expect(starts).toBeLessThanOrEqual(3)
  })

  it('runs once when the model is not to be asked twice', async () => {
    const file = notes()
    const { pool } = poolOf(saveModel(noting(file)), { maxSandboxes: 1, idempotent: false })
    await pool.warm()
    const behind = [0, 1, 2].map(number => ({ id: `behind-${number}` }))
    const [poisoned, ...others] = await Promise.all(
      [{ id: 'poison', die: true, sleep: 0.1 }, ...behind].map(data => ask(pool, data)),
    )
    expect(poisoned).toEqual(crashed)
    expect(executions(file, 'poison')).toBe(1)
    // They had not begun: to ask them elsewhere is no second time.
    expect(others.map(resultOf)).toEqual(behind.map(({ id }) => id))
    for (const { id } of behind) expect(executions(file, id)).toBe(1)
  })

  it('costs those that ran beside it in the same process a second run, and nothing else', async () => {
    const file = notes()
    const { pool } = poolOf(saveModel(noting(file)), { maxSandboxes: 1, maxConcurrency: 8 })
    await pool.warm()
    const beside = Array.from({ length: 6 }, (_, number) => ({ id: `beside-${number}`, sleep: 0.5 }))
    const asked = beside.map(data => ask(pool, data))
    await sleep(200)
    expect(await ask(pool, { id: 'poison', die: true })).toEqual(crashed)
    expect((await Promise.all(asked)).map(resultOf)).toEqual(beside.map(({ id }) => id))
    for (const { id } of beside) expect(executions(file, id)).toBe(2)
  })

  it('has no second try when processes die faster than they may', async () => {
    const file = notes()
    const { pool } = poolOf(saveModel(noting(file)), { maxSandboxes: 1 })
    await pool.warm()
    for (let number = 0; number < 6; number++) {
      expect(await ask(pool, { id: `poison-${number}`, die: true })).toEqual(crashed)
    }
    const runs = Array.from({ length: 6 }, (_, number) => executions(file, `poison-${number}`))
    expect(runs).toEqual([2, 2, 2, 1, 1, 1])
  })
})

describe('a model that cannot be loaded', () => {
  const broken =
    'def initialize(self, context):\n    raise ValueError("no weights")\ndef predict(self, args, context):\n    return 1'

  it('is given up after five tries in a row; callers hear so at once, and the machine is quiet', async () => {
    const running = poolOf(saveModel(broken), { maxSandboxes: 1 })
    const { pool, events } = running
    await expect(pool.warm()).rejects.toThrow('no weights')
    await expect.poll(() => events.at(-1), { timeout: 15_000 }).toContain('no further try for')
    expect(running.starts).toBe(5)
    await sleep(1_000)
    expect(running.starts).toBe(5)
    const before = performance.now()
    const outcome = (await ask(pool, 1)) as Extract<Outcome, { type: 'unavailable' }>
    expect(performance.now() - before).toBeLessThan(100)
    expect(outcome).toMatchObject({ type: 'unavailable', executed: 'no' })
    expect(outcome.retryAfterMs).toBeGreaterThan(20_000)
    expect(outcome.failed.message).toContain('no weights')
  })

  it('comes back by itself when it can be loaded again', async () => {
    const flag = join(temporaryDirectory(), 'weights')
    const { pool, events } = poolOf(
      saveModel(
        `def initialize(self, context):\n    open(${JSON.stringify(flag)}).close()\ndef predict(self, args, context):\n    return args`,
      ),
      { maxSandboxes: 1 },
    )
    await expect(pool.warm()).rejects.toThrow('weights')
    appendFileSync(flag, '')
    await expect.poll(() => events.at(-1), { timeout: 10_000 }).toContain('is ready')
    expect(resultOf(await ask(pool, 'back'))).toBe('back')
  })
})

describe('a process that dies while it loads', () => {
  it('keeps nobody from the answers of those that have loaded', async () => {
    const slowly = `def initialize(self, context):
    if os.path.exists("loaded"):
        time.sleep(30)
    open("loaded", "w").close()
def predict(self, args, context):
    time.sleep(args)
    return os.getpid()`
    const { pool, events } = poolOf(saveModel(slowly), { maxSandboxes: 2 })
    await pool.warm()
    const [loaded] = pool.pids
    const busy = ask(pool, 1)
    const behind = ask(pool, 0)
    await expect.poll(() => pool.pids.length, { timeout: 5_000 }).toBe(2)
    process.kill(pool.pids.find(pid => pid !== loaded) as number, 'SIGKILL')
    await expect.poll(() => events.join(), { timeout: 5_000 }).toContain('could not be loaded')
    const outcomes = await Promise.all([busy, behind, ask(pool, 0)])
    expect(outcomes.map(resultOf)).toEqual([loaded, loaded, loaded])
  })
})

describe('a process that dies though nobody asks', () => {
  it('is replaced, at first at once and then less and less often', async () => {
    const dies = `def initialize(self, context):
    import threading
    threading.Timer(0.1, os._exit, (3,)).start()
def predict(self, args, context):
    return 1`
    const running = poolOf(saveModel(dies), { maxSandboxes: 1 })
    await running.pool.warm()
    await expect.poll(() => running.starts, { timeout: 10_000 }).toBeGreaterThan(2)
    await sleep(5_000)
    expect(running.starts).toBeLessThan(9)
  })
})

describe('more requests than can be served', () => {
  const slow = 'def predict(self, args, context):\n    time.sleep(0.2)\n    return args'

  it('are refused at once, not executed, and told when to come back; the others are answered', async () => {
    const { pool } = poolOf(saveModel(slow), { maxSandboxes: 1, maxQueue: 5 })
    await pool.warm()
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, number) => ask(pool, number)))
    const refused = outcomes.filter(({ type }) => type === 'overloaded')
    const answered = outcomes.filter(({ type }) => type === 'reply')
    expect([answered.length, refused.length]).toEqual([7, 23])
    for (const outcome of refused) expect(outcome).toMatchObject({ waiting: 5 })
  })

  it('are refused when their time would be over before their turn', async () => {
    const { pool } = poolOf(saveModel(slow), { maxSandboxes: 1 })
    await pool.warm()
    for (let number = 0; number < 3; number++) await ask(pool, number)
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, number) => ask(pool, number, 1_500)))
    const count = (type: Outcome['type']): number => outcomes.filter(outcome => outcome.type === type).length
    expect(count('overloaded')).toBeGreaterThan(5)
    expect(count('reply')).toBeGreaterThan(4)
    expect(count('overloaded') + count('reply') + count('late')).toBe(20)
    expect(count('late')).toBeLessThanOrEqual(4)
  })
})
