/** The sandboxes of one pool: how many there are, which one is asked next, and what replaces one that died. */
import type { Failed, Ready } from '../wire/messages.ts'
import { Breaker } from './breaker.ts'
import { describeEnding, type Ending, SandboxFailed } from './ending.ts'
import type { Sandbox } from './sandbox.ts'
import { Scaling, type ScalingLimits } from './scaling.ts'

export interface FleetOptions {
  /** Starts a sandbox; called on demand. */
  readonly start: () => Sandbox
  readonly limits: ScalingLimits
  /** Whether the last sandbox stays when nothing is asked; asked again at each look, because a switch changes it. */
  readonly keepWarm: () => boolean
  /** After so long without a request a sandbox that need not be warm is stopped. */
  readonly idleMs: number
  /** Told about starts, deaths and stops, for the log. */
  readonly onEvent: (level: 'INFO' | 'WARNING' | 'ERROR', message: string) => void
}

export interface FleetEvents {
  /** A sandbox is ready, or gone: whoever waits may have a chance now. */
  readonly onChange: () => void
  /** A start failed, none is tried for `quietMs`, and no other sandbox serves. */
  readonly onFailed: (failed: Failed, quietMs: number) => void
}

/** A sandbox and what the pool has to remember of it. */
export interface Member {
  readonly sandbox: Sandbox
  ready: Ready | undefined
  idleSince: number
  /** Whether it ever got a request. */
  asked: boolean
  /** Its request shall have it to itself. */
  exclusive: boolean
  /** Whether it could not load the model; its process is about to end. */
  failed: boolean
}

/** A process that dies though nobody asks it anything is replaced at once, then less and less often. */
const firstRestartMs = 100
const longestRestartMs = 15_000
/** Sandboxes beyond this number are there for a rush; they go soon after it. */
const rushIdleMs = 10_000

export class Fleet {
  #options: FleetOptions
  #events: FleetEvents
  #members = new Set<Member>()
  #scaling: Scaling
  #breaker = new Breaker()
  #idleDeaths = 0
  #batch = 0
  #closed = false
  #idleTimer: NodeJS.Timeout
  #restartTimer: NodeJS.Timeout | undefined

  constructor(options: FleetOptions, events: FleetEvents) {
    this.#options = options
    this.#events = events
    this.#scaling = new Scaling(options.limits)
    const look = Math.max(50, Math.min(rushIdleMs, options.idleMs) / 4)
    this.#idleTimer = setInterval(() => this.#stopIdle(), look)
    this.#idleTimer.unref()
  }

  get size(): number {
    return this.#members.size
  }

  get pids(): number[] {
    return [...this.#members].flatMap(({ sandbox }) => sandbox.pid ?? [])
  }

  /** The most requests that a sandbox hands to the model together; 0 while that is not known, or when it takes none. */
  get batch(): number {
    return this.#batch
  }

  /** Whether some process has the model loaded, whatever becomes of others. */
  get isServing(): boolean {
    for (const { sandbox, ready } of this.#members) if (ready && sandbox.isAlive) return true
    return false
  }

  /** Why starts fail at present; undefined when the last one succeeded. */
  get failed(): Failed | undefined {
    return this.#breaker.error
  }

  /** For how long no further start is tried. */
  get quietMs(): number {
    return this.#breaker.quietMs
  }

  /** Has one sandbox loaded when it resolves; rejects with `SandboxFailed` when the model cannot be loaded. */
  async warm(): Promise<Ready> {
    for (const { sandbox, ready } of this.#members) if (ready && sandbox.isAlive) return ready
    const starting = [...this.#members].find(({ failed }) => !failed) ?? this.#start()
    return starting.sandbox.ready
  }

  /**
   * The least busy sandbox that would take a request. Only an idle one takes a batch, and only while one more pays, or a
   * request that has ended a process before (`alone`).
   */
  freest(alone: boolean): Member | undefined {
    let best: Member | undefined
    let busy = 0
    for (const member of this.#members) {
      const { sandbox, ready, exclusive } = member
      if (!ready) continue
      const { inFlight } = sandbox
      if (inFlight > 0) busy += 1
      if (sandbox.free <= 0 || exclusive || (inFlight > 0 && (alone || sandbox.batch > 0))) continue
      if (!best || inFlight < best.sandbox.inFlight) best = member
    }
    if (best && best.sandbox.batch > 0 && busy > 0 && busy >= this.#limit()) return undefined
    return best
  }

  /** At most one start for each waiting request, and never more sandboxes than pay. */
  growFor(waiting: number): void {
    if (this.#breaker.quietMs > 0) return
    let starting = 0
    let living = 0
    for (const { sandbox, ready } of this.#members) {
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

  /** A member has answered all of `size` requests, `ms` after it got them. */
  answered(size: number, ms: number): void {
    this.#idleDeaths = 0
    this.#scaling.measured(size, ms)
  }

  /** Stops every process; running requests end first. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#idleTimer)
    clearTimeout(this.#restartTimer)
    await Promise.all([...this.#members].map(({ sandbox }) => sandbox.stop()))
  }

  #limit(): number {
    let share = 0
    let known = 0
    let batches = false
    for (const { sandbox, ready } of this.#members) {
      if (!ready) continue
      share += sandbox.cpuShare
      known += 1
      batches ||= sandbox.batch > 0
    }
    return this.#scaling.limit(known === 0 ? 1 : share / known, batches)
  }

  #start(): Member {
    const started = performance.now()
    const sandbox = this.#options.start()
    const member = {
      sandbox,
      ready: undefined,
      idleSince: started,
      asked: false,
      exclusive: false,
      failed: false,
    }
    this.#members.add(member)
    sandbox.ready.then(
      ready => this.#started(member, ready, performance.now() - started),
      error => this.#startFailed(member, error),
    )
    void sandbox.ended.then(ending => this.#ended(member, ending))
    return member
  }

  #started(member: Member, ready: Ready, ms: number): void {
    member.ready = ready
    member.idleSince = performance.now()
    this.#batch = ready.batch
    this.#breaker.succeeded()
    const { pid } = member.sandbox
    const took = `ready after ${Math.round(ms)} ms (loading took ${ready.loadMs} ms)`
    this.#options.onEvent('INFO', `sandbox ${pid} is ${took}`)
    this.#events.onChange()
  }

  #startFailed(member: Member, error: unknown): void {
    member.failed = true
    if (this.#closed || !(error instanceof SandboxFailed)) return
    const quietMs = this.#breaker.failed(error.failed)
    const more = this.#breaker.gaveUp ? `; no further try for ${Math.round(quietMs / 1000)} s` : ''
    this.#options.onEvent('ERROR', `the model could not be loaded: ${error.failed.message}${more}`)
    if (!this.isServing) this.#events.onFailed(error.failed, quietMs)
  }

  #ended(member: Member, ending: Ending): void {
    this.#members.delete(member)
    if (this.#closed) return
    const { sandbox, ready, asked } = member
    if (ready && !sandbox.isRetiring) {
      this.#options.onEvent('WARNING', `sandbox ${sandbox.pid} is gone: ${describeEnding(ending).message}`)
    }
    if (ready && asked) this.#startWarm()
    else if (ready) this.#startLater(Math.min(longestRestartMs, firstRestartMs * 2 ** this.#idleDeaths++))
    else if (!this.#breaker.gaveUp) this.#startLater(this.#breaker.quietMs)
    this.#events.onChange()
  }

  #startWarm(): void {
    if (this.#options.keepWarm() && this.#members.size === 0) this.growFor(1)
  }

  /** Nobody waits for it: a process that cannot live must not keep a core busy with being started. */
  #startLater(ms: number): void {
    clearTimeout(this.#restartTimer)
    // Timers may come a little before their time.
    this.#restartTimer = setTimeout(() => this.#startWarm(), ms + 2)
    this.#restartTimer.unref()
  }

  #stopIdle(): void {
    const now = performance.now()
    let spared = this.#options.keepWarm() ? 1 : 0
    for (const { sandbox, ready, idleSince } of this.#members) {
      if (!ready || sandbox.inFlight > 0) continue
      const allowed = this.#members.size > this.#options.limits.computing ? rushIdleMs : this.#options.idleMs
      if (now - idleSince < Math.min(allowed, this.#options.idleMs) || spared-- > 0) continue
      const seconds = Math.round((now - idleSince) / 1000)
      this.#options.onEvent('INFO', `sandbox ${sandbox.pid} stops: no request for ${seconds} s`)
      void sandbox.stop()
    }
  }
}
