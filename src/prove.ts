/** Proof before traffic: a version must give the answers that were recorded when its model was saved. */
import { ThampiError } from './errors.ts'
import { compare, type Difference, resultOf } from './model/answers.ts'
import type { Evidence, Proof } from './model/proof.ts'
import type { Receipt, SavedModel } from './model/saved-model.ts'
import { defaultTolerances } from './model/tolerances.ts'
import type { Platform, Version } from './platforms/platform.ts'
import type { System } from './system/system.ts'
import { naiveUtc } from './system/time.ts'

/** A difference, and in the answer to which example (from 1) it is. */
export type FoundDifference = Difference & { readonly example: number }

/**
 * Replays every receipt against a version. All of them, so that whoever reads the error sees how much is different.
 *
 * @throws ThampiError EXAMPLE_DIFFERS, MODEL_RAISED
 */
export async function prove(
  version: Version,
  { receipts, tolerances }: Pick<SavedModel, 'receipts' | 'tolerances'>,
  platform: Platform,
  system: System,
): Promise<Proof> {
  const found: FoundDifference[] = []
  const times: number[] = []
  let maxDeviation = 0
  for (const [index, { data, result }] of receipts.entries()) {
    const began = performance.now()
    const { status, body } = await platform.send(version, Buffer.from(`{"data":${data}}`))
    times.push(performance.now() - began)
    if (status >= 400) throw refused(nameOf([index + 1], receipts), status, body, version)
    if (result === undefined) continue
    const compared = compare(result, resultOf(body.toString('utf8')), tolerances)
    maxDeviation = Math.max(maxDeviation, compared.maxDeviation)
    found.push(...compared.differences.map(difference => ({ example: index + 1, ...difference })))
  }
  if (found.length > 0) throw differs(found, receipts, version)
  return {
    provenTimeUtc: naiveUtc(system.now()),
    examples: receipts.length,
    maxDeviation,
    latencyMs: { median: tenths(median(times)), max: tenths(times.reduce((a, b) => Math.max(a, b), 0)) },
  }
}

/** `20 examples replayed, identical`; of a model that came without recorded answers: `1 example answered`. */
export function sentenceOf({ examples, maxDeviation }: Proof, receipts: readonly Receipt[]): string {
  const count = examples === 1 ? '1 example' : `${examples} examples`
  if (receipts.every(({ result }) => result === undefined)) return `${count} answered`
  const how = maxDeviation === 0 ? 'identical' : `within tolerance, largest Δ ${short(maxDeviation)}`
  return `${count} replayed, ${how}`
}

/** In characters: what is read whenever two versions are compared should not be pictures by the thousand. */
const mostEvidence = 4 * 1024 * 1024

/** What stays with a version after it was proven: of very long examples the first ones. */
export function evidenceOf(
  proof: Proof,
  { receipts, tolerances = defaultTolerances }: Pick<SavedModel, 'receipts' | 'tolerances'>,
): Evidence {
  let length = 0
  const kept = receipts.filter(({ data, result = '' }) => {
    length += data.length + result.length
    return length <= mostEvidence
  })
  return { proof, receipts: kept, tolerances }
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** `example 2 of 50`, `3 of 50 examples`. */
function nameOf(examples: readonly number[], { length }: readonly Receipt[]): string {
  return examples.length === 1
    ? `example ${examples[0]} of ${length}`
    : `${examples.length} of ${length} examples`
}

function refused(name: string, status: number, body: Buffer, { stage }: Version): ThampiError {
  let problem: { detail?: string } | undefined
  try {
    problem = JSON.parse(body.toString('utf8')) as { detail?: string }
  } catch {
    // Not a problem document: its status is all that can be said.
  }
  return new ThampiError('MODEL_RAISED', {
    message: `The new version answered ${name} with HTTP ${status}. It gets no traffic.`,
    why: problem?.detail,
    fix: `thampi logs ${stage} --since=3m`,
    problem,
  })
}

/** In the message; `--json` has more. */
const shown = 3
const kept = 100

function differs(
  found: readonly FoundDifference[],
  receipts: readonly Receipt[],
  { stage }: Version,
): ThampiError {
  const examples = [...new Set(found.map(({ example }) => example))]
  return new ThampiError('EXAMPLE_DIFFERS', {
    message: `The new version answers ${nameOf(examples, receipts)} differently from when the model was saved. It gets no traffic.`,
    why: describeDifferences(found, examples.length > 1).join('\n'),
    fix: `pin the library versions the model was saved with, or save it again; then thampi serve ${stage}`,
    problem: {
      differences: found.slice(0, kept),
      differing_examples: examples.length,
      examples: receipts.length,
    },
  })
}

/** Sentences for people: the first few differences, and the largest one when it is not among them. */
function describeDifferences(found: readonly FoundDifference[], severalExamples: boolean): string[] {
  const lines = found.slice(0, shown).map(({ example, path, recorded, got, delta }) => {
    const where = severalExamples ? `Example ${example}: ` : ''
    return `${where}${path} was ${recorded}, is ${got}${isFraction(recorded, got) ? ` (Δ ${short(delta)})` : ''}.`
  })
  if (found.length <= shown) return lines
  const largest = largestOf(found)
  const where = largest === undefined ? '' : `; the largest Δ is ${short(largest.delta)} at ${largest.path}`
  return [...lines, `And ${found.length - shown} more${where}.`]
}

/** The difference with the largest distance between two numbers that are no labels or counts. */
export function largestOf<T extends Difference>(found: readonly T[]): T | undefined {
  const distances = found.filter(({ recorded, got }) => isFraction(recorded, got))
  return distances.reduce<T | undefined>(
    (largest, one) => ((one.delta ?? 0) > (largest?.delta ?? -1) ? one : largest),
    undefined,
  )
}

/** Whole numbers are labels and counts; how far they are apart is plain to see. */
export function isFraction(...texts: readonly string[]): boolean {
  return texts.every(text => /^-?\d/.test(text)) && texts.some(text => !/^-?\d+$/.test(text))
}

/** Three digits are enough to know how far. */
export function short(delta: number | undefined): string {
  return delta === undefined ? '' : String(Number(delta.toPrecision(3)))
}
