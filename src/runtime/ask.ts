/** How a model is asked: one input or several together, now or after a while. */

import type { BadInput, Context, ItemError } from './model.ts'
import { Problem } from './problem.ts'

/** What the loader of a format gives: a model that has been loaded, and not yet been initialized. */
export interface Loaded {
  readonly initialize?: ((context: Context) => unknown) | undefined
  readonly predict?: ((args: unknown, context: Context) => unknown) | undefined
  readonly predictBatch?: ((batch: unknown[], context: Context) => unknown) | undefined
  /** Looks at an input before the model does: gives what the model is to see, or throws `Problem` or `BadInput`. */
  readonly check?: ((data: unknown) => unknown) | undefined
}

export class Asker {
  readonly #model: Loaded

  constructor(model: Loaded) {
    this.#model = model
  }

  /** Whether the model takes several inputs together. */
  get batches(): boolean {
    return this.#model.predictBatch !== undefined
  }

  /** What an input is to the model: itself, or what its schema makes of it; perhaps a promise. */
  checked(data: unknown): unknown {
    return this.#model.check ? this.#model.check(data) : data
  }

  /** What the model returns for one input; perhaps a promise. */
  one(data: unknown, context: Context): unknown {
    const input = this.checked(data)
    return isThenable(input) ? input.then(value => this.#ask(value, context)) : this.#ask(input, context)
  }

  /** What the model returns for several checked inputs: as many results, errors among them. */
  async together(batch: unknown[], context: Context): Promise<ArrayLike<unknown>> {
    return asList(await this.#model.predictBatch?.(batch, context), batch.length)
  }

  /** What the model returns for the inputs of one request: a list; one call where it can. */
  async each(inputs: readonly unknown[], context: Context): Promise<unknown[]> {
    const results: unknown[] = []
    if (!this.batches || inputs.length < 2) {
      for (const data of inputs) results.push(await this.one(data, context))
      return results
    }
    const checked: unknown[] = []
    for (const data of inputs) checked.push(await this.checked(data))
    results.push(...Array.from(await this.together(checked, context)))
    const refused = results.find(isItem)
    if (refused) throw refused
    return results
  }

  #ask(data: unknown, context: Context): unknown {
    if (this.#model.predict) return this.#model.predict(data, context)
    return this.together([data], context).then(results => {
      const result = results[0]
      if (isItem(result)) throw result
      return result
    })
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** An error in the place of a result; the model's copy of these classes is not ours. */
export function isItem(value: unknown): value is Error {
  return value instanceof Error
}

export function isBadInput(error: unknown): error is BadInput {
  return error instanceof Error && 'thampi' in error && error.thampi === 'bad-input'
}

export function isItemError(error: unknown): error is ItemError {
  return error instanceof Error && 'thampi' in error && error.thampi === 'item-error'
}

function asList(results: unknown, count: number): ArrayLike<unknown> {
  const hint = 'Return a list with one result for each input, in the same order.'
  const inputs = count === 1 ? '1 input' : `${count} inputs`
  const isList = Array.isArray(results) || (ArrayBuffer.isView(results) && 'length' in results)
  if (!isList) {
    const detail = `predictBatch returned ${kindOf(results)} for ${inputs}, not a list.`
    throw new Problem('batch-shape', { detail, hint })
  }
  const list = results as ArrayLike<unknown>
  if (list.length === count) return list
  throw new Problem('batch-shape', {
    detail: `predictBatch returned ${list.length} results for ${inputs}.`,
    hint,
  })
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'object'}` : `a ${typeof value}`
}
