/** What a service costs: its processes, their processor time and their memory, from /proc. */
import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

/**
 * Every process of a service: what descends from its root, and what carries its mark in the environment, because
 * some peers start daemons that leave the tree.
 * @param {{ pid: number, mark: string }} service
 * @returns {number[]}
 */
export function processesOf({ pid, mark }) {
  const children = new Map()
  const found = new Set()
  for (const id of livingProcesses()) {
    const stat = statOf(id)
    if (!stat || stat.state === 'Z') continue
    children.set(stat.parent, [...(children.get(stat.parent) ?? []), id])
    if (id === pid || read(id, 'environ').includes(mark)) found.add(id)
  }
  // A set can grow while it is walked: each process brings its children.
  for (const id of found) for (const child of children.get(id) ?? []) found.add(child)
  found.delete(process.pid)
  return [...found]
}

/** Processor time in microseconds that these processes, and children they have waited for, used so far. */
export function cpuMicroseconds(pids) {
  const ticks = pids.map(pid => statOf(pid)?.ticks ?? 0)
  return (ticks.reduce((sum, one) => sum + one, 0) / ticksPerSecond) * 1e6
}

/** Memory in MB, each shared page divided by the number of its users: what the service really costs. */
export function pssMb(pids) {
  const kilobytes = pids.map(pid => Number(/^Pss:\s+(\d+)/m.exec(read(pid, 'smaps_rollup'))?.[1] ?? 0))
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024
}

export function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone between the look and the kill.
  }
}

export function isAlive(pid) {
  const stat = statOf(pid)
  return stat !== undefined && stat.state !== 'Z'
}

/** The process that started this one; undefined when either is gone. */
export function parentOf(pid) {
  return statOf(pid)?.parent
}

function livingProcesses() {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
}

function statOf(pid) {
  const text = read(pid, 'stat')
  if (text === '') return undefined
  // The name stands in parentheses and may contain anything, also parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [user, system, waitedUser, waitedSystem] = fields.slice(11, 15).map(Number)
  return { state: fields[0], parent: Number(fields[1]), ticks: user + system + waitedUser + waitedSystem }
}

function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
