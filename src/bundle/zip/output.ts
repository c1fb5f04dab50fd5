/** A file that is written from its beginning to its end in large pieces, whatever pieces come. */
import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { Digest } from '../../system/files.ts'

/** What is given to the disk at once. */
const PIECE = 1024 * 1024

export class Output {
  readonly #handle: FileHandle
  readonly #buffer = Buffer.allocUnsafe(PIECE)
  #filled = 0
  /** What the disk has. */
  #flushed = 0
  /** Of what the disk has. Undefined when something of that was replaced. */
  #hash: Hash | undefined = createHash('sha256')

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Bytes written so far. */
  get position(): number {
    return this.#flushed + this.#filled
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > PIECE - this.#filled) await this.flush()
    if (bytes.length > PIECE) return this.#put(bytes)
    this.#buffer.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  /** Replaces bytes that were written before; they lie before `position`. */
  async rewrite(at: number, bytes: Uint8Array): Promise<void> {
    await this.flush()
    this.#hash = undefined
    await writeAll(this.#handle, bytes, at)
  }

  async flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#filled)
    this.#filled = 0
    await this.#put(bytes)
  }

  /** Of the whole file, when all of it was written once and flushed. Undefined: it has to be read again. */
  digest(): Digest | undefined {
    return this.#hash && `sha256:${this.#hash.digest('hex')}`
  }

  async #put(bytes: Uint8Array): Promise<void> {
    const written = writeAll(this.#handle, bytes, this.#flushed)
    // Meanwhile, on this thread.
    this.#hash?.update(bytes)
    await written
    this.#flushed += bytes.length
  }
}

/** The system may take a part only. */
async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}
