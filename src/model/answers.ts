/** Comparing answers: the recorded one and the one a version gives now. Numbers keep the text they came with. */
import { isLosslessNumber, parse, stringify } from 'lossless-json'
import { defaultTolerances, type Tolerances } from './tolerances.ts'

export interface Difference {
  /** Where: `result.scores[3]`, `result["two words"]`. */
  readonly path: string
  /** JSON texts; `nothing` where a side has no value. */
  readonly recorded: string
  readonly got: string
  /** How far apart two numbers are. */
  readonly delta?: number
}

export interface Comparison {
  readonly differences: readonly Difference[]
  /** The largest distance between two numbers of the same place, tolerated ones included; 0 when all are the same. */
  readonly maxDeviation: number
}

/**
 * Compares two results as JSON texts: the recorded one, and the one there is now.
 *
 * @example
 * compare('{"p":0.5}', resultOf('{"properties":{},"result":{"p":0.75}}')).differences
 * // [{ path: 'result.p', recorded: '0.5', got: '0.75', delta: 0.25 }]
 */
export function compare(
  recorded: string,
  got: string,
  tolerances: Tolerances = defaultTolerances,
): Comparison {
  const comparing = new Comparing(tolerances)
  comparing.at([], parse(recorded), parse(got))
  return comparing
}

/** The `result` of an answer, as JSON text. */
export function resultOf(answer: string): string {
  return stringify((parse(answer) as { result?: unknown }).result) ?? 'null'
}

class Comparing implements Comparison {
  readonly differences: Difference[] = []
  maxDeviation = 0
  readonly #tolerances: Tolerances

  constructor(tolerances: Tolerances) {
    this.#tolerances = tolerances
  }

  at(steps: readonly string[], recorded: unknown, got: unknown): void {
    if (this.#isIgnored(steps)) return
    if (Array.isArray(recorded) && Array.isArray(got)) {
      for (let i = 0; i < Math.max(recorded.length, got.length); i++)
        this.at([...steps, `${i}`], recorded[i], got[i])
    } else if (isObject(recorded) && isObject(got)) {
      const keys = new Set([...Object.keys(recorded), ...Object.keys(got)])
      for (const key of [...keys].sort()) this.at([...steps, key], recorded[key], got[key])
    } else {
      this.#leaf(steps, recorded, got)
    }
  }

  #leaf(steps: readonly string[], recorded: unknown, got: unknown): void {
    const delta = distance(recorded, got)
    if (delta !== undefined && delta > this.maxDeviation) this.maxDeviation = delta
    if (this.#isSame(recorded, got, delta)) return
    this.differences.push({
      path: pathOf(steps),
      recorded: show(recorded),
      got: show(got),
      ...(delta === undefined ? {} : { delta }),
    })
  }

  #isSame(a: unknown, b: unknown, delta: number | undefined): boolean {
    if (!isLosslessNumber(a) || !isLosslessNumber(b)) return a === b
    if (a.value === b.value) return true
    // Whole numbers are labels and counts: near is wrong, and beyond 2^53 a comparison as floats would call them equal.
    if (isWhole(a.value) && isWhole(b.value)) return BigInt(a.value) === BigInt(b.value)
    const { rtol, atol } = this.#tolerances
    const larger = Math.max(Math.abs(Number(a.value)), Math.abs(Number(b.value)))
    return delta !== undefined && delta <= Math.max(atol, rtol * larger)
  }

  #isIgnored(steps: readonly string[]): boolean {
    return this.#tolerances.ignore.some(
      path => path.length === steps.length && path.every((step, i) => step === '*' || step === steps[i]),
    )
  }
}

function distance(a: unknown, b: unknown): number | undefined {
  return isLosslessNumber(a) && isLosslessNumber(b) ? Math.abs(Number(a.value) - Number(b.value)) : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
}

function isWhole(text: string): boolean {
  return /^-?\d+$/.test(text)
}

function pathOf(steps: readonly string[]): string {
  const shown = steps.map(step => {
    if (/^\d+$/.test(step)) return `[${step}]`
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
  })
  return `result${shown.join('')}`
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (isLosslessNumber(value)) return value.value
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    isLosslessNumber(inner) ? Number(inner.value) : inner,
  )
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
