/** What commands left below `<home>/spliced` that were killed. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { System } from '../../system/system.ts'

/** Directories of commands that are at it are called so. */
export const WORK = 'work-'
/** Longer than any that still runs. */
const DAY_MS = 24 * 60 * 60 * 1000

export async function removeLeftOvers(dir: string, system: System): Promise<void> {
  for (const name of await readdir(dir).catch(() => [])) {
    // A file with a dot was to be written whole.
    if (!name.startsWith(WORK) && !name.startsWith('.')) continue
    const age = await stat(join(dir, name)).then(
      ({ mtimeMs }) => system.now().getTime() - mtimeMs,
      () => 0,
    )
    if (age > DAY_MS) await rm(join(dir, name), { recursive: true, force: true }).catch(() => {})
  }
}
