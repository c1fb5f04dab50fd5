/** A function is asked by an API, whose caller waits only so long. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AwsError } from '../errors.ts'
import type { Answer } from '../moto.ts'
import { answerOf } from './http-event.ts'

/** Why there is no answer of the function: each kind of API says it in its own way. */
export type NoAnswer = 'late' | 'failed' | 'too long' | 'throttled' | 'refused'

export async function answerWithin(
  ms: number,
  run: Promise<{ readonly payload: Buffer; readonly functionError?: string }>,
): Promise<Answer | NoAnswer> {
  const patience = new AbortController()
  const late = sleep(ms, 'late' as const, { signal: patience.signal }).catch(() => 'late' as const)
  try {
    const executed = await Promise.race([run, late])
    if (executed === 'late') {
      // It goes on in Lambda, and nobody listens.
      run.catch(() => {})
      return 'late'
    }
    return executed.functionError ? 'failed' : (answerOf(executed.payload) ?? 'failed')
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    if (error.status === 413) return 'too long'
    return error.status === 429 ? 'throttled' : 'refused'
  } finally {
    patience.abort()
  }
}
