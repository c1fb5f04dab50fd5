/** The verb `save`: a trained model of a TypeScript program becomes a directory that can be served. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { bundleModule, type Module } from './authoring/bundle.ts'
import { writeModel } from './authoring/directory.ts'
import { definedIn, entryScript, privateFieldsOf } from './authoring/origin.ts'
import { ThampiError } from './errors.ts'
import { record } from './record.ts'
import { encode, NotJson } from './runtime/encode.ts'
import type { Model, StandardSchema, ThampiModel } from './runtime/model.ts'
import { encodeState, StateRefused } from './runtime/state.ts'
import { digestOf, forPeople } from './system/files.ts'
import { realSystem, type System } from './system/system.ts'
import { naiveUtc } from './system/time.ts'
import { version } from './system/version.ts'

export interface SaveOptions {
  /** One input: the model is asked once, and every later version of it has to give the same answer before it gets traffic. */
  readonly inputExample?: unknown
  /** A list of such inputs. */
  readonly examples?: readonly unknown[]
  /** JSON that every answer carries in its properties. */
  readonly tags?: unknown
  /** When it was trained; now unless said. */
  readonly trainedTimeUtc?: Date | string
  /** Names this training; a new UUID unless said. */
  readonly instanceId?: string
}

/** Where a model was saved. */
export interface Saved {
  /** The directory, absolute. */
  readonly path: string
  /** Bytes written. */
  readonly size: number
  /** How many examples were recorded. */
  readonly receipts: number
  /** What to type in a terminal to serve it. */
  readonly nextCommand: string
}

/** Anything that can be saved: an instance of a class with `predict`, or what `defineModel` gave. */
// biome-ignore lint/suspicious/noExplicitAny: a model of any input and output; `unknown` would refuse them all
export type Saveable = Pick<Model<any, any>, 'predict'> | ThampiModel<any, any, any>

/**
 * Writes a model to the directory `<dir>/<name>/`, complete or not at all.
 *
 * The module that defines its class is bundled with all that it imports, by the esbuild of your project; its fields are
 * written beside it. The class must be exported by a file other than the script that trains. A process with the saved model
 * is started once, so that what cannot be loaded is not saved, and the examples are answered there.
 *
 * @throws ThampiError NAME_INVALID, MODEL_INVALID, ESBUILD_MISSING, BUNDLE_FAILED, MODEL_LOAD_FAILED, MODEL_RAISED,
 * RESULT_NOT_JSON, PERMISSION, DISK_FULL
 * @example
 * import { save } from 'thampi'
 * import { Iris } from './iris.ts'
 *
 * const { nextCommand } = await save(new Iris(weights), 'iris', './models', {
 *   inputExample: { input: [5.9, 3.2, 4.8, 1.8] },
 * })
 */
export async function save(
  model: Saveable,
  name: string,
  dir: string = '.',
  options: SaveOptions = {},
): Promise<Saved> {
  checkName(name)
  const system = realSystem()
  const path = resolve(system.cwd, dir, name)
  const module = await moduleOf(model, path, system)
  return write(module, name, { ...options, state: await stateOf(model), schemas: schemasOf(model) }, system)
}

/**
 * The same for a file whose default export is a model without trained state, into `<dir>/<name of the file>/`. What it was
 * made from decides its `instance_id`, so that the same sources are the same model.
 */
export async function saveFile(file: string, dir: string, system: System): Promise<Saved> {
  const absolute = resolve(system.cwd, file)
  if (!existsSync(absolute)) {
    throw new ThampiError('MODEL_MISSING', {
      message: `No model at "${file}": there is no such file.`,
      fix: 'pass a file with `export default defineModel({ … })`, or the directory given to save()',
    })
  }
  const name = modelNameOf(file)
  const module = {
    file: absolute,
    exported: undefined,
    model: name,
    outDir: resolve(dir, name),
    cwd: system.cwd,
  }
  return write(module, name, { state: undefined, schemas: undefined }, system)
}

/** `./greeter.ts` → `greeter` */
export function modelNameOf(file: string): string {
  return basename(file, extname(file))
}

/** Files whose default export may be served as it stands. */
export function isModule(path: string): boolean {
  return /\.[cm]?[jt]s$/.test(path)
}

interface Content extends SaveOptions {
  /** Undefined: the class is made anew. */
  readonly state: { readonly json: unknown; readonly arrays: Buffer } | undefined
  readonly schemas: Schemas | undefined
}

interface Schemas {
  readonly input?: StandardSchema | undefined
  readonly output?: StandardSchema | undefined
}

async function write(module: Module, name: string, content: Content, system: System): Promise<Saved> {
  const { code, packages, localModules } = await bundleModule(module)
  const { state, schemas, inputExample, examples = [], tags } = content
  const files: Record<string, string | Uint8Array> = {
    'model.mjs': code,
    ...(state === undefined ? {} : { 'state.json': `${JSON.stringify({ state: state.json })}\n` }),
    ...(state && state.arrays.length > 0 ? { 'state.bin': state.arrays } : {}),
    ...schemaFile(schemas),
  }
  const isTrained = state !== undefined
  files['thampi.json'] = jsonOf({
    thampi_data_version: '0.1',
    trained_time_utc: textOf(content.trainedTimeUtc ?? (isTrained ? system.now() : await ageOf(module.file))),
    instance_id: content.instanceId ?? (isTrained ? randomUUID() : uuidOf(code)),
    ...(tags === undefined ? {} : { tags }),
  })
  const facts = {
    schemaVersion: 1,
    format: 'typescript',
    name,
    thampi: version,
    node: { version: process.versions.node },
    machine: `${process.platform}-${process.arch}`,
    packages,
    localModules,
  }
  const digests = (): Record<string, string> =>
    Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, digestOf(bytes)]))
  const asked = [...(inputExample === undefined ? [] : [inputExample]), ...examples].map(exampleText)
  const trial = { ...files, 'saved.json': jsonOf({ ...facts, files: digests() }) }
  const receipts = await record(trial, name, asked, system)
  if (receipts !== '') files['receipts.jsonl'] = receipts
  files['saved.json'] = jsonOf({ ...facts, files: digests() })
  await writeModel(module.outDir, files)
  const shown = forPeople(module.outDir, system.cwd)
  return {
    path: module.outDir,
    size: Object.values(files).reduce((sum, bytes) => sum + Buffer.byteLength(bytes), 0),
    receipts: asked.length,
    nextCommand: `thampi serve --model_dir=${/^[./]/.test(shown) ? shown : `./${shown}`}`,
  }
}

function checkName(name: string): void {
  const separator = ['/', '\\', '\0', '\n'].find(sign => name.includes(sign))
  if (name.trim() !== '' && name !== '.' && name !== '..' && separator === undefined) return
  throw new ThampiError('NAME_INVALID', {
    message: `${JSON.stringify(name)} cannot be the name of a directory.`,
    why: separator === undefined ? undefined : `It contains ${JSON.stringify(separator)}.`,
    fix: "give the name alone and the place after it: save(model, 'iris', './models')",
  })
}

/** The module that defines a model's class, or its function `predict`. */
async function moduleOf(model: Saveable, outDir: string, { cwd }: System): Promise<Module> {
  const predict: unknown = model.predict
  if (typeof predict !== 'function') {
    throw new ThampiError('MODEL_INVALID', {
      message: 'What is to be saved has no method predict(args, context).',
      fix: 'save an instance of a class that extends Model, or what defineModel gave',
    })
  }
  const isInstance = isOfClass(model)
  const subject = isInstance ? (model.constructor as new () => unknown) : predict
  const name = isInstance ? model.constructor.name || 'the class' : 'the model'
  const file = await definedIn(subject as (...args: never[]) => unknown)
  if (file === undefined) {
    throw new ThampiError('BUNDLE_FAILED', {
      message: `${name} is not defined in a file, so there is nothing to bundle.`,
      fix: 'put it into a file of its own, and import it from there',
    })
  }
  if (file === entryScript()) {
    const shown = forPeople(file, cwd)
    throw new ThampiError('BUNDLE_FAILED', {
      message: `${name} is defined in ${shown}, which is the script that runs now; loading the model would run it again.`,
      fix: `move ${name} to a file of its own, export it there and import it in ${shown}`,
    })
  }
  return { file, exported: isInstance ? model.constructor.name : undefined, model: name, outDir, cwd }
}

function isOfClass(model: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(model)
  return prototype !== Object.prototype && prototype !== null
}

async function stateOf(model: Saveable): Promise<Content['state']> {
  if (!isOfClass(model)) return undefined
  const { toState } = model as { toState?: () => unknown }
  const name = model.constructor.name
  if (toState === undefined) {
    const [field] = await privateFieldsOf(model)
    if (field !== undefined) {
      throw new ThampiError('MODEL_INVALID', {
        message: `${name} has the field ${field}, which only its own class can read and nobody can save.`,
        fix: `write \`private ${field.slice(1)}\` instead of \`${field}\`, or give the class toState() and a static fromState(state)`,
      })
    }
  }
  try {
    return encodeState(toState ? toState.call(model) : { ...model })
  } catch (cause) {
    if (!(cause instanceof StateRefused)) throw cause
    throw new ThampiError('MODEL_INVALID', {
      message: `The field \`${cause.where}\` of ${name} ${cause.what} and cannot be saved.`,
      fix: 'set it in initialize(), or give the class toState() and a static fromState(state)',
      cause,
    })
  }
}

function schemasOf(model: Saveable): Schemas | undefined {
  return isOfClass(model) ? undefined : (model as ThampiModel)
}

/** What the schema says of itself as JSON Schema, for those who call the model; it is checked by the schema itself. */
function schemaFile(schemas: Schemas | undefined): { 'schema.json'?: string } {
  const options = { target: 'draft-2020-12' }
  const input = jsonSchemaOf(() => schemas?.input?.['~standard'].jsonSchema?.input(options))
  const output = jsonSchemaOf(() => schemas?.output?.['~standard'].jsonSchema?.output(options))
  return input || output ? { 'schema.json': jsonOf({ declared: false, input, output }) } : {}
}

/** A schema that JSON Schema cannot express, such as one with a transformation, checks all the same. */
function jsonSchemaOf(make: () => Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

function exampleText(example: unknown, at: number): string {
  try {
    return encode(example)
  } catch (cause) {
    if (!(cause instanceof NotJson)) throw cause
    throw new ThampiError('RESULT_NOT_JSON', {
      message: `Example ${at + 1} cannot be sent as JSON: \`${cause.where.replace('result', 'example')}\` ${cause.what}. Nothing was saved.`,
      fix: cause.fix,
      cause,
    })
  }
}

function textOf(time: Date | string): string {
  return time instanceof Date ? naiveUtc(time) : time
}

/** A model without training is as old as its file. */
async function ageOf(file: string): Promise<Date> {
  return new Date(Math.floor((await stat(file)).mtimeMs))
}

/** A UUID of version 8, made of what it names. */
function uuidOf(code: Uint8Array): string {
  const hex = digestOf(code).slice('sha256:'.length)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

function jsonOf(value: unknown): string {
  try {
    return `${JSON.stringify(value, null, 4)}\n`
  } catch (cause) {
    throw new ThampiError('RESULT_NOT_JSON', {
      message: '`tags` cannot be written as JSON.',
      why: cause instanceof Error ? cause.message : undefined,
      cause,
    })
  }
}
