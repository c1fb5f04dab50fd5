/** A bundle: saved model + dependencies + code for one target; immutable, named by its digest. */
import type { Properties } from '../model/saved-model.ts'
import type { Digest } from '../system/files.ts'

/** Where a bundle will run. How to get there is the installer's private matter. */
export interface Target {
  readonly os: 'linux' | 'darwin' | 'win32'
  readonly arch: 'x64' | 'arm64'
  /** Python minor, `3.11`. */
  readonly python?: string
  /** Node major, `22`. */
  readonly node?: string
}

/** Which edition of the runtime a bundle carries. */
export type Language = 'python' | 'node'

export type LayerKind = 'dependencies' | 'runtime' | 'code' | 'model'

/** One file of a layer. */
export interface FileEntry {
  /** Path inside the layer, with `/`. */
  readonly path: string
  readonly digest: Digest
  readonly size: number
  /** Where its bytes are now. */
  readonly source: string
  readonly executable: boolean
}

export interface Layer {
  readonly kind: LayerKind
  readonly digest: Digest
  /** Empty for a dependency layer that lives in an environment of this machine. */
  readonly files: readonly FileEntry[]
}

/** What runs a sandbox on this machine. */
export interface LocalEnvironment {
  /** Absolute path of the Python that sees the dependencies, or of the Node. */
  readonly program: string
  /** Full version of that program. */
  readonly version: string
  /** Sorted `name==version` lines: what the layer's digest is made of. */
  readonly lock: readonly string[]
}

export interface Bundle {
  readonly digest: Digest
  readonly language: Language
  readonly target: Target
  readonly layers: readonly Layer[]
  readonly environment: LocalEnvironment
  readonly properties: Properties
  /** What a person should hear about the packing; absent in a bundle that was read back from a store. */
  readonly notices: readonly string[]
}
