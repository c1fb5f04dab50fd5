/** On a terminal, silence is counted aloud: a line of its own that the next real line replaces. */
import type { Sink } from './output.ts'

const silenceMs = 2_000

export class Waiting {
  readonly #terminal: Sink
  readonly #enabled: boolean
  #timer: NodeJS.Timeout | undefined
  #shown = false

  constructor(terminal: Sink, enabled: boolean) {
    this.#terminal = terminal
    this.#enabled = enabled
  }

  start(): void {
    if (!this.#enabled) return
    let seconds = 0
    this.#timer = setInterval(() => {
      seconds += silenceMs / 1_000
      this.#shown = true
      this.#terminal.write(`\r  still working, ${seconds} s\x1b[K`)
    }, silenceMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    if (this.#shown) this.#terminal.write('\r\x1b[K')
    this.#shown = false
  }
}
