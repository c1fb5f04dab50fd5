/** One version while it runs: its sandboxes, and its answers as the gateway wants them. */
import { availableParallelism } from 'node:os'
import type { GatewayAnswer } from '../../gateway/gateway.ts'
import { problemAnswer, withoutDirectories } from '../../gateway/problem.ts'
import { describeEnding } from '../../sandbox/ending.ts'
import type { Outcome, PoolRequest } from '../../sandbox/job.ts'
import type { Nursery } from '../../sandbox/nursery.ts'
import { Pool } from '../../sandbox/pool.ts'
import { spawnProcess } from '../../sandbox/process.ts'
import { Sandbox } from '../../sandbox/sandbox.ts'
import type { Usage } from '../../sandbox/usage.ts'
import { traceIdOf, withTrace } from '../../wire/trace.ts'
import type { LogLine } from '../platform.ts'
import type { Launch } from './launch.ts'
import type { Meter } from './meter.ts'
import { Recorder } from './recorder.ts'
import type { VersionRecord } from './records.ts'
import { Roster } from './roster.ts'
import { Traces } from './traces.ts'

/** What every version on this host draws on. */
export interface Surroundings {
  readonly nursery: Nursery
  readonly readUsage: (pid: number) => Promise<Usage | undefined>
}

export interface VersionPoolOptions extends Surroundings {
  readonly launch: Launch
  /** Whether this version's processes have been found fit to be forked; undefined before the first one was loaded. */
  readonly mayFork: boolean | undefined
  /** Routed versions may be kept warm; others never are. */
  readonly keepWarm: () => boolean
  readonly log: (line: LogLine) => void
  readonly meter: Meter
  readonly recorder: Recorder
}

const idleMs = 5 * 60_000
/** Processes for a model that mostly waits; a forked one takes about 10 MB. */
const maxWaiting = 64

type Reply = Extract<Outcome, { readonly type: 'reply' }>

/** What a request came to when there is no answer and asking elsewhere would not help. */
type Problem = Exclude<Outcome, { readonly type: 'reply' | 'closed' }>

export class VersionPool {
  readonly record: VersionRecord
  #options: VersionPoolOptions
  #pool: Pool
  #mayFork: boolean | undefined
  /** Whether the last process was forked. */
  #isForked = false
  #roster: Roster
  #traces = new Traces()
  /** Undefined when the settings do not ask for recordings. */
  #recorder: Recorder | undefined

  constructor(record: VersionRecord, options: VersionPoolOptions) {
    this.record = record
    this.#options = options
    this.#recorder = Recorder.isWanted(record.settings) ? options.recorder : undefined
    this.#mayFork = options.mayFork
    this.#roster = new Roster(options.meter)
    const { maxSandboxes, maxWaitMs, maxQueue, idempotent } = record.settings
    this.#pool = new Pool({
      start: () => this.#start(),
      limits: { computing: maxSandboxes ?? availableParallelism(), waiting: maxSandboxes ?? maxWaiting },
      keepWarm: options.keepWarm,
      idleMs,
      maxQueue,
      maxWaitMs,
      onBatch: size => options.meter.batches.observe(size),
      // A record from before there was this setting has none.
      idempotent: idempotent !== false,
      onEvent: (level, message) => this.#log(level, message),
    })
  }

  /** Whether processes of this version may be forked, as far as is known. */
  get mayFork(): boolean {
    return this.#mayFork === true
  }

  get pids(): number[] {
    return this.#pool.pids
  }

  get roster(): Roster {
    return this.#roster
  }

  /** Requests that wait for a process. */
  get queued(): number {
    return this.#pool.queued
  }

  /** Loads the model once, or throws `SandboxFailed`. */
  async warm(): Promise<void> {
    try {
      await this.#pool.warm()
    } catch (error) {
      // What fails in a copy of another process may well work in one of its own.
      if (!this.#isForked) throw error
      this.#mayFork = false
      await this.#pool.warm()
    }
  }

  close(): Promise<void> {
    return this.#pool.close()
  }

  /** Gives undefined when this version was taken out of service before the request ran: ask the stage again. */
  answer(request: PoolRequest, done: (answer: GatewayAnswer | undefined) => void): void {
    if (this.#recorder) this.#answer(request, this.#watched(this.#recorder, request, done))
    else this.#answer(request, done)
  }

  #watched(
    recorder: Recorder,
    request: PoolRequest,
    done: (answer: GatewayAnswer | undefined) => void,
  ): (answer: GatewayAnswer | undefined) => void {
    return answer => {
      if (answer) recorder.answered(request, answer, this.record.settings)
      done(answer)
    }
  }

  #answer(request: PoolRequest, done: (answer: GatewayAnswer | undefined) => void): void {
    const { settings, number: version } = this.record
    if (request.traceparent !== undefined) this.#traces.add(request.requestId, request.traceparent)
    this.#pool.ask(request, settings.timeoutSeconds * 1000, outcome => {
      if (outcome.type === 'reply')
        done({ status: outcome.status, body: this.#traced(outcome, request), version })
      else done(outcome.type === 'closed' ? undefined : this.#problem(outcome, request))
    })
  }

  #traced({ status, body }: Reply, { door, traceparent }: PoolRequest): Buffer {
    if (status < 400 || traceparent === undefined || door !== undefined) return body
    const traceId = traceIdOf(traceparent)
    return traceId === undefined ? body : withTrace(body, traceId)
  }

  #problem(outcome: Problem, { requestId, traceparent, timeoutMs }: PoolRequest): GatewayAnswer {
    const { stage, model, number: version, settings } = this.record
    const about = { stage, model, version, trace_id: traceIdOf(traceparent) }
    switch (outcome.type) {
      case 'late':
        return {
          version,
          ...problemAnswer('deadline-exceeded', requestId, {
            ...about,
            ...inTime(settings.timeoutSeconds, timeoutMs),
            executed: outcome.executed,
            retryable: outcome.executed === 'no',
          }),
        }
      case 'crashed':
        return {
          version,
          ...problemAnswer('worker-crashed', requestId, {
            ...about,
            detail:
              settings.errors === 'full'
                ? withoutDirectories(describeEnding(outcome.ending).message)
                : 'The process that runs the model died.',
            hint: `See: thampi logs ${stage} --since=3m`,
            executed: 'maybe',
            reason: outcome.ending.reason,
          }),
        }
      case 'overloaded':
        return {
          version,
          retryAfterMs: outcome.retryAfterMs,
          ...problemAnswer('overloaded', requestId, {
            ...about,
            detail: `${outcome.waiting} requests are waiting already.`,
            retryable: true,
            retryAfterMs: outcome.retryAfterMs,
          }),
        }
      case 'quarantined':
        return {
          version,
          ...problemAnswer('worker-crashed', requestId, {
            ...about,
            detail:
              'The same body has just ended the process of the model twice; it is not tried again for a minute.',
            hint: `See: thampi logs ${stage} --since=3m`,
            executed: 'no',
            reason: 'quarantine',
          }),
        }
      case 'unavailable':
        return {
          version,
          retryAfterMs: outcome.retryAfterMs,
          ...problemAnswer('model-unavailable', requestId, {
            ...about,
            detail:
              settings.errors === 'full'
                ? withoutDirectories(outcome.failed.message)
                : 'The model cannot be loaded.',
            hint: `See: thampi logs ${stage} --since=3m`,
            executed: outcome.executed,
            retryAfterMs: outcome.retryAfterMs,
          }),
        }
    }
  }

  #start(): Sandbox {
    const { nursery, launch, readUsage } = this.#options
    let forked = false
    const process = (async () => {
      this.#isForked = false
      if (this.#mayFork === false || !this.record.settings.fork) return spawnProcess(launch.command)
      const started = await nursery.start(launch.breed, launch.command)
      forked = started.forked
      this.#isForked = forked
      return started.process
    })()
    const sandbox = new Sandbox(process, {
      start: launch.start,
      memoryMb: launch.memoryMb,
      patienceMs: this.record.settings.timeoutSeconds * 1000,
      startTimeoutMs: launch.startTimeoutMs,
      readUsage,
      onPrinted: ({ level, requestId, message }) => this.#log(level, message, 'model', requestId),
    })
    this.#roster.add(sandbox, this.#pool.queued)
    sandbox.ready.then(
      ready => {
        this.#mayFork = ready.fork && this.record.settings.fork
        if (this.#mayFork) void nursery.learn(launch.breed, ready.modules)
        // Only a loaded model can say that it must not be in a copy of another process.
        else if (forked) void sandbox.stop()
      },
      () => {},
    )
    void sandbox.ended.then(ending => {
      if (!forked || sandbox.hasAnswered || ending.reason === 'stopped' || ending.reason === 'out-of-memory')
        return
      // Some libraries do not survive a fork, and show it by crashing or hanging in the first call.
      this.#mayFork = false
      this.#log(
        'WARNING',
        'a forked process ended before its first answer; from now on processes are started fresh',
      )
    })
    return sandbox
  }

  #log(level: string, message: string, source: LogLine['source'] = 'host', requestId?: string): void {
    const traceId = requestId === undefined ? undefined : this.#traces.of(requestId)
    const version = this.record.number
    this.#options.log({ timeMs: Date.now(), level, source, version, requestId, traceId, message })
  }
}

/** Whose time was over: that of a caller in a hurry, or all that the stage allows. */
function inTime(ownSeconds: number, timeoutMs: number | undefined): { detail: string; hint: string } {
  if (timeoutMs === undefined || timeoutMs >= ownSeconds * 1000) {
    return {
      detail: `No answer within ${ownSeconds} seconds.`,
      hint: 'Raise "timeout_seconds" of the stage if the model may take longer.',
    }
  }
  return {
    detail: `No answer within ${timeoutMs} milliseconds.`,
    hint: 'The request allowed no more (Thampi-Timeout-Ms).',
  }
}
