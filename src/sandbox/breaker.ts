/** When to try again after the model could not be loaded: soon, then less and less often, then hardly at all. */
import type { Failed } from '../wire/messages.ts'

const firstMs = 100
const longestMs = 15_000
/** So many failures within so long, and we give up for a while: something is wrong that a further try does not mend. */
const fatal = 5
const fatalWithinMs = 10_000
const givenUpMs = 30_000
/** Versions that fail together, because of the disk for example, must not try again together. */
const jitter = 0.1

export class Breaker {
  /** Of failures in a row. */
  #times: number[] = []
  #error: Failed | undefined
  #quietUntil = 0
  #gaveUp = false

  /** Why the last start failed; undefined once one has succeeded. */
  get error(): Failed | undefined {
    return this.#error
  }

  /** True when starts have failed so fast in a row that the version counts as failed. */
  get gaveUp(): boolean {
    return this.#gaveUp
  }

  /** For how long no further start is tried. */
  get quietMs(): number {
    return this.#error ? Math.max(0, this.#quietUntil - performance.now()) : 0
  }

  /** A start has failed; gives for how long no further one is tried. */
  failed(error: Failed): number {
    const now = performance.now()
    this.#error = error
    this.#times.push(now)
    const fifth = this.#times.at(-fatal)
    this.#gaveUp ||= fifth !== undefined && now - fifth <= fatalWithinMs
    const backoffMs = Math.min(longestMs, firstMs * 2 ** (this.#times.length - 1))
    const quietMs = (this.#gaveUp ? givenUpMs : backoffMs) * (1 + jitter * (2 * Math.random() - 1))
    this.#quietUntil = now + quietMs
    return quietMs
  }

  succeeded(): void {
    this.#times = []
    this.#error = undefined
    this.#gaveUp = false
  }
}
