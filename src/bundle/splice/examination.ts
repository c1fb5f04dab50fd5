/**
 * Wheels under examination: opened once, read once, while others still arrive. What was found in one is kept below
 * `<home>/spliced`, for the next archive with it.
 */
import { join } from 'node:path'
import { type Digest, digestOf } from '../../system/files.ts'
import type { System } from '../../system/system.ts'
import { type FoundLibrary, inspectWheel } from './inspect.ts'
import { readSealed, writeSealed } from './sealed.ts'
import { RULES } from './slim.ts'
import { type OpenWheel, openWheel, type Wheel } from './wheel.ts'

export interface Examined {
  /** @throws ThampiError WHEEL_INVALID */
  readonly open: Promise<OpenWheel>
  /** Known when every file of the wheel was compared with its list. @throws ThampiError WHEEL_INVALID */
  readonly libraries: Promise<readonly FoundLibrary[]>
}

export interface Examination {
  /** Begins with a wheel, or says how far it is. Failures wait until somebody asks. */
  begin(wheel: Wheel, slim: boolean): Examined
  /** When nothing is read any more. */
  close(): Promise<void>
}

/** Raised when `inspectWheel` looks for something else. */
const INSPECTION = 1

/**
 * @example
 * const examination = openExamination(system)
 * const wheels = await fetchWheels(lock.wheels, system, wheel => examination.begin(wheel, true))
 * const layer = await spliceWheels(wheels, target, { prefix: 'python/', examination }, system)
 * await examination.close()
 */
export function openExamination({ places }: System): Examination {
  const dir = join(places.home, 'spliced')
  const begun = new Map<Digest, Examined>()
  // One wheel after the other: what is in memory at a time does not depend on how many there are.
  let last: Promise<unknown> = Promise.resolve()

  const begin = (wheel: Wheel, slim: boolean, key: Digest): Examined => {
    const file = join(dir, `${key.slice('sha256:'.length)}.json`)
    const open = openWheel(wheel, slim)
    const known = open.then(() => readSealed<readonly FoundLibrary[]>(file))
    const turn = last
    const inspecting = known.then(async libraries => {
      if (libraries) return libraries
      await turn
      const found = await inspectWheel(await open)
      await writeSealed(file, found)
      return found
    })
    last = inspecting.catch(() => {})
    open.catch(() => {})
    return { open, libraries: inspecting }
  }

  return {
    begin(wheel, slim) {
      const key = digestOf(JSON.stringify(['inspected', INSPECTION, RULES, wheel.sha256, slim]))
      const examined = begun.get(key) ?? begin(wheel, slim, key)
      begun.set(key, examined)
      return examined
    },
    async close() {
      await last
      for (const { open, libraries } of begun.values()) {
        await libraries.catch(() => {})
        await open.then(wheel => wheel.close()).catch(() => {})
      }
      begun.clear()
    },
  }
}
