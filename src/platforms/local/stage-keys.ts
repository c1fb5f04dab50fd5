/** The API keys of a stage: shown once when they are made, kept as SHA-256. The host is the only writer. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { ThampiError } from '../../errors.ts'
import type { KeyRing } from '../../gateway/api-key.ts'
import { naiveUtc } from '../../system/time.ts'
import type { ApiKey } from '../platform.ts'
import { readRecord, writeRecord } from './records.ts'

/** What is on disk. A key of 256 random bits needs no salt: there is nothing to look up or to guess. */
interface KeyRecord extends ApiKey {
  readonly sha256: string
}

interface KeysRecord {
  readonly keys: readonly KeyRecord[]
}

/** Found by scanners of leaked secrets, and by `src/bundle/secrets.ts` of this project. */
const prefix = 'thampi_'
const keyBytes = 32

/** A new key, for this process's own use or for a caller. */
export function newKey(): string {
  return prefix + randomBytes(keyBytes).toString('base64url')
}

export class StageKeys implements KeyRing {
  #path: string
  #keys: readonly KeyRecord[]
  #digests: readonly Buffer[] = []
  #own: Buffer | undefined
  #lastWrite: Promise<void> = Promise.resolve()

  private constructor(path: string, keys: readonly KeyRecord[], own?: string) {
    this.#path = path
    this.#own = own === undefined ? undefined : digestOf(own)
    this.#keys = keys
    this.#use(keys)
  }

  /**
   * `own` is accepted as well: the host's key for the commands of its owner, never written anywhere.
   * Throws `INTEGRITY` when the file is not as it was written.
   */
  static async open(path: string, own?: string): Promise<StageKeys> {
    return new StageKeys(path, (await readRecord<KeysRecord>(path))?.keys ?? [], own)
  }

  /** Knows no key but `own`: for a file that cannot be read. */
  static closed(path: string, own?: string): StageKeys {
    return new StageKeys(path, [], own)
  }

  /** Looks at every key, whether or not one fitted already. */
  accepts(key: string): boolean {
    const digest = digestOf(key)
    let fits = this.#own !== undefined && timingSafeEqual(digest, this.#own)
    for (const known of this.#digests) fits = timingSafeEqual(digest, known) || fits
    return fits
  }

  list(): readonly ApiKey[] {
    return this.#keys.map(({ name, createdTimeUtc }) => ({ name, createdTimeUtc }))
  }

  /** Makes a key and gives it away: nobody can show it again. Throws `KEY_EXISTS`. */
  async create(name: string, now: Date): Promise<string> {
    const key = newKey()
    await this.#change(keys => {
      if (keys.some(known => known.name === name))
        throw new ThampiError('KEY_EXISTS', {
          message: `There is an API key "${name}" already.`,
          why: 'It cannot be shown again; every key has a name of its own.',
          fix: `choose another name, or take that key back first: thampi keys revoke STAGE ${name}`,
        })
      return [...keys, { name, createdTimeUtc: naiveUtc(now), sha256: digestOf(key).toString('hex') }]
    })
    return key
  }

  /** False when there is no such key. From the moment this resolves on, the key opens nothing. */
  async revoke(name: string): Promise<boolean> {
    let found = false
    await this.#change(keys => {
      const left = keys.filter(known => known.name !== name)
      found = left.length < keys.length
      return left
    })
    return found
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
    this.#keys = []
    this.#use([])
  }

  /** One change after the other, each on disk before it counts: two at once would lose one. */
  #change(change: (keys: readonly KeyRecord[]) => readonly KeyRecord[]): Promise<void> {
    const turn = this.#lastWrite.then(async () => {
      const keys = change(this.#keys)
      await writeRecord(this.#path, { keys } satisfies KeysRecord)
      this.#keys = keys
      this.#use(keys)
    })
    this.#lastWrite = turn.catch(() => {})
    return turn
  }

  #use(keys: readonly KeyRecord[]): void {
    this.#digests = keys.map(({ sha256 }) => Buffer.from(sha256, 'hex'))
  }
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
