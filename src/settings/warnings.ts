/** What a person should hear once about a settings file that is otherwise fine. */
import type { SettingsFile } from './file.ts'
import { findKey, keys } from './keys.ts'
import { named, nearest } from './names.ts'
import { isOldRuntime } from './resolve.ts'

/** More would not be read. */
const mostListed = 10

/** At most one sentence of each sort, naming keys and stages together. */
export function warningsOf(file: SettingsFile): readonly string[] {
  const ignored = new Map<string, string[]>()
  const unknown = new Map<string, string[]>()
  const old: string[] = []
  for (const [stage, entries] of file.stages) {
    for (const [name, value] of entries) {
      if (value === null) continue
      const key = findKey(name)
      if (!key) add(unknown, name, stage)
      else if (key.isIgnored ? key.isIgnored(value) : key.advice === 'ignore') add(ignored, name, stage)
      else if (name === 'runtime' && isOldRuntime(value)) old.push(stage)
    }
  }
  const sentences: string[] = []
  if (ignored.size > 0) {
    sentences.push(`Settings without effect here: ${listed(ignored)}. Why: docs/reference/settings.md`)
  }
  if (unknown.size > 0) sentences.push(`Unknown settings, ignored: ${listed(unknown, suggestion)}.`)
  if (old.length > 0) {
    sentences.push(
      `The Python that "runtime" names is no longer offered (${old.join(', ')}); the one that saved the model is used. ` +
        'To silence this: write that one, such as "runtime": "python3.12", or take the key out.',
    )
  }
  return sentences
}

function add(stagesByKey: Map<string, string[]>, key: string, stage: string): void {
  const stages = stagesByKey.get(key)
  if (stages) stages.push(stage)
  else stagesByKey.set(key, [stage])
}

function listed(
  stagesByKey: ReadonlyMap<string, readonly string[]>,
  more: (key: string) => string = () => '',
): string {
  const shown = [...stagesByKey].slice(0, mostListed)
  const names = shown.map(([key, stages]) => `${named(key)} (${stages.join(', ')}${more(key)})`).join(', ')
  const rest = stagesByKey.size - shown.length
  return rest > 0 ? `${names} and ${rest} more` : names
}

function suggestion(key: string): string {
  const meant = nearest(
    key,
    keys.map(known => known.name),
  )
  return meant === undefined ? '' : `; did you mean ${named(meant)}?`
}
