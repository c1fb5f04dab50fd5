/** The verb `examples`: the recorded inputs and answers of a saved model, which every version has to reproduce. */
import { isLosslessNumber, parse, stringify } from 'lossless-json'
import { ThampiError } from './errors.ts'
import { readModel } from './model/read.ts'
import { rewriteReceipts } from './model/receipts-file.ts'
import type { Receipt, SavedModel } from './model/saved-model.ts'
import { resultsOf } from './record.ts'
import { askSdk } from './sdk.ts'
import { findPython } from './system/python.ts'
import type { System } from './system/system.ts'

export interface AddOptions {
  /** Exact JSON text of what the model gets. */
  readonly data: string
  /** Exact JSON text of the answer to record; undefined: the model is asked, in its Python. */
  readonly result?: string | undefined
  /** A Python, or a version such as 3.12; undefined: the one in use. */
  readonly python?: string | undefined
}

export interface Added {
  /** From 1. */
  readonly number: number
  readonly receipt: Receipt
  /** True when the same input was recorded before: its answer was replaced. */
  readonly replaced: boolean
  /** How many there are now. */
  readonly count: number
}

/**
 * @example
 * const receipts = await listExamples('./models/iris-sklearn', system)
 * receipts[0]?.data // '{"input":[5.9,3.2,4.8,1.8]}'
 * @throws ThampiError MODEL_MISSING, MODEL_INVALID, INTEGRITY
 */
export async function listExamples(modelDir: string, system: System): Promise<readonly Receipt[]> {
  return (await readModel(modelDir, system.cwd)).receipts
}

/**
 * Records one more input and its answer. The same input twice is recorded once, with the newer answer.
 *
 * @throws ThampiError MODEL_MISSING, MODEL_INVALID, INTEGRITY, USAGE, MODEL_RAISED, PYTHON_MISSING
 */
export async function addExample(
  modelDir: string,
  { data, result, python }: AddOptions,
  system: System,
): Promise<Added> {
  const model = await ownModel(modelDir, system)
  const receipt = {
    data: canonical(data),
    result: result === undefined ? await answerOf(model, data, python, system) : canonical(result),
  }
  const known = model.receipts.findIndex(one => canonical(one.data) === receipt.data)
  const receipts = known === -1 ? [...model.receipts, receipt] : model.receipts.with(known, receipt)
  await rewriteReceipts(model.dir, receipts)
  return {
    number: known === -1 ? receipts.length : known + 1,
    receipt,
    replaced: known !== -1,
    count: receipts.length,
  }
}

/**
 * Removes examples by number (from 1), or all of them; gives how many there are left.
 *
 * @throws ThampiError MODEL_MISSING, MODEL_INVALID, INTEGRITY, USAGE when there is none of that number
 */
export async function removeExamples(
  modelDir: string,
  which: readonly number[] | 'all',
  system: System,
): Promise<number> {
  const { dir, receipts } = await ownModel(modelDir, system)
  const gone = new Set(which === 'all' ? receipts.keys() : which.map(number => number - 1))
  for (const index of gone) {
    if (receipts[index]) continue
    throw new ThampiError('USAGE', {
      message: `There is no example ${index + 1}.`,
      why: receipts.length === 0 ? 'None is recorded.' : `They are numbered from 1 to ${receipts.length}.`,
      fix: `thampi examples list ${modelDir}`,
    })
  }
  const left = receipts.filter((_, index) => !gone.has(index))
  await rewriteReceipts(dir, left)
  return left.length
}

/** What another tool wrote is only read. */
async function ownModel(modelDir: string, system: System): Promise<SavedModel> {
  const model = await readModel(modelDir, system.cwd)
  if ('thampi.json' in model.files) return model
  throw new ThampiError('USAGE', {
    message: `"${modelDir}" was not written by thampi, so its examples are not changed here.`,
    why: `It is of the format ${model.format}.`,
    fix: `thampi examples list ${modelDir}`,
  })
}

async function answerOf(
  model: SavedModel,
  data: string,
  explicit: string | undefined,
  system: System,
): Promise<string> {
  if (model.format === 'typescript') return (await resultsOf(model, [data], system))[0] as string
  if (model.format !== 'python') {
    throw new ThampiError('USAGE', {
      message: `A model of the format ${model.format} is not asked here.`,
      why: 'Only models that save() wrote are.',
      fix: 'give the answer to record: --result JSON',
    })
  }
  const minor = model.made.python?.split('.').slice(0, 2).join('.')
  const python = await findPython(system, { explicit, minor })
  const { result } = await askSdk<{ readonly result: string }>(
    python.path,
    { module: 'examples', document: { dir: model.dir, data }, doing: `it asked ${model.name}` },
    system,
  )
  return result
}

/** One text for one value: keys sorted, no spaces, numbers as they were written. */
function canonical(text: string): string {
  return stringify(sorted(parse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue }))) ?? 'null'
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || isLosslessNumber(value)) return value
  const entries = Object.entries(value).map(([key, member]): [string, unknown] => [key, sorted(member)])
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
