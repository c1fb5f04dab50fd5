import { describe, expect, it } from 'vitest'
import { Scaling } from './scaling.ts'

const limits = { computing: 4, waiting: 64 }

/** A pool that has seen batches of these sizes, each taking as long as `cost` says. */
function seen(cost: (size: number) => number, sizes = [1, 5, 64, 20, 7, 33]): Scaling {
  const scaling = new Scaling(limits)
  for (let round = 0; round < 20; round++) for (const size of sizes) scaling.measured(size, cost(size))
  return scaling
}

describe('scaling', () => {
  it('keeps to one sandbox while a batch costs the same whatever its size', () => {
    expect(seen(() => 0.6).limit(1, true)).toBe(1)
    expect(seen(size => 0.6 + 0.001 * size).limit(1, true)).toBe(1)
  })

  it('uses every core when the cost grows with the size', () => {
    expect(seen(size => 0.5 * size).limit(1, true)).toBe(limits.computing)
  })

  it('uses every core for models that answer one by one', () => {
    expect(new Scaling(limits).limit(1, false)).toBe(limits.computing)
  })

  it('goes beyond the cores only for a model that mostly waits', () => {
    expect(seen(() => 20).limit(0.1, true)).toBe(limits.waiting)
    expect(new Scaling(limits).limit(0.1, false)).toBe(limits.waiting)
  })

  it('follows a model whose cost changes', () => {
    const scaling = seen(() => 0.6)
    for (let round = 0; round < 300; round++) scaling.measured(1 + (round % 60), 0.5 * (1 + (round % 60)))
    expect(scaling.limit(1, true)).toBe(limits.computing)
  })

  it('does not guess a slope from batches of one size', () => {
    expect(seen(() => 5, [8]).sizeShare()).toBe(0)
  })
})
