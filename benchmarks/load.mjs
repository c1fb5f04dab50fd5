/** The load generator: wrk, an independent program, with a script that checks every answer. Closed loop, one thread. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const start = promisify(execFile)
const script = join(import.meta.dirname, 'load.lua')

/**
 * @typedef {object} Load
 * @property {number} rps correct answers a second
 * @property {number} p50 milliseconds
 * @property {number} p99 milliseconds
 * @property {number} max milliseconds
 * @property {number} requests
 * @property {number} wrong answers that were not the expected ones, whatever the status
 * @property {number} broken connections that failed, and answers that did not come in time
 * @property {string} sample one of the wrong answers
 */

/**
 * Asks for `seconds` over `connections` connections, each with one request at a time.
 * @param {{ origin: string, paths: string[], body: string, expected: string, whole: boolean }} target `whole`: the
 *   answer must be `expected` byte for byte; else it must contain it
 * @param {{ connections: number, seconds: number }} options
 * @returns {Promise<Load>}
 */
export async function load({ origin, paths, body, expected, whole }, { connections, seconds }) {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'))
  const file = (name, text) => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  try {
    const env = {
      PATH: process.env.PATH,
      BENCH_BODY: file('body', body),
      BENCH_EXPECTED: file('expected', expected),
      BENCH_PATHS: file('paths', `${paths.join('\n')}\n`),
      BENCH_WHOLE: whole ? '1' : '0',
    }
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, origin]
    const { stdout } = await start('wrk', args, { env, timeout: (seconds + 30) * 1000 })
    return read(stdout)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function read(stdout) {
  const line = /^BENCH (.*)$/m.exec(stdout)?.[1]
  if (!line) throw new Error(`wrk did not report: ${stdout.slice(-500)}`)
  const { microseconds, timeouts, ...counts } = JSON.parse(line)
  const rps = (counts.requests - counts.wrong) / (microseconds / 1e6)
  return { ...counts, rps, broken: counts.broken + timeouts }
}

/** `wrk 4.1.0`, or undefined when it is not installed. */
export function generator() {
  const { stdout, error } = spawnSync('wrk', ['-v'], { encoding: 'utf8' })
  return error ? undefined : (/^wrk \S+/.exec(stdout)?.[0] ?? 'wrk')
}
