/** Pools over the real Python runtime, for tests of what callers see when processes die, hang or are too few. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { Outcome } from '../../src/sandbox/job.ts'
import { Pool, type PoolOptions } from '../../src/sandbox/pool.ts'
import type { Printed } from '../../src/sandbox/printed.ts'
import { type Command, type ModelProcess, spawnProcess } from '../../src/sandbox/process.ts'
import { Sandbox } from '../../src/sandbox/sandbox.ts'
import { usageReader } from '../../src/sandbox/usage.ts'
import { digestOf } from '../../src/system/files.ts'
import { realSystem } from '../../src/system/system.ts'
import { python, runtimeLayer } from './python.ts'

const layer = runtimeLayer()
const readUsage = usageReader(realSystem())
const open: Pool[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(pool => pool.close()))
})

export interface Running {
  readonly pool: Pool
  readonly printed: Printed[]
  readonly events: string[]
  starts: number
}

export interface Choices extends Partial<PoolOptions> {
  readonly memoryMb?: number
  readonly maxBatch?: number
  readonly maxConcurrency?: number
  readonly maxSandboxes?: number
  readonly patienceMs?: number
  /** How a process is started; fresh unless said. */
  readonly process?: (command: Command) => Promise<ModelProcess>
}

/** What starts the runtime, which then waits for its first message. */
export function commandIn(cwd: string): Command {
  return { file: python, args: [layer], cwd, env: { PATH: process.env.PATH ?? '' } }
}

/** A pool for the saved model in `modelDir`; it is closed when the test ends. */
export function poolOf(modelDir: string, choices: Choices = {}): Running {
  const {
    memoryMb = 512,
    maxBatch = 64,
    maxConcurrency = 1,
    maxSandboxes = 2,
    patienceMs = 30_000,
    process: start = spawnProcess,
    ...options
  } = choices
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
        return new Sandbox(start(commandIn(modelDir)), {
          memoryMb,
          patienceMs,
          startTimeoutMs: 30_000,
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
            maxBatch,
            maxConcurrency,
          },
          onPrinted: line => printed.push(line),
          readUsage,
        })
      },
      limits: { computing: maxSandboxes, waiting: maxSandboxes },
      keepWarm: () => true,
      idleMs: 60_000,
      maxQueue: undefined,
      maxWaitMs: 0,
      idempotent: true,
      onEvent: (_level, message) => events.push(message),
      ...options,
    }),
  }
  open.push(running.pool)
  return running
}

let requests = 0

/** The id of the request that was asked last. */
export function lastRequestId(): string {
  return `r-${requests}`
}

export function ask(pool: Pool, data: unknown, remainingMs = 20_000, timeoutMs?: number): Promise<Outcome> {
  requests += 1
  const request = {
    requestId: lastRequestId(),
    body: Buffer.from(JSON.stringify({ data })),
    pretty: false,
    timeoutMs,
  }
  return new Promise(resolve => pool.ask(request, remainingMs, resolve))
}

export function resultOf(outcome: Outcome): unknown {
  if (outcome.type !== 'reply') throw new Error(`no reply: ${JSON.stringify(outcome)}`)
  return JSON.parse(outcome.body.toString('utf8')).result
}
