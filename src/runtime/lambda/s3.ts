/**
 * One big file of a model, from S3 into memory or onto scratch disk: in ranges, several at a time. A range that has
 * arrived stays, so the next attempt gets only what is missing. Whether the bytes are right is seen when they are loaded.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { LoadFailure } from '../failure.ts'
import type { Stored } from './manifest.ts'
import { type Client, type Sdk, sdkFor } from './sdk.ts'

const rangeBytes = 16 * 1024 * 1024
const atOnce = 8
const tries = 5
const connectMs = 3_000
/** As long as a function can run at all. */
const longestMs = 900_000
/** Without a byte. */
const stallMs = 10_000

/** A piece of the file: from `at` on it is missing. */
interface Range {
  at: number
  readonly end: number
}

export class Download {
  readonly #file: string
  readonly #bucket: string
  readonly #stored: Stored
  readonly #path: string | undefined
  #missing: Range[] | undefined
  #memory: Buffer | undefined

  /** `path` is the file it is to become, anew; undefined: memory. */
  constructor(bucket: string, file: string, stored: Stored, path?: string) {
    this.#bucket = bucket
    this.#file = file
    this.#stored = stored
    this.#path = path
  }

  /**
   * Gets what is missing, within `withinMs`. Gives the bytes where they go to memory.
   *
   * Throws `LoadFailure`: MODEL_MISSING, PERMISSION, NETWORK (worth another attempt), INTEGRITY, DISK_FULL, and
   * MODULE_MISSING where there is no SDK.
   */
  async fetch(withinMs: number): Promise<Buffer> {
    const { bytes } = this.#stored
    const isNew = this.#missing === undefined
    this.#missing ??= rangesOf(bytes)
    if (this.#path === undefined) this.#memory ??= Buffer.allocUnsafeSlow(bytes)
    if (this.#missing.length === 0 && this.#path === undefined) return this.#memory as Buffer
    const sdk = sdkFor('The model')
    const client = new sdk.S3Client({
      // What fails is repeated by us: a range goes on where it broke off.
      maxAttempts: 1,
      // Every byte is compared with a digest of our own.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: connectMs },
    })
    const file = this.#path === undefined ? undefined : await open(this.#path, isNew ? 'w' : 'r+', 0o600)
    try {
      await this.#fetchMissing(
        sdk,
        client,
        file,
        AbortSignal.timeout(Math.floor(Math.max(1, Math.min(longestMs, withinMs)))),
      )
      return this.#memory ?? Buffer.alloc(0)
    } finally {
      client.destroy()
      await file?.close()
    }
  }

  async #fetchMissing(
    sdk: Sdk,
    client: Client,
    file: FileHandle | undefined,
    over: AbortSignal,
  ): Promise<void> {
    const waiting = [...(this.#missing as Range[])]
    const failed = new AbortController()
    const until = AbortSignal.any([over, failed.signal])
    const worker = async (): Promise<void> => {
      for (let range = waiting.shift(); range && !until.aborted; range = waiting.shift()) {
        try {
          await this.#fetchRange(sdk, client, file, range, until)
        } catch (error) {
          failed.abort(error)
        }
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    if (failed.signal.aborted) throw failed.signal.reason
    if (over.aborted) throw this.#unreachable('The time for it is over')
  }

  async #fetchRange(
    sdk: Sdk,
    client: Client,
    file: FileHandle | undefined,
    range: Range,
    until: AbortSignal,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#continueRange(sdk, client, file, range, until)
        this.#missing = this.#missing?.filter(one => one !== range)
        return
      } catch (error) {
        const why = until.aborted ? this.#unreachable('The time for it is over') : this.#explained(error)
        if (why.code !== 'NETWORK' || until.aborted || attempt === tries) throw why
        await sleep(Math.random() * Math.min(2_000, 100 * 2 ** attempt))
      }
    }
  }

  async #continueRange(
    sdk: Sdk,
    client: Client,
    file: FileHandle | undefined,
    range: Range,
    until: AbortSignal,
  ): Promise<void> {
    const stalled = new AbortController()
    const watch = setTimeout(
      () => stalled.abort(new Error(`nothing came for ${stallMs / 1000} seconds`)),
      stallMs,
    )
    const abortSignal = AbortSignal.any([until, stalled.signal])
    try {
      const wanted = `bytes=${range.at}-${range.end - 1}`
      const where = { Bucket: this.#bucket, Key: this.#stored.key, Range: wanted }
      const { Body, ContentRange } = await client.send(new sdk.GetObjectCommand(where), { abortSignal })
      const stop = (): unknown => Body.destroy(abortSignal.reason as Error)
      abortSignal.addEventListener('abort', stop, { once: true })
      if (ContentRange !== `bytes ${range.at}-${range.end - 1}/${this.#stored.bytes}`) {
        Body.destroy()
        throw this.#corrupt(`S3 has ${ContentRange}, wanted ${inDigits(this.#stored.bytes)} bytes in all`)
      }
      for await (const piece of Body as AsyncIterable<Buffer>) {
        watch.refresh()
        if (range.at + piece.length > range.end) throw new Error('more came than was asked for')
        if (file) await file.write(piece, 0, piece.length, range.at)
        else this.#memory?.set(piece, range.at)
        range.at += piece.length
      }
      if (range.at < range.end) throw new Error('the connection ended early')
    } finally {
      clearTimeout(watch)
    }
  }

  /** What an error means; a refusal is final, anything else may be better in a moment. */
  #explained(error: unknown): LoadFailure {
    if (error instanceof LoadFailure) return error
    const { name, message, code, $metadata } = error as Error & {
      readonly code?: string
      readonly $metadata?: { readonly httpStatusCode?: number }
    }
    const status = $metadata?.httpStatusCode
    if (code === 'ENOSPC') {
      return new LoadFailure('DISK_FULL', {
        message: `Scratch disk has no room for ${inDigits(this.#stored.bytes)} bytes of ${this.#file}.`,
        fix: 'give the function more scratch disk',
        cause: error,
      })
    }
    if (status === 404) {
      return new LoadFailure('MODEL_MISSING', {
        message: `${this.#file} is not in S3: ${this.#place} does not exist.`,
        fix: 'serve the model again',
        cause: error,
      })
    }
    if (status === 416) {
      return this.#corrupt(`${this.#place} has fewer than ${inDigits(this.#stored.bytes)} bytes`)
    }
    if (name === 'CredentialsProviderError' || [301, 307, 400, 401, 403].includes(status ?? 0)) {
      // Without the right to list a bucket, S3 refuses what does not exist in the same words.
      return new LoadFailure('PERMISSION', {
        message: `S3 does not give ${this.#place} to this function, or it is not there: ${name}.`,
        fix: "allow s3:GetObject on it to the function's role, or serve the model again",
        cause: error,
      })
    }
    return this.#unreachable(status === undefined ? `${name}: ${message}` : `S3 answers ${status} ${name}`)
  }

  #unreachable(why: string): LoadFailure {
    const missing = this.#missing?.reduce((sum, { at, end }) => sum + end - at, 0) ?? 0
    const amount = `${inDigits(missing)} of ${inDigits(this.#stored.bytes)} bytes are missing`
    return new LoadFailure('NETWORK', {
      message: `${this.#file} has not come from S3 in time; ${amount}.`,
      why: `${why}.`,
      fix: 'ask again: what has arrived is kept',
    })
  }

  #corrupt(why: string): LoadFailure {
    return new LoadFailure('INTEGRITY', {
      message: `${this.#file} in S3 is not the file that was packed; it was not loaded.`,
      why: `${why}.`,
      fix: 'serve the model again',
    })
  }

  get #place(): string {
    return `s3://${this.#bucket}/${this.#stored.key}`
  }
}

function rangesOf(bytes: number): Range[] {
  return Array.from({ length: Math.ceil(bytes / rangeBytes) }, (_, index) => ({
    at: index * rangeBytes,
    end: Math.min((index + 1) * rangeBytes, bytes),
  }))
}

function inDigits(count: number): string {
  return count.toLocaleString('en')
}
