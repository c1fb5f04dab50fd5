/** A real process of the runtime with a schema.json beside its model. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nodeLayer, saveSource } from '../../tests/support/node-runtime.ts'
import { Talk } from '../../tests/support/talk.ts'
import type { Start } from '../wire/messages.ts'

let layer: string
beforeAll(async () => {
  layer = await nodeLayer()
})

const started: Talk[] = []
afterEach(() => {
  for (const talk of started.splice(0)) talk.close()
})

const input = { type: 'object', required: ['input'], properties: { input: { type: 'number' } } }

async function talkTo(schema: object, more: Partial<Start> = {}): Promise<Talk> {
  const dir = await saveSource(`export default {
  predict(args) { if (args.input === 13) throw new Error('unlucky'); return args.input.toFixed(1) },
  predictBatch(batch) { return batch.map(args => args.input.toFixed(1)) },
}`)
  writeFileSync(join(dir, 'schema.json'), JSON.stringify(schema))
  const talk = new Talk(layer, dir, more)
  started.push(talk)
  return talk
}

describe('a declared schema', () => {
  it.each([{}, { maxBatch: 8 }])('refuses what does not fit before the model is asked, %j', async more => {
    const talk = await talkTo({ declared: true, input }, more)
    await talk.ready()
    const { status, body } = await talk.ask('{"data": {"input": "5"}}')
    expect(status).toBe(422)
    expect(JSON.parse(body)).toMatchObject({
      code: 'model-rejected-input',
      detail: '`data.input` must be a number; you sent the text "5". Send 5, without quotes.',
      errors: [{ pointer: '/data/input', code: 'type' }],
    })
    expect((await talk.ask('{"data": {"input": 5}}')).body).toContain('"result":"5.0"')
  })

  it('keeps to itself where answers are terse', async () => {
    const talk = await talkTo({ declared: true, input }, { errors: 'terse' })
    await talk.ready()
    const { body } = await talk.ask('{"data": {"inputs": 5}}')
    expect(JSON.parse(body)).toMatchObject({ detail: 'The input is not what the model takes.' })
    expect(body).not.toContain('input`')
    expect(body).not.toContain('errors')
  })

  it('that is none keeps the model from being loaded', async () => {
    const talk = await talkTo({ declared: true, input: { type: 'float' } })
    expect(await talk.failed()).toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('/input/type must be a type of JSON'),
    })
  })
})

describe('an inferred schema', () => {
  it('refuses nothing, and explains when the model throws', async () => {
    const talk = await talkTo({ declared: false, input })
    await talk.ready()
    const { status, body } = await talk.ask('{"data": {"inptu": 5}}')
    expect(status).toBe(500)
    expect(JSON.parse(body)).toMatchObject({
      code: 'model-error',
      hint: 'By its examples, `data.input` is missing (got `inptu`). Did you mean `input`? Expected: a number.',
    })
    expect(JSON.parse((await talk.ask('{"data": {"input": 13}}')).body)).not.toHaveProperty('hint')
  })
})
