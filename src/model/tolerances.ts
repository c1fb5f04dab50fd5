/** `tolerances.json` beside a model: how far an answer may be from the recorded one. Its owner may edit it. */
import { ThampiError } from '../errors.ts'
import { stepsOf } from './paths.ts'

export const TOLERANCES_FILE = 'tolerances.json'

export interface Tolerances {
  /** Of the larger of two numbers. */
  readonly rtol: number
  readonly atol: number
  /** Places in answers that may differ, each as its steps; `*` is any step. */
  readonly ignore: readonly (readonly string[])[]
}

/**
 * Another number of threads, or another processor, adds the same numbers up in another order, which changes the last
 * bits of a floating-point sum; another model changes more than this. A flipped bit of the saved bytes does not need
 * to show here: the digest of the file is compared before anything is loaded.
 */
export const defaultTolerances: Tolerances = { rtol: 1e-9, atol: 1e-12, ignore: [] }

/** `shown` is the file as its user would write it. Throws `MODEL_INVALID`. */
export function parseTolerances(text: string, shown: string): Tolerances {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid(`${shown} is not JSON.`, cause instanceof Error ? cause.message : undefined)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${shown} holds no JSON object.`)
  const { rtol, atol, ignore, ...more } = value as Readonly<Record<string, unknown>>
  const [unknown] = Object.keys(more)
  // A misspelt tolerance would silently be none.
  if (unknown !== undefined) throw invalid(`${shown}: "${unknown}" is none of "rtol", "atol" and "ignore".`)
  return {
    rtol: numberIn(rtol, 'rtol', shown),
    atol: numberIn(atol, 'atol', shown),
    ignore: pathsIn(ignore, shown),
  }
}

function numberIn(value: unknown, name: 'rtol' | 'atol', shown: string): number {
  if (value === undefined) return defaultTolerances[name]
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value
  throw invalid(`${shown}: "${name}" is ${JSON.stringify(value)} and must be a number, 0 or more.`)
}

function pathsIn(value: unknown, shown: string): string[][] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalid(`${shown}: "ignore" must be a list of paths.`)
  return value.map((path: unknown) => {
    const steps = typeof path === 'string' ? stepsOf(path, 'result') : undefined
    if (steps) return steps
    const got = JSON.stringify(path)
    throw invalid(
      `${shown}: "ignore" has ${got}, which is no path such as "result.id" or "result.items[*].seconds".`,
    )
  })
}

function invalid(message: string, why?: string): ThampiError {
  return new ThampiError('MODEL_INVALID', {
    message,
    why,
    fix: 'mend the file, or delete it to compare as usual',
  })
}
