/** What becomes of processes that stop, hang, flood or lie, with requests and without. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ask, commandIn, poolOf, resultOf } from '../../tests/support/pools.ts'
import { isRunning } from '../../tests/support/processes.ts'
import { saveModel } from '../../tests/support/python.ts'
import type { Pool } from './pool.ts'
import { spawnProcess } from './process.ts'

const echo = 'def predict(self, args, context):\n    return args'
/** Calls C without letting go of the interpreter: no other thread of Python runs meanwhile. */
const hold = 'def hold(self, us):\n    import ctypes\n    ctypes.PyDLL(None).usleep(ctypes.c_uint(us))\n'

function pidOf(pool: Pool): number {
  expect(pool.pids).toHaveLength(1)
  return pool.pids[0] as number
}

describe.runIf(process.platform === 'linux')('a process that does not react', () => {
  it('is replaced when it was stopped, though nobody asks', async () => {
    const { pool, events } = poolOf(saveModel(echo), { maxSandboxes: 1 })
    await pool.warm()
    const before = pidOf(pool)
    process.kill(before, 'SIGSTOP')
    await expect.poll(() => isRunning(before), { timeout: 10_000 }).toBe(false)
    await expect.poll(() => pool.pids.filter(pid => pid !== before), { timeout: 10_000 }).toHaveLength(1)
    await expect.poll(() => events.join('\n')).toContain('stopped by a signal')
    expect(resultOf(await ask(pool, 1))).toBe(1)
  })

  it('loses its request to another one when it was stopped in the middle', async () => {
    const { pool } = poolOf(
      saveModel('def predict(self, args, context):\n    time.sleep(0.3)\n    return args'),
      {
        maxSandboxes: 1,
      },
    )
    await pool.warm()
    const asked = ask(pool, 'mine')
    await sleep(100)
    process.kill(pidOf(pool), 'SIGSTOP')
    expect(resultOf(await asked)).toBe('mine')
  })

  it('is replaced when its runtime hangs, though nobody asks', async () => {
    const hangs = `${hold}def initialize(self, context):
    import threading
    if not os.path.exists("hung"):
        open("hung", "w").close()
        threading.Timer(1, self.hold, (60_000_000,)).start()
${echo}`
    const { pool, events } = poolOf(saveModel(hangs), { maxSandboxes: 1 })
    await pool.warm()
    const before = pidOf(pool)
    await expect.poll(() => isRunning(before), { timeout: 25_000 }).toBe(false)
    await expect.poll(() => events.join('\n')).toContain('no sign of life')
    expect(resultOf(await ask(pool, 1))).toBe(1)
  })

  it('is left alone while it has a request, holding the interpreter or not', async () => {
    const holds = `${hold}def predict(self, args, context):
    self.hold(4_000_000)
    return os.getpid()`
    const { pool } = poolOf(saveModel(holds), { maxSandboxes: 1 })
    await pool.warm()
    const before = pidOf(pool)
    expect(resultOf(await ask(pool, 1))).toBe(before)
  })

  it('is left alone while it computes on its own, as long as a request could have waited for it', async () => {
    const computes = `def initialize(self, context):
    import threading
    threading.Timer(1, lambda: sum(range(10**9 * 5))).start()
def predict(self, args, context):
    return os.getpid()`
    const dir = saveModel(computes)
    const [patient, impatient] = [
      poolOf(dir, { maxSandboxes: 1 }),
      poolOf(dir, { maxSandboxes: 1, patienceMs: 4_000 }),
    ]
    await Promise.all([patient.pool.warm(), impatient.pool.warm()])
    const [kept, replaced] = [pidOf(patient.pool), pidOf(impatient.pool)]
    await expect.poll(() => isRunning(replaced), { timeout: 15_000 }).toBe(false)
    expect(patient.pool.pids).toEqual([kept])
  })

  it('is not one that we did not listen to: our own loop was blocked, or it was stopped for a moment', async () => {
    const { pool, events } = poolOf(saveModel(echo), { maxSandboxes: 1 })
    await pool.warm()
    const before = pidOf(pool)
    await sleep(1_500)
    const until = performance.now() + 4_000
    while (performance.now() < until);
    await sleep(1_500)
    process.kill(before, 'SIGSTOP')
    await sleep(300)
    process.kill(before, 'SIGCONT')
    await sleep(2_000)
    expect(pool.pids).toEqual([before])
    expect(events.filter(event => event.includes('gone'))).toEqual([])
  })
})

describe('a process that takes too long', () => {
  it('says in the log where it was, even when it holds the interpreter', async () => {
    const { pool, printed } = poolOf(
      saveModel(`${hold}def predict(self, args, context):\n    self.hold(60_000_000)`),
      { maxSandboxes: 1 },
    )
    await pool.warm()
    const before = pidOf(pool)
    expect(await ask(pool, 1, 500)).toEqual({ type: 'late', executed: 'maybe' })
    await expect.poll(() => isRunning(before), { timeout: 3_000 }).toBe(false)
    expect(printed).toContainEqual(
      expect.objectContaining({ level: 'stderr', message: expect.stringMatching(/line \d+ in predict$/) }),
    )
  })
})

describe('a caller in a hurry', () => {
  it('is told that it is late, and costs nobody a process', async () => {
    const { pool } = poolOf(
      saveModel('def predict(self, args, context):\n    time.sleep(args)\n    return os.getpid()'),
      { maxSandboxes: 1 },
    )
    await pool.warm()
    const before = pidOf(pool)
    const began = performance.now()
    const hurried = await ask(pool, 1, 20_000, 200)
    expect(hurried).toEqual({ type: 'late', executed: 'maybe' })
    expect(performance.now() - began).toBeLessThan(900)
    expect(resultOf(await ask(pool, 0))).toBe(before)
  })

  it('does not make the others wait longer than the stage allows', async () => {
    const { pool } = poolOf(
      saveModel('def predict(self, args, context):\n    time.sleep(args)\n    return os.getpid()'),
      { maxSandboxes: 1 },
    )
    await pool.warm()
    const before = pidOf(pool)
    const hurried = ask(pool, 60, 1_500, 200)
    const next = ask(pool, 0)
    expect(await hurried).toEqual({ type: 'late', executed: 'maybe' })
    expect(resultOf(await next)).not.toBe(before)
  })
})

describe('a process that prints without end', () => {
  it('is cut short in the log, with a count, and answers all the same', async () => {
    const floods = `def predict(self, args, context):
    for number in range(40_000):
        print("x" * 100)
    os.write(2, b"y" * 10_000_000 + b"\\n")
    return args`
    const { pool, printed } = poolOf(saveModel(floods), { maxSandboxes: 1 })
    expect(resultOf(await ask(pool, 'through'))).toBe('through')
    await expect
      .poll(() => printed.find(({ message }) => message.includes('bytes dropped')), { timeout: 5_000 })
      .toMatchObject({ level: 'WARNING' })
    const kept = printed.reduce((sum, { message }) => sum + message.length, 0)
    expect(kept).toBeGreaterThan(500_000)
    expect(kept).toBeLessThan(2_500_000)
  })
})

describe('a process that lies', () => {
  const frame = (length: number, type: number, id: number, payload = ''): string =>
    `struct.pack(">IBI", ${length}, ${type}, ${id}) + ${payload || 'b""'}`
  const reply = `struct.pack(">HH", 200, 0) + b'{"result": "forged"}'`

  it.each([
    ['an answer to a request that was never asked', frame(5 + 24, 67, 77, reply)],
    ['a message that does not exist', frame(5, 99, 0)],
    ['a length of 4 GiB', frame(0xffffffff, 67, 1)],
    ['a length of nothing', frame(0, 67, 1)],
    ['half a reply', frame(5 + 2, 67, 1, 'b"xx"')],
    ['a status that is none', frame(5 + 4, 67, 1, 'struct.pack(">HH", 99, 0)')],
    [
      'that it is ready for a negative number of requests',
      frame(5 + 65, 65, 0, `b'{"protocol":1,"runtime":"x","version":"x","credits":-1,"batch":0   }'[:65]`),
    ],
  ])('is ended when it writes %s; nobody gets the lie', async (_what, bytes) => {
    const lies = `def predict(self, args, context):
    if args != "lie":
        return args
    import struct, stat
    for fd in range(200, 260):
        try:
            os.write(fd, ${bytes})
        except OSError:
            pass
    time.sleep(5)`
    const { pool } = poolOf(saveModel(lies), { maxSandboxes: 1 })
    await pool.warm()
    const before = pidOf(pool)
    const outcome = await ask(pool, 'lie')
    expect(outcome).toMatchObject({ type: 'crashed', ending: { reason: 'protocol' } })
    expect(resultOf(await ask(pool, 'truth'))).toBe('truth')
    expect(isRunning(before)).toBe(false)
  })

  it('is nobody to wait for when it never speaks', async () => {
    const { pool } = poolOf(saveModel(echo), {
      process: command =>
        spawnProcess({ ...command, file: process.execPath, args: ['-e', 'setTimeout(() => {}, 60_000)'] }),
    })
    expect(await ask(pool, 1, 500)).toEqual({ type: 'late', executed: 'no' })
    expect(commandIn('/').args).toHaveLength(1)
  })
})
