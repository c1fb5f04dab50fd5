/** Events of Lambda that are HTTP requests: API Gateway in both of its formats, and Function URLs. */
import { Problem } from '../problem.ts'

export interface HttpRequest {
  readonly method: string
  /** As it came: nothing is decoded. */
  readonly path: string
  readonly pretty: boolean
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** The bytes that were sent. Throws `Problem`. */
  body(): Buffer
}

/** The HTTP request that an event is; undefined when it is something else. */
export function httpRequestOf(event: unknown): HttpRequest | undefined {
  const about = isObject(event) ? event.requestContext : undefined
  if (!isObject(event) || !isObject(about)) return undefined
  const { http } = about
  if (isObject(http)) return requestOf(event, http.method, event.rawPath, isPretty(event.rawQueryString))
  if ('httpMethod' in event) return requestOf(event, event.httpMethod, event.path, wantsPretty(event))
  return undefined
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function requestOf(
  event: Readonly<Record<string, unknown>>,
  method: unknown,
  path: unknown,
  pretty: boolean,
): HttpRequest {
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(event.headers ?? {}))
    if (typeof value === 'string') headers.set(name.toLowerCase(), value)
  return {
    ...{ method: textOf(method), path: textOf(path), pretty, headers },
    body: () => bodyOf(event),
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/

function bodyOf({ body, isBase64Encoded }: Readonly<Record<string, unknown>>): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0)
  if (typeof body !== 'string')
    throw new Problem('invalid-request', { detail: 'The body of the event is no text.' })
  if (isBase64Encoded !== true) return Buffer.from(body)
  // Node reads what it can of what is no base 64.
  if (body.length % 4 !== 0 || !base64.test(body))
    throw new Problem('invalid-request', { detail: 'The body is not base 64.' })
  return Buffer.from(body, 'base64')
}

const pretty = /(?:^|&)pretty(?:=(?!(?:0|false)(?:&|$))|&|$)/

function isPretty(query: unknown): boolean {
  return typeof query === 'string' && pretty.test(query)
}

/** The same where the query was parsed: any value of a name counts, or its last. */
function wantsPretty(event: Readonly<Record<string, unknown>>): boolean {
  const { multiValueQueryStringParameters: several, queryStringParameters: last } = event
  const values = isObject(several) ? several.pretty : undefined
  if (Array.isArray(values)) return values.some(value => value !== '0' && value !== 'false')
  return isObject(last) && 'pretty' in last && last.pretty !== '0' && last.pretty !== 'false'
}
