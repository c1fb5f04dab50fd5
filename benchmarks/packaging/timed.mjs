/** Runs programs, and says how long that took and what of it the processors worked, for all that was started. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const timeoutMs = 10 * 60_000
/** Of the clock that `/proc` counts by, everywhere on Linux. */
const ticksPerSecond = 100

/** @returns {{ result: unknown, seconds: number, processors: number }} */
export function timed(action) {
  const [start, worked] = [performance.now(), childrenWorked()]
  const result = action()
  return { result, seconds: (performance.now() - start) / 1000, processors: childrenWorked() - worked }
}

export function run(file, args, { cwd, env = {} }) {
  const ended = spawnSync(file, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (ended.status !== 0) throw new Error(`${file} ${args.join(' ')} failed:\n${ended.error ?? ended.stderr}`)
  return ended
}

/** Seconds, of processes that have ended and were waited for, and theirs. */
function childrenWorked() {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  // Behind the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond
}
