/** A bundle: saved model + dependencies + code for one target; immutable, named by its digest. */
import { ThampiError } from '../errors.ts'
import type { Properties } from '../model/saved-model.ts'
import type { Digest } from '../system/files.ts'
import type { Likeness } from './likeness.ts'

/** Where a bundle will run. How to get there is the installer's private matter. */
export interface Target {
  readonly os: 'linux' | 'darwin' | 'win32'
  readonly arch: 'x64' | 'arm64'
  /** Python minor, `3.11`. */
  readonly python?: string
  /** Node major, `22`. */
  readonly node?: string
  /**
   * The newest glibc that native code may ask for, `2.34`. With it the bundle is made for a machine that is not this
   * one: nothing that is installed here counts. Without it the bundle runs here.
   */
  readonly glibc?: string
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
  /** Unpacked it is all that the program finds beside its own library; absent: what is installed beside the program. */
  readonly archive?: DependencyArchive | undefined
}

/** One distribution in an archive of dependencies. */
export interface PackedPackage {
  readonly name: string
  readonly version: string
  /** File name of the wheel it came from. */
  readonly wheel: string
  /** What it takes when unpacked, bytecode included. */
  readonly bytes: number
  /** What of the wheel was left out: tests, headers and the like. */
  readonly dropped: { readonly files: number; readonly bytes: number }
}

/** The dependencies of a bundle for another machine: one zip archive, made of wheels for it. */
export interface DependencyArchive {
  /** Where the archive is now. */
  readonly file: string
  /** Of the archive's bytes. */
  readonly digest: Digest
  /** Size of the archive. */
  readonly bytes: number
  /** Size of all its files when unpacked. */
  readonly unpackedBytes: number
  readonly packages: readonly PackedPackage[]
  /** Sorted `name==version` lines. */
  readonly lock: readonly string[]
}

/** A bundle for another machine that has nothing to unpack: its module brings everything. */
export interface NoDependencies {
  /** Sorted `name==version` lines of what is in the module, for people who ask. */
  readonly lock: readonly string[]
}

export interface Bundle {
  readonly digest: Digest
  readonly language: Language
  readonly target: Target
  readonly layers: readonly Layer[]
  /** What runs it here, or what the other machine has to unpack. */
  readonly environment: LocalEnvironment | DependencyArchive | NoDependencies
  readonly properties: Properties
  /** The input of the first recorded example, as it was recorded: what a new process may be asked before it counts. */
  readonly example?: string | undefined
  /** How long imports and loading took where a bundle for another machine was tried, in seconds. */
  readonly startSeconds?: number | undefined
  /** What a person should hear about the packing; absent in a bundle that was read back from a store. */
  readonly notices: readonly string[]
  /** How it is related to what Lambda gets; absent where the settings do not mean Lambda, and in a bundle for Lambda. */
  readonly likeness?: Likeness | undefined
}

/** What runs a bundle on this machine. @throws ThampiError INTERNAL when it was made for another one */
export function localEnvironment({ environment, target }: Bundle): LocalEnvironment {
  if ('program' in environment) return environment
  throw new ThampiError('INTERNAL', {
    message: `A bundle for ${target.os} ${target.arch} elsewhere was to run here.`,
  })
}
