/** What the command line says and where: results on stdout, everything else on stderr. */
import { styleText } from 'node:util'
import type { Environment } from '../system/places.ts'
import { Waiting } from './waiting.ts'

/** How a person asked to be spoken to. */
export interface Manner {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: 'auto' | 'always' | 'never'
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** A stream of ours: a terminal, a pipe or a file. */
export interface Sink {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

export class Output {
  readonly manner: Manner
  readonly #out: Sink
  readonly #err: Sink
  readonly #env: Environment
  readonly #waiting: Waiting

  constructor(manner: Manner, env: Environment, out: Sink = process.stdout, err: Sink = process.stderr) {
    this.manner = manner
    this.#env = env
    this.#out = out
    this.#err = err
    this.#waiting = new Waiting(
      err,
      !manner.json && !manner.quiet && err.isTTY === true && env.TERM !== 'dumb',
    )
  }

  /** The result. The only thing that ever goes to stdout. */
  result(text: string): void {
    this.#waiting.stop()
    this.#out.write(`${text}\n`)
  }

  /** A result for programs: one JSON document. */
  document(value: unknown): void {
    this.result(JSON.stringify(value, null, 2))
  }

  /** One step of something that takes time. With `--json` an event per line. */
  step(line: string): void {
    if (this.manner.quiet) return
    this.#waiting.stop()
    this.#err.write(this.manner.json ? `${JSON.stringify({ event: 'step', text: line })}\n` : `${line}\n`)
    this.#waiting.start()
  }

  /** Something a person should know and may ignore. */
  warn(line: string): void {
    if (this.manner.quiet) return
    this.#waiting.stop()
    if (this.manner.json) this.#err.write(`${JSON.stringify({ event: 'warning', text: line })}\n`)
    else this.#err.write(`${this.onErr('yellow', 'Warning:')} ${line}\n`)
  }

  /** What helps a person go on; left out for programs. */
  hint(text: string): void {
    if (this.manner.quiet || this.manner.json) return
    this.#waiting.stop()
    this.#err.write(`${text}\n`)
  }

  /** An error, or a question: said whatever the manner is. */
  say(text: string): void {
    this.#waiting.stop()
    this.#err.write(text)
  }

  onOut(style: Style, text: string): string {
    return this.colorOnOut ? styleText(style, text, { validateStream: false }) : text
  }

  onErr(style: Style, text: string): string {
    return this.#colored(this.#err) ? styleText(style, text, { validateStream: false }) : text
  }

  /** Whether somebody reads the results as they come. */
  get isTerminal(): boolean {
    return this.#out.isTTY === true
  }

  get colorOnOut(): boolean {
    return this.#colored(this.#out)
  }

  /** Decided per stream; flags beat variables. */
  #colored(stream: Sink): boolean {
    if (this.manner.color !== 'auto') return this.manner.color === 'always'
    const { FORCE_COLOR, NO_COLOR, TERM } = this.#env
    if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
    return !NO_COLOR && TERM !== 'dumb' && stream.isTTY === true
  }
}
