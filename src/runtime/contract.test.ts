/** contract/answers.json holds for this runtime too, through a real process. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodeLayer, saveSource } from '../../tests/support/node-runtime.ts'
import { servedTimeUtc, Talk } from '../../tests/support/talk.ts'

interface Case {
  readonly name: string
  readonly model: string
  readonly body?: string
  readonly bodyBase64?: string
  readonly bodyRepeat?: readonly (string | readonly [string, number])[]
  readonly pretty?: boolean
  readonly status: number
  readonly response?: string
  readonly problem?: Readonly<Record<string, unknown>>
  /** What is different in JavaScript, which has one kind of number and other words for its values. */
  readonly node?: Pick<Case, 'response' | 'problem'>
}

const contract = JSON.parse(readFileSync('contract/answers.json', 'utf8')) as {
  readonly properties: Readonly<Record<string, unknown>>
  readonly cases: readonly Case[]
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
  const { instance_id, trained_time_utc } = contract.properties
  const source = `export { ${model} as default } from './tests/support/contract-models.ts'`
  const talk = new Talk(layer, await saveSource(source, { instance_id, trained_time_utc }), { servedTimeUtc })
  talks.set(model, talk)
  await talk.ready()
  return talk
}

it.each(contract.cases.map(each => [each.name, each] as const))('%s', async (_, each) => {
  const wanted = { ...each, ...each.node }
  const talk = await talkTo(each.model)
  const { status, body, retire } = await talk.ask(bodyOf(each), { pretty: each.pretty === true })
  if (retire) {
    talks.delete(each.model)
    talk.close()
  }
  expect(status, body).toBe(each.status)
  if (wanted.response !== undefined) expect(body).toBe(wanted.response)
  else {
    expect(body.endsWith('}\n')).toBe(true)
    const instance = 'urn:thampi:request:r-1'
    expect(JSON.parse(body)).toMatchObject({
      ...{ instance, model: 'mymodel', stage: 'staging', version: 7 },
      ...each.problem,
      ...each.node?.problem,
    })
  }
})

function bodyOf({ body, bodyBase64, bodyRepeat }: Case): string | Buffer {
  if (bodyBase64 !== undefined) return Buffer.from(bodyBase64, 'base64')
  if (bodyRepeat === undefined) return body ?? ''
  return bodyRepeat.map(part => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join('')
}
