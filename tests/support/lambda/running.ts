/** A function that runs: its environments, and what the service does with each event. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../python.ts'
import type { FunctionOptions, Invocation, InvokeOptions, RunningFunction } from '../runtime-api.ts'
import { Environment, type Recipe } from './environment.ts'
import { Refused } from './refused.ts'
import type { Delivery, Outcome } from './server.ts'

const maxEventBytes = 6 * 1024 * 1024
/** What a restored function has until it must ask for its event. */
const restoreMs = 10_000

/** A place for a process, one after another; what they leave in scratch stays. */
interface Slot {
  readonly scratch: string
  environment: Environment | undefined
  /** Waits for its first event since its snapshot was taken. */
  frozen: boolean
  busy: boolean
  log: string
}

export class Running implements RunningFunction {
  readonly mounted: boolean
  readonly #options: FunctionOptions
  readonly #recipe: Omit<Recipe, 'onOutput'>
  readonly #initMs: number
  readonly #timeoutMs: number
  readonly #home: string = temporaryDirectory()
  #slots: Slot[] = []

  constructor(options: FunctionOptions, recipe: Omit<Recipe, 'onOutput'>) {
    this.#options = options
    this.#recipe = recipe
    this.mounted = recipe.mounted
    const { snapStart, initSeconds = snapStart ? 130 : 10, timeoutSeconds = 3 } = options
    this.#initMs = initSeconds * 1000
    this.#timeoutMs = timeoutSeconds * 1000
  }

  get pids(): readonly number[] {
    return this.#slots.flatMap(({ environment }) => (environment?.isAlive ? [environment.pid] : []))
  }

  get scratch(): readonly string[] {
    return this.#slots.map(({ scratch }) => scratch)
  }

  /** SnapStart: the first process starts when the version is published. */
  async publish(): Promise<void> {
    const slot = this.#newSlot()
    const environment = await this.#startIn(slot)
    const failed = await environment.frozen(this.#initMs)
    slot.frozen = failed === undefined
    if (failed === undefined) return
    await this.close()
    const why = failed === 'late' ? 'it took too long' : failed.payload.toString()
    throw new Refused(400, 'SnapStartException', `The function could not be started for its snapshot: ${why}`)
  }

  async invoke(event: unknown, options: InvokeOptions = {}): Promise<Invocation> {
    const bytes = event instanceof Uint8Array ? event : Buffer.from(JSON.stringify(event))
    if (bytes.length > maxEventBytes) {
      const message = `Request must be smaller than ${maxEventBytes} bytes for the InvokeFunction operation`
      throw new Refused(413, 'RequestTooLargeException', message)
    }
    const slot = this.#freeSlot()
    slot.busy = true
    try {
      return await this.#run(slot, bytes, options)
    } finally {
      slot.busy = false
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#slots.map(slot => endIn(slot)))
    this.#slots = []
  }

  #freeSlot(): Slot {
    const free = this.#slots.filter(({ busy }) => !busy)
    const warm = free.find(({ environment }) => environment?.isAlive) ?? free[0]
    if (warm) return warm
    if (this.#slots.length < (this.#options.concurrency ?? 1)) return this.#newSlot()
    throw new Refused(429, 'TooManyRequestsException', 'Rate Exceeded.')
  }

  #newSlot(): Slot {
    const scratch = join(this.#home, String(this.#slots.length))
    mkdirSync(scratch)
    const slot: Slot = { scratch, environment: undefined, frozen: false, busy: false, log: '' }
    this.#slots.push(slot)
    return slot
  }

  #startIn(slot: Slot): Promise<Environment> {
    const started = Environment.start(
      { ...this.#recipe, onOutput: text => this.#print(slot, text) },
      slot.scratch,
    )
    return started.then(environment => {
      slot.environment = environment
      return environment
    })
  }

  #print(slot: Slot, text: string): void {
    slot.log += text
    this.#options.onLog?.(text)
  }

  async #run(slot: Slot, event: Uint8Array, options: InvokeOptions): Promise<Invocation> {
    const { name = 'function', region = 'us-east-1', version = '$LATEST', memoryMb = 128 } = this.#options
    const qualifier = version === '$LATEST' ? '' : `:${version}`
    const { requestId = randomUUID(), clientContext } = options
    const { arn = `arn:aws:lambda:${region}:123456789012:function:${name}${qualifier}` } = options
    slot.log = ''
    const began = performance.now()
    const isCold = !slot.environment?.isAlive || slot.frozen
    if (isCold) await this.#warm(slot)
    const initMs = isCold ? performance.now() - began : undefined
    this.#print(slot, `START RequestId: ${requestId} Version: ${version}\n`)
    const started = performance.now()
    const answered = await this.#answer(slot, { event, requestId, arn, clientContext })
    const durationMs = performance.now() - started
    const maxMemoryMb = slot.environment?.maxMemoryMb ?? 0
    const outcome = answered === 'late' ? this.#timedOut(requestId) : answered
    if (answered === 'late') this.#print(slot, `${JSON.parse(outcome.payload.toString()).errorMessage}\n\n`)
    if (answered === 'late' || !slot.environment?.isAlive) await endIn(slot)
    const figures = [
      `REPORT RequestId: ${requestId}`,
      `Duration: ${durationMs.toFixed(2)} ms`,
      `Billed Duration: ${Math.ceil(durationMs)} ms`,
      `Memory Size: ${memoryMb} MB`,
      `Max Memory Used: ${maxMemoryMb} MB`,
      ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
    ]
    this.#print(slot, `END RequestId: ${requestId}\n${figures.join('\t')}\t\n`)
    return { ...outcome, requestId, log: slot.log, durationMs, maxMemoryMb, initMs }
  }

  /** A start before the event is handed over, on the service's time. One that fails is tried again by `#answer`. */
  async #warm(slot: Slot): Promise<void> {
    let failed: Outcome | 'late' | undefined
    if (slot.frozen) {
      slot.frozen = false
      slot.environment?.restore()
      failed = await slot.environment?.ready(restoreMs)
    } else failed = await (await this.#startIn(slot)).ready(this.#initMs)
    if (failed !== undefined) await endIn(slot)
  }

  async #answer(slot: Slot, given: Omit<Delivery, 'deadlineMs'>): Promise<Outcome | 'late'> {
    const deadlineMs = Date.now() + this.#timeoutMs
    if (!slot.environment?.isAlive) {
      const failed = await (await this.#startIn(slot)).ready(this.#timeoutMs, given.requestId)
      if (failed !== undefined) {
        await endIn(slot)
        return failed
      }
    }
    const environment = slot.environment as Environment
    return environment.invoke({ ...given, deadlineMs }, deadlineMs - Date.now())
  }

  #timedOut(requestId: string): Outcome {
    const seconds = (this.#timeoutMs / 1000).toFixed(2)
    const errorMessage = `${new Date().toISOString()} ${requestId} Task timed out after ${seconds} seconds`
    return { payload: Buffer.from(JSON.stringify({ errorMessage })), functionError: 'Unhandled' }
  }
}

async function endIn(slot: Slot): Promise<void> {
  await slot.environment?.end()
  slot.environment = undefined
}
