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

const nothing = Buffer.alloc(0)

/** Cuts a stream into frames. What a chunk holds whole is not copied; a frame in several chunks is, once. */
export class FrameReader {
  /** A frame that has begun to arrive, at its full length as soon as that is known: the length field, then everything. */
  #part = nothing
  #filled = 0

  /** Whether a frame has begun to arrive whose end is still missing. */
  get holdsPart(): boolean {
    return this.#part !== nothing
  }

  /** Takes a chunk for good and gives the frames that are complete now, in order. Throws `WireError` on a bad length. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    const bytes = this.#continue(chunk, frames)
    const end = endOfWhole(bytes)
    cut(bytes, end, frames)
    this.#begin(bytes, end)
    return frames
  }

  /** The same for bytes that are overwritten afterwards: the frames are copies. */
  pushBorrowed(borrowed: Buffer): Frame[] {
    const frames: Frame[] = []
    const bytes = this.#continue(borrowed, frames)
    const end = endOfWhole(bytes)
    if (end > 0) cut(Buffer.from(bytes.subarray(0, end)), end, frames)
    this.#begin(bytes, end)
    return frames
  }

  /** Adds to the frame that has begun; gives what is left. */
  #continue(bytes: Buffer, frames: Frame[]): Buffer {
    if (this.#part === nothing) return bytes
    let at = this.#gather(bytes, 0)
    if (this.#part.length === lengthBytes && this.#filled === lengthBytes) {
      const field = this.#part
      this.#part = Buffer.allocUnsafe(wholeBytes(field, 0))
      field.copy(this.#part)
      at = this.#gather(bytes, at)
    }
    if (this.#filled === this.#part.length && this.#filled > lengthBytes) {
      cut(this.#part, this.#filled, frames)
      this.#part = nothing
    }
    return at === 0 ? bytes : bytes.subarray(at)
  }

  #begin(bytes: Buffer, at: number): void {
    if (at === bytes.length) return
    const isKnown = bytes.length - at >= lengthBytes
    this.#part = Buffer.allocUnsafe(isKnown ? wholeBytes(bytes, at) : lengthBytes)
    this.#filled = 0
    this.#gather(bytes, at)
  }

  #gather(bytes: Buffer, at: number): number {
    const copied = bytes.copy(this.#part, this.#filled, at)
    this.#filled += copied
    return at + copied
  }
}

/** Where the last frame ends that is whole. */
function endOfWhole(bytes: Buffer): number {
  let end = 0
  while (bytes.length - end >= lengthBytes) {
    const next = end + wholeBytes(bytes, end)
    if (next > bytes.length) break
    end = next
  }
  return end
}

/** How long the frame is that begins at `at`, its length field included. */
function wholeBytes(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at)
  if (length < headBytes || length > maxFrameBytes)
    throw new WireError(`a frame cannot be ${length} bytes long`)
  return lengthBytes + length
}

function cut(bytes: Buffer, end: number, frames: Frame[]): void {
  for (let at = 0; at < end; ) {
    const next = at + wholeBytes(bytes, at)
    frames.push({
      type: bytes[at + lengthBytes] as number,
      id: bytes.readUInt32BE(at + lengthBytes + 1),
      payload: bytes.subarray(at + payloadStart, next),
    })
    at = next
  }
}
