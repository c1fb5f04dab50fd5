import { readdirSync, utimesSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../tests/support/python.ts'
import { layout } from './layout.ts'
import { Recorder, type RecorderLimits, type RecordSettings, readRecorded } from './recorder.ts'

const key = { stage: 'staging', model: 'iris' }
const limits = { count: 3, bytes: 100_000, bodyBytes: 1000, ageMs: 60_000, pending: 100 }
const errors: RecordSettings = { record: 'errors', recordHide: [] }

class Kept {
  readonly at = layout(temporaryDirectory())
  readonly recorder: Recorder

  constructor(more: Partial<RecorderLimits> = {}) {
    this.recorder = new Recorder(this.at, key, { ...limits, ...more })
  }

  answered(requestId: string, status: number, body = '{"data":1}', settings = errors): void {
    const answer = { status, body: Buffer.alloc(0), version: 7 }
    this.recorder.answered({ requestId, body: Buffer.from(body) }, answer, settings)
  }

  async names(): Promise<string[]> {
    await this.recorder.settled()
    const dir = dirname(this.at.recorded(key, 'any'))
    try {
      return readdirSync(dir).sort()
    } catch {
      return []
    }
  }
}

describe('requests that are kept', () => {
  it('are those that failed in the hands of the model or its schema', async () => {
    const kept = new Kept({ count: 100 })
    for (const status of [200, 400, 404, 422, 429, 500, 502, 503, 504]) kept.answered(`r${status}`, status)
    expect(await kept.names()).toEqual(['r422.json', 'r500.json', 'r502.json', 'r504.json'])
    expect(await readRecorded(kept.at, key, 'r422')).toMatchObject({
      requestId: 'r422',
      status: 422,
      version: 7,
      body: '{"data":1}',
      hidden: false,
    })
    expect(await readRecorded(kept.at, key, 'r200')).toBeUndefined()
  })

  it('are a share of the others as well when the settings name one', async () => {
    const kept = new Kept({ count: 1000 })
    for (let i = 0; i < 50; i++) kept.answered(`all${i}`, 200, '1', { record: 1, recordHide: [] })
    expect(await kept.names()).toHaveLength(50)
    const some = new Kept({ count: 10_000, pending: 10_000 })
    for (let i = 0; i < 300; i++) some.answered(`some${i}`, 200, '1', { record: 0.5, recordHide: [] })
    const { length } = await some.names()
    expect(length).toBeGreaterThan(90)
    expect(length).toBeLessThan(210)
  })

  it('are asked for by the settings alone', () => {
    const wanted = (record: RecordSettings['record'] | undefined): boolean =>
      Recorder.isWanted(record === undefined ? {} : { record })
    expect([undefined, 'off', 0, 'errors', 0.1].map(value => wanted(value as 'off'))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ])
  })

  it('are no examples that are replayed, and not too large', async () => {
    const kept = new Kept()
    kept.answered('proof-staging-7', 500)
    kept.answered('large', 500, 'x'.repeat(1001))
    expect(await kept.names()).toEqual([])
  })

  it('are few: the latest stay', async () => {
    const kept = new Kept()
    for (let i = 0; i < 5; i++) {
      kept.answered(`r${i}`, 500)
      await kept.recorder.settled()
      const then = (Date.now() - (10 - i) * 1000) / 1000
      utimesSync(kept.at.recorded(key, `r${i}`), then, then)
    }
    expect(await kept.names()).toEqual(['r2.json', 'r3.json', 'r4.json'])
  })

  it('are small together, and go with time', async () => {
    const kept = new Kept({ bytes: 1500 })
    for (const id of ['a', 'b']) {
      kept.answered(id, 500, JSON.stringify({ data: 'x'.repeat(800) }))
      await kept.recorder.settled()
      const then = Date.now() / 1000 - (id === 'a' ? 20 : 10)
      utimesSync(kept.at.recorded(key, id), then, then)
    }
    await kept.recorder.prune()
    expect(await kept.names()).toEqual(['b.json'])
    utimesSync(kept.at.recorded(key, 'b'), 1, 1)
    expect(await readRecorded(kept.at, key, 'b')).toBeUndefined()
    await kept.recorder.prune()
    expect(await kept.names()).toEqual([])
  })

  it('do not hold what is to be hidden; what cannot be read is not kept at all', async () => {
    const kept = new Kept()
    const recordHide = ['data.name', 'data.rows[*].email', 'data["two words"]']
    const body =
      '{"data":{"name":"Ada","big":12345678901234567890,"rows":[{"email":"a@example.com","n":1.0}]}}'
    kept.answered('one', 500, body, { record: 'errors', recordHide })
    kept.answered('broken', 500, '{"data":{"name":"Ada"', { record: 'errors', recordHide })
    kept.answered('nothing', 500, '{"data": 1.0}', { record: 'errors', recordHide })
    expect(await kept.names()).toEqual(['nothing.json', 'one.json'])
    expect(await readRecorded(kept.at, key, 'nothing')).toMatchObject({
      body: '{"data": 1.0}',
      hidden: false,
    })
    expect(await readRecorded(kept.at, key, 'one')).toMatchObject({
      body: '{"data":{"name":"(hidden)","big":12345678901234567890,"rows":[{"email":"(hidden)","n":1.0}]}}',
      hidden: true,
    })
  })
})
