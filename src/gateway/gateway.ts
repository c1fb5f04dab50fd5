/** HTTP in, bytes to whoever answers, bytes out. Knows nothing of models. */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { readBody } from './body.ts'
import { type Cors, corsHeaders } from './cors.ts'
import { refuse } from './guard.ts'
import { type ProblemCode, problemAnswer, problemCodes } from './problem.ts'
import { requestIds } from './request-id.ts'
import { type PredictRoute, readRoute } from './route.ts'
import { type HeaderList, writeAnswer, writeProblem } from './write.ts'

export interface GatewayRequest {
  readonly requestId: string
  readonly body: Buffer
  readonly pretty: boolean
  readonly traceparent: string | undefined
  readonly isAbandoned: () => boolean
}

export interface GatewayAnswer {
  readonly status: number
  readonly body: Buffer
  readonly version?: number | undefined
  readonly retryAfterMs?: number | undefined
}

/** Who answers at a path. */
export interface Endpoint {
  readonly cors: Cors | undefined
  answer(request: GatewayRequest): Promise<GatewayAnswer>
}

/** Why nobody answers there. */
export interface NotFound {
  readonly code: ProblemCode
  readonly detail: string
  readonly hint?: string
}

export interface AccessEntry extends Pick<PredictRoute, 'stage' | 'model'> {
  readonly requestId: string
  readonly status: number
  readonly ms: number
  readonly version: number | undefined
}

export interface GatewayOptions {
  /** `host:port` values that the Host header may have, lower case. */
  readonly hosts: () => ReadonlySet<string>
  readonly maxBodyBytes: number
  /** The endpoint of a route, or why there is none. Asked again for each request: a switch takes effect at once. */
  readonly find: (route: PredictRoute) => Endpoint | NotFound
  readonly onAccess: (entry: AccessEntry) => void
  readonly onMistake: (error: unknown, requestId: string) => void
}

const allowedMethods = 'POST, OPTIONS'
const maxTargetChars = 2048

/** A server that is not yet listening. */
export function createGateway(options: GatewayOptions): Server {
  const newId = requestIds()
  const server = createServer({
    // A client that dribbles must not hold a connection; these bound head and whole request (milliseconds).
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 75_000,
    noDelay: true,
  })
  server.on('request', (request, response) => {
    const requestId = newId(request.headers['x-request-id'] as string | undefined)
    handle(request, response, requestId, options).catch(error => {
      options.onMistake(error, requestId)
      if (response.headersSent) response.destroy()
      else
        writeProblem(response, requestId, 'internal', {
          detail: 'The server failed to handle the request.',
          executed: 'maybe',
        })
    })
  })
  server.on('checkExpectation', (_request, response) => {
    writeProblem(response, newId(undefined), 'expectation-failed', {
      detail: 'Only "100-continue" can be expected.',
    })
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const requestId = newId(undefined)
    const { status, body } = problemAnswer(codeOfClientError(error.code), requestId, {
      detail: 'The request is not valid HTTP, too large or too slow.',
    })
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${body.length}`,
      'Connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body.toString()}`)
  })
  return server
}

function codeOfClientError(code: string | undefined): ProblemCode {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout'
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large'
  return 'invalid-request'
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  options: GatewayOptions,
): Promise<void> {
  const started = performance.now()
  const target = request.url ?? '/'
  if (target.length > maxTargetChars) {
    const detail = `The path has more than ${maxTargetChars} characters.`
    return writeProblem(response, requestId, 'uri-too-long', { detail })
  }
  const route = readRoute(target)
  const found = route && options.find(route)
  const cors = found && 'answer' in found ? found.cors : undefined
  const refusal = refuse(request, { hosts: options.hosts(), cors })
  if (refusal) {
    const { code, detail, hint } = refusal
    return writeProblem(response, requestId, code, { detail, hint })
  }
  const headers = corsHeaders(request, cors)
  if (!route || !found) {
    return writeProblem(response, requestId, 'no-such-route', {
      detail: 'Nothing is served at this path.',
      hint: 'Predictions are asked for with POST /STAGE/MODEL/predict.',
    })
  }
  if (!('answer' in found)) {
    const { code, detail, hint } = found
    return writeProblem(response, requestId, code, { detail, hint })
  }
  const about = { stage: route.stage, model: route.model }
  const ended = (status: number, version?: number): void =>
    options.onAccess({ ...about, requestId, status, ms: performance.now() - started, version })
  const refuseWith = (code: ProblemCode, detail: string, more: HeaderList = []): void => {
    writeProblem(response, requestId, code, { detail, ...about }, [...headers, ...more])
    ended(problemCodes[code].status)
  }
  if (request.method === 'OPTIONS') {
    response.writeHead(204, ['Allow', allowedMethods, 'X-Request-Id', requestId, ...headers]).end()
    return
  }
  if (request.method !== 'POST') {
    const detail = `${request.method} is not allowed here; predictions are asked for with POST.`
    return refuseWith('method-not-allowed', detail, ['Allow', allowedMethods])
  }
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    return refuseWith('unsupported-media-type', 'Compressed requests are not accepted.')
  }

  const body = await readBody(request, options.maxBodyBytes)
  if (body.type === 'gone') return
  if (body.type === 'too-large') {
    return refuseWith('body-too-large', `The body is larger than ${options.maxBodyBytes} bytes.`)
  }
  const answer = await found.answer({
    requestId,
    body: body.bytes,
    pretty: route.pretty,
    traceparent: request.headers.traceparent as string | undefined,
    isAbandoned: () => response.destroyed,
  })
  const { version, retryAfterMs } = answer
  if (version !== undefined) headers.push('Thampi-Version', String(version))
  if (retryAfterMs !== undefined)
    headers.push('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))))
  writeAnswer(response, requestId, answer, headers)
  ended(answer.status, version)
}
