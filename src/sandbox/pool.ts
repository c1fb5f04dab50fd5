/** The sandboxes of one version: from none to a maximum, replaced when they die, stopped when idle. */
import type { Failed } from '../wire/messages.ts'
import { describeEnding, type Ending, type Sandbox, SandboxFailed } from './sandbox.ts'

export interface PoolOptions {
  /** Starts a sandbox; called on demand. */
  readonly start: () => Sandbox
  readonly maxSandboxes: number
  /** Whether the last sandbox stays when nothing is asked; asked again at each look, because a switch changes it. */
  readonly keepWarm: () => boolean
  /** After so long without a request a sandbox that need not be warm is stopped. */
  readonly idleMs: number
  /** Requests that may wait; more are refused at once, before anything ran. */
  readonly maxQueue: number
  /** Told about starts, deaths and stops, for the log. */
  readonly onEvent: (level: 'INFO' | 'WARNING' | 'ERROR', message: string) => void
}

export interface PoolRequest {
  readonly requestId: string
  readonly body: Uint8Array
  readonly pretty: boolean
  readonly traceparent?: string | undefined
  /** Time the caller still has. */
  readonly remainingMs: number
  /** True when nobody waits for the answer any more: what is still queued is then not executed. */
  readonly isAbandoned?: () => boolean
}

/** What a request came to. Nothing here knows HTTP, except the status the runtime chose. */
export type Outcome =
  | { readonly type: 'reply'; readonly status: number; readonly body: Buffer }
  | { readonly type: 'crashed'; readonly ending: Ending }
  | { readonly type: 'late'; readonly executed: 'no' | 'maybe' }
  | { readonly type: 'overloaded'; readonly retryAfterMs: number }
  | { readonly type: 'unavailable'; readonly failed: Failed; readonly retryAfterMs: number }
  | { readonly type: 'closed' }

interface Job {
  readonly request: PoolRequest
  readonly deadline: number
  readonly finish: (outcome: Outcome) => void
  timer: NodeJS.Timeout
  attempts: number
  sandbox: Sandbox | undefined
  done: boolean
}

/** A retry with less time than this left would only turn a clear 502 into a late one. */
const minRetryMs = 50
const firstBackoffMs = 100
const maxBackoffMs = 15_000

export class Pool {
  #options: PoolOptions
  #sandboxes = new Map<Sandbox, { ready: boolean; idleSince: number }>()
  #queue: Job[] = []
  #closed = false
  #idleTimer: NodeJS.Timeout
  /** Starts that failed in a row, and until when no further one is tried. */
  #failures = 0
  #failed: Failed | undefined
  #quietUntil = 0

  constructor(options: PoolOptions) {
    this.#options = options
    this.#idleTimer = setInterval(() => this.#stopIdle(), Math.max(50, options.idleMs / 4))
    this.#idleTimer.unref()
  }

  get size(): number {
    return this.#sandboxes.size
  }

  /** Process ids, for the operator and for tests that end them. */
  get pids(): number[] {
    return [...this.#sandboxes.keys()].flatMap(sandbox => sandbox.pid ?? [])
  }

  /** Has one sandbox loaded when it resolves; rejects with `SandboxFailed` when the model cannot be loaded. */
  async warm(): Promise<void> {
    for (const [sandbox, { ready }] of this.#sandboxes) if (ready && sandbox.isAlive) return
    const starting = [...this.#sandboxes.keys()][0] ?? this.#start()
    await starting.ready
  }

  /** Always resolves: with an answer, or with why there is none. */
  ask(request: PoolRequest): Promise<Outcome> {
    if (this.#closed) return Promise.resolve({ type: 'closed' })
    if (this.#queue.length >= this.#options.maxQueue)
      return Promise.resolve({ type: 'overloaded', retryAfterMs: 1000 })
    if (this.#failed && performance.now() < this.#quietUntil) {
      return Promise.resolve({
        type: 'unavailable',
        failed: this.#failed,
        retryAfterMs: Math.ceil(this.#quietUntil - performance.now()),
      })
    }
    return new Promise(resolve => {
      const job: Job = {
        request,
        deadline: performance.now() + request.remainingMs,
        attempts: 0,
        sandbox: undefined,
        done: false,
        timer: setTimeout(() => this.#late(job), request.remainingMs),
        finish: outcome => {
          if (job.done) return
          job.done = true
          clearTimeout(job.timer)
          resolve(outcome)
        },
      }
      this.#queue.push(job)
      this.#dispatch()
    })
  }

  /** Takes nothing new, lets running requests end, then stops every process. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#idleTimer)
    for (const job of this.#queue.splice(0)) job.finish({ type: 'closed' })
    await Promise.all([...this.#sandboxes.keys()].map(sandbox => sandbox.stop()))
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const job = this.#queue[0] as Job
      if (job.done || job.request.isAbandoned?.()) {
        this.#queue.shift()
        job.finish({ type: 'closed' })
        continue
      }
      const target = this.#freest()
      // A busy sandbox may take one more while it works, but an idle or a new one answers sooner.
      if (!target || target.inFlight > 0) this.#startFor(this.#queue.length)
      if (!target) return
      this.#queue.shift()
      void this.#send(job, target)
    }
  }

  #freest(): Sandbox | undefined {
    let best: Sandbox | undefined
    for (const [sandbox, { ready }] of this.#sandboxes) {
      if (ready && sandbox.free > 0 && (!best || sandbox.inFlight < best.inFlight)) best = sandbox
    }
    return best
  }

  /** One start for each waiting request, and never more than the maximum. */
  #startFor(waiting: number): void {
    if (performance.now() < this.#quietUntil) return
    let starting = 0
    let living = 0
    for (const [sandbox, { ready }] of this.#sandboxes) {
      if (!sandbox.isRetiring) living += 1
      if (!ready) starting += 1
    }
    while (starting < waiting && living < this.#options.maxSandboxes) {
      this.#start()
      starting += 1
      living += 1
    }
  }

  #start(): Sandbox {
    const started = performance.now()
    const sandbox = this.#options.start()
    const entry = { ready: false, idleSince: started }
    this.#sandboxes.set(sandbox, entry)
    sandbox.ready.then(
      ready => {
        entry.ready = true
        entry.idleSince = performance.now()
        this.#failures = 0
        this.#failed = undefined
        const ms = Math.round(performance.now() - started)
        this.#options.onEvent(
          'INFO',
          `sandbox ${sandbox.pid} is ready after ${ms} ms (loading took ${Math.round(ready.loadMs)} ms)`,
        )
        this.#dispatch()
      },
      error => this.#startFailed(error),
    )
    void sandbox.ended.then(ending => this.#ended(sandbox, entry.ready, ending))
    return sandbox
  }

  #startFailed(error: unknown): void {
    if (this.#closed || !(error instanceof SandboxFailed)) return
    this.#failures += 1
    this.#failed = error.failed
    const backoff = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (this.#failures - 1))
    this.#quietUntil = performance.now() + backoff
    this.#options.onEvent('ERROR', `the model could not be loaded: ${error.failed.message}`)
    // What waits has seen one start fail. A loaded sibling still serves it; otherwise it must not wait for a second failure.
    const served = [...this.#sandboxes].some(([sandbox, { ready }]) => ready && sandbox.isAlive)
    if (served) return
    for (const job of this.#queue.splice(0)) {
      job.finish({ type: 'unavailable', failed: error.failed, retryAfterMs: Math.ceil(backoff) })
    }
  }

  #ended(sandbox: Sandbox, wasReady: boolean, ending: Ending): void {
    this.#sandboxes.delete(sandbox)
    if (this.#closed) return
    if (wasReady && !sandbox.isRetiring) {
      this.#options.onEvent('WARNING', `sandbox ${sandbox.pid} is gone: ${describeEnding(ending).message}`)
    }
    if (this.#options.keepWarm() && wasReady && this.#sandboxes.size === 0) this.#startFor(1)
    this.#dispatch()
  }

  async #send(job: Job, sandbox: Sandbox): Promise<void> {
    const entry = this.#sandboxes.get(sandbox)
    job.attempts += 1
    job.sandbox = sandbox
    const { requestId, pretty, traceparent, body } = job.request
    const remainingMs = job.deadline - performance.now()
    const asked = await sandbox.ask({ requestId, pretty, traceparent, body, remainingMs })
    job.sandbox = undefined
    if (entry) entry.idleSince = performance.now()
    if (asked.type === 'reply') {
      job.finish({ type: 'reply', status: asked.reply.status, body: asked.reply.body })
      if (sandbox.isRetiring && sandbox.inFlight === 0) void sandbox.stop()
    } else {
      if (!asked.begun) job.attempts -= 1
      this.#died(job, asked.ending)
    }
    this.#dispatch()
  }

  /** `predict` is a pure function by contract, so it may run once more, in a process that lives. */
  #died(job: Job, ending: Ending): void {
    if (job.done) return
    const remaining = job.deadline - performance.now()
    if (this.#closed || job.attempts > 1 || remaining < minRetryMs) {
      job.finish({ type: 'crashed', ending })
      return
    }
    this.#options.onEvent('INFO', `request ${job.request.requestId} is asked again, its process died`)
    this.#queue.unshift(job)
  }

  /** A call in a model cannot be cancelled, so its process ends; the neighbours of the call are asked again elsewhere. */
  #late(job: Job): void {
    const { sandbox } = job
    job.finish({ type: 'late', executed: sandbox || job.attempts > 0 ? 'maybe' : 'no' })
    sandbox?.kill({ reason: 'deadline' })
  }

  #stopIdle(): void {
    const now = performance.now()
    let spared = this.#options.keepWarm() ? 1 : 0
    for (const [sandbox, { ready, idleSince }] of this.#sandboxes) {
      if (ready && sandbox.inFlight === 0 && now - idleSince >= this.#options.idleMs && spared-- <= 0) {
        this.#options.onEvent(
          'INFO',
          `sandbox ${sandbox.pid} stops: no request for ${Math.round((now - idleSince) / 1000)} s`,
        )
        void sandbox.stop()
      }
    }
  }
}
