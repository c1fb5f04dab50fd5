import { expect, it } from 'vitest'
import { Meter, Recent, slotMs, slots } from './meter.ts'

const start = Date.UTC(2026, 0, 1)

it('percentiles of the last ten minutes are right to a few percent, from microseconds to minutes', () => {
  for (const typical of [0.002, 0.7, 30, 29_000, 90_000]) {
    const recent = new Recent()
    for (let i = 0; i < 985; i++) recent.add(typical, false, start + i * 100)
    for (let i = 0; i < 15; i++) recent.add(typical * 10, true, start)
    const { p50Ms = 0, p99Ms = 0, requests, errors } = recent.summary(start + 100_000)
    expect({ requests, errors }).toEqual({ requests: 1000, errors: 15 })
    expect(Math.abs(p50Ms / typical - 1)).toBeLessThan(0.06)
    expect(Math.abs(p99Ms / (typical * 10) - 1)).toBeLessThan(0.06)
  }
})

it('what is older than ten minutes is forgotten, also when its slot was never used again', () => {
  const recent = new Recent()
  recent.add(1, false, start)
  recent.add(1, true, start + slotMs)
  expect(recent.summary(start + slotMs).requestsBySlot.slice(-2)).toEqual([1, 1])
  expect(recent.summary(start + slotMs * slots)).toMatchObject({ requests: 1, errors: 1 })
  expect(recent.summary(start + slotMs * (slots + 1))).toMatchObject({ requests: 0, p50Ms: undefined })
  recent.add(2, false, start + slotMs * slots)
  expect(recent.summary(start + slotMs * slots)).toMatchObject({ requests: 2, errors: 1 })
})

it('percentiles of each ten seconds are its own', () => {
  const recent = new Recent()
  for (const ms of [10, 10, 10]) recent.add(ms, false, start)
  recent.add(500, false, start + 2 * slotMs)
  const [first, second, third] = recent.summary(start + 2 * slotMs).p99MsBySlot.slice(-3)
  expect(second).toBeNull()
  expect((first as number) / 10).toBeCloseTo(1, 1)
  expect((third as number) / 500).toBeCloseTo(1, 1)
})

it('an answer that took no time at all counts', () => {
  const recent = new Recent()
  recent.add(0, false, start)
  expect(recent.summary(start).requests).toBe(1)
})

it('outcomes follow the status', () => {
  const meter = new Meter()
  for (const status of [200, 400, 422, 499, 500, 502, 503, 504]) meter.answered(status, 1, start)
  expect([...meter.outcomes]).toEqual([1, 2, 1, 1, 1, 1, 1])
  expect(meter.recent.summary(start)).toMatchObject({ requests: 8, errors: 4 })
})
