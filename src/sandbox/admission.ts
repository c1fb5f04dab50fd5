/**
 * Whether one more request may wait. Waiting is worth something only while the answer still comes in time, so the
 * measure is time: about two seconds of work may wait, however many requests that is. A fast model then takes a rush
 * of hundreds of connections without a refusal, and a slow one says early that it is full instead of late that it was.
 */

export interface AdmissionLimits {
  /** What the stage says; undefined: as many as are served in about two seconds. */
  readonly maxQueue: number | undefined
  /** The most sandboxes there can be. */
  readonly sandboxes: number
}

/** Never more than this unless the stage says so: each may hold a body of 6 MiB. */
const mostWaiting = 1000
const leastWaiting = 16
const leastPerSandbox = 8
const worthWaitingMs = 2_000
const shortestRetryMs = 1_000
const longestRetryMs = 30_000
/** Clients that were refused together must not come back together. */
const jitter = 0.2
/** Weight of the past when a new measurement comes in. */
const memory = 0.9

export class Admission {
  #limits: AdmissionLimits
  /** What one request costs a sandbox; 0 until it has been measured. */
  #serviceMs = 0

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
  }

  /** A sandbox that had `inFlight` requests together took `ms` for them. */
  measured(inFlight: number, ms: number): void {
    const serviceMs = ms / inFlight
    this.#serviceMs = this.#serviceMs === 0 ? serviceMs : this.#serviceMs * memory + serviceMs * (1 - memory)
  }

  /** True when a request with so much time left should not join `waiting` others. `batch`: how many are taken together. */
  refuses(waiting: number, sandboxes: number, batch: number, remainingMs: number): boolean {
    if (waiting === 0) return false
    const { maxQueue } = this.#limits
    // A batch that is being collected does not wait for a process.
    if (waiting >= (maxQueue ?? mostWaiting) + batch) return true
    if (this.#serviceMs === 0 || sandboxes === 0) return false
    const waitMs = this.#waitMs(waiting, sandboxes)
    if (waitMs > remainingMs) return true
    return maxQueue === undefined && waitMs > worthWaitingMs && waiting >= this.#least(batch)
  }

  /** When those who are refused now should come back: once what waits has been served. */
  retryAfterMs(waiting: number, sandboxes: number): number {
    const drainMs = this.#waitMs(waiting, Math.max(1, sandboxes))
    const clamped = Math.min(longestRetryMs, Math.max(shortestRetryMs, drainMs))
    const spread = clamped * (1 + jitter * (2 * Math.random() - 1))
    return Math.round(Math.max(shortestRetryMs, spread))
  }

  #waitMs(waiting: number, sandboxes: number): number {
    return (waiting * this.#serviceMs) / sandboxes
  }

  /** So many may always wait: a few turns of every sandbox, and of a batching one a few batches. */
  #least(batch: number): number {
    const perSandbox = leastPerSandbox * this.#limits.sandboxes
    return Math.min(mostWaiting, Math.max(leastWaiting, perSandbox, 2 * batch * this.#limits.sandboxes))
  }
}
