/** Locks that were made before: one file each under `<home>/locks`, whole or not there at all. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'smol-toml'
import { type Digest, digestOf, readIfThere, writeWhole } from '../../system/files.ts'
import type { Target } from '../bundle.ts'
import type { Lock } from './lock.ts'
import { digestOfWheels, parsePylock } from './pylock.ts'
import type { Wanted } from './wanted.ts'

/** Rises when the same question would get another answer from us. */
const generation = 1

/** Everything that decides what is in a lock. Passwords have been taken out of all of it. */
export interface Decides {
  readonly wanted: Wanted
  readonly target: Target
  /** See `Indexes.identity`. */
  readonly identity: readonly string[]
  readonly excludeNewer: string | undefined
  readonly cpuTorch: boolean
  /** Digests of the packages of this disk. */
  readonly local: readonly string[]
}

/**
 * The file of a lock. The version of the resolver is no part of the name: on the same question every version gives a set
 * that goes together, and asking for it would start a program.
 */
export function placeOfLock(home: string, decides: Decides): string {
  const { wanted, target, identity, excludeNewer, cpuTorch, local } = decides
  const { lines, constraints, hashes, hashed, prereleases, brought } = wanted
  const { os, arch, python, glibc } = target
  const hashesOf = [...hashes].map(([name, set]) => [name, [...set].sort()]).sort()
  const digest = digestOf(
    JSON.stringify([
      generation,
      [os, arch, python, glibc],
      [lines, constraints, hashesOf, hashed, prereleases, brought],
      [identity, excludeNewer ?? null, cpuTorch, local],
    ]),
  )
  return join(home, 'locks', `${digest.slice('sha256:'.length, 'sha256:'.length + 32)}.toml`)
}

/** Undefined when there is none, and when it is damaged or a wheel that was built here is gone. */
export async function readKept(file: string): Promise<Lock | undefined> {
  const kept = await readIfThere(file)
  const at = kept?.lastIndexOf(separator) ?? -1
  if (kept === undefined || at === -1) return undefined
  const text = kept.slice(0, at)
  try {
    const { tool } = parse(kept.slice(at)) as { tool?: { thampi?: Record<string, unknown> } }
    const { digest, by, notices } = tool?.thampi ?? {}
    if (digest !== digestOf(text) || !Array.isArray(notices) || (by !== 'uv' && by !== 'pip'))
      return undefined
    const wheels = parsePylock(text, file)
    if (!wheels.every(({ url }) => !url.startsWith('file:') || existsSync(fileURLToPath(url))))
      return undefined
    return { digest: digestOfWheels(wheels), wheels, text, by, notices: notices.map(String) }
  } catch {
    return undefined
  }
}

const separator = '\n[tool.thampi]\n'

export async function keepLock(file: string, { text, by, notices }: Lock): Promise<void> {
  const digest: Digest = digestOf(text)
  const values = { digest, by, notices }
  const lines = Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
  await writeWhole(file, text + separator + lines.join(''))
}
