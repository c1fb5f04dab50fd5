/** Processes, as tests look at them. */
import { readFileSync } from 'node:fs'

/** False also for a zombie: it has ended, only nobody has asked how. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}
