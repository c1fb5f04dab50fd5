/** ONNX files for tests, written field by field: small models, and what nobody's exporter would write. */

/** A message of protocol buffers: field number → a number, a text, bytes, or several of them. */
export type Message = readonly (readonly [field: number, value: number | bigint | string | Uint8Array])[]

export function protobuf(message: Message): Buffer {
  const parts = message.map(([field, value]) => {
    if (typeof value === 'number' || typeof value === 'bigint') {
      return Buffer.concat([varint(BigInt(field << 3)), varint(BigInt.asUintN(64, BigInt(value)))])
    }
    const bytes = Buffer.from(value as string)
    return Buffer.concat([varint(BigInt((field << 3) | 2)), varint(BigInt(bytes.length)), bytes])
  })
  return Buffer.concat(parts)
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(bytes)
}

/** By the numbers of ONNX. */
export const types = { float: 1, int64: 7, string: 8, bool: 9, float16: 10, double: 11, uint64: 13 } as const

/** A named tensor of a graph; null in the shape is a length of any size. */
export function port(name: string, type: number, shape?: readonly (number | null)[]): Buffer {
  const dims = (shape ?? []).map((length, at): [number, Buffer] => [
    1,
    protobuf(length === null ? [[2, `n${at}`]] : [[1, length]]),
  ])
  const tensor = protobuf([[1, type], ...(shape ? [[2, protobuf(dims)] as const] : [])])
  return protobuf([
    [1, name],
    [2, protobuf([[1, tensor]])],
  ])
}

export interface GraphParts {
  readonly inputs?: readonly Buffer[]
  readonly outputs?: readonly Buffer[]
  readonly nodes?: readonly Buffer[]
  readonly initializers?: readonly Buffer[]
  readonly more?: Message
}

export function graph({
  inputs = [],
  outputs = [],
  nodes = [],
  initializers = [],
  more = [],
}: GraphParts): Buffer {
  return protobuf([
    ...nodes.map(node => [1, node] as const),
    [2, 'g'],
    ...initializers.map(tensor => [5, tensor] as const),
    ...inputs.map(input => [11, input] as const),
    ...outputs.map(output => [12, output] as const),
    ...more,
  ])
}

export function model(parts: GraphParts, more: Message = []): Buffer {
  const opset = protobuf([
    [1, ''],
    [2, 17],
  ])
  return protobuf([[1, 8], [2, 'tests'], [7, graph(parts)], [8, opset], ...more])
}

/** An operator without attributes. */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  more: Message = [],
): Buffer {
  return protobuf([
    ...inputs.map(name => [1, name] as const),
    ...outputs.map(name => [2, name] as const),
    [4, op],
    ...more,
  ])
}

/** Weights that lie in another file. */
export function externalTensor(name: string, location: string): Buffer {
  return protobuf([
    [1, 2],
    [2, types.float],
    [8, name],
    [
      13,
      protobuf([
        [1, 'location'],
        [2, location],
      ]),
    ],
    [14, 1],
  ])
}

/** Gives back what it gets, for each of these types. */
export function identity(
  ...ports: readonly (readonly [name: string, type: number, shape: readonly (number | null)[]])[]
): Buffer {
  return model({
    inputs: ports.map(([name, type, shape]) => port(name, type, shape)),
    outputs: ports.map(([name, type, shape]) => port(`${name}_out`, type, shape)),
    nodes: ports.map(([name]) => node('Identity', [name], [`${name}_out`])),
  })
}
