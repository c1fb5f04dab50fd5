/** What a version counts while it runs: for ever, for `/metrics`; and by ten seconds, for `thampi status`. */
import { Histogram, predictBounds } from '../../gateway/metrics.ts'

/** `rejected`: the input was refused · `abandoned`: the caller went away before the answer. */
export const outcomes = ['ok', 'rejected', 'abandoned', 'error', 'crashed', 'unavailable', 'late'] as const

const batchBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
const loadBounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

export class Meter {
  readonly predictions: Histogram = new Histogram(predictBounds)
  /** By the index in `outcomes`. */
  readonly outcomes: Float64Array = new Float64Array(outcomes.length)
  readonly batches: Histogram = new Histogram(batchBounds)
  readonly loads: Histogram = new Histogram(loadBounds)
  /** Processes that ended although nobody asked them to. */
  restarts = 0
  /** Starts that a request had to wait for, because no process had the model loaded. */
  coldStarts = 0
  readonly recent: Recent = new Recent()
  /** Which runtime loaded the model; known when it first has. */
  runtime = 'unknown'

  /** An answer that a caller got; `nowMs` since the epoch. */
  answered(status: number, ms: number, nowMs: number): void {
    const outcome = outcomeOf(status)
    this.predictions.observe(ms / 1000)
    this.outcomes[outcome] = (this.outcomes[outcome] as number) + 1
    this.recent.add(ms, status >= 500, nowMs)
  }
}

/** Its index in `outcomes`. */
function outcomeOf(status: number): number {
  if (status < 400) return 0
  if (status < 499) return 1
  if (status < 502) return status === 499 ? 2 : 3
  if (status === 502) return 4
  return status === 503 ? 5 : 6
}

export const slotMs = 10_000
export const slots = 60
/** Eight buckets to the factor of two: a percentile is right to about five percent. */
const perOctave = 8
/** From a microsecond to more than the longest timeout. */
const buckets = 30 * perOctave

/** Answers of the last ten minutes, in slots of ten seconds that are used again and again. */
export class Recent {
  /** Which ten seconds a slot holds, counted since the epoch. */
  #number = new Float64Array(slots)
  #counts: (Uint32Array | undefined)[] = []
  #requests = new Uint32Array(slots)
  #errors = new Uint32Array(slots)

  add(ms: number, isError: boolean, nowMs: number): void {
    const number = Math.floor(nowMs / slotMs)
    const slot = number % slots
    let counts = this.#counts[slot]
    if (counts === undefined) {
      counts = new Uint32Array(buckets)
      this.#counts[slot] = counts
    }
    if (this.#number[slot] !== number) {
      this.#number[slot] = number
      counts.fill(0)
      this.#requests[slot] = 0
      this.#errors[slot] = 0
    }
    const bucket = bucketOf(ms)
    counts[bucket] = (counts[bucket] as number) + 1
    this.#requests[slot] = (this.#requests[slot] as number) + 1
    if (isError) this.#errors[slot] = (this.#errors[slot] as number) + 1
  }

  /** What the slots hold now, the oldest first. */
  summary(nowMs: number): RecentSummary {
    const last = Math.floor(nowMs / slotMs)
    const merged = new Float64Array(buckets)
    const requestsBySlot: number[] = []
    const p99MsBySlot: (number | null)[] = []
    let errors = 0
    for (let number = last - slots + 1; number <= last; number++) {
      const slot = number % slots
      const isCurrent = this.#number[slot] === number
      const counts = isCurrent ? this.#counts[slot] : undefined
      const requests = counts ? (this.#requests[slot] as number) : 0
      requestsBySlot.push(requests)
      p99MsBySlot.push((counts && quantile(counts, requests, 0.99)) ?? null)
      if (!counts) continue
      errors += this.#errors[slot] as number
      counts.forEach((count, i) => {
        merged[i] = (merged[i] as number) + count
      })
    }
    const requests = requestsBySlot.reduce((sum, count) => sum + count, 0)
    return {
      requests,
      errors,
      requestsBySlot,
      p99MsBySlot,
      p50Ms: quantile(merged, requests, 0.5),
      p99Ms: quantile(merged, requests, 0.99),
    }
  }
}

export interface RecentSummary {
  readonly requests: number
  /** Answers with a status of 500 or more. */
  readonly errors: number
  readonly requestsBySlot: readonly number[]
  /** Null where there were no requests. */
  readonly p99MsBySlot: readonly (number | null)[]
  /** Undefined when there were no requests. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
}

function bucketOf(ms: number): number {
  // A thousandth of a millisecond is bucket 0.
  const bucket = Math.ceil(Math.log2(ms * 1000) * perOctave)
  return bucket > 0 ? Math.min(bucket, buckets - 1) : 0
}

/** The value below which that share of the requests lies: the geometric middle of the bucket it falls into. */
function quantile(counts: Float64Array | Uint32Array, total: number, share: number): number | undefined {
  if (total === 0) return undefined
  let left = Math.ceil(total * share)
  let bucket = 0
  while (bucket < counts.length - 1) {
    left -= counts[bucket] as number
    if (left <= 0) break
    bucket++
  }
  return 2 ** ((bucket - 0.5) / perOctave) / 1000
}
