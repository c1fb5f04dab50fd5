/** Request ids: the caller's own when it is harmless, else a new one that sorts by time. */
import { randomBytes } from 'node:crypto'

const harmless = /^[A-Za-z0-9._-]{1,64}$/
/** Crockford's base 32: no letters that are taken for digits. */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const pairs: readonly string[] = Array.from(
  { length: 1024 },
  (_, value) => `${digits[value >> 5]}${digits[value & 31]}`,
)

const timeDigits = 10
const randomDigits = 16

/**
 * Gives functions that make ids of 26 characters, as ULIDs are: milliseconds, then 80 random bits. Randomness is drawn
 * in large pieces, because a system call per request is waste.
 */
export function requestIds(now: () => number = Date.now): (given: string | undefined) => string {
  let random = new Uint16Array(0)
  let at = 0
  let lastTime = -1
  let prefix = ''
  return given => {
    if (given !== undefined && harmless.test(given)) return given
    const time = now()
    if (time !== lastTime) {
      lastTime = time
      prefix = inDigits(time)
    }
    if (at + randomDigits / 2 > random.length) {
      random = new Uint16Array(randomBytes(8192).buffer.slice(0, 8192))
      at = 0
    }
    let id = prefix
    for (const end = at + randomDigits / 2; at < end; at++) id += pairs[(random[at] as number) & 1023]
    return id
  }
}

function inDigits(time: number): string {
  let text = ''
  for (let rest = time, i = 0; i < timeDigits; i++) {
    text = digits[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}
