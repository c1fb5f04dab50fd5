/** What a process uses of the machine, as the operating system counts it. */
import { readFile } from 'node:fs/promises'
import type { System } from '../system/system.ts'

export interface Usage {
  /** Resident memory. */
  readonly memoryMb: number
  /** Time spent computing, all threads together; undefined where the system does not count it. */
  readonly cpuMs: number | undefined
  /**
   * Time spent computing, or ready to compute and waiting for a core, since it was started. A process on a busy
   * machine computes little without being one that waits for something else; the difference decides about scaling.
   * Undefined where the system does not count it.
   */
  readonly wantedCpuMs: number | undefined
  /** `stopped` by a signal such as SIGSTOP; `working`: on a core, or waiting for the disk. */
  readonly state: 'stopped' | 'working' | 'waiting' | undefined
}

/** `getconf PAGESIZE` and `CLK_TCK` where we read `/proc`; arm64 kernels with larger pages exist and are rare. */
const pageBytes = 4096
const ticksPerSecond = 100

/**
 * Gives a function from process id to its usage; undefined when it cannot be told.
 * Linux: `/proc/PID/stat`. macOS: `ps`. Windows: nothing cheap exists, limits do not hold there.
 */
export function usageReader(system: System): (pid: number) => Promise<Usage | undefined> {
  if (system.os === 'linux') return readProc
  if (system.os === 'darwin') return pid => readPs(pid, system)
  return async () => undefined
}

async function readProc(pid: number): Promise<Usage | undefined> {
  const [stat, schedule] = await Promise.all(
    ['stat', 'schedstat'].map(name => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => undefined)),
  )
  if (stat === undefined) return undefined
  // The program's name stands in parentheses and may hold anything; proc(5) counts from there.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, kernel, pages] = [fields[11], fields[12], fields[21]].map(Number)
  if (user === undefined || kernel === undefined || pages === undefined) return undefined
  // schedstat: nanoseconds on a core, nanoseconds ready and waiting for one, number of turns; of the main thread.
  const queuedNs = Number(schedule?.split(' ')[1])
  const cpuMs = ((user + kernel) * 1000) / ticksPerSecond
  return {
    memoryMb: (pages * pageBytes) / 2 ** 20,
    cpuMs,
    wantedCpuMs: Number.isFinite(queuedNs) ? cpuMs + queuedNs / 1e6 : undefined,
    state: stateOf(fields[0]),
  }
}

/** The letters of proc(5) and ps(1). A debugger's `t` is no stop: somebody is looking at the process. */
function stateOf(letter: string | undefined): Usage['state'] {
  if (letter === 'T') return 'stopped'
  return letter === 'R' || letter === 'D' || letter === 't' || letter === 'U' ? 'working' : 'waiting'
}

async function readPs(pid: number, system: System): Promise<Usage | undefined> {
  const { stdout } = await system.run('ps', ['-o', 'rss=,state=', '-p', String(pid)], { env: system.env })
  const [kilobytes, state] = stdout.trim().split(/\s+/)
  if (!kilobytes || !state) return undefined
  return {
    memoryMb: Number(kilobytes) / 1024,
    cpuMs: undefined,
    wantedCpuMs: undefined,
    state: stateOf(state[0]),
  }
}
