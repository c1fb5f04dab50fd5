/**
 * Requests that failed, kept for `thampi replay`: off unless the stage's settings say `record`. Few, small and not for
 * long: a disk must not fill up because a model fails, and what callers send may be private.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isLosslessNumber, parse, stringify } from 'lossless-json'
import type { GatewayAnswer } from '../../gateway/gateway.ts'
import { stepsOf } from '../../model/paths.ts'
import type { Stage } from '../../settings/stage.ts'
import { naiveUtc } from '../../system/time.ts'
import type { RecordedRequest } from '../platform.ts'
import type { Layout, StageKey } from './layout.ts'
import { readRecord, writeRecord } from './records.ts'

export type RecordSettings = Pick<Stage, 'record' | 'recordHide'>

export interface RecorderLimits {
  readonly count: number
  readonly bytes: number
  /** Of one request. */
  readonly bodyBytes: number
  readonly ageMs: number
  /** Written at a time; what comes meanwhile is not kept. */
  readonly pending: number
}

const usual: RecorderLimits = {
  count: 200,
  bytes: 16 * 1024 * 1024,
  bodyBytes: 1024 * 1024,
  ageMs: 7 * 24 * 3_600_000,
  pending: 8,
}

/** Examples are replayed under such names; they are no callers. */
export const proofPrefix = 'proof-'

interface Arrived {
  readonly requestId: string
  readonly body: Uint8Array
  /** In another protocol; those are not kept. */
  readonly door?: string | undefined
}

/** The recordings of one stage. */
export class Recorder {
  readonly #at: Layout
  readonly #key: StageKey
  readonly #limits: RecorderLimits
  #pending = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(at: Layout, key: StageKey, limits: RecorderLimits = usual) {
    this.#at = at
    this.#key = key
    this.#limits = limits
  }

  /** Whether such settings ask for anything at all. */
  static isWanted({ record }: Partial<RecordSettings>): boolean {
    return record !== undefined && record !== 'off' && record !== 0
  }

  /** Looks at an answer; keeps its request when the settings say so. Returns at once. */
  answered(request: Arrived, { status, version }: GatewayAnswer, settings: RecordSettings): void {
    const { requestId, body, door } = request
    if (version === undefined || door !== undefined || requestId.startsWith(proofPrefix)) return
    if (!isFailure(status) && (settings.record === 'errors' || Math.random() >= Number(settings.record)))
      return
    if (body.length > this.#limits.bodyBytes || this.#pending >= this.#limits.pending) return
    this.#pending++
    // Now, not when its turn comes to be written: whose bytes these will be then nobody promises.
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
    const kept = { requestId, status, version, timeUtc: naiveUtc(new Date()) }
    this.#writing = this.#writing
      .then(() => this.#keep(kept, text, settings.recordHide))
      // The disk is full, or not ours: the caller has the answer all the same.
      .catch(() => {})
      .finally(() => this.#pending--)
  }

  /** When everything that was to be kept is. */
  async settled(): Promise<void> {
    await this.#writing
  }

  /** Removes what is too old, too many or too much. */
  async prune(): Promise<void> {
    const dir = dirname(this.#at.recorded(this.#key, 'any'))
    const names = await readdir(dir).catch(() => [])
    const files = await Promise.all(
      names.map(async name => {
        const { mtimeMs, size } = await stat(join(dir, name))
        return { path: join(dir, name), mtimeMs, size }
      }),
    )
    files.sort((a, b) => b.mtimeMs - a.mtimeMs)
    const oldest = Date.now() - this.#limits.ageMs
    let bytes = 0
    for (const [index, { path, mtimeMs, size }] of files.entries()) {
      bytes += size
      const stays = index < this.#limits.count && bytes <= this.#limits.bytes && mtimeMs >= oldest
      if (!stays) await rm(path, { force: true })
    }
  }

  async remove(): Promise<void> {
    await this.#writing
    await rm(dirname(this.#at.recorded(this.#key, 'any')), { recursive: true, force: true })
  }

  async #keep(
    kept: Omit<RecordedRequest, 'body' | 'hidden'>,
    text: string,
    hide: readonly string[],
  ): Promise<void> {
    const shown = hide.length === 0 ? { body: text, hidden: false } : hiding(text, hide)
    // What cannot be read cannot be hidden either.
    if (shown === undefined) return
    const recorded: RecordedRequest = { ...kept, ...shown }
    await writeRecord(this.#at.recorded(this.#key, kept.requestId), recorded)
    await this.prune()
  }
}

/** Undefined when it was not kept, or no longer is. */
export async function readRecorded(
  at: Layout,
  key: StageKey,
  requestId: string,
): Promise<RecordedRequest | undefined> {
  const path = at.recorded(key, requestId)
  const age =
    Date.now() -
    (await stat(path)
      .catch(() => undefined)
      .then(found => found?.mtimeMs ?? 0))
  return age > usual.ageMs ? undefined : readRecord<RecordedRequest>(path)
}

/** Refused by the schema or the model, failed, died, too late; not: refused before anybody was asked. */
function isFailure(status: number): boolean {
  return status === 422 || (status >= 500 && status !== 503)
}

const instead = '(hidden)'

/** The body with `(hidden)` in the places of `paths`; undefined when it is not JSON. */
function hiding(
  text: string,
  paths: readonly string[],
): Pick<RecordedRequest, 'body' | 'hidden'> | undefined {
  try {
    const document = parse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue })
    const steps = paths.flatMap(path => {
      const found = stepsOf(path, 'data')
      return found ? [['data', ...found]] : []
    })
    const body = stringify(steps.reduce(withoutPlace, document))
    if (body === undefined) return undefined
    return body === stringify(document) ? { body: text, hidden: false } : { body, hidden: true }
  } catch {
    return undefined
  }
}

function withoutPlace(value: unknown, [step, ...more]: readonly string[]): unknown {
  if (step === undefined) return instead
  if (typeof value !== 'object' || value === null || isLosslessNumber(value)) return value
  if (Array.isArray(value))
    return value.map((item: unknown, i) =>
      step === '*' || step === `${i}` ? withoutPlace(item, more) : item,
    )
  return Object.fromEntries(
    Object.entries(value).map(([key, member]): [string, unknown] => [
      key,
      step === '*' || step === key ? withoutPlace(member, more) : member,
    ]),
  )
}
