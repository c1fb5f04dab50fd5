/** A host that speaks with a real process of the Node runtime, as simple as can be. Needs no test around it. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { digestOf } from '../../src/system/files.ts'
import { FrameReader } from '../../src/wire/frame.ts'
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
  type WireRequest,
} from '../../src/wire/messages.ts'

export const servedTimeUtc = '2018-09-06T22:03:09.247038'

/** What `start` says unless a test says otherwise. */
const usual: Omit<Start, 'modelDir' | 'digests'> = {
  protocol,
  codeDir: null,
  servedTimeUtc,
  stage: 'staging',
  model: 'mymodel',
  version: 7,
  errors: 'full',
  logLevel: 'INFO',
  maxResultBytes: 6_291_456,
  maxBatch: 1,
  maxConcurrency: 1,
}

export interface Asked {
  readonly status: number
  readonly body: string
  readonly retire: boolean
}

export interface AskOptions {
  readonly pretty?: boolean
  readonly remainingMs?: number
  readonly extra?: WireRequest['extra']
  /** For each of several. */
  readonly extras?: readonly WireRequest['extra'][]
}

/** A process with a loaded model, or one that failed to load. */
export class Talk {
  readonly pid: number
  readonly exited: Promise<{ status: number | null; signal: string | null }>
  readonly #child
  readonly #outgoing: Duplex
  readonly #heard: FromRuntime[] = []
  #wake: () => void = () => {}
  #nextId = 1
  #printed = ''

  constructor(layer: string, modelDir: string, more: Partial<Start> = {}) {
    this.#child = spawn(process.execPath, [join(layer, 'runtime.mjs')], {
      cwd: modelDir,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    })
    this.pid = this.#child.pid as number
    this.#outgoing = this.#child.stdio[3] as Duplex
    this.#outgoing.on('error', () => {})
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.#printed += text.toString('utf8')
      })
    }
    const reader = new FrameReader()
    const incoming = this.#child.stdio[4] as Duplex
    incoming.on('data', (chunk: Buffer) => {
      this.#heard.push(...reader.push(chunk).map(decode))
      this.#wake()
    })
    this.exited = new Promise(done => {
      this.#child.once('close', (status, signal) => {
        done({ status, signal })
        this.#wake()
      })
    })
    this.send({ type: 'start', start: { ...usual, modelDir, digests: digestsOf(modelDir), ...more } })
  }

  /** Everything it printed so far. */
  get printed(): string {
    return this.#printed
  }

  /** The printed lines as (request id, level, text); call it when the process has ended. */
  get lines(): string[][] {
    return this.#printed
      .split('\n')
      .filter(line => line !== '')
      .map(line => (line.startsWith('\x1f') ? line.split('\x1f').slice(1) : [line]))
  }

  send(message: ToRuntime): void {
    for (const buffer of encode(message)) this.#outgoing.write(buffer)
  }

  async ready(): Promise<Ready> {
    const message = await this.#next()
    if (message.type !== 'ready') throw new Error(`not ready: ${JSON.stringify(message)}\n${this.#printed}`)
    return message.ready
  }

  async failed(): Promise<Failed> {
    const message = await this.#next()
    if (message.type !== 'failed') throw new Error(`not failed: ${JSON.stringify(message)}`)
    return message.failed
  }

  async pong(id: number): Promise<void> {
    this.send({ type: 'ping', id })
    const message = await this.#next()
    if (message.type !== 'pong' || message.id !== id) throw new Error(`no pong: ${JSON.stringify(message)}`)
  }

  ask(body: string | Uint8Array, options: AskOptions = {}): Promise<Asked> {
    return this.askTogether([body], options).then(([asked]) => asked as Asked)
  }

  /** Requests that arrive in one piece, `r-1`, `r-2` and so on. */
  async askTogether(
    bodies: readonly (string | Uint8Array)[],
    { pretty = false, remainingMs = 20_000, extra, extras = [] }: AskOptions = {},
  ): Promise<Asked[]> {
    const first = this.#nextId
    this.#nextId += bodies.length
    this.#outgoing.cork()
    for (const [at, body] of bodies.entries()) {
      const more = extras[at] ?? extra
      const request = {
        id: first + at,
        requestId: `r-${at + 1}`,
        remainingMs,
        pretty,
        ...(more ? { extra: more } : {}),
        body: [Buffer.from(body)],
      }
      this.send({ type: 'request', ...request })
    }
    this.#outgoing.uncork()
    const replies = new Map<number, Reply>()
    while (replies.size < bodies.length) {
      const message = await this.#next()
      if (message.type !== 'reply') throw new Error(`no reply: ${JSON.stringify(message)}`)
      replies.set(message.id, message)
    }
    return bodies.map((_, at) => {
      const { status, body, extra } = replies.get(first + at) as Reply
      return { status, body: body.toString('utf8'), retire: extra?.retire === true }
    })
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Buffer): void {
    this.#outgoing.write(bytes)
  }

  /** As if the host had gone. */
  hangUp(): void {
    this.#outgoing.destroy()
  }

  async stop(): Promise<number | null> {
    this.send({ type: 'stop' })
    return (await this.exited).status
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }

  async #next(): Promise<FromRuntime> {
    for (;;) {
      const message = this.#heard.shift()
      if (message) return message
      const woken = new Promise<'heard'>(done => {
        this.#wake = () => done('heard')
      })
      const ended = await Promise.race([woken, this.exited])
      if (ended !== 'heard' && this.#heard.length === 0)
        throw new Error(`the process ended with ${JSON.stringify(ended)}\n${this.#printed}`)
    }
  }
}

/** Of every file in a directory. */
export function digestsOf(dir: string): Start['digests'] {
  return Object.fromEntries(
    readdirSync(dir).map(name => [name, digestOf(readFileSync(join(dir, name)))] as const),
  )
}
