/** A stage while it is served: a pointer to versions with weights, in memory and on disk. */
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ThampiError } from '../../errors.ts'
import type { KeyRing } from '../../gateway/api-key.ts'
import type { AccessEntry, Endpoint, GatewayAnswer, GatewayRequest } from '../../gateway/gateway.ts'
import { type Cors, readCors } from '../../settings/cors.ts'
import type { System } from '../../system/system.ts'
import type { Weights } from '../platform.ts'
import type { Layout, StageKey } from './layout.ts'
import { LogFile } from './log-file.ts'
import { Recorder } from './recorder.ts'
import { type CurrentRecord, readRecord, type VersionRecord, versionsOnDisk, writeRecord } from './records.ts'
import { numberAfter } from './same-release.ts'
import { StageKeys } from './stage-keys.ts'
import type { Running } from './stage-report.ts'
import { Traffic } from './traffic.ts'
import type { Surroundings } from './version-pool.ts'

/** Versions kept when the settings do not say how many. */
const defaultRetained = 10

export interface StageOptions extends Surroundings {
  readonly at: Layout
  readonly system: System
  /** Accepted beside the keys of the stage. */
  readonly ownKey?: string
}

export class ServedStage implements Endpoint {
  readonly key: StageKey
  readonly log: LogFile
  readonly apiKeys: StageKeys
  #options: StageOptions
  #traffic: Traffic
  /** Versions that ever had traffic. */
  #routed: ReadonlySet<number> = new Set()
  #cors: Cors | undefined
  #keyRequired = false
  #recorder: Recorder

  private constructor(key: StageKey, apiKeys: StageKeys, options: StageOptions) {
    this.key = key
    this.apiKeys = apiKeys
    this.#options = options
    this.log = new LogFile(options.at.log(key))
    this.#recorder = new Recorder(options.at, key)
    const { log } = this
    this.#traffic = new Traffic(key, {
      ...options,
      log,
      recorder: this.#recorder,
      version: number => this.version(number),
    })
  }

  /** Finds on disk what an earlier host left; a stage without a pointer is new and serves nothing yet. */
  static async open(key: StageKey, options: StageOptions): Promise<ServedStage> {
    const stage = new ServedStage(key, await openKeys(key, options), options)
    await stage.#recorder.prune()
    // What a damaged pointer said about keys is lost with it: then any version may insist on one.
    let deciding: readonly number[] | undefined
    for (const path of [options.at.current(key), options.at.previous(key)]) {
      try {
        const pointer = await readRecord<CurrentRecord>(path)
        if (pointer) (await stage.#prepare(pointer, deciding))()
        return stage
      } catch (error) {
        // The last switch is lost, not the stage: what was routed before it still is whole.
        const message = `${key.stage}/${key.model}: ${error instanceof Error ? error.message : error}`
        options.system.tell(message)
        stage.log.write({ timeMs: Date.now(), level: 'ERROR', source: 'host', message })
        deciding = await stage.numbers()
      }
    }
    return stage
  }

  get weights(): Weights {
    return new Map(this.#traffic.weights)
  }

  get isServed(): boolean {
    return this.#traffic.weights.length > 0
  }

  get cors(): Cors | undefined {
    return this.#cors
  }

  /** Undefined when everybody may ask. */
  get keys(): KeyRing | undefined {
    return this.#keyRequired ? this.apiKeys : undefined
  }

  get pids(): number[] {
    return this.#traffic.pids
  }

  async version(number: number): Promise<VersionRecord | undefined> {
    return readRecord<VersionRecord>(this.#options.at.version(this.key, number))
  }

  /** The versions kept, ascending. */
  numbers(): Promise<number[]> {
    return versionsOnDisk(this.#options.at, this.key)
  }

  async nextNumber(): Promise<number> {
    return numberAfter(await this.numbers())
  }

  /** Keeps a release, after its model has been loaded once. Throws what kept it from loading; then nothing has changed. */
  async release(record: VersionRecord): Promise<void> {
    const pool = await this.#traffic.start(record)
    try {
      await pool.warm()
      const { mayFork } = pool
      await writeRecord(this.#options.at.version(this.key, record.number), { ...record, mayFork })
    } catch (error) {
      await this.#traffic.stop(record.number)
      throw error
    }
  }

  /** Whether a version ever had traffic. */
  wasRouted(number: number): boolean {
    return this.#routed.has(number)
  }

  /** Takes a release back; not one that has, or had, traffic. */
  async discard(number: number): Promise<void> {
    if (this.wasRouted(number)) return
    await this.#traffic.stop(number)
    this.#traffic.forget(number)
    await rm(this.#options.at.version(this.key, number), { force: true })
  }

  /**
   * Moves the traffic: pointer on disk first, then memory in one step, then the old sandboxes finish and go. Throws
   * `SandboxFailed` when a version cannot be loaded; then nothing has changed.
   */
  async route(weights: CurrentRecord['weights'], retained: number = defaultRetained): Promise<void> {
    for (const [number] of weights) {
      if (!(await this.version(number))) {
        throw new ThampiError('NOT_DEPLOYED', { message: `${this.key.stage} has no version ${number}.` })
      }
    }
    const { at } = this.#options
    const before: CurrentRecord = { weights: this.#traffic.weights, routed: [...this.#routed] }
    const routed = [...new Set([...this.#routed, ...weights.map(([number]) => number)])]
    const pointer: CurrentRecord = { weights, routed }
    const adopt = await this.#prepare(pointer)
    // Traffic never meets a version without a process; one that cannot be loaded any more gets none.
    await Promise.all(weights.map(([number]) => this.#traffic.warm(number)))
    if (this.isServed) await writeRecord(at.previous(this.key), before)
    try {
      await writeRecord(at.current(this.key), pointer)
    } catch (error) {
      // What failed may come after the rename: memory says what the disk says, and the command what failed.
      const found = await readRecord<CurrentRecord>(at.current(this.key)).catch(() => undefined)
      if (JSON.stringify(found?.weights) === JSON.stringify(weights)) adopt()
      throw error
    }
    adopt()
    await this.#collect(Math.max(1, retained))
  }

  /** Ends every sandbox; what is on disk stays. */
  async close(): Promise<void> {
    await this.#traffic.close()
    this.log.flush()
  }

  /** Ends the stage for good. Its log stays: it may say why the stage was taken down. */
  async remove(): Promise<void> {
    const { at } = this.#options
    await rm(at.current(this.key), { force: true })
    await rm(at.previous(this.key), { force: true })
    await this.#traffic.move([])
    await this.close()
    await this.apiKeys.remove()
    await this.#recorder.remove()
    await rm(dirname(at.version(this.key, 1)), { recursive: true, force: true })
  }

  /** A request that reached this stage has its answer. */
  accessed({ requestId, traceId, status, ms, version, path }: AccessEntry): void {
    const timeMs = Date.now()
    const level = status >= 500 ? 'ERROR' : 'INFO'
    const { stage, model } = this.key
    const message = `POST ${path ?? `/${stage}/${model}/predict`} ${status} ${Math.round(ms * 10) / 10} ms`
    this.log.writeLast({ timeMs, level, source: 'http', version, requestId, traceId, message })
    if (version !== undefined) this.#traffic.answered(version, status, ms, timeMs)
  }

  /** Whether a version was tried and could not be loaded. */
  hasFailed(number: number): boolean {
    return this.#traffic.hasFailed(number)
  }

  /** Versions that have traffic, or were asked by their number; ascending. */
  running(): Running[] {
    return this.#traffic.running()
  }

  /** Answers by weight. A version that leaves service while a request waits hands it to its successor. */
  answer(request: GatewayRequest, done: (answer: GatewayAnswer) => void): void {
    this.#traffic.answer(request, done)
  }

  /** The endpoint of one version, whatever the pointer says. */
  pinned(number: number): Endpoint {
    return {
      cors: this.#cors,
      keys: this.keys,
      answer: (request, done) => this.#traffic.answerWith(number, request, done),
    }
  }

  /** Everything about a switch that can fail; gives the switch itself, which cannot. */
  async #prepare(
    { weights, routed: everRouted }: CurrentRecord,
    deciding: readonly number[] = [Math.max(...everRouted)],
  ): Promise<() => void> {
    let cors: Cors | undefined
    let keyRequired = false
    for (const [number] of weights) {
      const record = await this.version(number)
      if (!record) {
        throw new ThampiError('INTEGRITY', {
          message: `Version ${number} of ${this.key.stage}/${this.key.model} is routed but its record is missing.`,
          fix: `thampi serve ${this.key.stage}`,
        })
      }
      cors = readCors(record.settings.cors)
      keyRequired ||= record.settings.apiKeyRequired === true
      await this.#traffic.start(record)
    }
    // Going back to an older version must not open a stage that has been closed since: the newest one decides as well.
    for (const number of deciding) keyRequired ||= await this.#wantsKey(number)
    return () => {
      this.#keyRequired = keyRequired
      this.#routed = new Set(everRouted)
      this.#cors = cors
      void this.#traffic.move(weights)
    }
  }

  /** When it cannot be told any more: yes. */
  async #wantsKey(number: number): Promise<boolean> {
    try {
      return (await this.version(number))?.settings.apiKeyRequired === true
    } catch (error) {
      // A disk that fails is no answer: the switch has not happened. A record that is damaged will not mend.
      if (error instanceof ThampiError && error.code === 'INTEGRITY') return true
      throw error
    }
  }

  /** Old versions go when there are more than the stage retains; routed ones never do. */
  async #collect(retained: number): Promise<void> {
    const routed = new Set(this.#traffic.weights.map(([number]) => number))
    const numbers = await this.numbers()
    for (const number of numbers.slice(0, -retained)) {
      if (routed.has(number)) continue
      this.#traffic.forget(number)
      await rm(this.#options.at.version(this.key, number), { force: true })
    }
  }
}

/** A file of keys that cannot be read opens nothing, and takes down nothing else. */
async function openKeys(key: StageKey, { at, system, ownKey }: StageOptions): Promise<StageKeys> {
  try {
    return await StageKeys.open(at.keys(key), ownKey)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    system.tell(
      `${key.stage}/${key.model}: ${message} No API key is accepted; make new ones with thampi keys create.`,
    )
    return StageKeys.closed(at.keys(key), ownKey)
  }
}
