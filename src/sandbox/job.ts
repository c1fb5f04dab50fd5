/** A request on its way through a pool, and what it can come to. */
import type { Failed } from '../wire/messages.ts'
import type { Ending } from './ending.ts'
import type { Sandbox } from './sandbox.ts'

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
  | {
      readonly type: 'unavailable'
      readonly failed: Failed
      readonly retryAfterMs: number
      readonly executed: 'no' | 'maybe'
    }
  | { readonly type: 'closed' }

export interface Job {
  readonly request: PoolRequest
  readonly arrived: number
  readonly deadline: number
  /** Answers the caller; only the first call counts. */
  readonly finish: (outcome: Outcome) => void
  attempts: number
  /** Where it is now. */
  sandbox: Sandbox | undefined
  done: boolean
  /** Its batch died: it is asked again on its own, so that one poisonous request does not take the others along. */
  alone: boolean
}

/** Begins the life of a request; `onLate` is called when its time is over before it was finished. */
export function jobOf(
  request: PoolRequest,
  resolve: (outcome: Outcome) => void,
  onLate: (job: Job) => void,
): Job {
  const arrived = performance.now()
  const job: Job = {
    request,
    arrived,
    deadline: arrived + request.remainingMs,
    attempts: 0,
    sandbox: undefined,
    done: false,
    alone: false,
    finish: outcome => {
      if (job.done) return
      job.done = true
      clearTimeout(timer)
      resolve(outcome)
    },
  }
  const timer = setTimeout(() => onLate(job), request.remainingMs)
  return job
}
