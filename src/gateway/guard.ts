/**
 * Who may speak to a port on localhost. Every web page in the user's browser can reach it, so each request, whatever
 * its method, must name a host we serve and must not come from another site.
 */
import type { IncomingMessage } from 'node:http'
import type { Cors } from '../settings/cors.ts'
import { isAllowed } from './cors.ts'
import type { ProblemCode } from './problem.ts'

export interface Refusal {
  readonly code: ProblemCode
  readonly detail: string
  readonly hint?: string
}

export interface GuardOptions {
  /** `host:port` values that the Host header may have, lower case. */
  readonly hosts: ReadonlySet<string>
  /** What the stage allows across sites; undefined: nothing. */
  readonly cors: Cors | undefined
}

/** Undefined when the request may pass. */
export function refuse(request: IncomingMessage, { hosts, cors }: GuardOptions): Refusal | undefined {
  const host = request.headers.host?.toLowerCase()
  const hostLines = countOf('host', request.rawHeaders)
  if (hostLines !== 1 || host === undefined || !hosts.has(host)) {
    // A name an attacker controls can be pointed at 127.0.0.1; the Host header then still carries that name.
    return {
      code: 'host-not-allowed',
      detail:
        hostLines > 1
          ? 'The request has more than one Host header.'
          : 'The Host header names a host that is not served here.',
      hint: `Use one of: ${[...hosts].join(', ')}.`,
    }
  }
  if (request.url && !request.url.startsWith('/')) {
    return { code: 'host-not-allowed', detail: 'The request target must be a path.' }
  }
  const origin = request.headers.origin
  const site = request.headers['sec-fetch-site']
  const allowed = origin !== undefined && (isAllowed(origin, cors) || isSameOrigin(origin, host))
  if (origin !== undefined && !allowed) {
    return {
      code: 'cross-site',
      detail: 'The request comes from a web page of another origin.',
      hint: 'List the origin under "cors" of the stage.',
    }
  }
  if (site !== undefined && !allowed && site !== 'same-origin' && site !== 'none') {
    return { code: 'cross-site', detail: 'The request was started by another web site.' }
  }
  const fromBrowser = origin !== undefined || site !== undefined
  if (fromBrowser && request.method === 'POST' && !isJson(request.headers['content-type'])) {
    // Forms and `no-cors` fetches cannot set this type without asking first: that is what keeps them out.
    return {
      code: 'unsupported-media-type',
      detail: 'A request from a web page must have the content type application/json.',
    }
  }
  return undefined
}

/** Node keeps the first of several Host headers and says nothing about the others. */
function countOf(name: string, rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const given = rawHeaders[i] as string
    if (given.length === name.length && given.toLowerCase() === name) count += 1
  }
  return count
}

function isSameOrigin(origin: string, host: string): boolean {
  return origin.toLowerCase() === `http://${host}`
}

function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i.test(contentType)
}
