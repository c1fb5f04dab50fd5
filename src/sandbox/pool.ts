/** Requests and the sandboxes of one version: who waits, who is asked together, who is asked again, who is told why not. */
import type { Failed, Ready } from '../wire/messages.ts'
import { Admission } from './admission.ts'
import { Deadlines } from './deadlines.ts'
import type { Ending } from './ending.ts'
import { Fleet, type FleetOptions, type Member } from './fleet.ts'
import { Job, type Outcome, type PoolRequest } from './job.ts'
import { Queue } from './queue.ts'
import type { Sandbox } from './sandbox.ts'
import { SecondTries } from './second-tries.ts'

export interface PoolOptions extends FleetOptions {
  /** Requests that may wait; undefined: as many as pay (`Admission`). More are refused at once, before anything ran. */
  readonly maxQueue: number | undefined
  /** Whether a request whose process died may be asked a second time. */
  readonly idempotent: boolean
  /** How long a batch that is not full may wait for more requests; 0: a free model never waits. */
  readonly maxWaitMs: number
  /** Told how many requests are handed to a model together, when it takes several. */
  readonly onBatch?: (size: number) => void
}

/** A retry with less time than this left would only turn a clear 502 into a late one. */
const minRetryMs = 50

export class Pool {
  #options: PoolOptions
  #fleet: Fleet
  #queue = new Queue()
  #deadlines = new Deadlines(job => this.#late(job))
  /** Of requests that run on after their caller was told that it is late. */
  #limits = new Deadlines(job => this.#late(job))
  #answered: [Job, Outcome][] = []
  #closed = false
  #isDispatchDue = false
  /** Whether the last batch had more than one request. */
  #hasCompany = false
  #waitTimer: NodeJS.Timeout | undefined
  #admission: Admission
  #secondTries: SecondTries

  constructor(options: PoolOptions) {
    this.#options = options
    const { limits, maxQueue, idempotent } = options
    this.#admission = new Admission({ maxQueue, sandboxes: limits.computing })
    this.#secondTries = new SecondTries(idempotent)
    this.#fleet = new Fleet(options, {
      onChange: () => this.#dispatch(),
      onFailed: (failed, quietMs) => this.#refuseAll(failed, quietMs),
    })
  }

  get size(): number {
    return this.#fleet.size
  }

  /** Requests that wait. */
  get queued(): number {
    return this.#queue.length
  }

  /** Process ids, for the operator and for tests that end them. */
  get pids(): number[] {
    return this.#fleet.pids
  }

  /** Why starts fail at present; undefined when the last one succeeded. */
  get failed(): Failed | undefined {
    return this.#fleet.failed
  }

  /** Has one sandbox loaded when it resolves; rejects with `SandboxFailed` when the model cannot be loaded. */
  warm(): Promise<Ready> {
    return this.#fleet.warm()
  }

  /** Calls back exactly once: with an answer, or with why there is none within `remainingMs` or what the caller allows. */
  ask(request: PoolRequest, remainingMs: number, done: (outcome: Outcome) => void): void {
    const refusal = this.#refusal(request, Math.min(remainingMs, request.timeoutMs ?? remainingMs))
    if (refusal) {
      done(refusal)
      return
    }
    this.#secondTries.asked()
    const job = new Job(request, remainingMs, (ended, outcome) => {
      this.#deadlines.forget(ended)
      done(outcome)
    })
    this.#deadlines.watch(job)
    this.#queue.push(job)
    if (this.#hasCompany) this.#dispatchSoon()
    else this.#dispatch()
  }

  /**
   * After all that has arrived in this turn of the event loop, so that what came together goes together. Only while
   * requests do come together: a lone one would pay for the turn and gain nothing.
   */
  #dispatchSoon(): void {
    if (this.#isDispatchDue) return
    this.#isDispatchDue = true
    setImmediate(() => {
      this.#isDispatchDue = false
      this.#dispatch()
    })
  }

  /** Why a request cannot be taken at the moment. */
  #refusal(request: PoolRequest, remainingMs: number): Outcome | undefined {
    if (this.#closed) return { type: 'closed' }
    const waiting = this.#queue.length
    const { size, batch } = this.#fleet
    if (waiting > 0 && this.#admission.refuses(waiting, size, batch, remainingMs)) {
      return { type: 'overloaded', waiting, retryAfterMs: this.#admission.retryAfterMs(waiting, size) }
    }
    if (this.#secondTries.refuses(request)) return { type: 'quarantined' }
    const { failed } = this.#fleet
    const quietMs = failed ? this.#fleet.quietMs : 0
    if (!failed || quietMs === 0 || this.#fleet.isServing) return undefined
    return { type: 'unavailable', failed, retryAfterMs: Math.ceil(quietMs), executed: 'no' }
  }

  /** Takes nothing new, lets running requests end, then stops every process. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#waitTimer)
    this.#secondTries.end()
    for (const job of this.#queue.drain()) {
      // One that has run once already must not begin again from nothing elsewhere.
      job.finish(job.attempts > 0 ? { type: 'crashed', ending: { reason: 'stopped' } } : { type: 'closed' })
    }
    await this.#fleet.close()
  }

  #dispatch(): void {
    for (let head = this.#queue.head; head; head = this.#queue.head) {
      const target = this.#fleet.freest(head.alone)
      // A busy sandbox may take one more while it works, but an idle or a new one answers sooner.
      if (!target || target.sandbox.inFlight > 0) this.#fleet.growFor(this.#queue.length)
      if (!target || this.#collects(head, target.sandbox)) return
      this.#send(this.#queue.take(target.sandbox.batch), target)
    }
  }

  /** True while a batch that is not full may wait for more; a timer then looks again. */
  #collects(head: Job, { batch }: Sandbox): boolean {
    const { maxWaitMs } = this.#options
    if (maxWaitMs === 0 || batch <= 1 || this.#queue.length >= batch) return false
    const left = head.arrived + maxWaitMs - performance.now()
    if (left <= 0) return false
    this.#waitTimer ??= setTimeout(() => {
      this.#waitTimer = undefined
      this.#dispatch()
    }, left)
    return true
  }

  /** What waits has seen one start fail, and nothing else serves it: it must not wait for a second failure. */
  #refuseAll(failed: Failed, quietMs: number): void {
    for (const job of this.#queue.drain()) {
      const executed = job.attempts > 0 ? 'maybe' : 'no'
      job.finish({ type: 'unavailable', failed, retryAfterMs: Math.ceil(quietMs), executed })
    }
  }

  #send(jobs: readonly Job[], member: Member): void {
    const { sandbox } = member
    const sent = performance.now()
    let open = jobs.length
    let together = 0
    this.#hasCompany = open > 1
    if (sandbox.batch > 0) this.#options.onBatch?.(open)
    member.asked = true
    for (const job of jobs) {
      job.attempts += 1
      job.sandbox = sandbox
      member.exclusive = job.alone
    }
    sandbox.ask(jobs, (job, asked) => {
      job.sandbox = undefined
      if (job.runsOn) this.#limits.forget(job)
      open -= 1
      if (asked.type === 'reply') {
        this.#secondTries.answered(job.request)
        this.#answer(job, { type: 'reply', status: asked.reply.status, body: asked.reply.body })
      } else {
        if (!asked.begun) job.attempts -= 1
        this.#died(job, asked.ending, asked.begun, jobs.length > 1)
      }
      if (open > 0) return
      const now = performance.now()
      member.idleSince = now
      member.exclusive = false
      if (asked.type === 'reply') {
        this.#fleet.answered(jobs.length, now - sent)
        this.#admission.measured(together, now - sent)
      }
      if (sandbox.isRetiring && sandbox.inFlight === 0) void sandbox.stop()
      this.#dispatch()
    })
    together = sandbox.inFlight
  }

  /** Hands an answer on, after the sandbox that gave it has been given more to do: writing to callers takes its time. */
  #answer(job: Job, outcome: Outcome): void {
    if (this.#answered.push([job, outcome]) > 1) return
    queueMicrotask(() => {
      for (const [answered, reply] of this.#answered.splice(0)) answered.finish(reply)
    })
  }

  /** `predict` is a pure function by contract, so it may run once more, in a process that lives. */
  #died(job: Job, ending: Ending, begun: boolean, wasBatch: boolean): void {
    if (job.done) return
    const remaining = job.deadline - performance.now()
    // It waited in a process that hung until its own time was over.
    if ((ending.reason === 'deadline' || ending.reason === 'unresponsive') && remaining < minRetryMs) {
      job.finish({ type: 'late', executed: job.attempts > 0 ? 'maybe' : 'no' })
      return
    }
    if (begun && !wasBatch) this.#secondTries.blame(job.request, ending)
    const isOver = this.#closed || job.attempts > 1 || remaining < minRetryMs
    if (isOver || (begun && !this.#secondTries.grants(ending))) {
      job.finish({ type: 'crashed', ending })
      return
    }
    job.alone ||= begun
    this.#options.onEvent('INFO', `request ${job.request.requestId} is asked again, its process died`)
    this.#queue.putBack(job)
  }

  /** A call in a model cannot be cancelled, so its process ends; the neighbours of the call are asked again elsewhere. */
  #late(job: Job): void {
    const { sandbox } = job
    job.finish({ type: 'late', executed: sandbox || job.attempts > 0 ? 'maybe' : 'no' })
    if (sandbox && job.deadline < job.limit) {
      job.deadline = job.limit
      job.runsOn = true
      this.#limits.watch(job)
      return
    }
    sandbox?.kill({ reason: 'deadline' })
  }
}
