/** One version while it runs: its sandboxes, and its answers as the gateway wants them. */
import { availableParallelism } from 'node:os'
import type { GatewayAnswer } from '../../gateway/gateway.ts'
import { problemAnswer } from '../../gateway/problem.ts'
import { Pool, type PoolRequest } from '../../sandbox/pool.ts'
import { describeEnding, type Launch, Sandbox } from '../../sandbox/sandbox.ts'
import type { LogLine } from '../platform.ts'
import type { VersionRecord } from './records.ts'

export interface VersionPoolOptions {
  readonly launch: Launch
  /** Routed versions may be kept warm; others never are. */
  readonly keepWarm: () => boolean
  readonly log: (line: LogLine) => void
  readonly readMemoryMb: (pid: number) => Promise<number | undefined>
}

const idleMs = 5 * 60_000
const maxQueue = 1000

export class VersionPool {
  readonly record: VersionRecord
  #pool: Pool

  constructor(record: VersionRecord, { launch, keepWarm, log, readMemoryMb }: VersionPoolOptions) {
    this.record = record
    const version = record.number
    this.#pool = new Pool({
      start: () =>
        new Sandbox(
          launch,
          ({ level, requestId, message }) =>
            log({ timeMs: Date.now(), level, source: 'model', version, requestId, message }),
          readMemoryMb,
        ),
      maxSandboxes: record.settings.maxSandboxes ?? availableParallelism(),
      keepWarm,
      idleMs,
      maxQueue,
      onEvent: (level, message) => log({ timeMs: Date.now(), level, source: 'host', version, message }),
    })
  }

  get pids(): number[] {
    return this.#pool.pids
  }

  /** Loads the model once, or throws `SandboxFailed`. */
  warm(): Promise<void> {
    return this.#pool.warm()
  }

  close(): Promise<void> {
    return this.#pool.close()
  }

  /** Undefined when this version was taken out of service before the request ran: ask the stage again. */
  async answer(request: Omit<PoolRequest, 'remainingMs'>): Promise<GatewayAnswer | undefined> {
    const { stage, model, number: version, settings } = this.record
    const about = { stage, model, version }
    const outcome = await this.#pool.ask({ ...request, remainingMs: settings.timeoutSeconds * 1000 })
    switch (outcome.type) {
      case 'reply':
        return { status: outcome.status, body: outcome.body, version }
      case 'closed':
        return undefined
      case 'late':
        return {
          version,
          ...problemAnswer('deadline-exceeded', request.requestId, {
            ...about,
            detail: `No answer within ${settings.timeoutSeconds} seconds.`,
            hint: 'Raise "timeout_seconds" of the stage if the model may take longer.',
            executed: outcome.executed,
            retryable: outcome.executed === 'no',
          }),
        }
      case 'crashed':
        return {
          version,
          ...problemAnswer('worker-crashed', request.requestId, {
            ...about,
            detail:
              settings.errors === 'full'
                ? describeEnding(outcome.ending).message
                : 'The process that runs the model died.',
            hint: `See: thampi logs ${stage} --since=3m`,
            executed: 'maybe',
            reason: outcome.ending.reason,
          }),
        }
      case 'overloaded':
        return {
          version,
          retryAfterMs: outcome.retryAfterMs,
          ...problemAnswer('overloaded', request.requestId, {
            ...about,
            detail: `${maxQueue} requests are waiting already.`,
            retryable: true,
            retryAfterMs: outcome.retryAfterMs,
          }),
        }
      case 'unavailable':
        return {
          version,
          retryAfterMs: outcome.retryAfterMs,
          ...problemAnswer('model-unavailable', request.requestId, {
            ...about,
            detail: settings.errors === 'full' ? outcome.failed.message : 'The model cannot be loaded.',
            hint: `See: thampi logs ${stage} --since=3m`,
            retryAfterMs: outcome.retryAfterMs,
          }),
        }
    }
  }
}
