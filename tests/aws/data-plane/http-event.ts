/** HTTP as functions see it: events and answers of payload format 2.0, which HTTP APIs and Function URLs share. */
import { randomUUID } from 'node:crypto'
import { account, type Request } from '../actions.ts'
import type { Answer } from '../moto.ts'

export interface Place {
  /** Of the API or of the Function URL. */
  readonly id: string
  readonly domain: string
  readonly stage: string
  readonly routeKey: string
  /** With the stage, except `$default`. */
  readonly rawPath: string
  readonly pathParameters?: Readonly<Record<string, string>> | undefined
  /** What is known of the caller. */
  readonly authorizer?: object
}

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export function eventOf(request: Request, place: Place): Buffer {
  const { cookie, ...headers } = request.headers
  const rawQueryString = request.target.split('?')[1] ?? ''
  const query: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(rawQueryString))
    query[name] = name in query ? `${query[name]},${value}` : value
  const isText = /^(text\/|application\/(json|xml|javascript))|\+(json|xml)/.test(
    headers['content-type'] ?? 'text/',
  )
  const now = new Date()
  return Buffer.from(
    JSON.stringify({
      version: '2.0',
      routeKey: place.routeKey,
      rawPath: place.rawPath,
      rawQueryString,
      ...(cookie && { cookies: cookie.split('; ') }),
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(',') : value,
        ]),
      ),
      ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
      ...(place.pathParameters && { pathParameters: place.pathParameters }),
      requestContext: {
        accountId: account,
        apiId: place.id,
        domainName: place.domain,
        domainPrefix: place.id,
        ...(Object.keys(place.authorizer ?? {}).length > 0 && { authorizer: place.authorizer }),
        http: {
          method: request.method,
          path: place.rawPath,
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: headers['user-agent'] ?? '',
        },
        requestId: randomUUID(),
        routeKey: place.routeKey,
        stage: place.stage,
        time: clfTime(now),
        timeEpoch: now.getTime(),
      },
      ...(request.body.length > 0 && { body: request.body.toString(isText ? 'utf8' : 'base64') }),
      isBase64Encoded: request.body.length > 0 && !isText,
    }),
  )
}

/** `23/Nov/2026:06:44:17 +0000` */
function clfTime(date: Date): string {
  const [, , day, month, year, time] = /(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(date.toUTCString()) ?? []
  return `${day}/${month}/${year}:${time} +0000`
}

/** Undefined for what no front can turn into HTTP. */
export function answerOf(payload: Buffer): Answer | undefined {
  let said: unknown
  try {
    said = JSON.parse(payload.toString())
  } catch {
    return undefined
  }
  const isWhole = said !== null && typeof said === 'object' && 'statusCode' in said
  if (!isWhole)
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(typeof said === 'string' ? said : payload),
    }
  const { statusCode, headers, cookies, body, isBase64Encoded } = said as {
    statusCode: unknown
    headers?: Record<string, unknown>
    cookies?: string[]
    body?: unknown
    isBase64Encoded?: boolean
  }
  const status = Number(statusCode)
  if (!Number.isInteger(status) || status < 200 || status > 599) return undefined
  if (body !== undefined && body !== null && typeof body !== 'string') return undefined
  const named = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      ...Object.fromEntries(named),
      ...(cookies && { 'set-cookie': cookies }),
    },
    body: Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8'),
  }
}
