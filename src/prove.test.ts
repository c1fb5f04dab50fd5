import { describe, expect, it } from 'vitest'
import type { Receipt } from './model/saved-model.ts'
import { parseTolerances } from './model/tolerances.ts'
import type { Platform, Version } from './platforms/platform.ts'
import { evidenceOf, prove, sentenceOf } from './prove.ts'
import { realSystem } from './system/system.ts'

const version: Version = {
  stage: 'staging',
  model: 'iris',
  number: 7,
  bundle: 'sha256:0',
  servedTimeUtc: '2018-09-06T22:03:09.247038',
  instanceId: 'one',
}

/** A version that answers each input with what stands beside it. */
function answering(results: Readonly<Record<string, string>>): Platform {
  const send: Platform['send'] = async (_, body) => {
    const { data } = JSON.parse(Buffer.from(body).toString('utf8')) as { data: string }
    const result = results[data]
    return result === undefined
      ? { status: 500, body: Buffer.from('{"detail":"ValueError in train.py:15"}') }
      : { status: 200, body: Buffer.from(`{"properties":{},"result":${result}}`) }
  }
  return { send } as Platform
}

const receipts: readonly Receipt[] = [
  { data: '"a"', result: '{"p":0.5,"label":1}' },
  { data: '"b"', result: '{"p":0.25,"label":2}' },
  { data: '"c"', result: '{"p":0.125,"label":3}' },
]
const same = { a: '{"p":0.5,"label":1}', b: '{"p":0.25,"label":2}', c: '{"p":0.125,"label":3}' }
const system = { ...realSystem(), now: () => new Date('2018-09-06T22:03:09.247Z') }

const proven = (results: Readonly<Record<string, string>>, tolerances?: object) =>
  prove(
    version,
    {
      receipts,
      tolerances: tolerances && parseTolerances(JSON.stringify(tolerances), 'tolerances.json'),
    },
    answering(results),
    system,
  )

describe('the proof of a version', () => {
  it('is how many examples it answered as recorded, how exactly and how soon', async () => {
    const proof = await proven(same)
    expect(proof).toMatchObject({
      provenTimeUtc: '2018-09-06T22:03:09.247000',
      examples: 3,
      maxDeviation: 0,
    })
    expect(proof.latencyMs.max).toBeGreaterThanOrEqual(proof.latencyMs.median)
    expect(sentenceOf(proof, receipts)).toBe('3 examples replayed, identical')
  })

  it('says how far the answers are when that is tolerated', async () => {
    const proof = await proven({ ...same, b: '{"p":0.26,"label":2}' }, { rtol: 0.1 })
    expect(sentenceOf(proof, receipts)).toBe('3 examples replayed, within tolerance, largest Δ 0.01')
  })

  it('is refused with what was and what is', async () => {
    await expect(proven({ ...same, b: '{"p":0.29,"label":2}' })).rejects.toMatchObject({
      code: 'EXAMPLE_DIFFERS',
      message:
        'The new version answers example 2 of 3 differently from when the model was saved. It gets no traffic.',
      why: 'result.p was 0.25, is 0.29 (Δ 0.04).',
    })
  })

  it('is refused with the first differences and the largest one', async () => {
    const results = { a: '{"p":0.51,"label":1}', b: '{"p":0.24,"label":1}', c: '{"p":0.525,"label":3}' }
    await expect(proven(results)).rejects.toMatchObject({
      message:
        'The new version answers 3 of 3 examples differently from when the model was saved. It gets no traffic.',
      why: [
        'Example 1: result.p was 0.5, is 0.51 (Δ 0.01).',
        'Example 2: result.label was 2, is 1.',
        'Example 2: result.p was 0.25, is 0.24 (Δ 0.01).',
        'And 1 more; the largest Δ is 0.4 at result.p.',
      ].join('\n'),
      problem: {
        differing_examples: 3,
        examples: 3,
        differences: expect.arrayContaining([
          expect.objectContaining({ example: 3, path: 'result.p', recorded: '0.125', got: '0.525' }),
        ]),
      },
    })
  })

  it('is refused when an example is answered with an error', async () => {
    const { a, c } = same
    await expect(proven({ a, c })).rejects.toMatchObject({
      code: 'MODEL_RAISED',
      message: 'The new version answered example 2 of 3 with HTTP 500. It gets no traffic.',
      why: 'ValueError in train.py:15',
    })
  })

  it('keeps the examples with the version, of very long ones the first', async () => {
    const proof = await proven(same)
    expect(evidenceOf(proof, { receipts }).receipts).toEqual(receipts)
    const long: Receipt = { data: `"${'x'.repeat(3_000_000)}"`, result: '1' }
    expect(evidenceOf(proof, { receipts: [long, long] }).receipts).toHaveLength(1)
  })
})
