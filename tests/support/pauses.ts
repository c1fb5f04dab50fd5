/**
 * `node:timers/promises` for tests of what waits: pauses take no time, and the clock that the platform and the cloud of
 * the tests go by says that they did. What is longer than any pause is the limit of a function, and takes as long as ever.
 *
 *     vi.mock('node:timers/promises', () => import('../support/pauses.ts'))
 */
type Timers = typeof import('node:timers/promises')

const real: Timers = process.getBuiltinModule('node:timers/promises')

const longestPauseMs = 5_000

/** What the pauses would have taken; tests may let more time pass. */
export const passed: { ms: number } = { ms: 0 }

const now = performance.now.bind(performance)
performance.now = () => now() + passed.ms

export const setTimeout: Timers['setTimeout'] = (ms = 0, value, options) => {
  if (ms > longestPauseMs) return real.setTimeout(ms, value, options)
  passed.ms += ms
  return real.setTimeout(0, value, options)
}

export const setImmediate: Timers['setImmediate'] = real.setImmediate
export const setInterval: Timers['setInterval'] = real.setInterval
