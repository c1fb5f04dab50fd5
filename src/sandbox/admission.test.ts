import { describe, expect, it } from 'vitest'
import { Admission } from './admission.ts'

const unsaid = { maxQueue: undefined, sandboxes: 2 }
const plenty = 30_000

/** How many may wait before one is refused. */
function room(admission: Admission, batch = 0, remainingMs = plenty): number {
  let waiting = 0
  while (!admission.refuses(waiting, 2, batch, remainingMs)) waiting += 1
  return waiting
}

describe('who may wait', () => {
  it('is a thousand while nothing is known, so that a cold start loses nobody', () => {
    expect(room(new Admission(unsaid))).toBe(1000)
  })

  it('is what is served in two seconds', () => {
    for (const [serviceMs, wanted] of [
      [0.1, 1000],
      [1, 1000],
      [10, 401],
      [100, 41],
      [1000, 16],
    ] as const) {
      const admission = new Admission(unsaid)
      for (let i = 0; i < 100; i++) admission.measured(2, 2 * serviceMs)
      expect(room(admission), `${serviceMs} ms`).toBe(wanted)
    }
  })

  it('leaves room for two full batches of every sandbox, however long one takes', () => {
    const admission = new Admission(unsaid)
    admission.measured(64, 64_000)
    expect(room(admission, 64, 600_000)).toBe(256)
  })

  it('is only who can still be answered in time', () => {
    const admission = new Admission(unsaid)
    admission.measured(1, 1000)
    expect(room(admission, 0, 3_000)).toBe(7)
    expect(new Admission(unsaid).refuses(0, 1, 0, 1)).toBe(false)
  })

  it('is as many as the stage says', () => {
    const admission = new Admission({ maxQueue: 5, sandboxes: 2 })
    expect(room(admission)).toBe(5)
    expect(room(admission, 64), 'and the batch that is being collected').toBe(69)
    const patient = new Admission({ maxQueue: 5000, sandboxes: 2 })
    patient.measured(1, 10)
    expect(room(patient)).toBe(5000)
  })
})

describe('who is refused', () => {
  it('is told to come back when what waits is served: between one second and thirty, not all at once', () => {
    const admission = new Admission(unsaid)
    admission.measured(1, 100)
    const told = (waiting: number): number[] =>
      Array.from({ length: 200 }, () => admission.retryAfterMs(waiting, 2))
    expect(Math.min(...told(1))).toBe(1000)
    for (const ms of told(200)) expect(Math.abs(ms - 10_000)).toBeLessThanOrEqual(2_000)
    expect(new Set(told(200)).size).toBeGreaterThan(50)
    expect(Math.max(...told(100_000))).toBeLessThanOrEqual(36_000)
  })
})
