/**
 * Open Inference Protocol V2, which KServe, Triton and MLServer speak; over HTTP, in JSON. The model gets
 * `{input name: nested list in its shape}`. An object that it returns becomes one output per key, anything else one
 * output `result`.
 */
import { readObject } from '../body.ts'
import { encode } from '../encode.ts'
import { Problem } from '../problem.ts'
import type { Asked, Door } from './door.ts'
import { noTables } from './mlflow.ts'
import { outputsOf } from './outputs.ts'

const bits: Readonly<Record<string, number>> = {
  ...{ INT8: 8, INT16: 16, INT32: 32, INT64: 64, UINT8: 8, UINT16: 16, UINT32: 32, UINT64: 64 },
}
const floats = ['FP16', 'FP32', 'FP64']
const datatypes = ['BOOL', ...Object.keys(bits), ...floats, 'BYTES']

interface Note {
  readonly id: unknown
  /** The outputs that are asked for; undefined: all. */
  readonly wanted: readonly string[] | undefined
}

export const v2: Door = {
  read: body => {
    const { id, inputs, outputs, parameters } = readObject(body)
    if (!Array.isArray(inputs) || inputs.length === 0) {
      throw wrong('/inputs', '`inputs` is a list of at least one tensor.')
    }
    const data = new Map<string, unknown>()
    for (const [at, tensor] of inputs.entries()) {
      const [name, value] = tensorOf(tensor, `/inputs/${at}`)
      if (data.has(name)) throw wrong(`/inputs/${at}/name`, `There are two inputs named \`${name}\`.`)
      data.set(name, value)
    }
    const params = isObject(parameters) ? parameters : {}
    if (params.content_type === 'pd') throw noTables()
    const note: Note = { id, wanted: wantedOf(outputs) }
    return { data: Object.fromEntries(data), params, note }
  },

  write: ({ note }: Asked, result, { source, requestId, onMissing }) => {
    const { id, wanted } = note as Note
    const outputs = outputsOf(result, onMissing)
    const unknown = wanted?.find(name => !outputs.has(name))
    if (unknown !== undefined) {
      const there = [...outputs.keys()].map(name => `\`${name}\``).join(', ')
      throw wrong('/outputs', `There is no output \`${unknown}\`; there is ${there}.`)
    }
    const chosen = (wanted ?? [...outputs.keys()]).map(name => outputs.get(name) as string)
    const head = `"id":${encode(id ?? requestId)},"model_name":${encode(source.model)}`
    return `{${head},"model_version":${encode(String(source.version))},"outputs":[${chosen.join(',')}]}\n`
  },

  refuse: ({ parts: { detail, hint } }) => {
    const error = hint === undefined ? detail : `${detail} ${hint}`
    return Buffer.from(`${encode({ error })}\n`)
  },
}

const elsewhere = ['binary_data_size', 'shared_memory_region']

/** Name and value of an input: its elements, nested in its shape. */
function tensorOf(tensor: unknown, pointer: string): [string, unknown] {
  if (!isObject(tensor)) {
    throw wrong(pointer, 'An input is an object with `name`, `shape`, `datatype` and `data`.')
  }
  const { name, shape, datatype, parameters, data } = tensor
  if (typeof name !== 'string' || name === '') throw wrong(`${pointer}/name`, 'An input needs a `name`.')
  if (isObject(parameters) && elsewhere.some(key => key in parameters)) {
    throw new Problem('unsupported-media-type', {
      detail: `The data of \`${name}\` is not in the document; binary tensors and shared memory are not read.`,
      hint: 'Send `data` as JSON. In tritonclient: set_data_from_numpy(…, binary_data=False).',
    })
  }
  if (!isShape(shape)) throw wrong(`${pointer}/shape`, `The shape of \`${name}\` is a list of sizes.`)
  if (typeof datatype !== 'string' || !datatypes.includes(datatype)) {
    const what = `The datatype of \`${name}\` is ${shown(datatype)}; it can be ${datatypes.join(', ')}.`
    throw wrong(`${pointer}/datatype`, what)
  }
  const values = flat(data, shape, `${pointer}/data`, name)
  const odd = values.findIndex(value => !fits(value, datatype))
  if (odd >= 0) {
    throw wrong(
      `${pointer}/data`,
      `Value ${odd} of \`${name}\` is ${shown(values[odd])}, which is no ${datatype}.`,
    )
  }
  return [name, nested(values, shape)]
}

function isShape(shape: unknown): shape is number[] {
  return Array.isArray(shape) && shape.every(size => Number.isInteger(size) && size >= 0)
}

/** The values of a tensor in one list, whether they came nested or in one list. */
function flat(data: unknown, shape: readonly number[], pointer: string, name: string): unknown[] {
  if (!Array.isArray(data)) throw wrong(pointer, `The data of \`${name}\` is a list.`)
  if (data.some(Array.isArray)) {
    const leaves: unknown[] = []
    if (!collect(data, shape, leaves)) {
      throw wrong(pointer, `The lists in the data of \`${name}\` do not fit its shape.`)
    }
    return leaves
  }
  const count = shape.reduce((product, size) => product * size, 1)
  if (data.length === count) return data
  const have = data.length === 1 ? '1 value' : `${data.length} values`
  throw wrong(pointer, `\`${name}\` has ${have}; its shape [${shape.join(', ')}] needs ${count}.`)
}

function collect(data: unknown, [size, ...rest]: readonly number[], leaves: unknown[]): boolean {
  if (!Array.isArray(data) || data.length !== size) return false
  if (rest.length > 0) return data.every(item => collect(item, rest, leaves))
  for (const item of data) leaves.push(item)
  return true
}

function nested(values: readonly unknown[], shape: readonly number[]): unknown {
  const [size = 0, ...rest] = shape
  if (rest.length === 0) return shape.length === 0 ? values[0] : values
  const step = size === 0 ? 0 : values.length / size
  return Array.from({ length: size }, (_, at) => nested(values.slice(at * step, (at + 1) * step), rest))
}

function fits(value: unknown, datatype: string): boolean {
  if (datatype === 'BOOL') return typeof value === 'boolean'
  if (datatype === 'BYTES') return typeof value === 'string'
  // What JSON has for NaN.
  if (floats.includes(datatype)) return typeof value === 'number' || value === null
  if (!Number.isInteger(value)) return false
  const width = bits[datatype] as number
  const low = datatype.startsWith('U') ? 0 : -(2 ** (width - 1))
  return (value as number) >= low && (value as number) < low + 2 ** width
}

function wantedOf(outputs: unknown): string[] | undefined {
  if (outputs === undefined || outputs === null || (Array.isArray(outputs) && outputs.length === 0))
    return undefined
  const names = Array.isArray(outputs)
    ? outputs.map(output => (isObject(output) ? output.name : undefined))
    : []
  if (names.length > 0 && names.every(name => typeof name === 'string')) return names
  throw wrong('/outputs', '`outputs` is a list of objects with a `name`.')
}

function shown(value: unknown): string {
  const text = encode(value ?? null)
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`
}

function wrong(pointer: string, message: string): Problem {
  const errors = [{ pointer, code: 'invalid-request', message }]
  return new Problem('invalid-request', { detail: message, errors })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
