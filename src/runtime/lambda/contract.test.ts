/** contract/lambda.json holds for this runtime too, in a real process behind the Runtime API; and so do the other contracts. */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import {
  contract,
  eventOf,
  expectEvent,
  expectHttp,
  type Front,
} from '../../../tests/support/lambda/contract.ts'
import type { ManifestChanges } from '../../../tests/support/lambda/manifest.ts'
import { nodeFunction } from '../../../tests/support/lambda/node-function.ts'
import { saveSource } from '../../../tests/support/node-runtime.ts'
import { type Invocation, type RunningFunction, runFunction } from '../../../tests/support/runtime-api.ts'

type Json = Readonly<Record<string, unknown>>

interface Body {
  readonly body?: string
  readonly bodyBase64?: string
  readonly bodyRepeat?: Repeat
}

type Repeat = readonly (string | readonly [string, number])[]

interface Wanted {
  readonly response?: string
  readonly problem?: Json | undefined
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
    expectHttp(await ask(await functionOf(each.model, each.manifest), eventOf(front, each.request)), each)
  })
})

describe('events', () => {
  it.each(contract.events.map(each => [each.name, each] as const))('%s', async (_, each) => {
    expectEvent(await ask(await functionOf(each.model), each.event), each)
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

function expectBody(body: string, wanted: Wanted): void {
  if (wanted.response !== undefined) expect(body).toBe(wanted.response)
  else {
    const problem = JSON.parse(body)
    expect(problem).toMatchObject({ ...wanted.problem, model: 'mymodel', stage: 'staging', version: 7 })
  }
}
