/** What a version showed when the examples of its model were replayed against it. */
import type { Receipt } from './saved-model.ts'
import type { Tolerances } from './tolerances.ts'

export interface Proof {
  /** Naive UTC. */
  readonly provenTimeUtc: string
  readonly examples: number
  /** The largest distance of a number from the recorded one, the tolerated ones; 0: identical. */
  readonly maxDeviation: number
  /** How long answers took, in milliseconds, the way to the version and back included. */
  readonly latencyMs: { readonly median: number; readonly max: number }
}

/** What a comparison with another version needs, long after the saved model has gone. */
export interface Evidence {
  readonly proof: Proof
  readonly receipts: readonly Receipt[]
  readonly tolerances: Tolerances
}
