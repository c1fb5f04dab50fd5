/** The machine the numbers belong to, and how much of it others used meanwhile. */
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release().split('.').slice(0, 2).join('.')} ${arch()}`,
    node: process.version,
  }
}

/**
 * Starts looking at the processors; the function it gives tells, in percent of all time since, how busy they were
 * and how much a virtual machine's host kept for others.
 * @returns {() => { busy: number, stolen: number }}
 */
export function watchMachine() {
  const before = processorTimes()
  return () => {
    const spent = processorTimes().map((ticks, index) => ticks - before[index])
    const all = Math.max(
      1,
      spent.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0),
    )
    const [idle, waiting, stolen] = [spent[3], spent[4], spent[7]]
    return { busy: (100 * (all - idle - waiting)) / all, stolen: (100 * stolen) / all }
  }
}

/** user, nice, system, idle, waiting for a disk, interrupts, soft interrupts, stolen. */
function processorTimes() {
  const [line] = readFileSync('/proc/stat', 'utf8').split('\n')
  return line.split(/\s+/).slice(1).map(Number)
}
