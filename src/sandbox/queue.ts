/** Requests that wait for a sandbox, in order; what nobody waits for any more falls out. */
import type { Job } from './job.ts'

export class Queue {
  #jobs: Job[] = []

  get length(): number {
    return this.#jobs.length
  }

  /** The next request that somebody still waits for. */
  get head(): Job | undefined {
    while (this.#jobs[0] && !isWanted(this.#jobs[0])) this.#jobs.shift()
    return this.#jobs[0]
  }

  push(job: Job): void {
    this.#jobs.push(job)
  }

  /** It has waited once already. */
  putBack(job: Job): void {
    this.#jobs.unshift(job)
  }

  /** One request, or up to `batch` that may go together. */
  take(batch: number): Job[] {
    if (batch <= 1 || this.#jobs[0]?.alone) return this.#jobs.splice(0, 1)
    let end = 1
    while (end < this.#jobs.length && end < batch && !this.#jobs[end]?.alone) end += 1
    return this.#jobs.splice(0, end).filter(isWanted)
  }

  drain(): Job[] {
    return this.#jobs.splice(0)
  }
}

function isWanted(job: Job): boolean {
  if (!job.done && !job.request.isAbandoned) return true
  job.finish({ type: 'closed' })
  return false
}
