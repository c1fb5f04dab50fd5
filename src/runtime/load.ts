/** Loading a saved model: the very bytes that were hashed, or a sentence that says why not. */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Start } from '../wire/messages.ts'
import type { Loaded } from './ask.ts'
import { LoadFailure } from './failure.ts'
import { loadOnnx } from './onnx/onnx.ts'
import { Screen } from './screen.ts'
import { loadTypeScript } from './typescript.ts'
import { SchemaError } from './validate.ts'

/** The members of `thampi.json` that answers carry. */
const PROPERTIES = ['instance_id', 'thampi_data_version', 'trained_time_utc', 'tags']

/**
 * How models of a format are loaded, by the name in `saved.json`. A loader reads every file through `files`, which gives
 * nothing whose digest is another, and gives what can be asked; `initialize` is called afterwards, by the runtime.
 */
export type Loader = (files: SavedFiles, start: Start) => Loaded | Promise<Loaded>

const loaders: Readonly<Record<string, Loader>> = { typescript: loadTypeScript, onnx: loadOnnx }

export interface LoadedModel {
  readonly model: Loaded
  /** What answers carry, `served_time_utc` included. */
  readonly properties: Readonly<Record<string, unknown>>
  /** Undefined when the model has no schema.json. */
  readonly screen: Screen | undefined
}

/** Loads what `start` names; `held` are files that are in memory already. Throws `LoadFailure`. */
export async function load(start: Start, held?: ReadonlyMap<string, Buffer>): Promise<LoadedModel> {
  const files = new SavedFiles(start, held)
  const facts = files.json('thampi.json')
  // `saved.json` is written by `save`, `brought.json` by the command line about a model that another tool wrote.
  const said = ['saved.json', 'brought.json'].find(file => files.has(file))
  const format = said && files.json(said).format
  const loader = typeof format === 'string' && Object.hasOwn(loaders, format) ? loaders[format] : undefined
  if (!loader) {
    throw new LoadFailure('MODEL_INVALID', {
      message: `${start.model} is of the format ${JSON.stringify(format) ?? 'unknown'}, which this runtime cannot load.`,
      fix: 'save the model again, or serve it with the thampi that saved it',
    })
  }
  const properties = Object.fromEntries(PROPERTIES.filter(key => key in facts).map(key => [key, facts[key]]))
  return {
    screen: screenOf(files, start),
    model: await loader(files, start),
    properties: { ...properties, served_time_utc: start.servedTimeUtc },
  }
}

function screenOf(files: SavedFiles, { model, errors }: Start): Screen | undefined {
  if (!files.has('schema.json')) return undefined
  try {
    return new Screen(files.json('schema.json'), errors === 'terse')
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    throw new LoadFailure('MODEL_INVALID', {
      message: `schema.json of ${model} is no JSON Schema: /input${error.message}.`,
      fix: 'mend it, or delete the file',
    })
  }
}

/** The files of a saved model, each read once and compared with the digest that its version was released with. */
export class SavedFiles {
  readonly dir: string
  /** The model's name in the URL. */
  readonly name: string
  readonly #digests: Readonly<Record<string, string>>
  readonly #held: ReadonlyMap<string, Buffer>

  constructor(
    { modelDir, model, digests }: Pick<Start, 'modelDir' | 'model' | 'digests'>,
    held: ReadonlyMap<string, Buffer> = new Map(),
  ) {
    this.#held = held
    this.dir = modelDir
    this.name = model
    this.#digests = digests
  }

  /** Whether the version has such a file. */
  has(file: string): boolean {
    return Object.hasOwn(this.#digests, file)
  }

  /** The bytes of a file. Throws `LoadFailure` MODEL_MISSING, MODEL_INVALID, INTEGRITY. */
  bytes(file: string): Buffer {
    const bytes = this.#held.get(file) ?? this.#read(file, () => readFileSync(this.#path(file)))
    this.#compare(file, createHash('sha256').update(bytes))
    return bytes
  }

  /** The path of a file that is opened by others. Throws as `bytes` does. */
  path(file: string): string {
    const path = this.#path(file)
    const hash = createHash('sha256')
    this.#read(file, () => readInPieces(path, piece => hash.update(piece)))
    this.#compare(file, hash)
    return path
  }

  #compare(file: string, hash: Hash): void {
    const [wanted, found] = [this.#digests[file], `sha256:${hash.digest('hex')}`]
    if (found === wanted) return
    throw new LoadFailure('INTEGRITY', {
      message: `${file} of ${this.name} is not the file that was saved; it was not loaded.`,
      why: wanted === undefined ? 'No digest was given for it.' : `Its digest is ${found}, wanted ${wanted}.`,
      fix: 'save the model again, or restore the file',
    })
  }

  /** The JSON object in a file. */
  json(file: string): Record<string, unknown> {
    let value: unknown
    try {
      value = JSON.parse(this.bytes(file).toString('utf8'))
    } catch (cause) {
      if (cause instanceof LoadFailure) throw cause
      throw this.#unreadable(file, cause)
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.#unreadable(file)
    return value as Record<string, unknown>
  }

  #path(file: string): string {
    return join(this.dir, file)
  }

  #read<T>(file: string, read: () => T): T {
    try {
      return read()
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#unreadable(file, cause)
      throw new LoadFailure('MODEL_MISSING', {
        message: `No model at "${this.dir}": ${file} is missing.`,
        fix: 'run your training script, or pass the directory that save() wrote',
      })
    }
  }

  #unreadable(file: string, cause?: unknown): LoadFailure {
    return new LoadFailure('MODEL_INVALID', {
      message: `${file} of ${this.name} cannot be read.`,
      why: cause instanceof Error ? cause.message : undefined,
      fix: 'save the model again',
    })
  }
}

const pieceBytes = 1024 * 1024

/** What is big need not be in memory to be looked at. */
function readInPieces(path: string, each: (piece: Buffer) => void): void {
  const piece = Buffer.allocUnsafe(pieceBytes)
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const bytes = readSync(file, piece)
      if (bytes === 0) return
      each(piece.subarray(0, bytes))
    }
  } finally {
    closeSync(file)
  }
}
