/** What a broken or hostile runtime may write to us: frames and nothing else, or `WireError`, and never more memory. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader, maxFrameBytes, WireError } from './frame.ts'
import { decode } from './messages.ts'

const golden = (
  JSON.parse(readFileSync('contract/wire.json', 'utf8')) as { hex: string; direction: string }[]
)
  .filter(({ direction }) => direction.startsWith('runtime'))
  .map(({ hex }) => Buffer.from(hex, 'hex'))

/** A cut, a copy, a strange piece or a flipped bit somewhere in a conversation that was fine. */
const damage = fc.record({
  where: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat(12),
  piece: fc.uint8Array({ maxLength: 12 }),
  kind: fc.constantFrom('cut', 'copy', 'insert', 'flip'),
})

function damaged(
  bytes: Buffer,
  { where, length, piece, kind }: typeof damage extends fc.Arbitrary<infer D> ? D : never,
): Buffer {
  const at = Math.floor(where * bytes.length)
  const end = Math.min(bytes.length, at + length)
  const [before, some, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)]
  if (kind === 'cut') return Buffer.concat([before, after])
  if (kind === 'copy') return Buffer.concat([before, some, some, after])
  if (kind === 'insert') return Buffer.concat([before, piece, some, after])
  return Buffer.concat([before, some.map(byte => byte ^ (1 << (length % 8))), after])
}

describe('a conversation with a broken runtime', () => {
  it('is frames that mean something, or over', () => {
    let whole = 0
    let over = 0
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...golden), { minLength: 1, maxLength: 6 }),
        fc.array(damage, { maxLength: 4 }),
        fc.integer({ min: 1, max: 64 }),
        (messages, damages, step) => {
          const stream = damages.reduce(damaged, Buffer.concat(messages))
          const reader = new FrameReader()
          try {
            for (let at = 0; at < stream.length; at += step) {
              for (const frame of reader.push(stream.subarray(at, at + step))) {
                expect(frame.payload.length).toBeLessThanOrEqual(maxFrameBytes)
                decode(frame)
                whole += 1
              }
            }
          } catch (error) {
            expect(error).toBeInstanceOf(WireError)
            over += 1
          }
        },
      ),
      { numRuns: 3000 },
    )
    expect(whole).toBeGreaterThan(1000)
    expect(over).toBeGreaterThan(500)
  })

  const json = (type: number, value: unknown): { type: number; id: number; payload: Buffer } => ({
    type,
    id: 1,
    payload: Buffer.from(JSON.stringify(value)),
  })

  it.each([0, 1, -1, 2.5, '7', null])('never names process %j, whose end would be that of many', pid => {
    expect(() => decode(json(69, { pid }))).toThrow(WireError)
    expect(() => decode(json(70, { pid, status: 0, signal: null }))).toThrow(WireError)
  })

  it.each([-1, 1e99, '2', null, 0.5])('never makes us count on %j requests', credits => {
    const ready = { protocol: 1, runtime: 'python', version: '0', credits: 2 }
    expect(() => decode(json(65, { ...ready, credits }))).toThrow(WireError)
    expect(() => decode(json(65, { ...ready, batch: credits }))).toThrow(WireError)
    expect(decode(json(65, ready))).toMatchObject({ ready: { credits: 2, batch: 0 } })
  })
})
