/** The form of every step: look, compare, change, look again. It ends in the same state wherever it was interrupted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AwsError, isAws } from '../client/trouble.ts'

export interface Step<T> {
  /** What is there now; undefined: nothing. */
  readonly describe: () => Promise<T | undefined>
  /** What the caller has just seen: it spares the first look. */
  readonly seen?: T | undefined
  readonly isWanted: (found: T) => boolean
  /** Makes it so. What it gives is what is there afterwards; undefined: it has to be looked at. */
  readonly change: (found: T | undefined) => Promise<T | undefined>
}

const mostTurns = 5

/** Answers that mean "somebody, perhaps an earlier run of ours, was there first". */
const conflicts = [
  'ResourceConflict',
  'Conflict',
  'EntityAlreadyExists',
  'ResourceAlreadyExists',
  'PreconditionFailed',
  'PreconditionFailed',
  'OperationAborted',
]

/**
 * A change whose answer was lost is not repeated: the next look tells whether it happened. The same goes for a change
 * that was refused because the thing is there already, or is being changed.
 *
 * @example
 * await converge({ describe: getRole, isWanted: () => true, change: createRole })
 */
export async function converge<T>({ describe, seen, isWanted, change }: Step<T>): Promise<T> {
  for (let turn = 1; ; turn++) {
    const found = turn === 1 && seen !== undefined ? seen : await describe()
    if (found !== undefined && isWanted(found)) return found
    try {
      const changed = await change(found)
      if (changed !== undefined && isWanted(changed)) return changed
      // What says that it was changed and does not show it would be asked for ever.
      if (turn >= mostTurns && changed !== undefined) return changed
    } catch (error) {
      if (turn >= mostTurns || !(error instanceof AwsError && (error.isLost || isAws(error, ...conflicts))))
        throw error
      // What was just made may take a moment until it is seen.
      await sleep(250 * 2 ** turn)
    }
  }
}
