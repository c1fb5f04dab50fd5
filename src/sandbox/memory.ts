/** How much memory a process uses, as the operating system counts it. */
import { readFile } from 'node:fs/promises'
import type { System } from '../system/system.ts'

const pageBytes = 4096

/**
 * Gives a function from process id to resident memory in MB; undefined when it cannot be told.
 * Linux: `/proc/PID/statm`. macOS: `ps`. Windows: nothing cheap exists, the limit does not hold there.
 */
export function memoryReader(system: System): (pid: number) => Promise<number | undefined> {
  if (system.os === 'linux') {
    return async pid => {
      const statm = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')
      const pages = Number(statm.split(' ')[1])
      return Number.isFinite(pages) && statm ? (pages * pageBytes) / 2 ** 20 : undefined
    }
  }
  if (system.os === 'darwin') {
    return async pid => {
      const { stdout } = await system.run('ps', ['-o', 'rss=', '-p', String(pid)], { env: system.env })
      const kilobytes = Number(stdout.trim())
      return stdout.trim() && Number.isFinite(kilobytes) ? kilobytes / 1024 : undefined
    }
  }
  return async () => undefined
}
