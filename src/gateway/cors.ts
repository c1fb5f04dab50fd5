/** Cross-origin requests: refused unless the stage's `cors` setting allows them, and never with credentials. */
import type { IncomingMessage } from 'node:http'
import type { Cors } from '../settings/cors.ts'

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
