/**
 * What an ONNX file says about itself: inputs, outputs, operators, files beside it. Nothing is computed and no weight is
 * looked at. Field numbers are those of `onnx.proto` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
import { type Field, fieldsOf, integerOf, ProtobufError, textOf } from './protobuf.ts'

export interface Graph {
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  /** Domains of the operators that occur, those of functions in the file left out; '' is ONNX's own. */
  readonly domains: readonly string[]
  /** Names of files that hold weights, as they stand in the file. */
  readonly externalData: readonly string[]
  readonly producer: string
}

/** An input or an output. */
export type Value =
  | {
      readonly kind: 'tensor'
      readonly name: string
      readonly type: ElementType
      /** null: any length. Undefined: not even the number of axes is known. */
      readonly shape: readonly (number | null)[] | undefined
    }
  /** A sequence, a map, an optional: what JSON callers cannot send and runtimes for Node cannot give. */
  | { readonly kind: 'other'; readonly name: string; readonly what: string }

/** The names that ONNX Runtime uses. */
export type ElementType = string

/** By the numbers of `TensorProto.DataType`. */
const elementTypes: readonly ElementType[] = [
  ...['undefined', 'float32', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string', 'bool'],
  ...['float16', 'float64', 'uint32', 'uint64', 'complex64', 'complex128', 'bfloat16'],
]

/** Subgraphs in subgraphs: loops in branches in loops. */
const maxDepth = 16
const maxNodes = 1_000_000
const maxValues = 10_000
const maxAxes = 64

/** Throws `ProtobufError` when the bytes are no ONNX model, or one that nobody could mean. */
export function readGraph(bytes: Buffer): Graph {
  return new Reader().model(bytes)
}

class Reader {
  readonly #domains = new Set<string>()
  readonly #functionDomains = new Set<string>()
  readonly #external = new Set<string>()
  #nodes = 0

  model(bytes: Buffer): Graph {
    let graph: Buffer | undefined
    let version = 0n
    let producer = ''
    const functions: Buffer[] = []
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) version = field.value
      else if (field.number === 2) producer = textOf(field)
      else if (field.number === 7) graph = field.bytes
      else if (field.number === 25) functions.push(field.bytes)
    }
    if (version === 0n || graph === undefined) throw new ProtobufError('it holds no graph')
    for (const each of functions) this.#function(each)
    const { inputs, outputs } = this.#graph(graph, 0)
    const domains = [...this.#domains].filter(domain => !this.#functionDomains.has(domain)).sort()
    return { inputs, outputs, domains, externalData: [...this.#external].sort(), producer }
  }

  #function(bytes: Buffer): void {
    for (const field of fieldsOf(bytes)) {
      if (field.number === 7) this.#node(field.bytes, 1)
      else if (field.number === 10) this.#functionDomains.add(textOf(field))
    }
  }

  #graph(bytes: Buffer, depth: number): { inputs: Value[]; outputs: Value[] } {
    if (depth > maxDepth) throw new ProtobufError(`graphs stand in each other more than ${maxDepth} deep`)
    const inputs: Value[] = []
    const outputs: Value[] = []
    const initialized = new Set<string>()
    for (const field of fieldsOf(bytes)) {
      switch (field.number) {
        case 1:
          this.#node(field.bytes, depth)
          break
        case 5:
          initialized.add(this.#tensor(field.bytes))
          break
        case 11:
          inputs.push(valueInfo(field.bytes))
          break
        case 12:
          outputs.push(valueInfo(field.bytes))
          break
        case 15:
          this.#sparse(field.bytes)
      }
      if (inputs.length + outputs.length > maxValues)
        throw new ProtobufError(`it has more than ${maxValues} inputs and outputs`)
    }
    // Before version 4 weights had to be listed as inputs; whoever has a default asks nobody.
    return { inputs: inputs.filter(({ name }) => !initialized.has(name)), outputs }
  }

  #node(bytes: Buffer, depth: number): void {
    if (++this.#nodes > maxNodes) throw new ProtobufError(`it has more than ${maxNodes} operators`)
    let domain = ''
    for (const field of fieldsOf(bytes)) {
      if (field.number === 7) domain = textOf(field)
      else if (field.number === 5) this.#attribute(field.bytes, depth)
    }
    this.#domains.add(domain)
  }

  #attribute(bytes: Buffer, depth: number): void {
    for (const field of fieldsOf(bytes)) {
      if (field.number === 5 || field.number === 10) this.#tensor(field.bytes)
      else if (field.number === 6 || field.number === 11) this.#graph(field.bytes, depth + 1)
      else if (field.number === 22 || field.number === 23) this.#sparse(field.bytes)
    }
  }

  #sparse(bytes: Buffer): void {
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1 || field.number === 2) this.#tensor(field.bytes)
    }
  }

  /** The tensor's name; where its data lies elsewhere, that is noted. */
  #tensor(bytes: Buffer): string {
    let name = ''
    let isExternal = false
    let location: string | undefined
    for (const field of fieldsOf(bytes)) {
      if (field.number === 8) name = textOf(field)
      else if (field.number === 14) isExternal = field.value === 1n
      else if (field.number === 13) {
        const [key, value] = entryOf(field.bytes)
        if (key === 'location') location = value
      }
    }
    if (isExternal && location === undefined)
      throw new ProtobufError('a weight lies in another file, which is not named')
    // Also where the flag is missing: a reader that does not ask for it would open the file.
    if (location !== undefined) this.#external.add(location)
    return name
  }
}

function entryOf(bytes: Buffer): [key: string, value: string] {
  const entry: [string, string] = ['', '']
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1 || field.number === 2) entry[field.number - 1] = textOf(field)
  }
  return entry
}

function valueInfo(bytes: Buffer): Value {
  let name = ''
  let type: Field | undefined
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) name = textOf(field)
    else if (field.number === 2) type = field
  }
  for (const { number, bytes: inner } of type ? fieldsOf(type.bytes) : []) {
    if (number === 1) return { kind: 'tensor', name, ...tensorType(inner) }
    const what = otherTypes[number]
    if (what !== undefined) return { kind: 'other', name, what }
  }
  // Tools that cut graphs leave outputs without a type; what comes out tells.
  return { kind: 'tensor', name, type: 'undefined', shape: undefined }
}

const otherTypes: Readonly<Record<number, string>> = {
  4: 'a sequence',
  5: 'a map',
  8: 'a sparse tensor',
  9: 'an optional value',
}

function tensorType(bytes: Buffer): { type: ElementType; shape: (number | null)[] | undefined } {
  let type: ElementType = 'undefined'
  let shape: (number | null)[] | undefined
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) {
      const found = elementTypes[Number(field.value)]
      if (found === undefined) throw new ProtobufError(`a tensor is of type ${field.value}`)
      type = found
    } else if (field.number === 2) shape = shapeOf(field.bytes)
  }
  return { type, shape }
}

function shapeOf(bytes: Buffer): (number | null)[] {
  const shape: (number | null)[] = []
  for (const field of fieldsOf(bytes)) {
    if (field.number !== 1) continue
    let length: number | null = null
    for (const part of fieldsOf(field.bytes)) {
      if (part.number !== 1) continue
      const value = Number(integerOf(part))
      length = value > 0 && Number.isSafeInteger(value) ? value : null
    }
    if (shape.push(length) > maxAxes) throw new ProtobufError(`a tensor has more than ${maxAxes} axes`)
  }
  return shape
}
