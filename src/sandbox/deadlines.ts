/** Ends what takes too long: one timer for all requests of a pool, because one for each costs more than it is worth. */
import type { Job } from './job.ts'

/** How late an end may come, at most. */
const lookMs = 20

export class Deadlines {
  /** Each job knows its place, so that it leaves without a search; see `OpenRequests` for why this is no `Set`. */
  #open: Job[] = []
  #onLate: (job: Job) => void
  #timer: NodeJS.Timeout | undefined

  constructor(onLate: (job: Job) => void) {
    this.#onLate = onLate
  }

  watch(job: Job): void {
    job.place = this.#open.push(job) - 1
    this.#timer ??= setInterval(() => this.#look(), lookMs)
  }

  forget(job: Job): void {
    const last = this.#open.pop() as Job
    if (last === job) return
    last.place = job.place
    this.#open[job.place] = last
  }

  #look(): void {
    const now = performance.now()
    for (const job of this.#open.filter(({ deadline }) => deadline <= now)) this.#onLate(job)
    if (this.#open.length > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
