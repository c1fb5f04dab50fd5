/**
 * Watches a process while it lives: how much memory it takes, how much it computes, and whether it still reacts.
 *
 * A process with a request is bounded by that request's deadline, because a model may compute, or wait for others, as
 * long as it likes. Only two things end it sooner: too much memory, and having been stopped by a signal. One without
 * a request is pinged; when it neither answers nor computes, nobody will ever hear from it again.
 */
import type { Ending } from './ending.ts'
import type { Usage } from './usage.ts'

/** What is asked of the process, and of the sandbox that holds it. */
export interface Watched {
  /** True once the model is loaded. */
  readonly isReady: boolean
  readonly inFlight: number
  /** How long it has had requests in all, in milliseconds. */
  readonly busyMs: number
  ping(): void
  /** Share of its busy time in which it lately wanted a core. */
  cpuShare: number
  kill(ending: Ending): void
}

export interface WatchLimits {
  /** Resident memory above which the process is killed, in MB. */
  readonly memoryMb: number
  /** How long one that computes may leave a ping unanswered: as long as a request could have waited for it. */
  readonly patienceMs: number
}

const lookMs = 500
/** The system counts processor time in steps of 10 ms: shorter spans say nothing. */
const enoughBusyMs = 100
/** So many looks in a row decide. */
const convincing = 3
const pingEveryMs = 1_000
/** Below this share of a core it does not compute; libraries leave threads that wake up now and then. */
const idleShare = 0.05

export class Watch {
  #watched: Watched
  #limits: WatchLimits
  #timer: NodeJS.Timeout
  #lastLook = performance.now()
  /** Where the last measurement of `cpuShare` began. */
  #measured: { readonly wantedMs: number; readonly busyMs: number } | undefined
  #looksStopped = 0
  #heard = performance.now()
  #ping: { readonly sent: number; readonly cpuMs: number | undefined; looks: number } | undefined
  #lastBusyMs = 0

  constructor(watched: Watched, limits: WatchLimits, readUsage: () => Promise<Usage | undefined>) {
    this.#watched = watched
    this.#limits = limits
    this.#timer = setInterval(async () => {
      const usage = await readUsage()
      if (usage) this.#look(usage)
    }, lookMs)
    this.#timer.unref()
  }

  /** It has answered a ping. */
  heard(): void {
    this.#ping = undefined
    this.#heard = performance.now()
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #look(usage: Usage): void {
    const now = performance.now()
    const wasAway = now - this.#lastLook > 2 * lookMs
    this.#lastLook = now
    this.#measure(usage)
    const { memoryMb } = this.#limits
    if (usage.memoryMb > memoryMb) {
      const detail = `${Math.round(usage.memoryMb)} MB used, ${memoryMb} MB allowed`
      this.#kill({ reason: 'out-of-memory', detail })
      return
    }
    if (wasAway) {
      // The machine slept, or our own loop was blocked: whatever we missed is not the fault of the process.
      this.#looksStopped = 0
      this.#ping = undefined
    }
    this.#looksStopped = usage.state === 'stopped' ? this.#looksStopped + 1 : 0
    if (this.#looksStopped >= convincing) {
      this.#kill({ reason: 'unresponsive', detail: 'it was stopped by a signal' })
      return
    }
    if (this.#watched.isReady) this.#listen(now, usage)
  }

  #measure({ wantedCpuMs: wantedMs }: Usage): void {
    if (wantedMs === undefined) return
    const { busyMs } = this.#watched
    const since = this.#measured
    if (since && busyMs - since.busyMs < enoughBusyMs) return
    if (since) this.#watched.cpuShare = (wantedMs - since.wantedMs) / (busyMs - since.busyMs)
    this.#measured = { wantedMs, busyMs }
  }

  #listen(now: number, { cpuMs, state }: Usage): void {
    const { inFlight, busyMs } = this.#watched
    const wasBusy = inFlight > 0 || busyMs !== this.#lastBusyMs
    this.#lastBusyMs = busyMs
    if (wasBusy) {
      // Answers are as good as a pong; and a request under way has a deadline of its own.
      this.#ping = undefined
      this.#heard = now
      return
    }
    if (!this.#ping) {
      if (now - this.#heard < pingEveryMs) return
      this.#ping = { sent: now, cpuMs, looks: 0 }
      this.#watched.ping()
      return
    }
    this.#ping.looks += 1
    const silentMs = now - this.#ping.sent
    const before = this.#ping.cpuMs
    const computedMs = cpuMs === undefined || before === undefined ? silentMs : cpuMs - before
    const works = state === 'working' || computedMs > idleShare * silentMs
    if (works ? silentMs > this.#limits.patienceMs : this.#ping.looks >= convincing) {
      this.#kill({
        reason: 'unresponsive',
        detail: `no sign of life for ${Math.round((now - this.#heard) / 1000)} s`,
      })
    }
  }

  #kill(ending: Ending): void {
    this.end()
    this.#watched.kill(ending)
  }
}
