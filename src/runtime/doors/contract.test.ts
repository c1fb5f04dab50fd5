/** contract/doors.json holds for this runtime too, through a real process; what needs tables is refused. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodeLayer, saveSource } from '../../../tests/support/node-runtime.ts'
import { servedTimeUtc, Talk } from '../../../tests/support/talk.ts'

interface Case {
  readonly name: string
  readonly door: string
  readonly model: string
  readonly contentType?: string
  readonly body?: unknown
  readonly text?: string
  readonly needs?: string
  readonly status: number
  readonly response?: unknown
  readonly error?: string
  readonly problem?: Readonly<Record<string, unknown>>
  /** What is different in JavaScript, which has one kind of number. */
  readonly node?: Partial<Pick<Case, 'status' | 'response' | 'error'>>
}

const { cases } = JSON.parse(readFileSync('contract/doors.json', 'utf8')) as { cases: readonly Case[] }
const { properties } = JSON.parse(readFileSync('contract/answers.json', 'utf8')) as {
  properties: Readonly<Record<string, unknown>>
}

let layer: string
const talks = new Map<string, Talk>()
beforeAll(async () => {
  layer = await nodeLayer()
})
afterAll(() => {
  for (const talk of talks.values()) talk.close()
})

async function talkTo(model: string): Promise<Talk> {
  const known = talks.get(model)
  if (known) return known
  const { instance_id, trained_time_utc } = properties
  const source = `export { ${model} as default } from './tests/support/contract-doors.ts'`
  const saved = await saveSource(source, { instance_id, trained_time_utc })
  const talk = new Talk(layer, saved, { servedTimeUtc, maxBatch: 8 })
  talks.set(model, talk)
  await talk.ready()
  return talk
}

it.each(cases.map(each => [each.name, each] as const))('%s', async (_, each) => {
  const talk = await talkTo(each.model)
  const { door, contentType } = each
  const sent = each.text ?? JSON.stringify(each.body)
  const { status, body } = await talk.ask(sent, { extra: { door, contentType } })
  expect(body.endsWith('}\n')).toBe(true)
  const answer = JSON.parse(body) as { error?: string }
  const wanted = { ...each, ...each.node }
  if (each.needs === 'pandas') {
    expect([status, body]).toEqual([
      expect.toSatisfy(code => code === 415 || code === 400),
      expect.anything(),
    ])
    return
  }
  expect(status, body).toBe(wanted.status)
  if (wanted.error !== undefined) {
    expect(Object.keys(answer)).toEqual(['error'])
    expect(answer.error).toContain(wanted.error)
  } else if (wanted.response !== undefined) expect(answer).toEqual(wanted.response)
  else expect(answer).toMatchObject({ model: 'mymodel', stage: 'staging', version: 7, ...each.problem })
})

it('requests of a batch are answered whichever way they came', async () => {
  const talk = await talkTo('Rows')
  const extras = [undefined, { door: 'v1' }, undefined]
  const asked = await talk.askTogether(['{"data": 1}', '{"instances": [2, 3]}', '{"data": 4}'], { extras })
  const [first, second, third] = asked.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
  expect([first?.result, third?.result]).toEqual(['1 of 1', '4 of 1'])
  expect(second).toEqual({ predictions: ['2 of 2', '3 of 2'] })
})
