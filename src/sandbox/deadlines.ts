/** Ends what takes too long: one timer for all requests of a pool, because one for each costs more than it is worth. */
import type { Job } from './job.ts'

/** How late an end may come, at most. */
const lookMs = 20

export class Deadlines {
  #open = new Set<Job>()
  #onLate: (job: Job) => void
  #timer: NodeJS.Timeout | undefined

  constructor(onLate: (job: Job) => void) {
    this.#onLate = onLate
  }

  watch(job: Job): void {
    this.#open.add(job)
    this.#timer ??= setInterval(() => this.#look(), lookMs)
  }

  forget(job: Job): void {
    this.#open.delete(job)
  }

  #look(): void {
    const now = performance.now()
    for (const job of this.#open) if (job.deadline <= now) this.#onLate(job)
    if (this.#open.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
