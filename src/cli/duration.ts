/** Durations as people type them: `3m`, `1h30m`, `100000s`. */
import { ThampiError } from '../errors.ts'

const millisecondsIn: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/**
 * Milliseconds of a duration in Go's notation, with days and weeks beside it.
 *
 * @throws ThampiError `USAGE` when it is none; silently reading "all history" instead is what Zappa did
 * @example
 * durationMs('1h30m')   // 5400000
 */
export function durationMs(text: string): number {
  if (text === '0') return 0
  if (!/^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w)/.test(text)) throw notADuration(text)
  let total = 0
  let read = 0
  for (const [part, number, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w)/g)) {
    total += Number(number) * (millisecondsIn[unit ?? ''] ?? Number.NaN)
    read += part.length
  }
  if (read !== text.length || !Number.isFinite(total)) throw notADuration(text)
  return total
}

function notADuration(text: string): ThampiError {
  return new ThampiError('USAGE', {
    message: `"${text}" is not a duration.`,
    why: 'A duration is numbers with units, such as 90s, 3m, 1h30m or 2d.',
    fix: '--since=3m',
  })
}
