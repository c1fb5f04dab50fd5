/** IAM tells the other services of a new role in its own time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isAws } from '../client/trouble.ts'

/** Other tools wait up to 150 s. */
const roleWithinMs = 120_000

/**
 * What services say of a role, or of its permissions, that IAM has not told them of yet: Lambda of the role itself, for
 * keys, for networks; EventBridge Scheduler of the role.
 */
const early =
  /cannot be assumed|does not refer to a valid principal|execution role does not have permissions|execution role you provide must allow/i

/** A role that was just made cannot be used for some seconds; only these messages are worth another try. */
export async function onceTheRoleIsKnown<T>(call: () => Promise<T>): Promise<T> {
  const end = performance.now() + roleWithinMs
  for (let pause = 1_000; ; pause = Math.min(5_000, pause * 1.5)) {
    try {
      return await call()
    } catch (error) {
      const isEarly = isAws(error, 'InvalidParameterValue', 'Validation') && early.test(error.message)
      if (!isEarly || performance.now() + pause > end) throw error
      await sleep(pause)
    }
  }
}
