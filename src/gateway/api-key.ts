/** API keys on a request: where they stand, and what is said when they are missing or wrong. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ProblemCode } from './problem.ts'

/** The keys of a stage that wants one. */
export interface KeyRing {
  /** Takes the same time for every key that is wrong. */
  accepts(key: string): boolean
}

export interface KeyRefusal {
  readonly code: ProblemCode
  readonly detail: string
  readonly hint: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
}

/** A refusal says the same to who guesses as to who mistyped; the key that was sent is in no answer and no log. */
const refusals: Readonly<Record<'missing' | 'wrong', KeyRefusal>> = {
  missing: {
    code: 'unauthenticated',
    detail: 'This stage answers to callers with an API key, and the request has none.',
    hint: 'Send it as "x-api-key: KEY" or "Authorization: Bearer KEY".',
    headers: ['WWW-Authenticate', 'Bearer realm="thampi"'],
  },
  wrong: {
    code: 'unauthenticated',
    detail: 'The API key of the request is not one of this stage.',
    hint: 'Send it as "x-api-key: KEY" or "Authorization: Bearer KEY". The owner of the stage makes keys.',
    // RFC 6750: only a request that had a token is told about an invalid one.
    headers: ['WWW-Authenticate', 'Bearer realm="thampi", error="invalid_token"'],
  },
}

/**
 * Undefined when the request has a key of the ring, or when no key is wanted.
 *
 * @example
 * const refusal = refuseKeyless(request.headers, endpoint.keys)
 */
export function refuseKeyless(
  headers: IncomingHttpHeaders,
  keys: KeyRing | undefined,
): KeyRefusal | undefined {
  if (keys === undefined) return undefined
  const key = keyOf(headers)
  if (key === undefined) return refusals.missing
  return keys.accepts(key) ? undefined : refusals.wrong
}

/** The header that gateways of AWS read counts first, then the one of everybody else. */
function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const own = headers['x-api-key']
  if (typeof own === 'string') return own
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}
