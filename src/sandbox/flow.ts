/** A measured flow: so many bytes a second, some more at once, and a count of what was too much. */

/** Of one process. A busy log is a few kilobytes a second; this is four gigabytes a day. */
const bytesPerSecond = 64 * 1024
/** A traceback of a whole batch, or a model that describes itself while it loads. */
const burstBytes = 1024 * 1024
/** How long drops are collected before they are told. */
const tellAfterMs = 1000

export class Flow {
  #onDropped: (bytes: number) => void
  #now: () => number
  #left = burstBytes
  #lastMs: number
  #dropped = 0

  /** `onDropped` hears about what was not admitted, about once a second. */
  constructor(onDropped: (bytes: number) => void, now: () => number = () => performance.now()) {
    this.#onDropped = onDropped
    this.#now = now
    this.#lastMs = now()
  }

  /** Whether so many bytes may pass now; they are counted either way. */
  admits(bytes: number): boolean {
    const now = this.#now()
    this.#left = Math.min(burstBytes, this.#left + ((now - this.#lastMs) * bytesPerSecond) / 1000)
    this.#lastMs = now
    if (bytes <= this.#left) {
      this.#left -= bytes
      return true
    }
    if (this.#dropped === 0) setTimeout(() => this.#tell(), tellAfterMs).unref()
    this.#dropped += bytes
    return false
  }

  #tell(): void {
    const dropped = this.#dropped
    this.#dropped = 0
    this.#onDropped(dropped)
  }
}
