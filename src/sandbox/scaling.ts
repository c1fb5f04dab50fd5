/**
 * How many sandboxes are worth having. A second one that computes takes a core from the gateway and halves the
 * batches of the first, which costs throughput when a batch costs the same whatever its size; it doubles throughput
 * when the cost grows with the size, and costs nothing when the model mostly waits. So: measure, then decide.
 */

export interface ScalingLimits {
  /** As many as the machine computes with at once, or what the stage says. */
  readonly computing: number
  /** For models that mostly wait: bounded by memory rather than by cores. */
  readonly waiting: number
}

/** Weight of the past when a new measurement comes in: about the last hundred batches count. */
const memory = 0.98
/** A sandbox that wants a core for less than this share of its busy time is said to wait rather than to compute. */
const waitingShare = 0.5
/** From this share of a batch's time that depends on its size on, another sandbox pays. */
const linearShare = 0.5

export class Scaling {
  #limits: ScalingLimits
  /** Exponentially weighted sums for a line through (size, milliseconds). */
  #weight = 0
  #sizes = 0
  #times = 0
  #squares = 0
  #products = 0

  constructor(limits: ScalingLimits) {
    this.#limits = limits
  }

  /** A group of `size` requests took `ms` from being sent to the last answer. */
  measured(size: number, ms: number): void {
    this.#weight = this.#weight * memory + 1
    this.#sizes = this.#sizes * memory + size
    this.#times = this.#times * memory + ms
    this.#squares = this.#squares * memory + size * size
    this.#products = this.#products * memory + size * ms
  }

  /** How many sandboxes may work at once, given the share of busy time they compute and whether they batch. */
  limit(cpuShare: number, batches: boolean): number {
    if (cpuShare < waitingShare) return this.#limits.waiting
    if (!batches) return this.#limits.computing
    return this.sizeShare() > linearShare ? this.#limits.computing : 1
  }

  /** The part of an average batch's time that depends on its size, from 0 (fixed cost) to 1 (linear cost). */
  sizeShare(): number {
    if (this.#weight === 0) return 0
    const size = this.#sizes / this.#weight
    const time = this.#times / this.#weight
    const variance = this.#squares / this.#weight - size * size
    // Batches that were all of one size say nothing about the slope.
    if (time <= 0 || variance < 0.01 * size * size) return this.#lastShare
    const slope = (this.#products / this.#weight - size * time) / variance
    this.#lastShare = Math.min(1, Math.max(0, (slope * size) / time))
    return this.#lastShare
  }

  #lastShare = 0
}
