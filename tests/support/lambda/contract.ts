/** `contract/lambda.json` as values: the events that its fronts make of requests, and what has to come back. */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { ManifestChanges } from './manifest.ts'

type Json = Readonly<Record<string, unknown>>
type Repeat = readonly (string | readonly [string, number])[]

export interface Front {
  readonly name: string
  readonly format: '1.0' | '2.0'
  readonly prefix: string
  readonly event: Json & { readonly requestContext: Json; readonly headers: Readonly<Record<string, string>> }
}

interface Body {
  readonly body?: string
  readonly bodyBase64?: string
  readonly bodyRepeat?: Repeat
  readonly base64?: boolean
}

export interface Request extends Body {
  readonly method: string
  readonly path: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface HttpCase {
  readonly name: string
  readonly model: string
  readonly manifest?: ManifestChanges
  readonly request: Request
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly response?: string
  readonly responseRepeat?: Repeat
  readonly json?: unknown
  readonly result?: Json
  readonly problem?: Json
  readonly absent?: readonly string[]
}

export interface EventCase {
  readonly name: string
  readonly model: string
  readonly event: unknown
  readonly answer?: unknown
  readonly has?: Json
  readonly bodyProblem?: Json
  readonly problem?: Json
}

export const contract: {
  readonly version: number
  readonly requestId: string
  readonly remainingMs: number
  readonly key: string
  readonly fronts: readonly Front[]
  readonly requests: readonly HttpCase[]
  readonly events: readonly EventCase[]
} = JSON.parse(readFileSync('contract/lambda.json', 'utf8'))

/** What Lambda hands to the function when a front gets a request. */
export function eventOf({ format, prefix, event }: Front, request: Request): unknown {
  const { method, path, query, headers = {} } = request
  const sent = bodyOf(request)
  if (format === '2.0') {
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
    const http = { ...(event.requestContext.http as Json), method, path: prefix + path }
    return {
      ...{ ...event, rawPath: prefix + path, rawQueryString: query ?? '' },
      headers: { ...event.headers, ...Object.fromEntries(lower) },
      requestContext: { ...event.requestContext, http },
      ...sent,
    }
  }
  const given = new Set(Object.keys(headers).map(name => name.toLowerCase()))
  const others = Object.entries(event.headers).filter(([name]) => !given.has(name.toLowerCase()))
  const values = query === undefined ? undefined : [...new URLSearchParams(query)]
  return {
    ...{ ...event, path, httpMethod: method, headers: { ...Object.fromEntries(others), ...headers } },
    requestContext: { ...event.requestContext, httpMethod: method },
    queryStringParameters: values ? Object.fromEntries(values) : null,
    multiValueQueryStringParameters: values
      ? Object.fromEntries(values.map(([name, value]) => [name, [value]]))
      : null,
    body: null,
    ...sent,
  }
}

function bodyOf({ body, bodyBase64, bodyRepeat, base64 }: Body): Json {
  if (bodyBase64 !== undefined) return { body: bodyBase64, isBase64Encoded: true }
  const text = bodyRepeat ? repeated(bodyRepeat) : body
  if (text === undefined) return {}
  return base64 ? { body: Buffer.from(text).toString('base64'), isBase64Encoded: true } : { body: text }
}

export function repeated(parts: Repeat): string {
  return parts.map(part => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join('')
}

export interface Said {
  readonly payload: Buffer
  readonly functionError?: string | undefined
}

/** The answer of a function to a request is that of the contract. */
export function expectHttp({ payload, functionError }: Said, wanted: HttpCase): void {
  expect(functionError, payload.toString()).toBeUndefined()
  const answer = JSON.parse(payload.toString())
  expect(answer.statusCode, answer.body).toBe(wanted.status)
  expect(answer.headers).toEqual(wanted.headers)
  expect(answer).toHaveProperty('isBase64Encoded', false)
  if (wanted.response !== undefined) expect(answer.body).toBe(wanted.response)
  else if (wanted.responseRepeat) expect(answer.body === repeated(wanted.responseRepeat)).toBe(true)
  else if (wanted.json !== undefined) expect(JSON.parse(answer.body)).toEqual(wanted.json)
  else if (wanted.result) expect(JSON.parse(answer.body).result).toMatchObject(wanted.result)
  else {
    const problem = JSON.parse(answer.body)
    expect(problem).toMatchObject({ ...wanted.problem, model: 'mymodel', stage: 'staging', version: 7 })
    for (const member of wanted.absent ?? []) expect(problem).not.toHaveProperty(member)
  }
}

/** The same for an event that is sent as it is. */
export function expectEvent({ payload, functionError }: Said, wanted: EventCase): void {
  const said = JSON.parse(payload.toString())
  if (wanted.problem) {
    expect(functionError).toBe('Unhandled')
    expect(said.errorType).toBe('ThampiProblem')
    expect(JSON.parse(said.errorMessage)).toMatchObject(wanted.problem)
    return
  }
  expect(functionError, payload.toString()).toBeUndefined()
  if (wanted.answer !== undefined) expect(said).toEqual(wanted.answer)
  if (wanted.has) expect(said).toMatchObject(wanted.has)
  if (wanted.bodyProblem) expect(JSON.parse(said.body)).toMatchObject(wanted.bodyProblem)
}
