/** How the cloud behaves: how long things take, what fails in the end, what the account may have. Tests change it at any time. */

/** Why something failed, as `StateReasonCode` and `StateReason` say it. */
export interface Reason {
  readonly code: string
  readonly reason: string
}

export interface Behaviour {
  /** Milliseconds from CreateFunction until the function is Active. */
  readonly createMs: number
  /** Milliseconds an update of code or configuration is InProgress. */
  readonly updateMs: number
  /** Milliseconds a published version is Pending. */
  readonly publishMs: number
  /** The same with SnapStart, when the snapshot is made. */
  readonly snapStartMs: number
  /** Milliseconds an idle function takes to come back. */
  readonly restoreMs: number
  /** Milliseconds until provisioned concurrency is ready. */
  readonly provisionedMs: number
  /** Milliseconds in which a new or changed role cannot be assumed yet. */
  readonly roleMs: number
  /** Milliseconds in which a new API, route or stage is not reachable yet. */
  readonly apiMs: number
  /** Milliseconds in which a new Function URL, or one newly permitted, answers 403. */
  readonly urlMs: number
  readonly createFails?: Reason | undefined
  readonly updateFails?: Reason | undefined
  readonly publishFails?: Reason | undefined
  /** Why no provisioned concurrency becomes ready. */
  readonly provisionedFails?: string | undefined
  /** New accounts get less than 10,240. */
  readonly memoryQuotaMb: number
  /** Executions at a time in the Region; new accounts get fewer than 1,000. */
  readonly concurrencyQuota: number
  readonly codeStorageBytes: number
  /** Where it is otherwise than documented, to try who would notice. */
  readonly deviations: readonly Deviation[]
}

/** Publishing always makes a new version; an alias does not look at revisions. */
export type Deviation = 'publishes-unchanged' | 'alias-unguarded'

/** Short, but never zero: a client that does not wait is caught. */
export const usualBehaviour: Behaviour = {
  createMs: 50,
  updateMs: 30,
  publishMs: 30,
  snapStartMs: 100,
  restoreMs: 50,
  provisionedMs: 50,
  roleMs: 0,
  apiMs: 0,
  urlMs: 0,
  memoryQuotaMb: 10_240,
  concurrencyQuota: 1000,
  codeStorageBytes: 300 * 1024 ** 3,
  deviations: [],
}

/** A state that becomes another one after a while. Looked at, never timed: nothing is left running after a reset. */
export class Progress<Status> {
  #status: Status
  #next: { readonly at: number; readonly status: Status } | undefined
  readonly #changed: () => void

  constructor(status: Status, changed: () => void = () => {}) {
    this.#status = status
    this.#changed = changed
  }

  /** Is `first` now and `last` after `ms` milliseconds. */
  move(first: Status, ms: number, last: Status): void {
    this.#status = first
    this.#next = { at: performance.now() + ms, status: last }
  }

  get now(): Status {
    if (this.#next && performance.now() >= this.#next.at) {
      this.#status = this.#next.status
      this.#next = undefined
      this.#changed()
    }
    return this.#status
  }
}
