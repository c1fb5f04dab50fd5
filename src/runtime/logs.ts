/** What the model prints and logs: lines on descriptor 1, each under the request it belongs to. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { format } from 'node:util'
import type { Log } from './model.ts'
import { writeAll } from './process.ts'

const separator = '\x1f'

/** Names and order of Python's levels: settings and `thampi logs` know these. */
const levels = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const
type Level = (typeof levels)[number]

/**
 * Takes over standard output and standard error.
 *
 * Between `begin` and `end` there is a request under way. As a rule there is one at a time, and what timers print
 * meanwhile is counted to it. With `several` there may be more; then each has lines of its own.
 */
export class Logs {
  /** The logger that contexts carry. */
  readonly log: Log
  /** Characters; what is longer becomes several lines. */
  readonly lineLimit: number = 64 * 1024
  #requestId = ''
  #several: AsyncLocalStorage<string> | undefined
  #streams: readonly LineStream[] = []

  constructor(level: string) {
    const lowest = Math.max(0, levels.indexOf(level as Level))
    const at =
      (own: Level) =>
      (message: unknown, ...more: unknown[]): void => {
        if (levels.indexOf(own) >= lowest) this.write(own, format(message, ...more))
      }
    this.log = { debug: at('DEBUG'), info: at('INFO'), warn: at('WARNING'), error: at('ERROR') }
  }

  /** From here on `console` and `process.stdout` speak through us. */
  takeOver(): void {
    const [stdout, stderr] = [new LineStream(this, 'stdout', 1), new LineStream(this, 'stderr', 2)]
    this.#streams = [stdout, stderr]
    Object.defineProperty(process, 'stdout', { configurable: true, enumerable: true, get: () => stdout })
    Object.defineProperty(process, 'stderr', { configurable: true, enumerable: true, get: () => stderr })
  }

  /** Several requests may be under way at the same time. */
  several(): void {
    this.#several = new AsyncLocalStorage()
  }

  /** Runs `act` for a request; with several under way, what it starts belongs to it however long it takes. */
  within<T>(requestId: string, act: () => T): T {
    return this.#several ? this.#several.run(requestId, act) : act()
  }

  /** What is printed from here on belongs to this request. */
  begin(requestId: string): void {
    this.#requestId = requestId
  }

  /** Lines that were left unfinished end with their request. */
  end(): void {
    this.finishLines()
    this.#requestId = ''
  }

  finishLines(): void {
    for (const stream of this.#streams) if (stream.isUnfinished) stream.finish(this.current)
  }

  /** The id of the request that what is printed here belongs to, or an empty text. */
  get current(): string {
    return this.#several?.getStore() ?? this.#requestId
  }

  /** Each line of `text` as a line of its own. */
  write(level: string, text: string): void {
    const { lineLimit } = this
    let lines = ''
    for (const line of text.split('\n')) {
      for (let at = 0; at < (line.length || 1); at += lineLimit)
        lines += `${this.line(level, line.slice(at, at + lineLimit))}\n`
    }
    this.print(lines)
  }

  /** One line as the host of a sandbox reads it. */
  protected line(level: string, text: string): string {
    return `${separator}${this.current}${separator}${level}${separator}${text}`
  }

  /** Whole lines, as they are. */
  protected print(lines: string): void {
    try {
      writeAll(1, Buffer.from(lines))
    } catch {
      // Nobody listens any more; a model must not fail for that.
    }
  }
}

/** A stream of text whose complete lines go to the logs. */
class LineStream extends Writable {
  readonly fd: number
  readonly #logs: Logs
  readonly #level: string
  readonly #decoder = new StringDecoder('utf8')
  /** By request. */
  readonly #unfinished = new Map<string, string>()

  constructor(logs: Logs, level: string, fd: number) {
    super({ decodeStrings: false })
    this.#logs = logs
    this.#level = level
    this.fd = fd
  }

  get isUnfinished(): boolean {
    return this.#unfinished.size > 0
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    const id = this.#logs.current
    const text =
      (this.#unfinished.get(id) ?? '') + (typeof chunk === 'string' ? chunk : this.#decoder.write(chunk))
    const end = text.lastIndexOf('\n')
    const rest = text.slice(end + 1)
    if (rest === '') this.#unfinished.delete(id)
    else this.#unfinished.set(id, rest)
    if (end >= 0) this.#logs.write(this.#level, text.slice(0, end))
    if (rest.length > this.#logs.lineLimit) this.finish(id)
    done()
  }

  /** Ends the line that a request, the current one, has begun. */
  finish(id: string): void {
    const text = this.#unfinished.get(id)
    this.#unfinished.delete(id)
    if (text !== undefined) this.#logs.write(this.#level, text)
  }
}
