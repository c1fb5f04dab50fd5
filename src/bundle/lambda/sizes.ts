/** How big the parts of a bundle are once a function has unpacked them. */
import type { Bundle, DependencyArchive } from '../bundle.ts'
import type { Sizes } from './decision.ts'
import { bytesOf, functionFiles } from './function-zip.ts'

/** What of a bundle takes how much in a function, unpacked. */
export function sizesOf(bundle: Bundle): Sizes {
  const files = functionFiles(bundle)
  const model = bytesOf(files.filter(({ from }) => from === 'model'))
  return {
    dependencies: archiveOf(bundle)?.unpackedBytes ?? 0,
    code: bytesOf(files) - model,
    model,
  }
}

/** The dependencies that were packed for the machine; a model without any has none. */
export function archiveOf({ environment }: Bundle): DependencyArchive | undefined {
  return 'file' in environment && environment.packages.length > 0 ? environment : undefined
}
