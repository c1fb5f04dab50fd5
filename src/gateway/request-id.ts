/** Request ids: the caller's own when it is harmless, else a new one that sorts by time. */
import { randomBytes } from 'node:crypto'

const harmless = /^[A-Za-z0-9._-]{1,64}$/
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Gives functions that make ids; each draws its randomness in large pieces because a system call per request is waste. */
export function requestIds(now: () => number = Date.now): (given: string | undefined) => string {
  let pool = Buffer.alloc(0)
  let at = 0
  return given => {
    if (given !== undefined && harmless.test(given)) return given
    if (at + 16 > pool.length) {
      pool = randomBytes(4096)
      at = 0
    }
    let time = now()
    let id = ''
    for (let i = 0; i < 10; i++) {
      id = digits[time % 32] + id
      time = Math.floor(time / 32)
    }
    for (let i = 0; i < 16; i++) id += digits[(pool[at + i] as number) & 31]
    at += 16
    return id
  }
}
