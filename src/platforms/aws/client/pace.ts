/** Our own limit on changes: AWS takes 15 calls to Lambda a second from everybody in an account together. */
import { setTimeout as sleep } from 'node:timers/promises'

const window = 1_000

/**
 * Gives a function that lets `most` callers a second pass and has the others wait their turn.
 *
 * @example
 * const pace = paceOf(5)
 * await pace() // at once; the sixth within a second waits
 */
export function paceOf(most: number): () => Promise<void> {
  const passed: number[] = []
  let queue: Promise<void> = Promise.resolve()
  return () => {
    queue = queue.then(async () => {
      const oldest = passed.length < most ? undefined : passed.shift()
      const wait = oldest === undefined ? 0 : oldest + window - performance.now()
      if (wait > 0) await sleep(wait)
      passed.push(performance.now())
    })
    return queue
  }
}
