/** Which model a directory without a settings file served last: the one that `predict` and the others mean there. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from './engine.ts'
import { digestOf, readIfThere, writeWhole } from './system/files.ts'
import type { System } from './system/system.ts'

/** Keeps the name of what was served. A settings file says it better, so that nothing is kept beside one. */
export async function rememberServed(model: string, { settings, system }: Engine): Promise<void> {
  if (settings.path !== undefined) return
  const note = { schemaVersion: 1, directory: system.cwd, model }
  // Who cannot write notes has served all the same.
  await writeWhole(placeOf(system), JSON.stringify(note)).catch(() => undefined)
}

/** The name of the model, undefined when nothing was served from here since the last `undeploy`. */
export async function servedHere(system: System): Promise<string | undefined> {
  const text = await readIfThere(placeOf(system)).catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const { schemaVersion, model } = JSON.parse(text)
    return schemaVersion === 1 && typeof model === 'string' ? model : undefined
  } catch {
    return undefined
  }
}

/** After `undeploy` the newest model under `./models` is meant again. */
export async function forgetServed({ settings, system }: Engine): Promise<void> {
  if (settings.path === undefined) await rm(placeOf(system), { force: true }).catch(() => undefined)
}

function placeOf({ cwd, places }: System): string {
  return join(places.home, 'served', `${digestOf(cwd).slice('sha256:'.length, 'sha256:'.length + 16)}.json`)
}
