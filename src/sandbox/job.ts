/** A request on its way through a pool, and what it can come to. */
import type { Failed } from '../wire/messages.ts'
import type { Ending } from './ending.ts'
import type { Sandbox } from './sandbox.ts'

export interface PoolRequest {
  readonly requestId: string
  readonly body: Uint8Array
  /** The same in the pieces in which it came, which need not be joined to be passed on; undefined: one. */
  readonly pieces?: readonly Uint8Array[] | undefined
  readonly pretty: boolean
  readonly traceparent?: string | undefined
  /** In which other protocol the body is, and its content type. */
  readonly door?: string | undefined
  readonly contentType?: string | undefined
  /** How long the caller waits, when it says so; it can only shorten what the pool allows. */
  readonly timeoutMs?: number | undefined
  /** True when nobody waits for the answer any more: what is still queued is then not executed. */
  readonly isAbandoned?: boolean
}

/** What a request came to. Nothing here knows HTTP, except the status the runtime chose. */
export type Outcome =
  | { readonly type: 'reply'; readonly status: number; readonly body: Buffer }
  | { readonly type: 'crashed'; readonly ending: Ending }
  | { readonly type: 'late'; readonly executed: 'no' | 'maybe' }
  /** `waiting`: how many are in front already. */
  | { readonly type: 'overloaded'; readonly waiting: number; readonly retryAfterMs: number }
  /** The same body has just ended two processes; this time it was not tried. */
  | { readonly type: 'quarantined' }
  | {
      readonly type: 'unavailable'
      readonly failed: Failed
      readonly retryAfterMs: number
      readonly executed: 'no' | 'maybe'
    }
  | { readonly type: 'closed' }

/** A request while it is in a pool. */
export class Job {
  readonly request: PoolRequest
  readonly arrived: number = performance.now()
  /** Until when its answer is wanted, by the clock of `performance.now()`. */
  deadline: number
  /** Until when it may run. A caller in a hurry is told that it is late; its haste must not cost others a process. */
  readonly limit: number
  attempts = 0
  /** Where it is now. */
  sandbox: Sandbox | undefined
  done = false
  /** Its caller has gone, told that it is late, and the model still works on it. */
  runsOn = false
  /** Where `Deadlines` keeps it. */
  place = 0
  /** Its process died: it is asked again on its own, so that one poisonous request does not take others along. */
  alone = false
  #onDone: (job: Job, outcome: Outcome) => void

  constructor(request: PoolRequest, remainingMs: number, onDone: (job: Job, outcome: Outcome) => void) {
    this.request = request
    this.limit = this.arrived + remainingMs
    this.deadline = Math.min(this.limit, this.arrived + (request.timeoutMs ?? remainingMs))
    this.#onDone = onDone
  }

  /** Answers the caller; only the first call counts. */
  finish(outcome: Outcome): void {
    if (this.done) return
    this.done = true
    this.#onDone(this, outcome)
  }
}
