/** The sandboxes of one version: from none to as many as pay, replaced when they die, stopped when idle. */
import type { Ready } from '../wire/messages.ts'
import { Admission } from './admission.ts'
import { Breaker } from './breaker.ts'
import { Deadlines } from './deadlines.ts'
import { describeEnding, type Ending, SandboxFailed } from './ending.ts'
import { Job, type Outcome, type PoolRequest } from './job.ts'
import { Queue } from './queue.ts'
import type { Sandbox } from './sandbox.ts'
import { Scaling, type ScalingLimits } from './scaling.ts'
import { SecondTries } from './second-tries.ts'

export interface PoolOptions {
  /** Starts a sandbox; called on demand. */
  readonly start: () => Sandbox
  readonly limits: ScalingLimits
  /** Whether the last sandbox stays when nothing is asked; asked again at each look, because a switch changes it. */
  readonly keepWarm: () => boolean
  /** After so long without a request a sandbox that need not be warm is stopped. */
  readonly idleMs: number
  /** Requests that may wait; undefined: as many as pay (`Admission`). More are refused at once, before anything ran. */
  readonly maxQueue: number | undefined
  /** Whether a request whose process died may be asked a second time. */
  readonly idempotent: boolean
  /** How long a batch that is not full may wait for more requests; 0: a free model never waits. */
  readonly maxWaitMs: number
  /** Told how many requests are handed to a model together, when it takes several. */
  readonly onBatch?: (size: number) => void
  /** Told about starts, deaths and stops, for the log. */
  readonly onEvent: (level: 'INFO' | 'WARNING' | 'ERROR', message: string) => void
}

interface Member {
  ready: Ready | undefined
  idleSince: number
  /** Whether it ever got a request. */
  asked: boolean
  /** Its request shall have it to itself. */
  exclusive: boolean
}

/** A retry with less time than this left would only turn a clear 502 into a late one. */
const minRetryMs = 50
/** A process that dies though nobody asks it anything is replaced at once, then less and less often. */
const firstRestartMs = 100
const longestRestartMs = 15_000
/** Sandboxes beyond this number are there for a rush; they go soon after it. */
const rushIdleMs = 10_000

export class Pool {
  #options: PoolOptions
  #scaling: Scaling
  #members = new Map<Sandbox, Member>()
  #queue = new Queue()
  #deadlines = new Deadlines(job => this.#late(job))
  /** Of requests that run on after their caller was told that it is late. */
  #limits = new Deadlines(job => this.#late(job))
  #answered: [Job, Outcome][] = []
  #closed = false
  #isDispatchDue = false
  /** Whether the last batch had more than one request. */
  #hasCompany = false
  #idleTimer: NodeJS.Timeout
  #waitTimer: NodeJS.Timeout | undefined
  #restartTimer: NodeJS.Timeout | undefined
  #idleDeaths = 0
  #breaker = new Breaker()
  #admission: Admission
  #secondTries: SecondTries
  /** The most requests that a sandbox hands to the model together. */
  #batch = 0

  constructor(options: PoolOptions) {
    this.#options = options
    const { limits, maxQueue, idempotent } = options
    this.#admission = new Admission({ maxQueue, sandboxes: limits.computing })
    this.#secondTries = new SecondTries(idempotent)
    this.#scaling = new Scaling(options.limits)
    const look = Math.max(50, Math.min(rushIdleMs, options.idleMs) / 4)
    this.#idleTimer = setInterval(() => this.#stopIdle(), look)
    this.#idleTimer.unref()
  }

  get size(): number {
    return this.#members.size
  }

  /** Requests that wait. */
  get queued(): number {
    return this.#queue.length
  }

  /** Process ids, for the operator and for tests that end them. */
  get pids(): number[] {
    return [...this.#members.keys()].flatMap(sandbox => sandbox.pid ?? [])
  }

  /** Has one sandbox loaded when it resolves; rejects with `SandboxFailed` when the model cannot be loaded. */
  async warm(): Promise<Ready> {
    for (const [sandbox, { ready }] of this.#members) if (ready && sandbox.isAlive) return ready
    const starting = [...this.#members.keys()][0] ?? this.#start()
    return starting.ready
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

  /** Whether some process has the model loaded, whatever becomes of others. */
  get #isServed(): boolean {
    for (const [sandbox, { ready }] of this.#members) if (ready && sandbox.isAlive) return true
    return false
  }

  /** Why a request cannot be taken at the moment. */
  #refusal({ body }: PoolRequest, remainingMs: number): Outcome | undefined {
    if (this.#closed) return { type: 'closed' }
    const waiting = this.#queue.length
    if (waiting > 0 && this.#admission.refuses(waiting, this.#members.size, this.#batch, remainingMs)) {
      const retryAfterMs = this.#admission.retryAfterMs(waiting, this.#members.size)
      return { type: 'overloaded', waiting, retryAfterMs }
    }
    if (this.#secondTries.refuses(body)) return { type: 'quarantined' }
    const { error: failed, quietMs } = this.#breaker
    if (!failed || quietMs === 0 || this.#isServed) return undefined
    return { type: 'unavailable', failed, retryAfterMs: Math.ceil(quietMs), executed: 'no' }
  }

  /** Takes nothing new, lets running requests end, then stops every process. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#idleTimer)
    clearTimeout(this.#waitTimer)
    clearTimeout(this.#restartTimer)
    this.#secondTries.end()
    for (const job of this.#queue.drain()) {
      // One that has run once already must not begin again from nothing elsewhere.
      job.finish(job.attempts > 0 ? { type: 'crashed', ending: { reason: 'stopped' } } : { type: 'closed' })
    }
    await Promise.all([...this.#members.keys()].map(sandbox => sandbox.stop()))
  }

  #dispatch(): void {
    for (let head = this.#queue.head; head; head = this.#queue.head) {
      const target = this.#freest(head.alone)
      // A busy sandbox may take one more while it works, but an idle or a new one answers sooner.
      if (!target || target.inFlight > 0) this.#startFor(this.#queue.length)
      if (!target || this.#collects(head, target)) return
      this.#send(this.#queue.take(target.batch), target)
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

  /**
   * The least busy sandbox that would take a request. Only an idle one takes a batch, and only while one more pays, or a
   * request that has ended a process before.
   */
  #freest(alone: boolean): Sandbox | undefined {
    let best: Sandbox | undefined
    let busy = 0
    for (const [sandbox, { ready, exclusive }] of this.#members) {
      if (!ready) continue
      const { inFlight } = sandbox
      if (inFlight > 0) busy += 1
      if (sandbox.free <= 0 || exclusive || (inFlight > 0 && (alone || sandbox.batch > 0))) continue
      if (!best || inFlight < best.inFlight) best = sandbox
    }
    if (best && best.batch > 0 && busy > 0 && busy >= this.#limit()) return undefined
    return best
  }

  #limit(): number {
    let share = 0
    let known = 0
    let batches = false
    for (const [sandbox, { ready }] of this.#members) {
      if (!ready) continue
      share += sandbox.cpuShare
      known += 1
      batches ||= sandbox.batch > 0
    }
    return this.#scaling.limit(known === 0 ? 1 : share / known, batches)
  }

  /** At most one start for each waiting request, and never more sandboxes than pay. */
  #startFor(waiting: number): void {
    if (this.#breaker.quietMs > 0) return
    let starting = 0
    let living = 0
    for (const [sandbox, { ready }] of this.#members) {
      if (!sandbox.isRetiring) living += 1
      if (!ready) starting += 1
    }
    const limit = Math.max(1, this.#limit())
    // A rush of starts would itself take the cores that the measurements are about.
    const together = Math.min(waiting, this.#options.limits.computing)
    while (starting < together && living < limit) {
      this.#start()
      starting += 1
      living += 1
    }
  }

  #start(): Sandbox {
    const started = performance.now()
    const sandbox = this.#options.start()
    const member: Member = { ready: undefined, idleSince: started, asked: false, exclusive: false }
    this.#members.set(sandbox, member)
    sandbox.ready.then(
      ready => {
        member.ready = ready
        member.idleSince = performance.now()
        this.#batch = ready.batch
        this.#breaker.succeeded()
        const ms = Math.round(performance.now() - started)
        this.#options.onEvent(
          'INFO',
          `sandbox ${sandbox.pid} is ready after ${ms} ms (loading took ${ready.loadMs} ms)`,
        )
        this.#dispatch()
      },
      error => this.#startFailed(error),
    )
    void sandbox.ended.then(ending => this.#ended(sandbox, member, ending))
    return sandbox
  }

  #startFailed(error: unknown): void {
    if (this.#closed || !(error instanceof SandboxFailed)) return
    const quietMs = this.#breaker.failed(error.failed)
    const more = this.#breaker.gaveUp ? `; no further try for ${Math.round(quietMs / 1000)} s` : ''
    this.#options.onEvent('ERROR', `the model could not be loaded: ${error.failed.message}${more}`)
    // What waits has seen one start fail. A loaded sibling still serves it; otherwise it must not wait for a second failure.
    if (this.#isServed) return
    for (const job of this.#queue.drain()) {
      const executed = job.attempts > 0 ? 'maybe' : 'no'
      job.finish({ type: 'unavailable', failed: error.failed, retryAfterMs: Math.ceil(quietMs), executed })
    }
  }

  #ended(sandbox: Sandbox, { ready, asked }: Member, ending: Ending): void {
    this.#members.delete(sandbox)
    if (this.#closed) return
    if (ready && !sandbox.isRetiring) {
      this.#options.onEvent('WARNING', `sandbox ${sandbox.pid} is gone: ${describeEnding(ending).message}`)
    }
    if (ready && asked) this.#startWarm()
    else if (ready) this.#startLater(Math.min(longestRestartMs, firstRestartMs * 2 ** this.#idleDeaths++))
    else if (!this.#breaker.gaveUp) this.#startLater(this.#breaker.quietMs)
    this.#dispatch()
  }

  #startWarm(): void {
    if (this.#options.keepWarm() && this.#members.size === 0) this.#startFor(1)
  }

  /** Nobody waits for it: a process that cannot live must not keep a core busy with being started. */
  #startLater(ms: number): void {
    clearTimeout(this.#restartTimer)
    // Timers may come a little before their time.
    this.#restartTimer = setTimeout(() => this.#startWarm(), ms + 2)
    this.#restartTimer.unref()
  }

  #send(jobs: readonly Job[], sandbox: Sandbox): void {
    const member = this.#members.get(sandbox) as Member
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
        this.#secondTries.answered(job.request.body)
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
        this.#idleDeaths = 0
        this.#scaling.measured(jobs.length, now - sent)
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
    if (begun && !wasBatch) this.#secondTries.blame(job.request.body, ending)
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

  #stopIdle(): void {
    const now = performance.now()
    let spared = this.#options.keepWarm() ? 1 : 0
    for (const [sandbox, { ready, idleSince }] of this.#members) {
      if (!ready || sandbox.inFlight > 0) continue
      const allowed = this.#members.size > this.#options.limits.computing ? rushIdleMs : this.#options.idleMs
      if (now - idleSince < Math.min(allowed, this.#options.idleMs) || spared-- > 0) continue
      const seconds = Math.round((now - idleSince) / 1000)
      this.#options.onEvent('INFO', `sandbox ${sandbox.pid} stops: no request for ${seconds} s`)
      void sandbox.stop()
    }
  }
}
