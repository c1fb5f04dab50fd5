/** Who answers the requests of a stage: a pool of sandboxes for each version that runs, and the weights between them. */
import type { GatewayAnswer, GatewayRequest } from '../../gateway/gateway.ts'
import { problemAnswer } from '../../gateway/problem.ts'
import type { System } from '../../system/system.ts'
import { launchOf } from './launch.ts'
import type { Layout, StageKey } from './layout.ts'
import type { LogFile } from './log-file.ts'
import { Meter } from './meter.ts'
import type { Recorder } from './recorder.ts'
import type { CurrentRecord, VersionRecord } from './records.ts'
import type { Running } from './stage-report.ts'
import { type Surroundings, VersionPool } from './version-pool.ts'

/** How many versions in turn may leave service under one request before it is refused. */
const maxOffers = 3

export interface TrafficOptions extends Surroundings {
  readonly at: Layout
  readonly system: System
  readonly log: LogFile
  readonly recorder: Recorder
  /** What is kept of a version; undefined when there is none of that number. */
  readonly version: (number: number) => Promise<VersionRecord | undefined>
}

type Done = (answer: GatewayAnswer) => void

export class Traffic {
  #key: StageKey
  #options: TrafficOptions
  #weights: CurrentRecord['weights'] = []
  #pools = new Map<number, VersionPool>()
  /** Of every version that ran since the host was started and is still kept. */
  #meters = new Map<number, Meter>()

  constructor(key: StageKey, options: TrafficOptions) {
    this.#key = key
    this.#options = options
  }

  get weights(): CurrentRecord['weights'] {
    return this.#weights
  }

  get pids(): number[] {
    return [...this.#pools.values()].flatMap(pool => pool.pids)
  }

  /** Answers by weight. A version that leaves service while a request waits hands it to its successor. */
  answer(request: GatewayRequest, done: Done): void {
    this.#offer(request, done, maxOffers)
  }

  #offer(request: GatewayRequest, done: Done, left: number): void {
    const pool = left > 0 ? this.#pools.get(this.#pick()) : undefined
    if (!pool) {
      done(this.#draining(request.requestId))
      return
    }
    pool.answer(request, answer => {
      if (answer) done(answer)
      else this.#offer(request, done, left - 1)
    })
  }

  #pick(): number {
    if (this.#weights.length === 1) return (this.#weights[0] as readonly [number, number])[0]
    let point = Math.random() * this.#weights.reduce((sum, [, percent]) => sum + percent, 0)
    for (const [number, percent] of this.#weights) {
      point -= percent
      if (point < 0) return number
    }
    return this.#weights.at(-1)?.[0] ?? 0
  }

  /** The answer of one version, whatever the weights say. */
  answerWith(number: number, request: GatewayRequest, done: Done): void {
    const otherwise = (): void => {
      this.#startAndAnswer(number, request).then(done, error => {
        const message = `version ${number} cannot be started: ${error instanceof Error ? error.message : error}`
        this.#options.log.write({ timeMs: Date.now(), level: 'ERROR', source: 'host', message })
        done(this.#draining(request.requestId))
      })
    }
    const pool = this.#pools.get(number)
    if (pool) pool.answer(request, answer => (answer ? done(answer) : otherwise()))
    else otherwise()
  }

  /** A version without sandboxes gets some, when it still exists. */
  async #startAndAnswer(number: number, request: GatewayRequest): Promise<GatewayAnswer> {
    const record = await this.#options.version(number)
    if (!record) {
      const { stage, model } = this.#key
      return problemAnswer('no-such-version', request.requestId, {
        detail: `${stage} has no version ${number} of ${model}.`,
        stage,
        model,
      })
    }
    const pool = await this.start(record)
    const answer = await new Promise<GatewayAnswer | undefined>(resolve => pool.answer(request, resolve))
    return answer ?? this.#draining(request.requestId)
  }

  #draining(requestId: string): GatewayAnswer {
    return {
      retryAfterMs: 1000,
      ...problemAnswer('draining', requestId, {
        ...this.#key,
        detail: 'The stage is being taken out of service.',
        retryable: true,
      }),
    }
  }

  /** The version's pool, which starts its sandboxes when they are needed; the one it has, if it runs. */
  async start(record: VersionRecord): Promise<VersionPool> {
    const running = this.#pools.get(record.number)
    if (running) return running
    const { at, system, nursery, readUsage, log, recorder } = this.#options
    const launch = await launchOf(record, at, system.env)
    const meanwhile = this.#pools.get(record.number)
    if (meanwhile) return meanwhile
    const { mayFork } = record
    if (mayFork) void nursery.prepare(launch.breed)
    const pool = new VersionPool(record, {
      ...{ launch, mayFork, nursery, readUsage, recorder },
      keepWarm: () => record.settings.keepWarm && this.#weights.some(([number]) => number === record.number),
      log: line => log.write(line),
      meter: this.#meterOf(record.number),
    })
    this.#pools.set(record.number, pool)
    return pool
  }

  /** Throws `SandboxFailed` when the model of a version that was started cannot be loaded. */
  async warm(number: number): Promise<void> {
    await this.#pools.get(number)?.warm()
  }

  /** In one step; resolves when the sandboxes of versions that have no traffic any more have finished and gone. */
  async move(weights: CurrentRecord['weights']): Promise<void> {
    this.#weights = weights
    const routed = new Set(weights.map(([number]) => number))
    const leaving = [...this.#pools].filter(([number]) => !routed.has(number))
    await Promise.all(leaving.map(([number]) => this.stop(number)))
  }

  /** Ends the sandboxes of one version. */
  async stop(number: number): Promise<void> {
    const pool = this.#pools.get(number)
    this.#pools.delete(number)
    await pool?.close()
  }

  /** A version that is kept no longer needs no figures. */
  forget(number: number): void {
    this.#meters.delete(number)
  }

  /** Ends every sandbox; the weights stay. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(pool => pool.close()))
    this.#pools.clear()
  }

  /** A request to a version has its answer. */
  answered(number: number, status: number, ms: number, timeMs: number): void {
    this.#meters.get(number)?.answered(status, ms, timeMs)
  }

  /** Whether a version was tried and could not be loaded. */
  hasFailed(number: number): boolean {
    return this.#pools.get(number)?.roster.failed !== undefined
  }

  /** Versions that have traffic, or were asked by their number; ascending. */
  running(): Running[] {
    return [...this.#pools]
      .sort(([a], [b]) => a - b)
      .map(([number, pool]) => ({
        ...{ number, pool, meter: this.#meterOf(number) },
        weight: this.#weights.find(([routed]) => routed === number)?.[1] ?? 0,
      }))
  }

  #meterOf(number: number): Meter {
    const known = this.#meters.get(number)
    if (known) return known
    const meter = new Meter()
    this.#meters.set(number, meter)
    return meter
  }
}
