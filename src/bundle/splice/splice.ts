/** Wheels → one archive of dependencies: their packed bytes are copied, nothing is unpacked and packed again. */
import type { PythonFound } from '../../system/python.ts'

/** A wheel that is on this machine. */
export interface Wheel {
  /** Normalised: `scikit-learn`. */
  readonly name: string
  readonly version: string
  /** Name of the wheel's file. */
  readonly file: string
  /** 64 hexadecimal digits, of the file's bytes. */
  readonly sha256: string
  /** Where it is. */
  readonly path: string
}

export interface SpliceOptions {
  /** `python/` in a layer of Lambda. */
  readonly prefix: 'python/' | ''
  /** Packages that keep everything their wheels bring, tests too. Normalised names. */
  readonly keep?: readonly string[]
  /** Of the same minor as the target: compiles bytecode. Without it imports are slower, which is said. */
  readonly python?: PythonFound
}
