/** A lock: which wheels make up the dependencies of a model on a machine that is not this one. */
import type { Digest } from '../../system/files.ts'

/** One wheel, chosen for the target: everything that is needed to fetch and to judge it. */
export interface LockedWheel {
  /** Normalised: `scikit-learn`. */
  readonly name: string
  readonly version: string
  /** Name of the wheel's file. */
  readonly file: string
  /** `https:`, `http:` or `file:`; never with a user name or a password. */
  readonly url: string
  /** 64 hexadecimal digits. */
  readonly sha256: string
  /** Size of the file, when the index says it. */
  readonly bytes?: number
}

export interface Lock {
  /** Over names, versions, files and hashes, and not over the addresses: a mirror gives the same packages. */
  readonly digest: Digest
  /** Sorted by name, one for each package. */
  readonly wheels: readonly LockedWheel[]
  /** The same as `pylock.toml` (PEP 751). */
  readonly text: string
  /** What resolved it. */
  readonly by: 'uv' | 'pip'
  /** What a person should hear about it. */
  readonly notices: readonly string[]
}
