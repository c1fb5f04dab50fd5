/** Why something could not be done a moment ago: a serve that follows another does not try the same again. */
import { readIfThere, writeWhole } from './system/files.ts'
import type { System } from './system/system.ts'

/** The network comes back and wheels are published: then it is tried again. */
const validMs = 10 * 60_000

export async function rememberWhyNot(place: string, why: string, { now }: System): Promise<void> {
  await writeWhole(place, JSON.stringify({ schemaVersion: 1, atMs: now().getTime(), why }))
}

/** Undefined when nothing is known, or no longer. */
export async function readWhyNot(place: string, { now }: System): Promise<string | undefined> {
  const text = await readIfThere(place)
  if (text === undefined) return undefined
  try {
    const { schemaVersion, atMs, why } = JSON.parse(text)
    const age = now().getTime() - atMs
    return schemaVersion === 1 && typeof why === 'string' && age >= 0 && age < validMs ? why : undefined
  } catch {
    return undefined
  }
}
