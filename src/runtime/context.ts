/** What a model is told about the call it answers. */
import type { Context, Log } from './model.ts'

/** What all calls of one sandbox have in common. */
export interface Shared {
  readonly log: Log
  readonly stage: string | undefined
  readonly model: string | undefined
  readonly version: number | undefined
  /** The model's own copy: whatever it does to it, answers stay as they are. */
  readonly properties: Readonly<Record<string, unknown>>
}

const nothing: Readonly<Record<string, unknown>> = Object.freeze({})

export class CallContext implements Context {
  readonly requestId: string | undefined
  params: Readonly<Record<string, unknown>> = nothing
  readonly #shared: Shared
  readonly #deadline: number
  #requestIds: readonly string[] | undefined

  /** `deadline` as `performance.now()` counts. */
  constructor(
    shared: Shared,
    requestId: string | undefined,
    deadline: number,
    requestIds?: readonly string[],
  ) {
    this.#shared = shared
    this.requestId = requestId
    this.#deadline = deadline
    this.#requestIds = requestIds
  }

  get log(): Log {
    return this.#shared.log
  }

  get stage(): string | undefined {
    return this.#shared.stage
  }

  get model(): string | undefined {
    return this.#shared.model
  }

  get version(): number | undefined {
    return this.#shared.version
  }

  get properties(): Readonly<Record<string, unknown>> {
    return this.#shared.properties
  }

  get requestIds(): readonly string[] {
    this.#requestIds ??= this.requestId ? [this.requestId] : []
    return this.#requestIds
  }

  remainingMs(): number {
    return Math.max(0, this.#deadline - performance.now())
  }
}
