/** How long a function will take until it answers its first request. An estimate: only Lambda itself can tell. */
import type { Bundle } from '../bundle.ts'
import type { LambdaPackage } from './package.ts'
import { sizesOf } from './sizes.ts'

export interface StartEstimate {
  readonly seconds: number
  /** `measured`: imports and loading took so long here. `bytes`: nothing was run, it is guessed from sizes. */
  readonly basis: 'measured' | 'bytes'
  /** How it comes about. */
  readonly because: string
}

/** Until the runtime runs our first line; reported for zip functions of either language. */
const environmentSeconds = 0.3

/** A snapshot is back after so long, whatever is in it; reported, 0.4 to 0.7 s. */
const restoreSeconds = 0.6

/**
 * Bytes of packages that are imported in a second: scikit-learn with scipy and numpy, 203 MB with bytecode, takes 1.4 s on
 * a small machine and without bytecode 4 s.
 */
const importedPerSecond = { compiled: 145e6, plain: 45e6 }

/** Bytes a second out of S3 within its region, with several connections, on a function with a whole processor. */
const fetchedPerSecond = 80e6

/** Memory at which a function has one whole processor. Documentation of Lambda. */
const wholeProcessorMb = 1769

/**
 * @example
 * startEstimate(made, bundle).seconds // 1.7
 */
export function startEstimate(made: LambdaPackage, bundle: Bundle, compiled: boolean): StartEstimate {
  if (made.snapStart) return { seconds: restoreSeconds, basis: 'bytes', because: 'restoring a snapshot' }
  const fetched = made.model.in === 's3' ? made.model.blobs.reduce((sum, { bytes }) => sum + bytes, 0) : 0
  const fetching = fetched / fetchedPerSecond
  const { startSeconds } = bundle
  const basis = startSeconds === undefined ? 'bytes' : 'measured'
  const loading =
    startSeconds ??
    sizesOf(bundle).dependencies / (compiled ? importedPerSecond.compiled : importedPerSecond.plain)
  const parts = [
    `${environmentSeconds} s for the environment`,
    startSeconds === undefined
      ? `${loading.toFixed(1)} s for imports, guessed from their size`
      : `${loading.toFixed(1)} s for imports and loading, measured here`,
    ...(fetched > 0 ? [`${fetching.toFixed(1)} s for the model out of S3, guessed`] : []),
  ]
  const slow =
    made.memoryMb < wholeProcessorMb / 2
      ? `; longer with ${made.memoryMb} MB, which is part of a processor`
      : ''
  return {
    seconds: environmentSeconds + loading + fetching,
    basis,
    because: `${parts.join(', ')}${slow}`,
  }
}
