/** One supervised process that holds one loaded model. Started here, asked here, ended here. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import { FrameReader, WireError } from '../wire/frame.ts'
import {
  decode,
  encode,
  type Failed,
  type FromRuntime,
  protocol,
  type Ready,
  type Reply,
  type Start,
  type ToRuntime,
} from '../wire/messages.ts'
import { type Printed, readPrinted } from './printed.ts'

/** How to start a process that speaks the wire. */
export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly start: Start
  /** Resident memory above which the process is killed, in MB. */
  readonly memoryMb: number
  /** How long loading and `initialize` may take. */
  readonly startTimeoutMs: number
}

/** Why a sandbox is no more. */
export type Ending =
  | { readonly reason: 'exit'; readonly status: number }
  | { readonly reason: 'signal'; readonly signal: string }
  | {
      readonly reason: 'out-of-memory' | 'protocol' | 'deadline' | 'stopped' | 'not-started'
      readonly detail?: string
    }

/** What a request to a sandbox can come to. */
export type Asked =
  | { readonly type: 'reply'; readonly reply: Reply }
  /** `begun` is false when the model cannot have seen the request yet. */
  | { readonly type: 'ended'; readonly ending: Ending; readonly begun: boolean }

export interface Ask {
  readonly requestId: string
  readonly remainingMs: number
  readonly pretty: boolean
  readonly traceparent?: string | undefined
  readonly body: Uint8Array
}

/** The runtime said why it could not load the model. */
export class SandboxFailed extends Error {
  override readonly name = 'SandboxFailed'
  readonly failed: Failed
  constructor(failed: Failed) {
    super(failed.message)
    this.failed = failed
  }
}

const stopGraceMs = 5_000
const memoryCheckMs = 500
/** How long what is left in a dead process's pipe may take to arrive. */
const drainMs = 200

export class Sandbox {
  /** Resolves when the model is loaded; rejects with `SandboxFailed` otherwise. */
  readonly ready: Promise<Ready>
  /** Resolves when the process is gone, whatever the cause. */
  readonly ended: Promise<Ending>
  readonly pid: number | undefined

  #child: ChildProcess
  #wire: Duplex
  #waiting = new Map<number, (asked: Asked) => void>()
  #nextId = 1
  #credits = 0
  #ending: Ending | undefined
  #settleReady!: { resolve: (ready: Ready) => void; reject: (error: unknown) => void }
  #retiring = false

  /** Starts the process at once; `onPrinted` gets each line it prints. */
  constructor(
    launch: Launch,
    onPrinted: (line: Printed) => void,
    readMemoryMb: (pid: number) => Promise<number | undefined>,
  ) {
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject }
    })
    // Whoever does not wait for `ready` learns from `ended`; an unobserved rejection must not end the host.
    this.ready.catch(() => {})

    const child = spawn(launch.file, launch.args, {
      cwd: launch.cwd,
      env: launch.env,
      // 3: host → runtime, 4: runtime → host. The model's own output has 1 and 2 to itself.
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      // A process group of its own: what the model starts ends with it.
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    this.#child = child
    this.pid = child.pid
    readPrinted(child.stdout as Readable, 'stdout', onPrinted)
    readPrinted(child.stderr as Readable, 'stderr', onPrinted)

    this.#wire = child.stdio[3] as Duplex
    const replies = child.stdio[4] as Readable
    // A write to a process that just died fails with EPIPE; `exit` tells the story, the stream must not.
    for (const stream of [this.#wire, replies]) stream.on('error', () => {})
    const reader = new FrameReader()
    replies.on('data', (chunk: Buffer) => this.#receive(reader, chunk))

    const startTimer = setTimeout(
      () => this.kill({ reason: 'deadline', detail: 'start' }),
      launch.startTimeoutMs,
    )
    const memoryTimer = setInterval(async () => {
      const usedMb = this.pid === undefined ? undefined : await readMemoryMb(this.pid)
      if (usedMb !== undefined && usedMb > launch.memoryMb) {
        this.kill({
          reason: 'out-of-memory',
          detail: `${Math.round(usedMb)} MB used, ${launch.memoryMb} MB allowed`,
        })
      }
    }, memoryCheckMs)
    memoryTimer.unref()
    this.ready.then(
      () => clearTimeout(startTimer),
      () => clearTimeout(startTimer),
    )

    this.ended = new Promise(resolve => {
      const end = (ending: Ending): void => {
        clearInterval(memoryTimer)
        this.#ending ??= ending
        this.#settleReady.reject(new SandboxFailed(describeEnding(this.#ending)))
        // The runtime takes requests in order, one by one: only the oldest unanswered one can have begun.
        let begun = true
        for (const answer of this.#waiting.values()) {
          answer({ type: 'ended', ending: this.#ending, begun })
          begun = false
        }
        this.#waiting.clear()
        resolve(this.#ending)
      }
      child.once('error', error => end({ reason: 'not-started', detail: error.message }))
      // `exit`, not `close`: a grandchild that inherited stdout keeps `close` waiting for seconds.
      child.once('exit', (status, signal) => {
        this.#killGroup('SIGKILL')
        const ending: Ending = signal ? { reason: 'signal', signal } : { reason: 'exit', status: status ?? 0 }
        // Answers it wrote before it died may still lie in the pipe: they count.
        if (replies.readableEnded || this.#ending) return end(ending)
        const drained = setTimeout(() => end(ending), drainMs)
        replies.once('close', () => {
          clearTimeout(drained)
          end(ending)
        })
      })
    })
    this.#send({ type: 'start', start: launch.start })
  }

  /** Requests it would take now. */
  get free(): number {
    return this.#ending || this.#retiring ? 0 : this.#credits - this.#waiting.size
  }

  get inFlight(): number {
    return this.#waiting.size
  }

  get isAlive(): boolean {
    return this.#ending === undefined
  }

  /** True once the runtime asked to be replaced; it gets no further request. */
  get isRetiring(): boolean {
    return this.#retiring
  }

  /** Sends a request; the promise always resolves, with the reply or with how the process ended. */
  ask(ask: Ask): Promise<Asked> {
    if (this.#ending) return Promise.resolve({ type: 'ended', ending: this.#ending, begun: false })
    const id = this.#nextId
    this.#nextId = id === 0xffffffff ? 1 : id + 1
    return new Promise(resolve => {
      this.#waiting.set(id, resolve)
      this.#send({
        type: 'request',
        id,
        requestId: ask.requestId,
        remainingMs: ask.remainingMs,
        pretty: ask.pretty,
        ...(ask.traceparent === undefined ? {} : { extra: { traceparent: ask.traceparent } }),
        body: ask.body,
      })
    })
  }

  /** Asks it to finish and go; after a grace period it is made to. */
  async stop(): Promise<void> {
    if (this.#ending) return
    this.#retiring = true
    this.#send({ type: 'stop' })
    const hard = setTimeout(() => this.kill({ reason: 'stopped' }), stopGraceMs)
    await this.ended
    clearTimeout(hard)
  }

  /** Ends it now, with everything it started. */
  kill(ending: Ending): void {
    if (this.#ending) return
    this.#ending = ending
    this.#killGroup('SIGKILL')
  }

  #killGroup(signal: NodeJS.Signals): void {
    if (this.pid === undefined) return
    try {
      if (process.platform === 'win32') this.#child.kill(signal)
      else process.kill(-this.pid, signal)
    } catch {
      // ESRCH: the group is gone already, which is what was wanted.
    }
  }

  #send(message: ToRuntime): void {
    if (this.#wire.destroyed) return
    const buffers = encode(message)
    if (buffers.length === 1) {
      this.#wire.write(buffers[0])
      return
    }
    this.#wire.cork()
    for (const buffer of buffers) this.#wire.write(buffer)
    this.#wire.uncork()
  }

  #receive(reader: FrameReader, chunk: Buffer): void {
    if (this.#ending) return
    try {
      for (const frame of reader.push(chunk)) this.#handle(decode(frame))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.kill({ reason: 'protocol', detail: error.message })
    }
  }

  #handle(message: FromRuntime): void {
    switch (message.type) {
      case 'reply': {
        const answer = this.#waiting.get(message.id)
        // Late, double or invented ids: its word can no longer be trusted, and nobody else may get the answer.
        if (!answer) throw new WireError(`a reply to request ${message.id}, which is not open`)
        this.#waiting.delete(message.id)
        if (message.extra?.retire) this.#retiring = true
        answer({ type: 'reply', reply: message })
        return
      }
      case 'ready':
        if (message.ready.protocol !== protocol) {
          throw new WireError(`the runtime speaks protocol ${message.ready.protocol}, this host ${protocol}`)
        }
        this.#credits = Math.max(1, message.ready.credits)
        this.#settleReady.resolve(message.ready)
        return
      case 'failed':
        this.#settleReady.reject(new SandboxFailed(message.failed))
        return
      case 'pong':
        return
    }
  }
}

/** An ending in words, for logs and for people. */
export function describeEnding(ending: Ending): Failed {
  switch (ending.reason) {
    case 'exit':
      return {
        code: 'MODEL_LOAD_FAILED',
        message: `The model process ended by itself with status ${ending.status}.`,
      }
    case 'signal':
      return { code: 'MODEL_LOAD_FAILED', message: `The model process was ended by ${ending.signal}.` }
    case 'out-of-memory':
      return {
        code: 'MODEL_LOAD_FAILED',
        message: `The model process needed more memory than the stage allows (${ending.detail}).`,
        fix: 'raise "memory_size" of the stage in zappa_settings.json',
      }
    case 'protocol':
      return { code: 'MODEL_LOAD_FAILED', message: `The model process broke the protocol: ${ending.detail}.` }
    case 'deadline':
      return {
        code: 'MODEL_LOAD_FAILED',
        message: 'The model process did not answer in time and was killed.',
      }
    case 'stopped':
      return { code: 'MODEL_LOAD_FAILED', message: 'The model process was stopped.' }
    case 'not-started':
      return {
        code: 'MODEL_LOAD_FAILED',
        message: `The model process could not be started: ${ending.detail}.`,
      }
  }
}
