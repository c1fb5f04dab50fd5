/** The format `onnx`: callers' lists become tensors, one run of the graph answers all who wait, tensors become lists. */
import type { Start } from '../../wire/messages.ts'
import type { Loaded } from '../ask.ts'
import { describe } from '../blame.ts'
import { LoadFailure } from '../failure.ts'
import type { SavedFiles } from '../load.ts'
import { BadInput } from '../model.ts'
import { type Opened, openRuntime, type Session } from './onnx-runtime.ts'
import {
  joined,
  listOf,
  placeText,
  rowsOf,
  type Shape,
  type Tensor,
  type TensorData,
  tensorOf,
  typeText,
} from './tensor.ts'

/** What the command line found in the file. */
interface Facts {
  readonly file: string
  readonly external: readonly string[]
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
}

interface Port {
  readonly name: string
  readonly type: string
  readonly shape?: Shape
}

export async function loadOnnx(files: SavedFiles, { codeDir }: Start): Promise<Loaded> {
  const facts = files.json('brought.json') as unknown as Facts
  const opened = await openRuntime(codeDir, files.name)
  let session: Session
  try {
    session = await sessionOf(opened, files, facts)
  } catch (cause) {
    if (cause instanceof LoadFailure) throw cause
    throw new LoadFailure('MODEL_LOAD_FAILED', {
      message: `${files.name} could not be loaded: ${describe(cause)}.`,
      fix: 'export the model for an older opset, or install a newer onnxruntime',
      cause,
    })
  }
  const graph = new OnnxGraph(opened, session, facts)
  return {
    check: data => graph.read(data),
    predict: item => graph.one(item as Item),
    // Only where the graph says that rows are many.
    ...(graph.batches ? { predictBatch: batch => graph.together(batch as Item[]) } : {}),
  }
}

/** From the very bytes whose digests were compared; machine code opens weights beside the file by itself. */
async function sessionOf({ ort, isNative }: Opened, files: SavedFiles, facts: Facts): Promise<Session> {
  const { file, external } = facts
  const threads = Number(process.env.OMP_NUM_THREADS) || 1
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 }
  if (external.length === 0) return ort.InferenceSession.create(files.bytes(file), options)
  if (!isNative) {
    const externalData = external.map(path => ({ path, data: files.bytes(path) }))
    return ort.InferenceSession.create(files.bytes(file), { ...options, externalData })
  }
  for (const path of external) files.path(path)
  return ort.InferenceSession.create(files.path(file), options)
}

/** What one caller sent. */
interface Item {
  readonly tensors: readonly Tensor[]
  /** It came without the list around it, and so goes the answer. */
  readonly alone: boolean
}

class OnnxGraph {
  readonly #opened: Opened
  readonly #session: Session
  readonly #inputs: readonly Port[]
  readonly #outputs: readonly Port[]
  readonly #names: readonly string[]

  constructor(opened: Opened, session: Session, { inputs, outputs }: Facts) {
    this.#opened = opened
    this.#session = session
    this.#inputs = inputs
    this.#outputs = outputs
    this.#names = outputs.map(({ name }) => name)
  }

  /** Whether the first axis of everything may have any length, and so the rows of several callers. */
  get batches(): boolean {
    return (
      this.#inputs.length > 0 &&
      this.#inputs.every(({ shape }) => shape !== undefined && shape[0] === null) &&
      this.#outputs.every(isMany)
    )
  }

  /** Throws `BadInput`. */
  read(data: unknown): Item {
    const read = this.#inputs.map(port => {
      const { value, at } = this.#given(port, data)
      try {
        return tensorOf(value, port.type, port.shape, at)
      } catch (error) {
        if (!(error instanceof BadInput)) throw error
        throw new BadInput(`${error.message} Expected: ${this.#signature()}.`, error.pointer)
      }
    })
    const [first] = read
    const mixed = read.find(({ alone }) => alone !== first?.alone)
    if (mixed)
      throw new BadInput(`Either all inputs are lists of items or none. Expected: ${this.#signature()}.`)
    return { tensors: read.map(({ tensor }) => tensor), alone: first?.alone ?? false }
  }

  async one(item: Item): Promise<unknown> {
    return this.#result(await this.#run(item.tensors), item.alone)
  }

  /** A result for each item; those that can be put under each other share a run. */
  async together(items: readonly Item[]): Promise<unknown[]> {
    const results = new Array<unknown>(items.length)
    for (const places of groupBy(items).values()) await this.#group(items, places, results)
    return results
  }

  async #group(items: readonly Item[], places: readonly number[], results: unknown[]): Promise<void> {
    const counts = places.map(place => items[place]?.tensors[0]?.dims[0] as number)
    const total = counts.reduce((sum, count) => sum + count, 0)
    const columns = this.#inputs.map((_, input) =>
      joined(places.map(place => items[place]?.tensors[input] as Tensor)),
    )
    const outputs = await this.#run(columns)
    // A graph may say that any length will do and mean something else by it.
    const isByRow = outputs.every(({ dims }) => dims[0] === total)
    let first = 0
    for (const [index, place] of places.entries()) {
      const item = items[place] as Item
      const count = counts[index] as number
      results[place] =
        isByRow || places.length === 1
          ? this.#result(isByRow ? outputs.map(output => rowsOf(output, first, count)) : outputs, item.alone)
          : await this.one(item)
      first += count
    }
  }

  async #run(tensors: readonly Tensor[]): Promise<Tensor[]> {
    const { Tensor: OnnxTensor } = this.#opened.ort
    const feeds = Object.fromEntries(
      tensors.map(({ type, data, dims }, index) => [
        this.#inputs[index]?.name,
        new OnnxTensor(type, type === 'float16' ? halves(data as Uint16Array) : data, dims),
      ]),
    )
    const results = await this.#session.run(feeds, this.#names)
    return this.#names.map(name => {
      const { type, data, dims } = results[name] as Tensor
      return { type, data: type === 'float16' ? bitsOf(data) : data, dims }
    })
  }

  /** A single output stands alone; several stand under their names. */
  #result(tensors: readonly Tensor[], alone: boolean): unknown {
    const lists = tensors.map((tensor, index) => {
      const isItem = alone && isMany(this.#outputs[index] as Port) && tensor.dims[0] === 1
      return listOf(isItem ? { ...tensor, dims: tensor.dims.slice(1) } : tensor)
    })
    return lists.length === 1
      ? lists[0]
      : Object.fromEntries(lists.map((list, index) => [this.#names[index], list]))
  }

  /** The value for an input: under its name, or under `input` when it is the only one. */
  #given({ name }: Port, data: unknown): { value: unknown; at: string } {
    if (isObject(data)) {
      const at = `/data/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      if (Object.hasOwn(data, name)) return { value: data[name], at }
      if (this.#inputs.length === 1 && Object.hasOwn(data, 'input'))
        return { value: data.input, at: '/data/input' }
    }
    const missing = this.#inputs.length === 1 ? 'input' : name
    throw new BadInput(
      `\`${placeText(`/data/${missing}`)}\` is missing. Expected: ${this.#signature()}.`,
      `/data/${missing}`,
    )
  }

  #signature(): string {
    const only = this.#inputs.length === 1
    return this.#inputs
      .map(({ name, type, shape }) => `${only ? 'input' : name}: ${typeText(type, shape)}`)
      .join(', ')
  }
}

/** Whether an output may have any number of items; where the graph does not say, what comes out is looked at. */
function isMany({ shape }: Port): boolean {
  return shape === undefined || shape[0] === null
}

function groupBy(items: readonly Item[]): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const [at, item] of items.entries()) {
    const key = rest(item)
    const group = groups.get(key)
    if (group) group.push(at)
    else groups.set(key, [at])
  }
  return groups
}

/** All lengths but those of the first axes, which must be one for all inputs of an item. */
function rest(item: Item): string {
  const counts = new Set(item.tensors.map(({ dims }) => dims[0]))
  const shapes = item.tensors.map(({ dims }) => dims.slice(1).join('x')).join(' ')
  return counts.size === 1 ? shapes : `${shapes} ${[...counts].join()}`
}

/** Newer Nodes have an array for 16 bits, and then the package wants that. */
function halves(bits: Uint16Array): TensorData {
  const { Float16Array } = globalThis as { Float16Array?: new (buffer: ArrayBufferLike) => TensorData }
  return Float16Array ? new Float16Array(bits.buffer) : bits
}

function bitsOf(data: TensorData): Uint16Array {
  const view = data as Uint16Array
  return new Uint16Array(view.buffer, view.byteOffset, view.length)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
