/** How much of what callers send is in memory at a time: a crowd with large bodies must not take the host along. */
export class HeldBytes {
  #most: number
  #held = 0

  constructor(most: number) {
    this.#most = most
  }

  /** False when so much more would be too much; then nothing is counted. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#most) return false
    this.#held += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#held -= bytes
  }
}
