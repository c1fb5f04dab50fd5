/**
 * The log of a function: every line that leaves the process is one JSON object, also what the model prints.
 *
 * {"timestamp":"2026-11-23T06:50:37.123Z","level":"INFO","source":"model","version":7,"requestId":"r-1","message":"…"}
 */
import { Console } from 'node:console'
import { Logs } from '../logs.ts'

export class JsonLogs extends Logs {
  /** CloudWatch takes 256 KiB in one event; a character has at most 6 bytes in JSON. */
  override readonly lineLimit = 40_000
  readonly #version: number
  #about: Readonly<Record<string, string>> = {}

  constructor(level: string, version: number) {
    super(level)
    this.#version = version
  }

  /** Also `console`, which writes past standard output in Lambda. */
  override takeOver(): void {
    super.takeOver()
    Object.assign(console, new Console(process.stdout, process.stderr))
  }

  /** What is printed from here on belongs to this request, which Lambda and a trace may know by other names. */
  beginEvent(requestId: string, awsRequestId: string, traceId: string | undefined): void {
    this.#about = {
      ...(awsRequestId === requestId ? {} : { awsRequestId }),
      ...(traceId === undefined ? {} : { trace_id: traceId }),
    }
    this.begin(requestId)
  }

  override end(): void {
    super.end()
    this.#about = {}
  }

  /** The line with which an HTTP request ends. */
  access(level: string, text: string): void {
    this.print(`${this.#json(level, 'http', text)}\n`)
  }

  protected override line(level: string, text: string): string {
    return this.#json(level, 'model', text)
  }

  #json(level: string, source: string, message: string): string {
    const { current } = this
    return JSON.stringify({
      ...{ timestamp: new Date().toISOString(), level, source, version: this.#version },
      ...(current === '' ? {} : { requestId: current }),
      ...this.#about,
      message,
    })
  }
}
