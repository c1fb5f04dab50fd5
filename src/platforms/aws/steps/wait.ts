/** Waiting until AWS has done what it has begun. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ThampiError } from '../../../errors.ts'

const firstMs = 250
const factor = 1.5
const mostMs = 2_000

export interface WaitOptions {
  /** Completes "… is not ready". */
  readonly what: string
  /** In all; then `AWS_UNAVAILABLE`. */
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks until the answer is not undefined: after 0.25 s, then less and less often, at least every 2 s. An error ends it
 * at once: a poller that goes on after a denied permission only hides it.
 *
 * @throws ThampiError AWS_UNAVAILABLE when `withinMs` is over
 * @example
 * await until(async () => (await state()) === 'Active' || undefined, { what: 'the function', withinMs: 60_000 })
 */
export async function until<T>(
  look: () => Promise<T | undefined>,
  { what, withinMs, signal }: WaitOptions,
): Promise<T> {
  const end = performance.now() + withinMs
  for (let pause = firstMs; ; pause = Math.min(mostMs, pause * factor)) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() + pause > end) {
      throw new ThampiError('AWS_UNAVAILABLE', {
        message: `After ${Math.round(withinMs / 1000)} s ${what} is still not ready.`,
        fix: 'run the same command again; it goes on where it stopped',
      })
    }
    await sleep(pause, undefined, signal === undefined ? {} : { signal })
  }
}
