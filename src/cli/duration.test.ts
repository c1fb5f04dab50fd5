import { expect, it } from 'vitest'
import { durationMs } from './duration.ts'

it.each([
  ['100000s', 100_000_000],
  ['3m', 180_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['250ms', 250],
  ['2d', 172_800_000],
  ['1w', 604_800_000],
  ['0', 0],
])('%s is %d milliseconds', (text, wanted) => {
  expect(durationMs(text)).toBe(wanted)
})

it.each(['', '3', 'm', '3x', '3 m', '-3m', '3m!', '1h30', 'm3', '3mm', '3M'])(
  '"%s" is not a duration',
  text => {
    expect(() => durationMs(text)).toThrow('is not a duration')
  },
)
