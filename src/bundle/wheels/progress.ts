/** What a person sees while wheels are fetched: something at once, and again every two seconds. */
import type { System } from '../../system/system.ts'
import type { LockedWheel } from '../lock/lock.ts'
import { megabytes } from '../refusals.ts'

const EVERY_MS = 2_000

export interface Progress {
  /** How much of a wheel is here so far, in bytes. */
  readonly arrived: (wheel: LockedWheel, bytes: number) => void
  /** All are here. */
  readonly done: () => void
  /** Nothing more is said; also after `done`. */
  readonly end: () => void
}

export function reportProgress(wheels: readonly LockedWheel[], { tell }: System): Progress {
  const sizes = wheels.map(({ bytes }) => bytes)
  const total = sizes.every(bytes => bytes !== undefined) ? sum(sizes) : undefined
  const what = wheels.length === 1 ? (wheels[0]?.file as string) : `${wheels.length} wheels`
  const arrived = new Map<LockedWheel, number>()
  const began = Date.now()
  tell(`fetching ${what}${total === undefined ? '' : ` (${megabytes(total)})`}`)
  const timer = setInterval(() => {
    const here = megabytes(sum([...arrived.values()]))
    tell(`fetching ${what} … ${here}${total === undefined ? '' : ` of ${megabytes(total)}`}`)
  }, EVERY_MS)
  return {
    arrived: (wheel, bytes) => void arrived.set(wheel, bytes),
    done() {
      const seconds = ((Date.now() - began) / 1000).toFixed(1)
      tell(`fetched ${what} in ${seconds} s, ${megabytes(sum([...arrived.values()]))}`)
    },
    end: () => clearInterval(timer),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0)
}
