/** What a prediction means: the bytes of a request in, status and bytes of the answer out. */
import { Asker, isBadInput, isItem, isItemError, isThenable, type Loaded } from './ask.ts'
import { describe, ExitCalled, messageOf, report } from './blame.ts'
import { readData } from './body.ts'
import type { CallContext } from './context.ts'
import { doorNamed } from './doors/door.ts'
import { encode, NotJson } from './encode.ts'
import type { Context, Log } from './model.ts'
import { Problem, problemDocument, type Source } from './problem.ts'
import type { Screen } from './screen.ts'

export interface Answer {
  readonly status: number
  readonly body: Buffer
  /** This process should be replaced. */
  readonly retire: boolean
}

export interface AnswererOptions {
  /** Stand in every answer. */
  readonly properties: Readonly<Record<string, unknown>>
  readonly source: Source
  readonly log: Log
  /** Keeps what the model threw out of answers. */
  readonly terse: boolean
  readonly maxResultBytes: number
  /** What the model's schema.json does for requests; undefined when it has none. */
  readonly screen?: Screen | undefined
}

/** What a request through a door amounts to: an input is there. */
const withData = Buffer.from('{"data":null}')

const hidden = 'The model raised an exception; the logs show it under this request id.'

export class Answerer {
  readonly ask: Asker
  readonly #options: AnswererOptions
  readonly #prefix: string
  readonly #screen: Screen | undefined

  constructor(model: Loaded, options: AnswererOptions) {
    this.ask = new Asker(model)
    this.#options = options
    this.#screen = options.screen
    this.#prefix = `{"properties":${encode(options.properties)},"result":`
  }

  /** The answer to a request; a promise only when the model gave one. */
  answer(body: Buffer, context: Context, pretty: boolean): Answer | Promise<Answer> {
    const requestId = context.requestId ?? ''
    try {
      const result = this.ask.one(this.read(body), context)
      if (isThenable(result)) return this.#later(result, requestId, pretty, body)
      return this.#written(result, pretty)
    } catch (error) {
      return this.refusal(error, requestId, pretty, body)
    }
  }

  /** The same for a request in the protocol of a door. */
  async through(
    { door: name, contentType, body }: { door: string; contentType: string | undefined; body: Buffer },
    context: CallContext,
  ): Promise<Answer> {
    const door = await doorNamed(name)
    const { source, log } = this.#options
    const requestId = context.requestId ?? ''
    const about = { source, requestId, onMissing: (where: string) => warnMissing(log, where) }
    try {
      const asked = door.read(body, contentType)
      if (asked.params) context.params = asked.params
      const inputs = asked.inputs ?? [asked.data]
      for (const data of inputs) {
        if (this.#screen?.declares && !this.#screen.fits(data)) throw this.#screen.refused(data, withData)
      }
      const result = await (asked.inputs ? this.ask.each(inputs, context) : this.ask.one(asked.data, context))
      const text = door.write(asked, result, about)
      return text === undefined ? this.#written(result, false) : this.#bounded(text)
    } catch (error) {
      const problem = this.#problem(error, undefined)
      return {
        status: problem.status,
        body: door.refuse(problem, about),
        retire: error instanceof ExitCalled,
      }
    }
  }

  /** The input in the bytes of a request. Throws `Problem`, also when it is not what the model takes. */
  read(body: Buffer): unknown {
    const data = readData(body)
    if (this.#screen?.declares && !this.#screen.fits(data)) throw this.#screen.refused(data, body)
    return data
  }

  /** The same for what the model returned for one of several inputs: a result, or an error. */
  conclusion(result: unknown, requestId: string, pretty: boolean): Answer {
    if (isItem(result)) return this.refusal(result, requestId, pretty)
    try {
      return this.#written(result, pretty)
    } catch (error) {
      return this.refusal(error, requestId, pretty)
    }
  }

  /** The same for an error; `sent` is what was sent, where that is known. */
  refusal(error: unknown, requestId: string, pretty: boolean, sent?: Buffer): Answer {
    const problem = this.#problem(error, sent)
    const body = problemDocument(problem, this.#options.source, requestId, pretty)
    return { status: problem.status, body, retire: error instanceof ExitCalled }
  }

  async #later(
    result: PromiseLike<unknown>,
    requestId: string,
    pretty: boolean,
    body: Buffer,
  ): Promise<Answer> {
    try {
      return this.#written(await result, pretty)
    } catch (error) {
      return this.refusal(error, requestId, pretty, body)
    }
  }

  #written(result: unknown, pretty: boolean): Answer {
    const onMissing = (where: string): void => warnMissing(this.#options.log, where)
    const { properties } = this.#options
    const text = pretty
      ? `{\n  "properties": ${encode(properties, undefined, true)},\n  "result": ${encode(result, onMissing, true)}\n}\n`
      : `${this.#prefix}${encode(result, onMissing)}}\n`
    return this.#bounded(text)
  }

  #bounded(text: string): Answer {
    const { maxResultBytes } = this.#options
    const body = Buffer.from(text)
    if (body.length <= maxResultBytes) return { status: 200, body, retire: false }
    const [size, limit] = [body.length, maxResultBytes].map(bytes => bytes.toLocaleString('en'))
    throw new Problem('result-too-large', {
      detail: `The answer has ${size} bytes; the limit is ${limit}.`,
      hint: 'Return less, or a link to the rest.',
    })
  }

  #problem(error: unknown, sent: Buffer | undefined): Problem {
    const { log, terse } = this.#options
    if (error instanceof Problem) {
      // What the caller did wrong is the caller's to read.
      if (error.status >= 500) log.error(error.message)
      return error
    }
    if (error instanceof NotJson) {
      log.error(error.message)
      const { pointer, what, fix } = error
      const errors = [{ pointer, code: 'result-not-serialisable', message: what }]
      return new Problem('result-not-serialisable', { detail: error.message, hint: fix, errors })
    }
    if (isBadInput(error)) {
      const [message, { pointer }] = [messageOf(error), error]
      const errors = pointer ? [{ pointer, code: 'model-rejected-input', message }] : []
      return new Problem('model-rejected-input', { detail: message, errors })
    }
    const [shown, logged] = isItemError(error)
      ? [messageOf(error), messageOf(error)]
      : [describe(error), report(error)]
    log.error(logged)
    const hint = sent && this.#screen?.hint(sent)
    return new Problem('model-error', { detail: terse ? hidden : shown, hint })
  }
}

function warnMissing(log: Log, where: string): void {
  log.warn(`\`${where}\` is NaN, infinite or missing and was written as null`)
}
