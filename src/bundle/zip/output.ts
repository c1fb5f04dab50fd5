/** A file that is written from its beginning to its end in large pieces, whatever pieces come. */
import type { FileHandle } from 'node:fs/promises'

/** What is given to the disk at once. */
const PIECE = 1024 * 1024

export class Output {
  readonly #handle: FileHandle
  readonly #buffer = Buffer.allocUnsafe(PIECE)
  #filled = 0
  /** What the disk has. */
  #flushed = 0

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
    await writeAll(this.#handle, bytes, at)
  }

  async flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#filled)
    this.#filled = 0
    await this.#put(bytes)
  }

  async #put(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#handle, bytes, this.#flushed)
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
