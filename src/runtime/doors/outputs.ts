/** Results as tensors of the Open Inference Protocol, each as JSON text. */
import { encode } from '../encode.ts'

/** Output name → output. Throws `NotJson` naming the place in the result. */
export function outputsOf(result: unknown, onMissing: (where: string) => void): Map<string, string> {
  // Checked as a whole, so that a refusal names the place.
  encode(result, onMissing)
  const named: [string, unknown][] = isNamed(result) ? Object.entries(result) : [['result', result]]
  return new Map(
    named.filter(([, value]) => value !== undefined).map(([name, value]) => [name, output(name, value)]),
  )
}

function isNamed(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || isList(value) || 'toJSON' in value) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.keys(value).length > 0
}

function output(name: string, value: unknown): string {
  const shape: number[] = []
  let values: readonly unknown[] = [value]
  while (values.length > 0 && values.every(isList)) {
    const sizes = new Set(values.map(list => list.length))
    if (sizes.size > 1) break // lists of several lengths
    shape.push(...sizes)
    values = values.flatMap(list => Array.from(list as ArrayLike<unknown>))
  }
  const texts = values.map(leaf => encode(leaf))
  const datatype = typed.get(Object.getPrototypeOf(Object(value))?.constructor) ?? datatypeOf(texts)
  if (datatype === undefined) {
    // No tensor: the value itself, as the text of a JSON document.
    return tensor(name, 'BYTES', [1], [encode(encode(value))], ',"parameters":{"content_type":"json"}')
  }
  return tensor(name, datatype, shape.length === 0 ? [1] : shape, texts)
}

function tensor(
  name: string,
  datatype: string,
  shape: readonly number[],
  data: readonly string[],
  more = '',
): string {
  return `{"data":[${data.join(',')}],"datatype":"${datatype}","name":${encode(name)}${more},"shape":[${shape.join(',')}]}`
}

type List = ArrayLike<unknown>

function isList(value: unknown): value is List {
  return Array.isArray(value) || typed.has((value as object | null)?.constructor)
}

const typed = new Map<unknown, string>([
  [Float32Array, 'FP32'],
  [Float64Array, 'FP64'],
  [Int8Array, 'INT8'],
  [Int16Array, 'INT16'],
  [Int32Array, 'INT32'],
  [BigInt64Array, 'INT64'],
  [Uint8Array, 'UINT8'],
  [Uint8ClampedArray, 'UINT8'],
  [Uint16Array, 'UINT16'],
  [Uint32Array, 'UINT32'],
  [BigUint64Array, 'UINT64'],
])

/** Of the texts of values, undefined when they have none in common. Nothing at all counts as numbers. */
function datatypeOf(texts: readonly string[]): string | undefined {
  const kinds = new Set(texts.map(kindOf))
  if (kinds.has('other')) return undefined
  if (kinds.size === 1 && kinds.has('flag')) return 'BOOL'
  if (kinds.size === 1 && kinds.has('text')) return 'BYTES'
  if (kinds.has('flag') || kinds.has('text')) return undefined
  if (kinds.size === 1 && kinds.has('null')) return undefined
  if (kinds.size !== 1 || !kinds.has('whole')) return 'FP64'
  const numbers = texts.map(BigInt)
  if (numbers.every(number => BigInt.asIntN(64, number) === number)) return 'INT64'
  return numbers.every(number => BigInt.asUintN(64, number) === number) ? 'UINT64' : undefined
}

function kindOf(text: string): 'flag' | 'text' | 'whole' | 'number' | 'null' | 'other' {
  if (text === 'true' || text === 'false') return 'flag'
  if (text === 'null') return 'null'
  if (text.startsWith('"')) return 'text'
  if (/^-?\d+$/.test(text)) return 'whole'
  return /^-?\d/.test(text) ? 'number' : 'other'
}
