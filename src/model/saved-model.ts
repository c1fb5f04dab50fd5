/** A saved model: the directory that `save()` wrote, read once and then trusted. */
import type { Digest } from '../system/files.ts'
import type { Schema } from './schema.ts'
import type { Tolerances } from './tolerances.ts'

export type FormatName = 'python' | 'typescript' | 'mlflow' | 'onnx'

/** The four keys every answer carries beside its result; `served_time_utc` is added when a version is released. */
export interface Properties {
  readonly thampi_data_version: string
  readonly trained_time_utc: string
  readonly instance_id: string
  readonly tags?: unknown
}

/** A package that a module of the pickle came from, as it was when the model was saved. */
export interface Package {
  readonly distribution: string
  readonly version: string
}

/** What `save` observed; undefined members belong to models that the original of 2018 saved. */
export interface MadeWith {
  /** Full version, `3.11.7`. */
  readonly python: string | undefined
  readonly cloudpickle: string | undefined
  /** `linux-x86_64` */
  readonly machine: string | undefined
  readonly thampi: string | undefined
  /** Top-level module of the pickle → its package. */
  readonly packages: Readonly<Record<string, Package>>
  /** Modules of the project that travel inside the pickle. */
  readonly localModules: readonly string[]
}

/** One recorded input and the answer the model gave when it was saved; both as exact JSON text. */
export interface Receipt {
  readonly data: string
  /** Undefined in a model that another tool wrote: it kept no answers, so any answer will do. */
  readonly result: string | undefined
}

export interface SavedModel {
  readonly dir: string
  /** The directory's own name: `iris-sklearn`. */
  readonly name: string
  readonly format: FormatName
  readonly properties: Properties
  readonly made: MadeWith
  readonly receipts: readonly Receipt[]
  /** How far answers may be from the recorded ones; undefined: as usual. */
  readonly tolerances?: Tolerances | undefined
  /** What it takes and gives, where that is known. */
  readonly schema?: Schema | undefined
  /** Files of the directory that belong to the model, relative names → digest of the bytes that were read. */
  readonly files: Readonly<Record<string, Digest>>
  /** Files that travel with it although they are not in the directory, name → text: what was found out about a brought model. */
  readonly added?: Readonly<Record<string, string>> | undefined
  /** The dependency file that came with it, as its user would write it. */
  readonly dependencyFile?: string | undefined
  /** What a person should hear about it. */
  readonly notices?: readonly string[] | undefined
}
