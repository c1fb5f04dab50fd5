/** Nested lists and tensors. Nothing is converted that could change what the caller meant. */
import { BadInput } from '../model.ts'
import { fromHalf, toHalf } from './half.ts'

/** As the graph says; null: any length, undefined: not even the number of axes is known. */
export type Shape = readonly (number | null)[] | undefined

export interface Tensor {
  readonly type: string
  readonly data: TensorData
  readonly dims: readonly number[]
}

export type TensorData = Numbers | BigInts | string[]
type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
type BigInts = BigInt64Array | BigUint64Array

/** How a type of element is kept, and what of JSON may become one. */
interface Element {
  /** What a caller is told to send. */
  readonly words: string
  make(length: number): TensorData
  /** Undefined when the value is of another kind, NaN when it does not fit. */
  read(value: unknown): number | bigint | string | undefined
  /** What stands in an answer. */
  write(value: number | bigint | string): unknown
}

const elements: Readonly<Record<string, Element>> = {
  float32: float(n => new Float32Array(n), Math.fround),
  float64: float(
    n => new Float64Array(n),
    value => value,
  ),
  float16: {
    ...float(
      n => new Uint16Array(n),
      value => (Math.abs(value) < 65520 ? value : Number.POSITIVE_INFINITY),
      toHalf,
    ),
    write: value => fromHalf(value as number),
  },
  int8: integer(n => new Int8Array(n), -(2 ** 7), 2 ** 7 - 1),
  uint8: integer(n => new Uint8Array(n), 0, 2 ** 8 - 1),
  int16: integer(n => new Int16Array(n), -(2 ** 15), 2 ** 15 - 1),
  uint16: integer(n => new Uint16Array(n), 0, 2 ** 16 - 1),
  int32: integer(n => new Int32Array(n), -(2 ** 31), 2 ** 31 - 1),
  uint32: integer(n => new Uint32Array(n), 0, 2 ** 32 - 1),
  int64: bigInteger(n => new BigInt64Array(n), -(2n ** 63n), 2n ** 63n - 1n),
  uint64: bigInteger(n => new BigUint64Array(n), 0n, 2n ** 64n - 1n),
  bool: {
    words: 'true or false',
    make: n => new Uint8Array(n),
    read: value => (typeof value === 'boolean' ? Number(value) : undefined),
    write: value => value !== 0,
  },
  string: {
    words: 'a text',
    make: n => new Array<string>(n),
    read: value => (typeof value === 'string' ? value : undefined),
    write: value => value,
  },
}

/** Whether JSON can carry elements of a type. */
export function isKnown(type: string): boolean {
  return Object.hasOwn(elements, type)
}

/**
 * A nested list as a tensor. Where any number of items will do, one may come alone, without the list around it.
 *
 * @param at JSON Pointer to the list
 * @throws BadInput naming the place
 * @example tensorOf([5.9, 3.2], 'float32', [null, 2], '/data/input') // dims [1, 2], alone
 */
export function tensorOf(
  value: unknown,
  type: string,
  shape: Shape,
  at: string,
): { readonly tensor: Tensor; readonly alone: boolean } {
  const element = elements[type] as Element
  const found = lengthsOf(value)
  const alone = shape !== undefined && shape[0] === null && found.length === shape.length - 1
  const list = alone ? [value] : value
  const dims = alone ? [1, ...found] : found
  const wanted = shape ?? dims
  const data = element.make(
    wanted.length > dims.length ? 0 : dims.reduce((product, length) => product * length, 1),
  )
  new Filling(element, type, wanted, dims, data, alone ? 1 : 0).fill(list, 0, at)
  return { tensor: { type, data, dims }, alone }
}

/** A tensor as nested lists; a single value when it has no axes. */
export function listOf({ type, data, dims }: Tensor): unknown {
  const element = elements[type]
  if (!element) throw new Error(`the model gave a tensor of type ${type}, which JSON cannot carry`)
  let next = 0
  const axis = (depth: number): unknown => {
    if (depth === dims.length) return element.write(data[next++] as number | bigint | string)
    const list = new Array<unknown>(dims[depth] as number)
    for (let i = 0; i < list.length; i++) list[i] = axis(depth + 1)
    return list
  }
  return axis(0)
}

/** Tensors of one type and of one shape but for the first axis, one after the other. */
export function joined(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as [Tensor]
  if (tensors.length === 1) return first
  const rows = tensors.reduce((sum, { dims }) => sum + (dims[0] as number), 0)
  const dims = [rows, ...first.dims.slice(1)]
  if (Array.isArray(first.data)) {
    return { type: first.type, dims, data: tensors.flatMap(({ data }) => data as string[]) }
  }
  const data = (elements[first.type] as Element).make(
    tensors.reduce((sum, tensor) => sum + tensor.data.length, 0),
  ) as Numbers
  let at = 0
  for (const tensor of tensors) {
    data.set(tensor.data as Numbers, at)
    at += tensor.data.length
  }
  return { type: first.type, dims, data }
}

/** `count` rows of a tensor from `first` on. */
export function rowsOf({ type, data, dims }: Tensor, first: number, count: number): Tensor {
  const size = dims.slice(1).reduce((product, length) => product * length, 1)
  const part = Array.isArray(data)
    ? data.slice(first * size, (first + count) * size)
    : data.subarray(first * size, (first + count) * size)
  return { type, data: part, dims: [count, ...dims.slice(1)] }
}

/** `float32 [n, 4]` */
export function typeText(type: string, shape: Shape): string {
  if (shape === undefined) return type
  return shape.length === 0 ? type : `${type} [${shape.map(length => length ?? 'n').join(', ')}]`
}

/** `data.input[3]` for `/data/input/3`. */
export function placeText(pointer: string): string {
  const [first = '', ...steps] = pointer.slice(1).split('/')
  return steps
    .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((text, step) => (/^\d+$/.test(step) ? `${text}[${step}]` : `${text}.${step}`), first)
}

/** Lengths along the first item of each list. */
function lengthsOf(value: unknown): number[] {
  const lengths: number[] = []
  for (let at = value; Array.isArray(at); at = at[0]) lengths.push(at.length)
  return lengths
}

/** Writes a nested list into a tensor's data, and looks at everything on the way. */
class Filling {
  readonly #element: Element
  readonly #type: string
  readonly #wanted: Shape & object
  readonly #dims: readonly number[]
  readonly #data: TensorData
  /** How many outer lists are ours, and not the caller's. */
  readonly #added: number
  #next = 0

  constructor(
    element: Element,
    type: string,
    wanted: Shape & object,
    dims: readonly number[],
    data: TensorData,
    added: number,
  ) {
    this.#element = element
    this.#type = type
    this.#wanted = wanted
    this.#dims = dims
    this.#data = data
    this.#added = added
  }

  fill(value: unknown, depth: number, at: string): void {
    if (depth === this.#wanted.length) {
      this.#leaf(value, at)
      return
    }
    if (!Array.isArray(value)) throw new BadInput(`\`${placeText(at)}\` must be a list.`, at)
    const wanted = this.#wanted[depth]
    if (wanted !== null && value.length !== wanted) {
      const have = `${value.length} value${value.length === 1 ? '' : 's'}`
      const want = `${wanted} ${wanted === 1 ? 'is' : 'are'} wanted`
      throw new BadInput(`\`${placeText(at)}\` has ${have}; ${want}.`, at)
    }
    for (let i = 0; i < value.length; i++) {
      this.fill(value[i], depth + 1, depth < this.#added ? at : `${at}/${i}`)
    }
    if (value.length !== this.#dims[depth]) {
      const around = depth === 0 ? at : at.slice(0, at.lastIndexOf('/'))
      throw new BadInput(`The lists in \`${placeText(around)}\` must be of one length.`, around)
    }
  }

  #leaf(value: unknown, at: string): void {
    const read = this.#element.read(value)
    if (read === undefined) throw new BadInput(`\`${placeText(at)}\` must be ${this.#element.words}.`, at)
    if (Number.isNaN(read))
      throw new BadInput(`\`${placeText(at)}\` has a number that does not fit into ${this.#type}.`, at)
    this.#data[this.#next++] = read as never
  }
}

function float(
  make: (length: number) => TensorData,
  round: (value: number) => number,
  bits: (value: number) => number = value => value,
): Element {
  return {
    words: 'a number',
    make,
    read: value => {
      if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
      const number = Number(value)
      return Number.isFinite(round(number)) ? bits(number) : Number.NaN
    },
    write: value => value,
  }
}

function integer(make: (length: number) => TensorData, low: number, high: number): Element {
  return {
    words: 'a whole number',
    make,
    read: value => {
      if (typeof value === 'bigint') return Number.NaN // those are beyond 2^53
      if (typeof value !== 'number' || !Number.isInteger(value)) return undefined
      return value >= low && value <= high ? value : Number.NaN
    },
    write: value => value,
  }
}

function bigInteger(make: (length: number) => TensorData, low: bigint, high: bigint): Element {
  return {
    words: 'a whole number',
    make,
    read: value => {
      if (typeof value === 'number' && !Number.isInteger(value)) return undefined
      if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
      const big = BigInt(value)
      return big >= low && big <= high ? big : Number.NaN
    },
    write: value => value,
  }
}
