/** `thampi-manifest.json`: what a function is told about itself; `contract/lambda.md` has its meaning. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Start } from '../../wire/messages.ts'

/** What of `start` is said when a function is packed; the rest is where it runs. */
export type Said = Omit<Start, 'protocol' | 'modelDir' | 'codeDir' | 'version' | 'wallMb'>

export interface Manifest {
  readonly start: Said
  readonly model: { readonly in: 'function' } | InS3
  /** What the stage allows across sites. */
  readonly cors?: Cors | undefined
  /** The OpenAPI document, but for version and address. */
  readonly openapi?: string | undefined
  /** More environment, from a file in S3. */
  readonly remoteEnvironment?: RemoteEnvironmentAt | undefined
  /** Names the deployment. */
  readonly key: string
}

export interface InS3 {
  readonly in: 's3'
  readonly bucket: string
  readonly load: 'memory' | 'scratch'
  readonly files: Readonly<Record<string, Stored>>
}

/** One object. */
export interface Stored {
  readonly key: string
  /** Hexadecimal. */
  readonly sha256: string
  readonly bytes: number
}

export interface RemoteEnvironmentAt {
  readonly bucket: string
  readonly key: string
  /** Names that it may set anew. */
  readonly replaces: readonly string[]
}

export interface Cors {
  /** `*` or one origin, lower case. */
  readonly origin: string
  readonly headers: string
  readonly methods: string
}

/** Of the function at `root`. Throws: a function without one was not packed by Thampi, and cannot start. */
export function readManifest(root: string): Manifest {
  const manifest = JSON.parse(readFileSync(join(root, 'thampi-manifest.json'), 'utf8'))
  const { schemaVersion, start, model, cors, openapi, remoteEnvironment, key } = manifest
  if (schemaVersion === 1) return { start, model, cors, openapi, remoteEnvironment, key }
  throw new Error(
    `thampi-manifest.json has schema ${schemaVersion}, this runtime reads 1. Fix: serve the model again`,
  )
}
