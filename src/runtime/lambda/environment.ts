/**
 * `remote_env`: more environment for the model of a function, from a file in S3, read once before the model is loaded.
 * Values are in no message and in no log: a file of this sort holds passwords.
 */
import { text } from 'node:stream/consumers'
import { LoadFailure } from '../failure.ts'
import type { RemoteEnvironmentAt } from './manifest.ts'
import { sdkFor } from './sdk.ts'

const tries = 3
const connectMs = 3_000
const longestMs = 15_000

export class RemoteEnvironment {
  readonly #at: RemoteEnvironmentAt
  #isTaken = false

  constructor(at: RemoteEnvironmentAt) {
    this.#at = at
  }

  /**
   * Sets what the file says, unless that was done; gives up after `withinMs`.
   *
   * Throws `LoadFailure`: SETTINGS_INVALID, PERMISSION, NETWORK (worth another attempt), MODULE_MISSING where there is no SDK.
   */
  async take(withinMs: number): Promise<void> {
    if (this.#isTaken) return
    for (const [name, value] of Object.entries(this.#read(await this.#fetched(withinMs)))) {
      // What the settings say wins, and what Lambda says of itself: it is what the SDK lives by.
      if (!(name in process.env) || this.#at.replaces.includes(name)) process.env[name] = value
    }
    this.#isTaken = true
  }

  #read(content: string): Record<string, string> {
    let values: unknown
    try {
      values = JSON.parse(content)
    } catch {
      // What Node says of bad JSON quotes it.
      throw this.#invalid('is no JSON')
    }
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw this.#invalid('is no object of names and texts')
    for (const [name, value] of Object.entries(values)) {
      if (!/^[^=\0]+$/.test(name))
        throw this.#invalid(`has ${JSON.stringify(name)}, which is no name of a variable`)
      if (typeof value !== 'string' || value.includes('\0'))
        throw this.#invalid(`has no text as the value of ${name}`)
    }
    return values as Record<string, string>
  }

  async #fetched(withinMs: number): Promise<string> {
    const sdk = sdkFor('`remote_env`')
    const client = new sdk.S3Client({
      maxAttempts: tries,
      followRegionRedirects: true,
      requestHandler: { connectionTimeout: connectMs },
    })
    try {
      const abortSignal = AbortSignal.timeout(Math.floor(Math.max(1, Math.min(longestMs, withinMs))))
      const wanted = new sdk.GetObjectCommand({ Bucket: this.#at.bucket, Key: this.#at.key })
      const { Body } = await client.send(wanted, { abortSignal })
      return await text(Body)
    } catch (error) {
      throw this.#explained(error)
    } finally {
      client.destroy()
    }
  }

  #explained(error: unknown): LoadFailure {
    const { name, message, $metadata } = error as Error & {
      readonly $metadata?: { readonly httpStatusCode?: number }
    }
    const status = $metadata?.httpStatusCode
    if (status === 404) return this.#invalid('does not exist')
    if (name === 'CredentialsProviderError' || [301, 307, 400, 401, 403].includes(status ?? 0)) {
      // Without the right to list a bucket, S3 refuses what does not exist in the same words.
      return new LoadFailure('PERMISSION', {
        message: `S3 does not give ${this.#place} (\`remote_env\`) to this function, or it is not there: ${name}.`,
        fix: "put the file there; allow s3:GetObject on it to the function's role",
      })
    }
    return new LoadFailure('NETWORK', {
      message: `${this.#place} (\`remote_env\`) has not come from S3 in time.`,
      why: `${status === undefined ? `${name}: ${message}` : `S3 answers ${status} ${name}`}.`,
      fix: 'ask again',
    })
  }

  #invalid(what: string): LoadFailure {
    return new LoadFailure('SETTINGS_INVALID', {
      message: `${this.#place} (\`remote_env\`) ${what}.`,
      fix: 'put a flat JSON file there, such as {"MODE": "fast"}; no new version is needed',
    })
  }

  get #place(): string {
    return `s3://${this.#at.bucket}/${this.#at.key}`
  }
}
