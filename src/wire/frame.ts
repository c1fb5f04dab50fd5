/** Frames: how messages lie in a stream of bytes. `contract/wire.md` is the specification, for both languages. */

/** Everything after the length field; a longer frame ends the conversation. */
export const maxFrameBytes: number = 16 * 1024 * 1024

const lengthBytes = 4
const headBytes = 5

export interface Frame {
  readonly type: number
  readonly id: number
  readonly payload: Buffer
}

/** The other side broke the rules of the wire. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/** A frame of `payloadBytes`, its head filled in; the caller writes the payload from `payloadStart` on. */
export function allocateFrame(type: number, id: number, payloadBytes: number): Buffer {
  const frame = Buffer.allocUnsafe(payloadStart + payloadBytes)
  writeHead(frame, type, id, payloadBytes)
  return frame
}

/** Where the payload begins in what `allocateFrame` gives. */
export const payloadStart: number = lengthBytes + headBytes

/** Fills in length, type and id at `start` of `buffer`, for a payload that may lie in further buffers. */
export function writeHead(buffer: Buffer, type: number, id: number, payloadBytes: number, start = 0): void {
  const length = headBytes + payloadBytes
  if (length > maxFrameBytes)
    throw new WireError(`a frame of ${length} bytes is longer than ${maxFrameBytes}`)
  buffer.writeUInt32BE(length, start)
  buffer[start + lengthBytes] = type
  buffer.writeUInt32BE(id, start + lengthBytes + 1)
}

/** Cuts a stream into frames. Payloads are views into the chunks that came; big ones are joined exactly once. */
export class FrameReader {
  #chunks: Buffer[] = []
  #held = 0
  /** How many held bytes make further work worthwhile: a length field, then a whole frame. */
  #wanted = lengthBytes

  /** Whether a frame has begun to arrive whose end is still missing. */
  get holdsPart(): boolean {
    return this.#held > 0
  }

  /** Takes a chunk and gives the frames that are complete now, in order. Throws `WireError` on a bad length. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    const frames: Frame[] = []
    if (this.#held < this.#wanted) return frames

    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held)
    this.#wanted = lengthBytes
    while (bytes.length >= lengthBytes) {
      const length = bytes.readUInt32BE(0)
      if (length < headBytes || length > maxFrameBytes)
        throw new WireError(`a frame cannot be ${length} bytes long`)
      const end = lengthBytes + length
      if (bytes.length < end) {
        this.#wanted = end
        break
      }
      frames.push({
        type: bytes[lengthBytes] as number,
        id: bytes.readUInt32BE(lengthBytes + 1),
        payload: bytes.subarray(payloadStart, end),
      })
      bytes = bytes.subarray(end)
    }
    this.#chunks = bytes.length > 0 ? [bytes] : []
    this.#held = bytes.length
    return frames
  }
}
