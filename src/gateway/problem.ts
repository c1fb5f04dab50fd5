/** Problem documents (RFC 9457): what a caller gets instead of an answer, wherever our code runs. */

/** Code → status and title. `code` is what programs switch on; titles are for people and may change. */
export const problemCodes = {
  'invalid-request': { status: 400, title: 'The request cannot be understood' },
  unauthenticated: { status: 401, title: 'An API key is needed' },
  'host-not-allowed': { status: 403, title: 'This host name is not served here' },
  'cross-site': { status: 403, title: 'Requests from other web sites are not served' },
  'no-such-stage': { status: 404, title: 'No such stage' },
  'no-such-model': { status: 404, title: 'No such model' },
  'no-such-version': { status: 404, title: 'No such version' },
  'no-such-route': { status: 404, title: 'Nothing is served at this path' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'deploy-in-progress': { status: 409, title: 'The stage is being deployed' },
  'request-timeout': { status: 408, title: 'The request came too slowly' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The path is too long' },
  'unsupported-media-type': { status: 415, title: 'The content cannot be decoded' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'A mistake of the server' },
  'worker-crashed': { status: 502, title: 'The model process died' },
  overloaded: { status: 503, title: 'Too many requests are waiting' },
  starting: { status: 503, title: 'Not ready yet' },
  draining: { status: 503, title: 'The version is being taken out of service' },
  'model-unavailable': { status: 503, title: 'The model cannot be loaded' },
  'deadline-exceeded': { status: 504, title: 'The model took too long' },
} as const

export type ProblemCode = keyof typeof problemCodes

export interface ProblemDetails {
  readonly detail: string
  readonly hint?: string | undefined
  /** Whether the model ran for this request. */
  readonly executed?: 'no' | 'maybe' | 'yes'
  readonly retryable?: boolean
  readonly retryAfterMs?: number
  readonly reason?: string
  readonly stage?: string | undefined
  readonly model?: string | undefined
  readonly version?: number | undefined
  /** Of the `traceparent` that came with the request. */
  readonly trace_id?: string | undefined
}

/** An answer that is a problem document, as bytes. */
export function problemAnswer(
  code: ProblemCode,
  requestId: string,
  details: ProblemDetails,
): { status: number; body: Buffer } {
  const { status, title } = problemCodes[code]
  const { detail, hint, executed = 'no', retryable = false, retryAfterMs, ...more } = details
  const document = {
    type: `urn:thampi:problem:${code}`,
    title,
    status,
    detail,
    instance: `urn:thampi:request:${requestId}`,
    code,
    ...(hint === undefined ? {} : { hint }),
    executed,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...more,
  }
  return { status, body: Buffer.from(`${JSON.stringify(document)}\n`) }
}

/**
 * A text without the directories of this machine: they tell a caller nothing, and an attacker something. The last name of
 * each path stays; the log has the whole.
 *
 * @example
 * withoutDirectories('No model at "/home/ada/models/iris".')   // 'No model at "iris".'
 */
export function withoutDirectories(text: string): string {
  return text.replace(
    /(?<![\w/\\:])(?:[A-Za-z]:)?(?:[\\/][^\s\\/'"`:]+){2,}/g,
    path => path.split(/[\\/]/).at(-1) ?? '',
  )
}
