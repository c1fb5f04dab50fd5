/** `extends`: what a stage has of its own and what it has from others. */
import { ThampiError } from '../errors.ts'
import type { Entries, SettingsFile } from './file.ts'
import { named, nearest } from './names.ts'

/** A value, and the stage in whose lines of the file it stands. */
export interface Setting {
  readonly value: unknown
  readonly stage: string
}

/**
 * Every key that counts for a stage, the nearest one winning; our own keys are inherited one by one.
 * Throws `SETTINGS_INVALID` when a stage extends one that is not there, or in the end itself.
 */
export function inherit(file: SettingsFile, stageName: string): ReadonlyMap<string, Setting> {
  const settings = new Map<string, Setting>()
  for (const [stage, entries] of ancestry(file, stageName)) {
    for (const [key, value] of entries) {
      if (!settings.has(key)) settings.set(key, { value, stage })
    }
  }
  return settings
}

/** One key of a stage, whether its own or inherited. */
export function inheritOne(file: SettingsFile, stageName: string, key: string): unknown {
  for (const [, entries] of ancestry(file, stageName)) {
    if (entries.has(key)) return entries.get(key)
  }
  return undefined
}

/** The stage itself, the one it extends, the one that extends, and so on. */
function* ancestry(file: SettingsFile, stageName: string): Generator<[string, Entries]> {
  const seen = new Set<string>()
  let stage = stageName
  let entries = file.stages.get(stage)
  while (entries) {
    yield [stage, entries]
    seen.add(stage)
    const parent = entries.get('extends') ?? undefined
    if (parent === undefined) return
    const from = stage
    if (typeof parent !== 'string') {
      throw cannotFollow(file, from, '`extends` must be the name of a stage.')
    }
    if (seen.has(parent)) {
      const circle = [...seen, parent].map(named).join(' → ')
      throw cannotFollow(file, from, `Stages extend each other in a circle: ${circle}.`)
    }
    entries = file.stages.get(parent)
    if (!entries) {
      const meant = nearest(parent, file.stages.keys())
      const hint = meant === undefined ? '' : ` Did you mean ${named(meant)}?`
      throw cannotFollow(file, from, `It extends ${named(parent)}, which is not in ${file.name}.${hint}`)
    }
    stage = parent
  }
}

function cannotFollow(file: SettingsFile, stage: string, why: string): ThampiError {
  const line = file.lineOf(stage, 'extends')
  const where = line === undefined ? file.name : `${file.name}, line ${line}`
  return new ThampiError('SETTINGS_INVALID', {
    message: `\`extends\` of stage ${named(stage)} cannot be followed (${where}).`,
    why,
  })
}
