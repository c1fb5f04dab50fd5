import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RetryBudget } from './retry-budget.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** How many second tries it still grants. */
function granted(budget: RetryBudget): number {
  let count = 0
  while (budget.take()) count += 1
  return count
}

describe('a budget of second tries', () => {
  it('grants a few however little is asked, and a fifth of what is asked in ten seconds', () => {
    const quiet = new RetryBudget()
    expect(granted(quiet)).toBe(3)
    const busy = new RetryBudget()
    for (let i = 0; i < 1000; i++) busy.asked()
    expect(granted(busy)).toBe(200)
  })

  it('forgets what is longer ago', () => {
    const budget = new RetryBudget()
    for (let i = 0; i < 1000; i++) budget.asked()
    expect(granted(budget)).toBe(200)
    vi.advanceTimersByTime(5_000)
    expect(granted(budget)).toBe(0)
    vi.advanceTimersByTime(7_500)
    expect(granted(budget)).toBe(3)
    budget.end()
  })
})
