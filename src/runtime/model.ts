/** What authors of models import as `thampi/model`. It travels inside their models and imports nothing. */

/**
 * The base class of models that are trained: fill its fields, then `save()` it.
 *
 * Fields are saved with the model, also those that TypeScript calls `private`: plain values, arrays, typed arrays, `Map`,
 * `Set`, `Date`. What cannot be saved as it is goes through `toState` and a static `fromState`.
 *
 * @example
 * export class Iris extends Model<{ input: number[] }, { result: number }> {
 *   centres: number[][] = []
 *
 *   override predict({ input }: { input: number[] }) {
 *     if (input.length !== 4) throw new BadInput('input must have 4 numbers', '/data/input')
 *     return { result: nearest(this.centres, input) }
 *   }
 * }
 */
export abstract class Model<In = unknown, Out = unknown> {
  /** Called once after the model was loaded, before it is asked. May open files and set fields; none of it is saved. */
  initialize?(context: Context): void | Promise<void>

  /**
   * Gives the answer for `args`, the JSON value under `data` of a request (`null` when there is none). What it returns
   * is written as JSON under `result`.
   *
   * @throws BadInput when the caller's input is at fault: the caller hears 422. Any other error is the model's own: 500.
   */
  abstract predict(args: In, context: Context): Out | Promise<Out>

  /**
   * Optional: answers several callers with one call. Gets a list of what `predict` would get, and returns as many results
   * in the same order. A `BadInput` or an `ItemError` in the place of a result concerns that caller alone. When the call
   * throws, its inputs are asked again one by one.
   */
  predictBatch?(batch: In[], context: Context): Batch<Out> | Promise<Batch<Out>>

  /** Optional: what is saved in the place of the fields. A static `fromState(state)` makes the model of it again. */
  toState?(): unknown
}

/** What `predictBatch` returns: for each input its result, or its error. */
export type Batch<Out> = ArrayLike<Out | BadInput | ItemError>

/** The second argument of `initialize`, `predict` and `predictBatch`: what a model is told about the call. */
export interface Context {
  /** Lines with a level; `thampi logs` shows them under the request they belong to. */
  readonly log: Log
  /** `staging`; undefined while the model is saved. */
  readonly stage: string | undefined
  /** The model's name in the URL. */
  readonly model: string | undefined
  /** The version's number; undefined while the model is saved. */
  readonly version: number | undefined
  /** What every answer carries: `instance_id`, `served_time_utc`, `trained_time_utc`, `thampi_data_version`, `tags`. */
  readonly properties: Readonly<Record<string, unknown>>
  /** Of this request; empty in `initialize`, undefined in a batch of several. */
  readonly requestId: string | undefined
  /** Of all requests of a batch, in its order. */
  readonly requestIds: readonly string[]
  /** What the caller sent beside the input, where the protocol has such a thing: MLflow, V2. Empty otherwise. */
  readonly params: Readonly<Record<string, unknown>>
  /** Milliseconds until the caller's deadline, never negative; infinite in `initialize`. Of a batch the earliest counts. */
  remainingMs(): number
}

/** A logger; further arguments are formatted as `console.log` does. */
export interface Log {
  debug(message: unknown, ...more: unknown[]): void
  info(message: unknown, ...more: unknown[]): void
  warn(message: unknown, ...more: unknown[]): void
  error(message: unknown, ...more: unknown[]): void
}

/**
 * Throw it in `predict` when the caller's input is wrong: the caller hears 422 and this message.
 *
 * @example
 * throw new BadInput('input must have 4 numbers', '/data/input')
 */
export class BadInput extends Error {
  override readonly name: string = 'BadInput'
  /** How the runtime knows it: a model brings a copy of this class of its own. */
  readonly thampi: 'bad-input' = 'bad-input'
  /** JSON Pointer into the request, such as `/data/input/3`. */
  readonly pointer: string | undefined

  constructor(message: string = '', pointer?: string) {
    super(message)
    this.pointer = pointer
  }
}

/**
 * Put it into what `predictBatch` returns, in the place of an input that has no result: that caller alone hears 500 and
 * this message. Put a `BadInput` there when the input is at fault.
 */
export class ItemError extends Error {
  override readonly name: string = 'ItemError'
  readonly thampi: 'item-error' = 'item-error'
}

/**
 * A model without trained state, as the default export of a file. `thampi serve --model_dir ./model.ts` serves it.
 *
 * @example
 * export default defineModel({
 *   name: 'greeter',
 *   input: z.object({ name: z.string() }),
 *   predict: ({ name }) => ({ greeting: `Hello ${name}` }),
 * })
 */
export function defineModel<S extends StandardSchema, Out, Loaded = undefined>(
  definition: ThampiModel<Validated<S>, Out, Loaded> & { readonly input: S },
): ThampiModel<Validated<S>, Out, Loaded>
export function defineModel<In, Out, Loaded = undefined>(
  definition: ThampiModel<In, Out, Loaded>,
): ThampiModel<In, Out, Loaded>
export function defineModel(definition: unknown): unknown {
  return definition
}

/** What `defineModel` takes; a plain object that `satisfies ThampiModel<In, Out>` is as good. */
export interface ThampiModel<In = unknown, Out = unknown, Loaded = undefined> {
  /** What people call it. The URL has the name of the file, or of the directory it was saved to. */
  readonly name?: string
  /** Checks what callers send, before the model sees it: any Standard Schema (zod, Valibot, ArkType, …). */
  readonly input?: StandardSchema<unknown, In>
  /** Describes what the model gives, for those who call it. */
  readonly output?: StandardSchema
  /** Called once before the first request; what it gives is the third argument of `predict`. */
  load?(context: Context): Loaded | Promise<Loaded>
  /** As `Model.predict`. */
  predict(args: In, context: Context, loaded: Loaded): Out | Promise<Out>
  /** As `Model.predictBatch`. */
  predictBatch?(batch: In[], context: Context, loaded: Loaded): Batch<Out> | Promise<Batch<Out>>
}

/** What a schema lets through. */
export type Validated<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

/** The part of Standard Schema (standardschema.dev, version 1) that is used here; `jsonSchema` is its newer companion. */
export interface StandardSchema<In = unknown, Out = In> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Out> | Promise<SchemaResult<Out>>
    readonly jsonSchema?: {
      readonly input: (options: { readonly target: string }) => Record<string, unknown>
      readonly output: (options: { readonly target: string }) => Record<string, unknown>
    }
    readonly types?: { readonly input: In; readonly output: Out } | undefined
  }
}

export type SchemaResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
