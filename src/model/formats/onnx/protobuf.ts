/** The wire format of protocol buffers: tags, lengths, numbers. Reads what may be hostile: every length is checked. */

/** https://protobuf.dev/programming-guides/encoding/ */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

/** One field of a message: a number, or bytes that are a text, a packed list or a message of its own. */
export interface Field {
  readonly number: number
  /** Of a varint, which may have 64 bits. */
  readonly value: bigint
  /** Of a length-delimited field; empty otherwise. */
  readonly bytes: Buffer
}

const none = Buffer.alloc(0)

/** The fields of a message in their order. Throws `ProtobufError`. */
export function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0
  while (at < message.length) {
    const tag = varint(message, at)
    at = tag.end
    const number = Number(tag.value >> 3n)
    if (number < 1 || number > 0x1fff_ffff) throw new ProtobufError('a field has no number')
    switch (Number(tag.value & 7n)) {
      case 0: {
        const { value, end } = varint(message, at)
        at = end
        yield { number, value, bytes: none }
        break
      }
      case 1:
        at = skip(message, at, 8)
        yield { number, value: 0n, bytes: none }
        break
      case 2: {
        const { value, end } = varint(message, at)
        if (value > BigInt(message.length - end)) throw new ProtobufError('a length goes beyond the end')
        at = end + Number(value)
        yield { number, value: 0n, bytes: message.subarray(end, at) }
        break
      }
      case 5:
        at = skip(message, at, 4)
        yield { number, value: 0n, bytes: none }
        break
      default:
        throw new ProtobufError('a field is of no known kind')
    }
  }
}

/** A text of a field. Throws `ProtobufError` when it is not UTF-8. */
export function textOf({ bytes }: Field): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ProtobufError('a text is not UTF-8', { cause })
  }
}

/** A number of a field as a signed 64-bit integer. */
export function integerOf({ value }: Field): bigint {
  return BigInt.asIntN(64, value)
}

function varint(bytes: Buffer, start: number): { value: bigint; end: number } {
  // Most are short, and BigInt is slow.
  const first = bytes[start]
  if (first === undefined) throw new ProtobufError('a number goes beyond the end')
  if (first < 0x80) return { value: BigInt(first), end: start + 1 }
  let value = 0n
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at]
    if (byte === undefined) throw new ProtobufError('a number goes beyond the end')
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - start))
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: at + 1 }
  }
  throw new ProtobufError('a number is longer than numbers are')
}

function skip(bytes: Buffer, at: number, count: number): number {
  if (at + count > bytes.length) throw new ProtobufError('a number goes beyond the end')
  return at + count
}
