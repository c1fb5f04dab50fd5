/** One HTTP request to a function, and its answer; `contract/lambda.md` says what stands in both. */

import { traceIdOf, withTrace } from '../../wire/trace.ts'
import type { Answer } from '../answer.ts'
import { CallContext } from '../context.ts'
import { Problem, problemDocument, type Source } from '../problem.ts'
import type { HttpRequest } from './events.ts'
import type { Cors } from './manifest.ts'
import type { Ready } from './model.ts'
import { openApiFor } from './openapi.ts'
import { type Route, routeOf } from './routes.ts'

/** What Lambda answers with. */
export interface HttpAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly isBase64Encoded: false
}

/** What an exchange needs of the function. */
export interface Exchanging {
  readonly source: Source
  readonly cors: Cors | undefined
  /** What callers may know, but for version and address. */
  readonly openapi: string | undefined
  /** Milliseconds until Lambda ends the event. */
  remainingMs(): number
  /** The model, loaded. Throws `Problem`. */
  ready(): Promise<Ready>
  /** The model did what ends a process. */
  retire(): void
  /** Tells the log of an exception of ours. */
  mistake(error: unknown): void
}

/** Of the whole answer. */
const maxAnswerBytes = 6 * 1024 * 1024
const harmless = /^[A-Za-z0-9._-]{1,64}$/
const wholeMilliseconds = /^[1-9][0-9]{0,8}$/
const version = 'Thampi-Version'
const exposed = 'X-Request-Id, Thampi-Version, Retry-After'

export class Exchange {
  readonly requestId: string
  readonly traceId: string | undefined
  readonly #fn: Exchanging
  readonly #request: HttpRequest
  readonly #route: Route | undefined
  readonly #headers: Record<string, string> = {}
  readonly #began: number = performance.now()

  constructor(fn: Exchanging, request: HttpRequest, awsRequestId: string) {
    this.#fn = fn
    this.#request = request
    const { headers } = request
    const own = headers.get('x-request-id')
    this.requestId = own !== undefined && harmless.test(own) ? own : awsRequestId
    this.traceId = traceIdOf(headers.get('traceparent'))
    this.#route = routeOf(request.path)
  }

  /** What the log says at the end of a request that was for the model; undefined for others. */
  logLine(statusCode: number): string | undefined {
    if (!(version in this.#headers)) return undefined
    const ms = (performance.now() - this.#began).toFixed(1)
    return `POST ${this.#request.path} ${statusCode} ${ms} ms`
  }

  /** Never fails. */
  async answer(): Promise<HttpAnswer> {
    this.#allowOrigin()
    try {
      return await this.#routed()
    } catch (error) {
      return this.#refused(error)
    }
  }

  async #routed(): Promise<HttpAnswer> {
    const { method } = this.#request
    const route = this.#route
    if (!route || (route.describes && this.#fn.openapi === undefined)) {
      const hint = 'Predictions are asked for with POST /STAGE/MODEL/predict.'
      throw new Problem('no-such-route', { detail: 'Nothing is served at this path.', hint })
    }
    this.#check(route)
    const allowed = route.method === 'POST' ? ['POST'] : ['GET', 'HEAD']
    if (allowed.includes(method)) {
      if (route.method === 'POST') return this.#asked(route)
      return route.describes ? this.#described() : this.#health(route)
    }
    this.#headers.Allow = [...allowed, 'OPTIONS'].join(', ')
    if (method === 'OPTIONS') return this.#written(204, '')
    const otherwise =
      route.method === 'POST' ? 'predictions are asked for with POST' : `${allowed.join(' and ')} are`
    throw new Problem('method-not-allowed', { detail: `${method} is not allowed here; ${otherwise}.` })
  }

  /** Throws `Problem` when a path means another model, or another version of it. */
  #check({ model, version: asked }: Route): void {
    const { source } = this.#fn
    if (model !== undefined && model !== source.model) {
      const hint = `There is: ${source.model}.`
      throw new Problem('no-such-model', { detail: `There is no model "${model}" here.`, hint })
    }
    if (asked !== undefined && asked !== String(source.version)) {
      const detail = `This is version ${source.version} of ${source.model}, not version ${asked}.`
      throw new Problem('no-such-version', { detail })
    }
  }

  async #asked({ door }: Route): Promise<HttpAnswer> {
    const { headers, pretty } = this.#request
    const waitsMs = this.#readHeaders(door)
    const body = this.#request.body()
    this.#headers[version] = String(this.#fn.source.version)
    const { answerer, shared } = await this.#fn.ready()
    const deadline = Math.min(this.#began + waitsMs, performance.now() + this.#fn.remainingMs())
    const context = new CallContext(shared, this.requestId, deadline)
    const contentType = headers.get('content-type')
    const answer =
      door === undefined
        ? await answerer.answer(body, context, pretty)
        : await answerer.through({ door, contentType, body }, context)
    if (answer.retire) this.#fn.retire()
    return this.#bounded(answer)
  }

  /** How long the caller waits, in milliseconds. Throws `Problem`. */
  #readHeaders(door: string | undefined): number {
    const { headers } = this.#request
    const encoding = headers.get('content-encoding')
    if (encoding !== undefined && encoding !== 'identity')
      throw new Problem('unsupported-media-type', { detail: 'Compressed requests are not accepted.' })
    const timeout = headers.get('thampi-timeout-ms')
    if (timeout !== undefined && !wholeMilliseconds.test(timeout)) {
      const detail = 'Thampi-Timeout-Ms is a whole number of milliseconds above 0.'
      throw new Problem('invalid-request', { detail })
    }
    if (door !== undefined && headers.has('inference-header-content-length')) {
      throw new Problem('unsupported-media-type', {
        detail: 'Binary tensors are not read.',
        hint: 'Send `data` as JSON. In tritonclient: set_data_from_numpy(…, binary_data=False).',
      })
    }
    return timeout === undefined ? Number.POSITIVE_INFINITY : Number(timeout)
  }

  /** Throws `Problem` when Lambda would not take the answer. */
  #bounded({ status, body }: Answer): HttpAnswer {
    const text = status < 400 ? body.toString() : this.#problemText(body)
    const answer = this.#written(status, text)
    // Written as JSON once more, no character of it takes more than twice its bytes.
    if (2 * body.length + 4096 <= maxAnswerBytes) return answer
    const written = Buffer.byteLength(JSON.stringify(answer))
    if (written <= maxAnswerBytes) return answer
    const [limit, size] = [maxAnswerBytes, written].map(bytes => bytes.toLocaleString('en'))
    throw new Problem('result-too-large', {
      detail: `Lambda takes ${limit} bytes, and would write the answer in ${size}.`,
      hint: 'Return less, or a link to the rest.',
    })
  }

  #described(): HttpAnswer {
    this.#headers['Cache-Control'] = 'no-store'
    const text = openApiFor(this.#fn.openapi ?? '', this.#request, this.#fn.source)
    return this.#written(200, text, 'application/json')
  }

  async #health({ model }: Route): Promise<HttpAnswer> {
    this.#headers['Cache-Control'] = 'no-store'
    const ready = await this.#fn.ready().then(
      () => true,
      (error: unknown) => {
        if (error instanceof Problem) return false
        throw error
      },
    )
    const said = model === undefined ? { live: true, ready } : { name: model, ready }
    return this.#written(ready ? 200 : 503, `${JSON.stringify(said)}\n`, 'application/json')
  }

  #refused(error: unknown): HttpAnswer {
    if (!(error instanceof Problem)) this.#fn.mistake(error)
    const problem =
      error instanceof Problem ? error : new Problem('internal', { detail: 'The function failed.' })
    const { detail, hint, retryAfterMs } = problem.parts
    if (retryAfterMs !== undefined) this.#headers['Retry-After'] = String(Math.ceil(retryAfterMs / 1000))
    if (this.#route?.plain) {
      const body = JSON.stringify({ error: hint === undefined ? detail : `${detail} ${hint}` })
      return this.#written(problem.status, `${body}\n`)
    }
    const { pretty } = this.#request
    const document = problemDocument(problem, this.#fn.source, this.requestId, pretty)
    return this.#written(problem.status, this.#problemText(document))
  }

  #problemText(document: Buffer): string {
    const isProblem = !this.#route?.plain && this.traceId !== undefined
    return (isProblem ? withTrace(document, this.traceId as string) : document).toString()
  }

  #written(statusCode: number, body: string, contentType?: string): HttpAnswer {
    const isPlain = statusCode < 400 || this.#route?.plain
    const headers = {
      ...(statusCode === 204
        ? {}
        : { 'Content-Type': contentType ?? (isPlain ? 'application/json' : 'application/problem+json') }),
      'X-Request-Id': this.requestId,
      ...(statusCode < 400 ? {} : { 'Cache-Control': 'no-store' }),
      ...this.#headers,
    }
    return { statusCode, headers, body: this.#request.method === 'HEAD' ? '' : body, isBase64Encoded: false }
  }

  #allowOrigin(): void {
    const { cors } = this.#fn
    const origin = this.#request.headers.get('origin')
    if (!cors || origin === undefined) return
    if (cors.origin !== '*' && cors.origin !== origin.toLowerCase()) return
    Object.assign(this.#headers, {
      'Access-Control-Allow-Origin': cors.origin === '*' ? '*' : origin,
      'Access-Control-Expose-Headers': exposed,
      Vary: 'Origin',
    })
    if (this.#request.method !== 'OPTIONS') return
    Object.assign(this.#headers, {
      'Access-Control-Allow-Methods': cors.methods,
      'Access-Control-Allow-Headers': cors.headers,
      'Access-Control-Max-Age': '600',
    })
  }
}
