/** What AWS Lambda is given to run a bundle: a function's zip, layers, where the model is, and how it is configured. */
import type { Digest } from '../../system/files.ts'
import type { Archive } from '../zip/zip.ts'
import type { ModelObject } from './manifest.ts'

/** Runtimes whose base has glibc 2.34. Lambda's list of runtimes. */
export type LambdaRuntime = 'python3.12' | 'python3.13' | 'python3.14' | 'nodejs22.x' | 'nodejs24.x'

/** As Lambda names processors. */
export type LambdaArchitecture = 'x86_64' | 'arm64'

/** The module and the function in it that Lambda calls, in both languages. */
export const handler = 'thampi_handler.handler'

export interface LambdaLayer {
  /** Made of its content: `thampi-py313-x86_64-0123456789abcdef`. A layer of this name holds these files, whoever published it. */
  readonly name: string
  readonly archive: Archive
}

/** One file of a model that goes to S3. */
export interface ModelBlob extends ModelObject {
  /** Relative to the saved model: `model.pkl`. */
  readonly path: string
  readonly digest: Digest
  /** Where its bytes are now. */
  readonly source: string
}

export type ModelPlacement =
  | { readonly in: 'function' }
  | {
      readonly in: 's3'
      readonly bucket: string
      readonly load: 'memory' | 'scratch'
      /** To be there before the function is. */
      readonly blobs: readonly ModelBlob[]
    }

export interface LambdaPackage {
  readonly runtime: LambdaRuntime
  readonly handler: typeof handler
  readonly architecture: LambdaArchitecture
  /** Its digest is what Lambda calls `CodeSha256`, there in base64. Above `maxDirectUploadBytes` it has to go through S3. */
  readonly functionZip: Archive
  /** Ours, to be published where they are missing, in this order. */
  readonly layers: readonly LambdaLayer[]
  /** The user's own (`layers` in the settings), behind ours. */
  readonly layerArns: readonly string[]
  readonly model: ModelPlacement
  readonly environment: Readonly<Record<string, string>>
  readonly memoryMb: number
  readonly timeoutSeconds: number
  readonly ephemeralMb: number
  readonly snapStart: boolean
  /** When the function is called so that it stays warm, `rate(4 minutes)`; undefined: never. */
  readonly keepWarm: string | undefined
  /** Sentences for people. */
  readonly notices: readonly string[]
  /** Names all of the above without the time of serving: when it is the live one's, there is nothing to do. */
  readonly key: Digest
}

/** What of a package is known only when it is released. */
export interface LambdaRelease {
  /** Naive UTC. */
  readonly servedTimeUtc: string
  /** What callers may know of it, for the function to answer with; see `Manifest`. */
  readonly openapi?: string | undefined
  /** Where the big files of a model go: `{ bucket: 'my-store', prefix: 'thampi/blobs/sha256/' }`. */
  readonly blobs?: { readonly bucket: string; readonly prefix: string } | undefined
}
