/** contract/lambda.json holds for this runtime too, in a real process behind the Runtime API; and so do the other contracts. */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { type ManifestChanges, nodeFunction } from '../../../tests/support/lambda/node-function.ts'
import { saveSource } from '../../../tests/support/node-runtime.ts'
import { type Invocation, type RunningFunction, runFunction } from '../../../tests/support/runtime-api.ts'

type Json = Readonly<Record<string, unknown>>

interface Front {
  readonly name: string
  readonly format: '1.0' | '2.0'
  readonly prefix: string
  readonly event: Json & { readonly requestContext: Json; readonly headers: Readonly<Record<string, string>> }
}

interface Request extends Body {
  readonly method: string
  readonly path: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
}

interface Body {
  readonly body?: string
  readonly bodyBase64?: string
  readonly bodyRepeat?: Repeat
  readonly base64?: boolean
}

type Repeat = readonly (string | readonly [string, number])[]

interface Wanted {
  readonly response?: string
  readonly responseRepeat?: Repeat
  readonly json?: unknown
  readonly result?: Json
  readonly problem?: Json | undefined
  readonly absent?: readonly string[]
}

interface HttpCase extends Wanted {
  readonly name: string
  readonly model: string
  readonly manifest?: ManifestChanges
  readonly request: Request
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

interface EventCase {
  readonly name: string
  readonly model: string
  readonly event: unknown
  readonly answer?: unknown
  readonly has?: Json
  readonly bodyProblem?: Json
  readonly problem?: Json
}

interface AnswerCase extends Wanted, Body {
  readonly name: string
  readonly model: string
  readonly pretty?: boolean
  readonly status: number
  readonly node?: Pick<Wanted, 'response' | 'problem'>
}

interface DoorCase extends Body {
  readonly name: string
  readonly door: 'v1' | 'v2' | 'mlflow'
  readonly model: string
  readonly contentType?: string
  readonly body?: never
  readonly text?: string
  readonly needs?: string
  readonly status: number
  readonly response?: unknown
  readonly error?: string
  readonly problem?: Json
  readonly node?: Partial<Pick<DoorCase, 'status' | 'response' | 'error'>>
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(`contract/${file}`, 'utf8')) as T
}

const contract = read<{
  readonly version: number
  readonly requestId: string
  readonly remainingMs: number
  readonly key: string
  readonly fronts: readonly Front[]
  readonly requests: readonly HttpCase[]
  readonly events: readonly EventCase[]
}>('lambda.json')
const answers = read<{ readonly properties: Json; readonly cases: readonly AnswerCase[] }>('answers.json')
const doors = read<{ readonly cases: readonly DoorCase[] }>('doors.json')

/** By what makes them different. */
const functions = new Map<string, Promise<RunningFunction>>()
afterAll(async () => {
  for (const each of functions.values()) await (await each).close()
})

/** Around a model of one of the two files; the first one counts. */
function functionOf(
  model: string,
  changes: ManifestChanges = {},
  from: readonly string[] = ['contract-models', 'contract-doors'],
): Promise<RunningFunction> {
  const file = from.find(name =>
    readFileSync(`tests/support/${name}.ts`, 'utf8').includes(`export class ${model} `),
  )
  const known = JSON.stringify([model, changes, file])
  const fn =
    functions.get(known) ?? start(`export { ${model} as default } from './tests/support/${file}.ts'`, changes)
  functions.set(known, fn)
  return fn
}

async function start(source: string, changes: ManifestChanges): Promise<RunningFunction> {
  const { instance_id, trained_time_utc } = answers.properties
  const { version, key, remainingMs } = contract
  const saved = await saveSource(source, { instance_id, trained_time_utc })
  return runFunction({
    taskRoot: await nodeFunction(saved, { key, ...changes }),
    ...{ runtime: 'nodejs24.x', handler: 'thampi_handler.handler', version: String(version) },
    ...{ memoryMb: 1024, timeoutSeconds: remainingMs / 1000 },
  })
}

async function ask(fn: RunningFunction, event: unknown): Promise<Invocation> {
  return fn.invoke(event, { requestId: contract.requestId })
}

interface Answer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

async function askHttp(fn: RunningFunction, event: unknown): Promise<Answer> {
  const { payload, functionError } = await ask(fn, event)
  expect(functionError, payload.toString()).toBeUndefined()
  return JSON.parse(payload.toString()) as Answer
}

const onFronts = contract.requests.flatMap(each =>
  contract.fronts.map(front => [each.name, front.name, each, front] as const),
)

describe('requests', () => {
  it.each(onFronts)('%s (%s)', async (_name, _front, each, front) => {
    const answer = await askHttp(await functionOf(each.model, each.manifest), eventOf(front, each.request))
    expect(answer.statusCode, answer.body).toBe(each.status)
    expect(answer.headers).toEqual(each.headers)
    expect(answer).toHaveProperty('isBase64Encoded', false)
    expectBody(answer.body, each)
  })
})

describe('events', () => {
  it.each(contract.events.map(each => [each.name, each] as const))('%s', async (_, each) => {
    const { payload, functionError } = await ask(await functionOf(each.model), each.event)
    const said = JSON.parse(payload.toString())
    if (each.problem) {
      expect(functionError).toBe('Unhandled')
      expect(said.errorType).toBe('ThampiProblem')
      expect(JSON.parse(said.errorMessage)).toMatchObject(each.problem)
      return
    }
    expect(functionError, payload.toString()).toBeUndefined()
    if (each.answer !== undefined) expect(said).toEqual(each.answer)
    if (each.has) expect(said).toMatchObject(each.has)
    if (each.bodyProblem) expect(JSON.parse(said.body)).toMatchObject(each.bodyProblem)
  })
})

const [httpApi] = contract.fronts as [Front]

describe('answers are those of every platform', () => {
  it.each(answers.cases.map(each => [each.name, each] as const))('%s', async (_, each) => {
    const request = { method: 'POST', path: '/mymodel/predict', ...each, base64: true }
    const query = each.pretty ? { query: 'pretty' } : {}
    const answer = await askHttp(await functionOf(each.model), eventOf(httpApi, { ...request, ...query }))
    expect(answer.statusCode, answer.body).toBe(each.status)
    expectBody(answer.body, {
      ...each,
      ...each.node,
      problem: each.problem && { ...each.problem, ...each.node?.problem },
    })
  })
})

const paths = { v1: '/v1/models/mymodel:predict', v2: '/v2/models/mymodel/infer', mlflow: '/invocations' }

describe('doors are those of every platform', () => {
  it.each(doors.cases.map(each => [each.name, each] as const))('%s', async (_, each) => {
    if (!(each.door in paths)) return
    const body = each.text ?? JSON.stringify(each.body)
    const headers = { 'content-type': each.contentType ?? 'application/json' }
    const request = { method: 'POST', path: paths[each.door], headers, body }
    const answer = await askHttp(
      await functionOf(each.model, {}, ['contract-doors']),
      eventOf(httpApi, request),
    )
    const wanted = { ...each, ...each.node }
    if (each.needs === 'pandas') {
      expect([400, 415]).toContain(answer.statusCode)
      return
    }
    expect(answer.statusCode, answer.body).toBe(wanted.status)
    const said = JSON.parse(answer.body)
    if (wanted.error !== undefined) expect(said.error).toContain(wanted.error)
    else if (wanted.response !== undefined) expect(withoutId(said)).toEqual(withoutId(wanted.response))
    else expect(said).toMatchObject(wanted.problem ?? {})
  })
})

/** Where the request names none, the id is that of the request. */
function withoutId(said: unknown): unknown {
  const { id, ...rest } = said as { id?: unknown }
  return id === 'r-1' || id === contract.requestId ? rest : said
}

function eventOf({ format, prefix, event }: Front, request: Request): unknown {
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

function repeated(parts: Repeat): string {
  return parts.map(part => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join('')
}

function expectBody(body: string, wanted: Wanted): void {
  if (wanted.response !== undefined) expect(body).toBe(wanted.response)
  else if (wanted.responseRepeat) expect(body === repeated(wanted.responseRepeat)).toBe(true)
  else if (wanted.json !== undefined) expect(JSON.parse(body)).toEqual(wanted.json)
  else if (wanted.result) expect(JSON.parse(body).result).toMatchObject(wanted.result)
  else {
    const problem = JSON.parse(body)
    expect(problem).toMatchObject({ ...wanted.problem, model: 'mymodel', stage: 'staging', version: 7 })
    for (const member of wanted.absent ?? []) expect(problem).not.toHaveProperty(member)
  }
}
