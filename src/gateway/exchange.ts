/**
 * One request on its way in, and its answer on the way out. Callbacks and one object, no promises: this is walked
 * many thousand times a second, and every allocation here is paid for by the model.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { traceIdOf } from '../wire/trace.ts'
import { type KeyRefusal, refuseKeyless } from './api-key.ts'
import { corsHeaders } from './cors.ts'
import type { Endpoint, GatewayAnswer, GatewayOptions, GatewayRequest } from './gateway.ts'
import { refuse } from './guard.ts'
import { pinnedTemplate, predictTemplate } from './http-counts.ts'
import type { Page, Place } from './page.ts'
import { type ProblemCode, type ProblemDetails, problemCodes } from './problem.ts'
import { type PredictRoute, readRoute } from './route.ts'
import { writeAnswer, writeProblem } from './write.ts'

const allowedMethods = 'POST, OPTIONS'
const maxTargetChars = 2048
/** Smaller bodies are bounded by the number of connections; to count them would cost more than it is worth. */
const countedFromBytes = 64 * 1024
const shedRetryMs = 1_000
const wholeMilliseconds = /^[1-9][0-9]{0,8}$/
/** What a log calls a request whose caller went away before the answer; nobody is ever sent it. */
const clientGone = 499

export class Exchange implements GatewayRequest {
  readonly requestId: string
  pretty = false
  traceparent: string | undefined
  traceId: string | undefined
  timeoutMs: number | undefined
  #request: IncomingMessage
  #response: ServerResponse
  #options: Required<GatewayOptions>
  #started: number = performance.now()
  #route: PredictRoute | undefined
  /** Of the path, for the metrics; empty when it is none of ours. */
  #template = ''
  #headers: string[] = []
  #size = 0
  /** Whether the pieces of the body are counted as they come. */
  #isCounted = false
  #held = 0
  #pieces: Buffer[] = []

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    options: Required<GatewayOptions>,
  ) {
    this.#request = request
    this.#response = response
    this.requestId = requestId
    this.#options = options
  }

  get isAbandoned(): boolean {
    return this.#response.destroyed
  }

  get pieces(): readonly Buffer[] {
    return this.#pieces
  }

  /** Joined when somebody wants it whole; what is only passed on is passed on as it came. */
  get body(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces, this.#size)]
    return this.#pieces[0] as Buffer
  }

  /** Looks at the head, and takes the body of what may pass. */
  begin(): void {
    const request = this.#request
    const target = request.url ?? '/'
    if (target.length > maxTargetChars) {
      this.#refuse('uri-too-long', `The path has more than ${maxTargetChars} characters.`)
      return
    }
    const { traceparent } = request.headers
    if (traceparent !== undefined) this.#belongsTo(String(traceparent))
    const route = readRoute(target)
    if (!route) {
      this.#visit(target)
      return
    }
    this.#template = route.version === undefined ? predictTemplate : pinnedTemplate
    const found = this.#options.find(route)
    const endpoint = 'answer' in found ? found : undefined
    const refusal = refuse(request, { hosts: this.#options.hosts(), cors: endpoint?.cors })
    if (refusal) {
      this.#refuse(refusal.code, refusal.detail, refusal.hint)
      return
    }
    if (!endpoint) {
      const { code, detail, hint } = found as Exclude<typeof found, Endpoint>
      this.#refuse(code, detail, hint)
      return
    }
    this.#route = route
    if (endpoint.cors) this.#headers = corsHeaders(request, endpoint.cors)
    // A browser asks for permission without a key; the request that follows has it.
    const keyless = request.method === 'OPTIONS' ? undefined : refuseKeyless(request.headers, endpoint.keys)
    if (keyless) this.#refuseKeyless(keyless)
    else if (request.method !== 'POST')
      this.#answerMethod(allowedMethods, 'predictions are asked for with POST.')
    else this.#receive(() => this.#ask(endpoint))
  }

  /** A path that asks for no prediction: a page, or nothing. */
  #visit(target: string): void {
    const request = this.#request
    const mark = target.indexOf('?')
    const place = this.#options.places(mark < 0 ? target : target.slice(0, mark))
    this.#template = place?.template ?? ''
    const refusal = refuse(request, { hosts: this.#options.hosts(), cors: undefined })
    if (refusal) {
      this.#refuse(refusal.code, refusal.detail, refusal.hint)
      return
    }
    if (!place) {
      const hint = 'Predictions are asked for with POST /STAGE/MODEL/predict.'
      this.#refuse('no-such-route', 'Nothing is served at this path.', hint)
      return
    }
    const page = place.page(request.method ?? '')
    if (!page) {
      this.#answerMethod([...place.methods, 'OPTIONS'].join(', '), `${place.methods.join(' and ')} are.`)
      return
    }
    const query = mark < 0 ? '' : target.slice(mark + 1)
    if (page.method === 'POST') this.#receive(() => this.#turnTo(page, place, query))
    else this.#turnTo(page, place, query)
  }

  #turnTo(page: Page, { params }: Place, query: string): void {
    const exchange = this
    const request = {
      ...{ requestId: this.requestId, params, query, headers: this.#request.headers, body: this.body },
      traceparent: this.traceparent,
      get isAbandoned(): boolean {
        return exchange.isAbandoned
      },
    }
    const ask = async (): Promise<void> => {
      const answer = await page.answer(request)
      this.#answered({ ...answer, body: Buffer.from(answer.body) })
    }
    ask().catch(error => this.failed(error))
  }

  #belongsTo(traceparent: string): void {
    this.traceId = traceIdOf(traceparent)
    if (this.traceId !== undefined) this.traceparent = traceparent
  }

  #refuseKeyless({ code, detail, hint, headers }: KeyRefusal): void {
    this.#headers.push(...headers)
    this.#refuse(code, detail, hint)
  }

  #answerMethod(allowed: string, otherwise: string): void {
    const { method } = this.#request
    this.#headers.push('Allow', allowed)
    if (method === 'OPTIONS') {
      this.#response.writeHead(204, ['X-Request-Id', this.requestId, ...this.#headers]).end()
      this.#count(204)
      return
    }
    this.#refuse('method-not-allowed', `${method} is not allowed here; ${otherwise}`)
  }

  /** The body, whole or not at all. Never parsed here: the runtime owns its meaning. */
  #receive(whenWhole: () => void): void {
    const { headers } = this.#request
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') {
      this.#refuse('unsupported-media-type', 'Compressed requests are not accepted.')
      return
    }
    const timeout = headers['thampi-timeout-ms'] as string | undefined
    if (timeout !== undefined) {
      if (!wholeMilliseconds.test(timeout)) {
        this.#refuse('invalid-request', 'Thampi-Timeout-Ms is a whole number of milliseconds above 0.')
        return
      }
      this.timeoutMs = Number(timeout)
    }
    const length = headers['content-length']
    if (length === undefined) this.#isCounted = true
    else if (Number(length) > this.#options.maxBodyBytes) {
      this.#tooLarge()
      return
    } else if (Number(length) >= countedFromBytes && !this.#hold(Number(length))) return
    this.#request.on('data', (chunk: Buffer) => this.#take(chunk))
    // A caller who breaks off before the end never gets here, and nothing is kept of the request.
    this.#request.on('end', whenWhole)
  }

  #take(chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > this.#options.maxBodyBytes) this.#tooLarge()
    else if (this.#isCounted && !this.#hold(chunk.length)) return
    else this.#pieces.push(chunk)
  }

  /** False, and answered, when all callers together have sent too much already. */
  #hold(bytes: number): boolean {
    const { held } = this.#options
    if (!held.take(bytes)) {
      this.#dropBody()
      this.#headers.push('Retry-After', String(shedRetryMs / 1000))
      const details = { retryable: true, retryAfterMs: shedRetryMs }
      this.#refuse('overloaded', 'Too many large requests are under way.', undefined, details)
      return false
    }
    if (this.#held === 0) this.#response.once('close', () => held.giveBack(this.#held))
    this.#held += bytes
    return true
  }

  /** The rest is read and thrown away: a client that is still sending would otherwise see its connection
   * break instead of the answer. The server's request timeout bounds how long that may go on. */
  #dropBody(): void {
    this.#request.removeAllListeners('data').removeAllListeners('end').resume()
    this.#pieces = []
    this.#size = 0
  }

  #tooLarge(): void {
    this.#dropBody()
    this.#refuse('body-too-large', `The body is larger than ${this.#options.maxBodyBytes} bytes.`)
  }

  #ask(endpoint: Endpoint): void {
    this.pretty = this.#route?.pretty === true
    try {
      endpoint.answer(this, answer => this.#answered(answer))
    } catch (error) {
      this.failed(error)
    }
  }

  #answered(answer: GatewayAnswer): void {
    const { status, version, retryAfterMs } = answer
    const headers = this.#headers
    if (answer.headers) headers.push(...answer.headers)
    if (version !== undefined) headers.push('Thampi-Version', String(version))
    if (retryAfterMs !== undefined)
      headers.push('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))))
    const gone = this.isAbandoned
    writeAnswer(this.#response, this.requestId, answer, headers)
    this.#ended(gone ? clientGone : status, version)
  }

  /** A mistake of ours: the caller learns that there was one, the operator which. */
  failed(error: unknown): void {
    this.#options.onMistake(error, this.requestId)
    if (this.#response.headersSent) {
      this.#response.destroy()
      return
    }
    writeProblem(this.#response, this.requestId, 'internal', {
      detail: 'The server failed to handle the request.',
      executed: 'maybe',
      trace_id: this.traceId,
    })
    this.#count(500)
  }

  #refuse(code: ProblemCode, detail: string, hint?: string, more?: Partial<ProblemDetails>): void {
    const { stage, model } = this.#route ?? {}
    const details = { detail, hint, stage, model, trace_id: this.traceId, ...more }
    writeProblem(this.#response, this.requestId, code, details, this.#headers)
    this.#ended(problemCodes[code].status)
  }

  /** What happened at a path that is none of ours is in nobody's log. */
  #ended(status: number, version?: number): void {
    const ms = this.#count(status)
    if (this.#route) {
      const { stage, model } = this.#route
      const { requestId, traceId } = this
      this.#options.onAccess({ stage, model, requestId, status, ms, version, traceId })
    }
  }

  /** Gives how long the request took, in milliseconds. */
  #count(status: number): number {
    const ms = performance.now() - this.#started
    const { counts } = this.#options
    const isPredict = this.#route !== undefined && this.#request.method === 'POST'
    const ofRoute = !isPredict
      ? counts.of(this.#template, this.#request.method)
      : this.#template === predictTemplate
        ? counts.predict
        : counts.pinned
    ofRoute.add(status, ms / 1000)
    return ms
  }
}
