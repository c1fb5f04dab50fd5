/** The format `typescript`: a bundled module whose default export is a class, or what `defineModel` gave; and its state. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Loaded } from './ask.ts'
import { describe } from './blame.ts'
import { LoadFailure } from './failure.ts'
import type { SavedFiles } from './load.ts'
import type { Context, Model, StandardSchema, ThampiModel } from './model.ts'
import { mapStacks } from './stacks.ts'
import { checkWith } from './standard-schema.ts'
import { decodeState } from './state.ts'

export const MODULE = 'model.mjs'
export const STATE = 'state.json'
export const ARRAYS = 'state.bin'

/** Under this key the module finds the URL of its file; its own bytes come from elsewhere. */
const urlKey = Symbol.for('thampi.module.url')

/** A class: made again from its state, without its constructor; or made anew where there is no state. */
interface ModelClass {
  new (): unknown
  readonly prototype: object
  readonly fromState?: (state: unknown) => unknown
}

export async function loadTypeScript(files: SavedFiles): Promise<Loaded> {
  const exported = await importModule(files)
  const model = isClass(exported) ? revived(exported, files) : exported
  if (typeof model !== 'object' || model === null || !canBeAsked(model)) {
    throw new LoadFailure('MODEL_LOAD_FAILED', {
      message: `${files.name} has no method predict(args, context).`,
      fix: 'save an object with that method, such as a Model',
    })
  }
  return isClass(exported) ? ofInstance(model as Model) : ofDefinition(model as ThampiModel)
}

let imports = 0

/** Imports the bytes whose digest was compared, not what the file may hold a moment later. */
async function importModule(files: SavedFiles): Promise<unknown> {
  const code = files.bytes(MODULE)
  const url = pathToFileURL(join(files.dir, MODULE)).href
  const text = code.toString('utf8')
  mapStacks(url, text)
  Object.defineProperty(globalThis, urlKey, { value: url, configurable: true })
  // The name that the module has in stacks. The same text twice would be the same module, with the state that it is in.
  const named = Buffer.concat([code, Buffer.from(`\n// ${++imports}\n//# sourceURL=${url}\n`)])
  try {
    return ((await import(`data:text/javascript;base64,${named.toString('base64')}`)) as { default: unknown })
      .default
  } catch (cause) {
    throw new LoadFailure('MODEL_LOAD_FAILED', {
      message: `${files.name} could not be loaded: ${describe(cause)}.`,
      cause,
    })
  }
}

function isClass(value: unknown): value is ModelClass {
  return typeof value === 'function' && typeof value.prototype === 'object'
}

function revived(Class: ModelClass, files: SavedFiles): unknown {
  const arrays = files.has(ARRAYS) ? files.bytes(ARRAYS) : Buffer.alloc(0)
  try {
    if (!files.has(STATE)) return new Class()
    const state = decodeState(files.json(STATE).state, arrays) as object
    if (Class.fromState) return Class.fromState(state)
    return Object.assign(Object.create(Class.prototype) as object, state)
  } catch (cause) {
    if (cause instanceof LoadFailure) throw cause
    throw new LoadFailure('MODEL_LOAD_FAILED', {
      message: `The state of ${files.name} could not be restored: ${describe(cause)}.`,
      cause,
    })
  }
}

function canBeAsked(model: object): boolean {
  return ['predict', 'predictBatch'].some(
    name => typeof (model as Record<string, unknown>)[name] === 'function',
  )
}

function ofInstance(model: Model): Loaded {
  const { predictBatch } = model
  return {
    initialize: model.initialize && (context => model.initialize?.(context)),
    predict: model.predict && ((args, context) => model.predict(args, context)),
    predictBatch: predictBatch && ((batch, context) => predictBatch.call(model, batch, context)),
  }
}

function ofDefinition(model: ThampiModel<unknown, unknown, unknown>): Loaded {
  let loaded: unknown
  const { predictBatch } = model
  const input: StandardSchema | undefined = model.input
  return {
    initialize: async (context: Context) => {
      loaded = await model.load?.(context)
    },
    predict: model.predict && ((args, context) => model.predict(args, context, loaded)),
    predictBatch: predictBatch && ((batch, context) => predictBatch.call(model, batch, context, loaded)),
    check: input && (data => checkWith(input, data)),
  }
}
