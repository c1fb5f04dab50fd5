/** `thampi-manifest.json` in a function: which model to load, as what, from where; `contract/lambda.md` says how it is read. */
import type { Properties } from '../../model/saved-model.ts'
import type { Cors } from '../../settings/cors.ts'
import type { RemoteEnvironment } from '../../settings/stage.ts'
import type { Digest } from '../../system/files.ts'

export const manifestFile = 'thampi-manifest.json'

export interface Manifest {
  readonly schemaVersion: 1
  /** The fields of the wire's `start` that have a meaning in a function. */
  readonly start: ManifestStart
  /** For readers: answers carry what the model's own `thampi.json` says. */
  readonly properties: Properties
  readonly model: ModelInFunction | ModelInS3
  /** Which pages of other origins may call; absent: none. */
  readonly cors?: Cors | undefined
  /** What callers may know, as an OpenAPI document in which version and address are left open. */
  readonly openapi?: string | undefined
  /** More environment, which the function reads from S3 before it loads the model. */
  readonly remoteEnvironment?: RemoteEnvironment | undefined
  /** Asked once before a snapshot is taken, so that what a first prediction touches is in it. */
  readonly prime?: { readonly data: unknown } | undefined
  /** Names what is deployed without the time of serving: two releases of the same thing have the same key. */
  readonly key: Digest
}

export interface ManifestStart {
  readonly model: string
  readonly stage: string
  /** Naive UTC. */
  readonly servedTimeUtc: string
  readonly errors: 'full' | 'terse'
  readonly logLevel: string
  readonly maxResultBytes: number
  /** A function answers one request at a time. */
  readonly maxBatch: 1
  readonly maxConcurrency: 1
  /** File of the saved model → digest of its bytes; nothing else is loaded. */
  readonly digests: Readonly<Record<string, Digest>>
}

/** The files lie in `model/` of the function. */
export interface ModelInFunction {
  readonly in: 'function'
}

/** The big files are objects of a bucket, each named by its content; the others lie in `model/` all the same. */
export interface ModelInS3 {
  readonly in: 's3'
  readonly bucket: string
  /** Into memory, or to scratch disk first. */
  readonly load: 'memory' | 'scratch'
  readonly files: Readonly<Record<string, ModelObject>>
}

export interface ModelObject {
  readonly key: string
  /** 64 hexadecimal digits. */
  readonly sha256: string
  readonly bytes: number
}

/** The text of a manifest: the same value gives the same bytes. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`
}
