/** The record: what was asked of the cloud, in order, with its bytes and what became of it. */
import type { Action } from './actions.ts'

export interface Call extends Action {
  /** From 1, since the start or the last reset. */
  readonly number: number
  /** Of the request's body. */
  readonly bytes: number
  /** Undefined while it is answered, and when no answer left. */
  readonly status?: number
  /** Whether it reached the service: false for what a fault kept from it. */
  readonly executed: boolean
}

export class Calls {
  #calls: Call[] = []

  /** Notes a call before it is executed; `end` adds what became of it. */
  begin(
    action: Action,
    bytes: number,
  ): { number: number; end(outcome: Pick<Call, 'status' | 'executed'>): void } {
    const calls = this.#calls
    const index = calls.length
    const call = { ...action, number: index + 1, bytes, executed: false }
    calls.push(call)
    return {
      number: call.number,
      end: outcome => {
        calls[index] = { ...call, ...outcome }
      },
    }
  }

  all(): readonly Call[] {
    return [...this.#calls]
  }

  clear(): void {
    this.#calls = []
  }
}
