/** What makes a release the same as one that is there: serving that again changes nothing. */
import type { Weights } from '../platform.ts'
import type { VersionRecord } from './records.ts'

/** A version without its number, which the host gives. */
export type Release = Omit<VersionRecord, 'number'>

/** The versions of a stage as far as they are compared with a new one. */
export interface Released {
  readonly weights: Weights
  numbers(): Promise<readonly number[]>
  version(number: number): Promise<VersionRecord | undefined>
  wasRouted(number: number): boolean
  hasFailed(number: number): boolean
}

/**
 * The version that has the traffic, or one that a command left behind which was interrupted before it got any.
 * `isTimeChosen`: a person chose the time of serving, so it distinguishes releases.
 */
export async function sameRelease(
  stage: Released,
  wanted: Release,
  isTimeChosen: boolean,
): Promise<VersionRecord | undefined> {
  const [routed] = stage.weights.keys()
  const left = (await stage.numbers()).filter(number => !stage.wasRouted(number) && !stage.hasFailed(number))
  for (const number of [...(routed === undefined ? [] : [routed]), ...left.reverse()]) {
    const record = await stage.version(number)
    if (record && isSame(record, wanted, isTimeChosen)) return record
  }
  return undefined
}

function isSame(current: Release, wanted: Release, isTimeChosen: boolean): boolean {
  const essence = ({ bundle, settings, program, servedTimeUtc }: Release): string =>
    JSON.stringify([bundle, settings, program, isTimeChosen ? servedTimeUtc : null])
  return essence(current) === essence(wanted)
}

/** The number that the next version gets. */
export function numberAfter(numbers: readonly number[]): number {
  return (numbers.at(-1) ?? 0) + 1
}
