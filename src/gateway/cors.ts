/** Cross-origin requests: refused unless the stage's `cors` setting allows them, and never with credentials. */
import type { IncomingMessage } from 'node:http'

export interface Cors {
  /** `*` or one origin, lower case. */
  readonly origin: string
  readonly headers: string
  readonly methods: string
}

/** Reads the `cors` setting: `true`, or Zappa's object with `allowed_origin`, `allowed_headers`, `allowed_methods`. */
export function readCors(setting: boolean | Readonly<Record<string, unknown>>): Cors | undefined {
  if (setting === false) return undefined
  const given = setting === true ? {} : setting
  return {
    origin: text(given.allowed_origin, '*').toLowerCase(),
    headers: text(given.allowed_headers, 'Content-Type, X-Request-Id, Traceparent, X-Api-Key, Authorization'),
    methods: text(given.allowed_methods, 'POST, OPTIONS'),
  }
}

function text(value: unknown, otherwise: string): string {
  if (Array.isArray(value)) return value.join(', ')
  return typeof value === 'string' && value !== '' ? value : otherwise
}

export function isAllowed(origin: string, cors: Cors | undefined): boolean {
  return cors !== undefined && (cors.origin === '*' || cors.origin === origin.toLowerCase())
}

/** The headers that tell a browser what this answer allows: names and values in turn. */
export function corsHeaders(request: IncomingMessage, cors: Cors | undefined): string[] {
  if (!cors) return []
  const { origin } = request.headers
  if (origin === undefined || !isAllowed(origin, cors)) return []
  const headers = [
    'Access-Control-Allow-Origin',
    cors.origin === '*' ? '*' : origin,
    'Access-Control-Expose-Headers',
    'X-Request-Id, Thampi-Version, Retry-After',
    'Vary',
    'Origin',
  ]
  if (request.method !== 'OPTIONS') return headers
  return [
    ...headers,
    'Access-Control-Allow-Methods',
    cors.methods,
    'Access-Control-Allow-Headers',
    cors.headers,
    'Access-Control-Max-Age',
    '600',
  ]
}
