/** How many deaths may be answered with a second try: a model that dies under load must not get twice the load. */

/** At most this share of the requests of about ten seconds, and always a few: most stages are asked rarely. */
const share = 0.2
const always = 3
const windowMs = 10_000
const parts = 4

export class RetryBudget {
  #asked = 0
  #spent = 0
  /** What the totals were, oldest first. */
  #marks = [{ asked: 0, spent: 0 }]
  #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#mark(), windowMs / parts)
    this.#timer.unref()
  }

  /** A request came. */
  asked(): void {
    this.#asked += 1
  }

  /** Whether what a process had in hand when it died may be asked again. */
  take(): boolean {
    const since = this.#marks[0] as { asked: number; spent: number }
    if (this.#spent - since.spent >= Math.max(always, share * (this.#asked - since.asked))) return false
    this.#spent += 1
    return true
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #mark(): void {
    this.#marks.push({ asked: this.#asked, spent: this.#spent })
    if (this.#marks.length > parts) this.#marks.shift()
  }
}
