/** What goes where in Lambda: in the function's zip, in a layer, in S3; or nowhere, because it is too big for a zip. */
import {
  maxEmbeddedModelBytes,
  maxModelInLeastScratch,
  maxUnpackedBytes,
  scratchMb,
  unpackedReserveBytes,
} from './limits.ts'

/** Bytes when unpacked. */
export interface Sizes {
  readonly dependencies: number
  /** Our runtime and the project. */
  readonly code: number
  readonly model: number
}

export type Decision =
  /** Dependencies in a layer, everything else in the function's zip: nothing is fetched at a start. */
  | { readonly package: 'zip'; readonly model: 'function' }
  /** The same, with the big files of the model in S3. */
  | { readonly package: 'zip'; readonly model: 's3'; readonly fitsLeastScratch: boolean }
  /** Only a container image, up to 10 GB, could hold it. */
  | { readonly package: 'image'; readonly because: 'packages' | 'model' }

/** What dependencies, runtime and project may take together. */
export const roomForCode: number = maxUnpackedBytes - unpackedReserveBytes

/**
 * The first row that fits counts.
 *
 * | dependencies and code | model | → |
 * | --- | --- | --- |
 * | over 258 MB | any | image |
 * | with the model at most 258 MB | at most 50 MB | layer + function zip with the model |
 * | at most 258 MB | at most 450 MB | layer + function zip, model in S3 → memory, or scratch disk of 512 MB |
 * | at most 258 MB | at most 9.7 GB | layer + function zip, model in S3 → memory with SnapStart, else more scratch disk |
 * | at most 258 MB | more | image |
 *
 * @example
 * decide({ dependencies: 180e6, code: 1e6, model: 3e6 }) // { package: 'zip', model: 'function' }
 */
export function decide({ dependencies, code, model }: Sizes): Decision {
  const fixed = dependencies + code
  if (fixed > roomForCode) return { package: 'image', because: 'packages' }
  if (model <= maxEmbeddedModelBytes && fixed + model <= roomForCode)
    return { package: 'zip', model: 'function' }
  if (scratchFor(model) > scratchMb.most) return { package: 'image', because: 'model' }
  return { package: 'zip', model: 's3', fitsLeastScratch: model <= maxModelInLeastScratch }
}

/** MB of scratch disk that hold a model with a tenth to spare. */
export function scratchFor(modelBytes: number): number {
  return Math.max(scratchMb.least, Math.ceil((modelBytes * 1.1) / 2 ** 20))
}
