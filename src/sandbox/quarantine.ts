/**
 * Bodies that ended processes. One that did so twice is not tried again for a minute: a client that repeats it would
 * otherwise end one process after the other. Nothing is hashed until a process has died, and a body that was answered
 * is free again, because processes also die for reasons that are not in the request.
 */
import { digestOf } from '../system/files.ts'

const keptMs = 60_000
const fatal = 2
/** Beyond so many the oldest are forgotten. */
const most = 1000

interface Suspect {
  deaths: number
  until: number
}

export class Quarantine {
  #suspects = new Map<string, Suspect>()
  #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Whether any body is under suspicion; as long as none is, there is nothing to ask. */
  get isEmpty(): boolean {
    return this.#suspects.size === 0
  }

  /** A process died with this request in hand. */
  blame(body: Uint8Array): void {
    this.#forget()
    const digest = digestOf(body)
    const deaths = (this.#suspects.get(digest)?.deaths ?? 0) + 1
    this.#suspects.delete(digest)
    this.#suspects.set(digest, { deaths, until: this.#now() + keptMs })
    if (this.#suspects.size > most) this.#suspects.delete(this.#suspects.keys().next().value as string)
  }

  /** This request was answered. */
  clear(body: Uint8Array): void {
    this.#suspects.delete(digestOf(body))
  }

  holds(body: Uint8Array): boolean {
    this.#forget()
    return !this.isEmpty && (this.#suspects.get(digestOf(body))?.deaths ?? 0) >= fatal
  }

  /** In the order in which their time is over. */
  #forget(): void {
    const now = this.#now()
    for (const [digest, { until }] of this.#suspects) {
      if (until > now) return
      this.#suspects.delete(digest)
    }
  }
}
