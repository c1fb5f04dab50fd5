/** Comparing answers: the recorded one and the one a version gives now. Numbers keep the text they came with. */
import { isLosslessNumber, parse } from 'lossless-json'

export interface Difference {
  /** Where, as a Python programmer would write it: `result.scores[3]`. */
  readonly path: string
  /** JSON texts; `nothing` where a side has no value. */
  readonly recorded: string
  readonly got: string
}

/**
 * Relative and absolute tolerance between two numbers. Another BLAS or another processor changes the last bits of
 * a floating-point sum; a different model changes more than this.
 */
const relative = 1e-9
const absolute = 1e-12

/** What differs between a recorded result and the `result` of an answer, both as JSON text. */
export function differences(recordedResult: string, answer: string): Difference[] {
  const found: Difference[] = []
  compare('result', parse(recordedResult), (parse(answer) as { result?: unknown }).result, found)
  return found
}

function compare(path: string, recorded: unknown, got: unknown, found: Difference[]): void {
  if (Array.isArray(recorded) && Array.isArray(got)) {
    for (let i = 0; i < Math.max(recorded.length, got.length); i++)
      compare(`${path}[${i}]`, recorded[i], got[i], found)
  } else if (isObject(recorded) && isObject(got)) {
    const keys = new Set([...Object.keys(recorded), ...Object.keys(got)])
    for (const key of [...keys].sort()) compare(`${path}.${key}`, recorded[key], got[key], found)
  } else if (!isSame(recorded, got)) {
    found.push({ path, recorded: show(recorded), got: show(got) })
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
}

function isSame(a: unknown, b: unknown): boolean {
  if (!isLosslessNumber(a) || !isLosslessNumber(b)) return a === b
  if (a.value === b.value) return true
  // Whole numbers are labels and counts: near is wrong, and beyond 2^53 a comparison as floats would call them equal.
  if (isWhole(a.value) && isWhole(b.value)) return BigInt(a.value) === BigInt(b.value)
  const [x, y] = [Number(a.value), Number(b.value)]
  return Math.abs(x - y) <= Math.max(absolute, relative * Math.max(Math.abs(x), Math.abs(y)))
}

function isWhole(text: string): boolean {
  return /^-?\d+$/.test(text)
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (isLosslessNumber(value)) return value.value
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    isLosslessNumber(inner) ? Number(inner.value) : inner,
  )
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
