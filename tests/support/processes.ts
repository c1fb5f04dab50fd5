/** Processes, as tests look at them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** False also for a zombie: it has ended, only nobody has asked how. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

/** Suspended by a signal. */
export function isStopped(pid: number): boolean {
  return isRunning(pid) && textOf(`/proc/${pid}/stat`).includes(') T ')
}

export interface Process {
  readonly pid: number
  readonly command: string
}

/** Running processes that have `home` in their arguments or their environment. Only Linux lets us look. */
export function processesOf(home: string): Process[] {
  if (!existsSync('/proc/self/environ')) return []
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(name => {
      const [command, env] = ['cmdline', 'environ'].map(file => textOf(`/proc/${name}/${file}`))
      if (!command || !`${command}\0${env}`.includes(home)) return []
      return [{ pid: Number(name), command: command.replaceAll('\0', ' ').trim() }]
    })
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended meanwhile, or belongs to somebody else.
    return ''
  }
}
