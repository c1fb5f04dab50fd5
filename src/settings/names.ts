/** Names of models and stages: which are allowed, which function they share on AWS, which one a typing error meant. */
import { ThampiError } from '../errors.ts'

export const modelNamePattern: RegExp = /^[a-zA-Z0-9_-]+$/
export const stageNamePattern: RegExp = /^[a-zA-Z0-9_]{1,64}$/

const longestModelName = 80

/** Why a text cannot be the name of a model, or undefined when it can. */
export function modelNameProblem(name: string): string | undefined {
  if (name === '') return 'Model Name is required'
  if (!modelNamePattern.test(name)) return `Model Name must match ${modelNamePattern.source}`
  if (name.length > longestModelName) return `Model Name must have at most ${longestModelName} characters`
  return undefined
}

/** Returns the name, or refuses it with `NAME_INVALID`. `what` is where it came from: "`--name`". */
export function checkModelName(name: string, what: string): string {
  const problem = modelNameProblem(name)
  if (problem === undefined) return name
  throw new ThampiError('NAME_INVALID', {
    message: `${what} is ${quoted(name)}, which cannot be a model name.`,
    why: `${problem}.`,
  })
}

/** Returns the name, or refuses it with `NAME_INVALID`. `where` is the settings file as people write it. */
export function checkStageName(name: string, where: string): string {
  // `__proto__` matches the pattern, but would be lost or worse as the key of an object somewhere down the line.
  if (stageNamePattern.test(name) && name !== '__proto__') return name
  throw new ThampiError('NAME_INVALID', {
    message: `${quoted(name)} in ${where} cannot be the name of a stage.`,
    why: 'A stage name has 1 to 64 letters, digits and underscores.',
  })
}

/** Returns the name of an API key, or refuses it with `NAME_INVALID`. */
export function checkKeyName(name: string): string {
  if (/^[a-zA-Z0-9_.-]{1,64}$/.test(name)) return name
  throw new ThampiError('NAME_INVALID', {
    message: `${quoted(name)} cannot be the name of an API key.`,
    why: 'It has 1 to 64 letters, digits, underscores, dots and dashes.',
  })
}

/**
 * The name of a stage's function, stack and API on AWS.
 *
 * @example
 * slugOf('My_Model', 'staging') // 'my-model-staging'
 */
export function slugOf(model: string, stage: string): string {
  return slug(`${model}-${stage}`)
}

/** Lower case, everything else a dash, no two dashes in a row: as the original named what it created. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}

/** The known name that a misspelt one most likely meant, or undefined when none is close. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= least) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** A name between backticks, safe to print: no control characters, not endless. */
export function named(name: string): string {
  return `\`${printable(name)}\``
}

/** A text between double quotes, safe to print. */
export function quoted(text: string): string {
  return `"${printable(text)}"`
}

/** A text that stays on its line and does not go on for ever. */
export function printable(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 79)}…` : text
  // Control and formatting characters could move the cursor or reverse the text of somebody's terminal.
  return cut.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Insertions, deletions, replacements and swaps of neighbours between two short texts. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(
        Math.min(
          (previous[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (previous[j - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    before = previous
    previous = row
  }
  return previous[b.length] ?? 0
}
