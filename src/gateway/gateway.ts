/** HTTP in, bytes to whoever answers, bytes out. Knows nothing of models. */
import { createServer, type Server, STATUS_CODES } from 'node:http'
import type { Cors } from '../settings/cors.ts'
import type { KeyRing } from './api-key.ts'
import { Exchange } from './exchange.ts'
import type { HeldBytes } from './held-bytes.ts'
import { HttpCounts } from './http-counts.ts'
import type { Place } from './page.ts'
import { type ProblemCode, problemAnswer } from './problem.ts'
import { requestIds } from './request-id.ts'
import type { PredictRoute } from './route.ts'
import { writeProblem } from './write.ts'

export interface GatewayRequest {
  readonly requestId: string
  readonly body: Buffer
  /** The same as it came; undefined: in one piece. */
  readonly pieces?: readonly Buffer[] | undefined
  readonly pretty: boolean
  readonly traceparent: string | undefined
  /** In which other protocol the body is, and its content type; undefined for `{"data": …}`. */
  readonly door?: string | undefined
  readonly contentType?: string | undefined
  /** How long the caller waits, when it says so. */
  readonly timeoutMs?: number | undefined
  /** True when nobody waits for the answer any more: what has not begun is then not executed. */
  readonly isAbandoned: boolean
}

export interface GatewayAnswer {
  readonly status: number
  readonly body: Buffer
  readonly version?: number | undefined
  readonly retryAfterMs?: number | undefined
  /** JSON, or a problem document, unless said. */
  readonly contentType?: string
  /** Further headers: names and values in turn. */
  readonly headers?: readonly string[]
}

/** Who answers at a path. */
export interface Endpoint {
  readonly cors: Cors | undefined
  /** Keys of which a caller needs one; undefined: everybody may ask. */
  readonly keys?: KeyRing | undefined
  /** Calls back exactly once. */
  answer(request: GatewayRequest, done: (answer: GatewayAnswer) => void): void
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
  readonly traceId: string | undefined
  /** Undefined: that of predictions. */
  readonly path?: string
}

export interface GatewayOptions {
  /** `host:port` values that the Host header may have, lower case. */
  readonly hosts: () => ReadonlySet<string>
  readonly maxBodyBytes: number
  /** Shared by all listeners of a host. */
  readonly held: HeldBytes
  /** The endpoint of a route, or why there is none. Asked again for each request: a switch takes effect at once. */
  readonly find: (route: PredictRoute) => Endpoint | NotFound
  /** What is answered beside predictions; asked for paths that are none of theirs. */
  readonly places?: (path: string) => Place | undefined
  readonly counts?: HttpCounts
  readonly onAccess: (entry: AccessEntry) => void
  readonly onMistake: (error: unknown, requestId: string) => void
}

/** A server that is not yet listening. */
export function createGateway(given: GatewayOptions): Server {
  const options = { places: () => undefined, counts: new HttpCounts(), ...given }
  const newId = requestIds()
  const server = createServer({
    // A client that dribbles must not hold a connection; these bound head and whole request (milliseconds).
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 75_000,
    noDelay: true,
    // The guard refuses a request without Host in our own words.
    requireHostHeader: false,
  })
  server.on('request', (request, response) => {
    const requestId = newId(request.headers['x-request-id'] as string | undefined)
    const exchange = new Exchange(request, response, requestId, options)
    try {
      exchange.begin()
    } catch (error) {
      exchange.failed(error)
    }
  })
  server.on('checkExpectation', (request, response) => {
    options.counts.of('', request.method).add(417, 0)
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
    options.counts.of('', undefined).add(status, 0)
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
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 'body-too-large'
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large'
  return 'invalid-request'
}
