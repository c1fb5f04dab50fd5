/** A real Python that is newer than the one of `.venv`, for what is packed for another Python and run with it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export type NewerPython =
  | {
      /** `sys.executable`: starts like any other, has pip, makes virtual environments. */
      readonly path: string
      /** `3.13.5`; the minor is always 3.13. */
      readonly version: string
    }
  | {
      /** Why this machine cannot have one: what a test that is skipped says. */
      readonly missing: string
    }

/**
 * The first call on a machine fetches 20 MB with its apt, within seconds; whoever asks meanwhile waits for that.
 *
 * @example
 * const newer = await newerPython()
 * it.skipIf('missing' in newer)(`runs with Python 3.13${'missing' in newer ? `: ${newer.missing}` : ''}`, …)
 */
export function newerPython(): Promise<NewerPython> {
  asked ??= ask()
  return asked
}

let asked: Promise<NewerPython> | undefined

async function ask(): Promise<NewerPython> {
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/newer-python.mjs'])
  return JSON.parse(stdout) as NewerPython
}
