/** One supervised process that holds one loaded model: asked here, ended here. */
import { FrameReader, WireError } from '../wire/frame.ts'
import {
  decode,
  encode,
  encodeRequests,
  type FromRuntime,
  protocol,
  type Ready,
  type Reply,
  type Start,
  type ToRuntime,
  type WireRequest,
} from '../wire/messages.ts'
import { describeEnding, type Ending, SandboxFailed } from './ending.ts'
import { type OpenRequest, OpenRequests } from './open-requests.ts'
import { type Printed, readPrinted } from './printed.ts'
import { abort, killGroup, type ModelProcess } from './process.ts'
import type { Usage } from './usage.ts'
import { Watch, type Watched } from './watch.ts'

/** What a sandbox is to run, and within which bounds. */
export interface Assignment {
  readonly start: Start
  /** Resident memory above which the process is killed, in MB. */
  readonly memoryMb: number
  /** How long the process may be silent while it computes without a request: as long as one could wait for it. */
  readonly patienceMs: number
  /** How long loading and `initialize` may take. */
  readonly startTimeoutMs: number
  readonly onPrinted: (line: Printed) => void
  readonly readUsage: (pid: number) => Promise<Usage | undefined>
}

/** What a request to a sandbox can come to. */
export type Asked =
  | { readonly type: 'reply'; readonly reply: Reply }
  /** `begun` is false when the model cannot have seen the request yet. */
  | { readonly type: 'ended'; readonly ending: Ending; readonly begun: boolean }

/** A request, and until when its answer is wanted (`performance.now()`). */
export interface Ask {
  readonly request: {
    readonly requestId: string
    readonly pretty: boolean
    readonly traceparent?: string | undefined
    readonly door?: string | undefined
    readonly contentType?: string | undefined
    readonly body: Uint8Array
    /** The same in the pieces in which it came; undefined: one. */
    readonly pieces?: readonly Uint8Array[] | undefined
  }
  readonly deadline: number
}

const stopGraceMs = 5_000
/** How long what is left in a dead process's pipe may take to arrive. */
const drainMs = 200
/** How long a process may take to say where it hangs. */
const abortMs = 250

export class Sandbox implements Watched {
  /** Resolves when the model is loaded; rejects with `SandboxFailed` otherwise. */
  readonly ready: Promise<Ready>
  /** Resolves when the process is gone, whatever the cause. */
  readonly ended: Promise<Ending>
  /** Share of its busy time in which the process lately wanted a core; 1 where that is not known. */
  cpuShare = 1

  #assignment: Assignment
  #process: ModelProcess | undefined
  #waiting = new OpenRequests<OpenAsk>()
  #credits = 0
  #batch = 0
  #ending: Ending | undefined
  #retiring = false
  #settleReady!: { resolve: (ready: Ready) => void; reject: (error: unknown) => void }
  #settleEnded!: (ending: Ending) => void
  #startTimer: NodeJS.Timeout
  #abortTimer: NodeJS.Timeout | undefined
  #watch: Watch | undefined
  #hasAnswered = false
  #busySince = 0
  #busyMs = 0

  /** Takes over a process that is being started. */
  constructor(started: Promise<ModelProcess>, assignment: Assignment) {
    this.#assignment = assignment
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject }
    })
    // Whoever does not wait for `ready` learns from `ended`; an unobserved rejection must not end the host.
    this.ready.catch(() => {})
    this.ended = new Promise(resolve => {
      this.#settleEnded = resolve
    })
    this.#startTimer = setTimeout(
      () => this.kill({ reason: 'deadline', detail: 'start' }),
      assignment.startTimeoutMs,
    )
    started.then(
      process => this.#attach(process),
      error =>
        this.#end({ reason: 'not-started', detail: error instanceof Error ? error.message : String(error) }),
    )
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Requests it would take now. */
  get free(): number {
    return this.#ending || this.#retiring ? 0 : this.#credits - this.#waiting.size
  }

  /** The most requests it hands to the model together; 0: one by one. */
  get batch(): number {
    return this.#batch
  }

  get inFlight(): number {
    return this.#waiting.size
  }

  /** How long it has had requests, all in all. */
  get busyMs(): number {
    return this.#busyMs + (this.#waiting.size > 0 ? performance.now() - this.#busySince : 0)
  }

  get isReady(): boolean {
    return this.#credits > 0
  }

  get isAlive(): boolean {
    return this.#ending === undefined
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered
  }

  /** True once the runtime asked to be replaced; it gets no further request. */
  get isRetiring(): boolean {
    return this.#retiring
  }

  /**
   * Sends requests in one piece, so that the runtime sees them together. Calls back exactly once for each, with the
   * reply or with how the process ended.
   */
  ask<A extends Ask>(asks: readonly A[], onAsked: (ask: A, asked: Asked) => void): void {
    const ending = this.#ending
    if (ending) {
      queueMicrotask(() => {
        for (const ask of asks) onAsked(ask, { type: 'ended', ending, begun: false })
      })
      return
    }
    const now = performance.now()
    if (this.#waiting.size === 0) this.#busySince = now
    this.#write(
      encodeRequests(
        asks.map(ask => {
          const open = new Waiting(ask, onAsked)
          this.#waiting.add(open)
          return wireRequest(open.id, ask, now)
        }),
      ),
    )
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.#send({ type: 'ping', id: 0 })
  }

  /** Asks it to finish and go; after a grace period it is made to. */
  async stop(): Promise<void> {
    if (this.#ending) return
    this.#retiring = true
    // One that is still loading has nothing to finish.
    if (this.isReady) this.#send({ type: 'stop' })
    const hard = setTimeout(() => this.kill({ reason: 'stopped' }), this.isReady ? stopGraceMs : 0)
    await this.ended
    clearTimeout(hard)
  }

  /** Ends it now, with everything it started. */
  kill(ending: Ending): void {
    if (this.#ending) return
    this.#ending = ending
    const pid = this.#process?.pid
    if (pid === undefined) return
    // Nobody can say why a call takes too long but the process itself: the runtime writes where it is, and dies of it.
    if (ending.reason === 'deadline' && abort(pid))
      this.#abortTimer = setTimeout(() => killGroup(pid), abortMs)
    else killGroup(pid)
  }

  #attach(process: ModelProcess): void {
    this.#process = process
    const { toRuntime, fromRuntime, pid } = process
    readPrinted(process, this.#assignment.onPrinted)
    // A write to a process that just died fails with EPIPE; its exit tells the story, the stream must not.
    toRuntime.on('error', () => {})
    const reader = new FrameReader()
    fromRuntime.listen(bytes => this.#receive(reader, bytes))
    void process.exited.then(async exit => {
      killGroup(pid)
      // Answers it wrote before it died may still lie in the pipe: they count.
      if (!this.#ending) await fromRuntime.ended(drainMs)
      this.#end(exit)
    })
    // Killed while it was being started.
    if (this.#ending) killGroup(pid)
    const { readUsage } = this.#assignment
    this.#watch = new Watch(this, this.#assignment, () => readUsage(pid))
    this.#send({ type: 'start', start: this.#assignment.start })
  }

  #end(ending: Ending): void {
    clearTimeout(this.#startTimer)
    clearTimeout(this.#abortTimer)
    this.#watch?.end()
    this.#ending ??= ending
    this.#settleReady.reject(new SandboxFailed(describeEnding(this.#ending)))
    // The runtime takes requests in order: one by one only the oldest unanswered one can have begun, else any of them.
    const oneByOne = this.#batch === 0 && this.#assignment.start.maxConcurrency <= 1
    let begun = true
    for (const waiting of this.#waiting.drain()) {
      waiting.answer({ type: 'ended', ending: this.#ending, begun })
      begun = !oneByOne
    }
    this.#settleEnded(this.#ending)
  }

  #send(message: ToRuntime): void {
    this.#write(encode(message))
  }

  #write(buffers: readonly Buffer[]): void {
    const stream = this.#process?.toRuntime
    if (!stream || stream.destroyed) return
    if (buffers.length > 1) stream.cork()
    for (const buffer of buffers) stream.write(buffer)
    if (buffers.length > 1) stream.uncork()
  }

  #receive(reader: FrameReader, bytes: Buffer): void {
    if (this.#ending) return
    try {
      for (const frame of reader.pushBorrowed(bytes)) this.#handle(decode(frame))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.kill({ reason: 'protocol', detail: error.message })
    }
  }

  #handle(message: FromRuntime): void {
    switch (message.type) {
      case 'reply': {
        const waiting = this.#waiting.take(message.id)
        // Late, double or invented ids: its word can no longer be trusted, and nobody else may get the answer.
        if (!waiting) throw new WireError(`a reply to request ${message.id}, which is not open`)
        this.#hasAnswered = true
        if (this.#waiting.size === 0) this.#busyMs += performance.now() - this.#busySince
        if (message.extra?.retire) this.#retiring = true
        waiting.answer({ type: 'reply', reply: message })
        return
      }
      case 'ready':
        if (message.ready.protocol !== protocol) {
          throw new WireError(`the runtime speaks protocol ${message.ready.protocol}, this host ${protocol}`)
        }
        this.#credits = Math.max(1, message.ready.credits, message.ready.batch)
        this.#batch = message.ready.batch
        clearTimeout(this.#startTimer)
        this.#settleReady.resolve(message.ready)
        return
      case 'failed':
        this.#settleReady.reject(new SandboxFailed(message.failed))
        return
      case 'pong':
        this.#watch?.heard()
        return
      default:
        throw new WireError(`a sandbox does not say "${message.type}"`)
    }
  }
}

interface OpenAsk extends OpenRequest {
  answer(asked: Asked): void
}

class Waiting<A extends Ask> implements OpenAsk {
  id = 0
  #ask: A
  #onAsked: (ask: A, asked: Asked) => void

  constructor(ask: A, onAsked: (ask: A, asked: Asked) => void) {
    this.#ask = ask
    this.#onAsked = onAsked
  }

  answer(asked: Asked): void {
    this.#onAsked(this.#ask, asked)
  }
}

function wireRequest(id: number, { request, deadline }: Ask, now: number): WireRequest {
  const { requestId, pretty, traceparent, door } = request
  const body = request.pieces ?? [request.body]
  const wired = { type: 'request', id, requestId, remainingMs: deadline - now, pretty, body } as const
  if (traceparent === undefined && door === undefined) return wired
  return { ...wired, extra: { traceparent, door, contentType: request.contentType } }
}
