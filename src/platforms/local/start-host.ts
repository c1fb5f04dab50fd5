/** Starts the host in the background when none runs, and waits until it answers. */
import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, errorCodes, ThampiError } from '../../errors.ts'
import { installation } from '../../system/package.ts'
import type { System } from '../../system/system.ts'
import { version } from '../../system/version.ts'
import type { HostStatus } from './commands.ts'
import { knock } from './door.ts'
import type { Layout } from './layout.ts'

/** What a starting host tells the command that started it. */
export type HostSaid =
  | { readonly type: 'listening'; readonly url: string }
  | {
      readonly type: 'failed'
      readonly code: string
      readonly message: string
      readonly why?: string | undefined
      readonly fix?: string | undefined
    }

const startTimeoutMs = 30_000
const stopTimeoutMs = 15_000

/** The status of the host that runs now, or undefined. */
export async function runningHost(at: Layout): Promise<HostStatus | undefined> {
  try {
    return await knock<HostStatus>(at.door, 'GET /host')
  } catch (error) {
    if (error instanceof ThampiError && error.code === 'HOST_UNREACHABLE') return undefined
    throw error
  }
}

/** A host that answers: the running one, or one started now that stays when this process ends. */
export async function ensureHost(at: Layout, system: System): Promise<HostStatus> {
  const running = await runningHost(at)
  if (running) {
    if (running.version !== version) {
      system.tell(
        `The local platform runs thampi ${running.version}, this command is ${version}. To update it: thampi host --stop`,
      )
    }
    return running
  }
  const said = await spawnHost(at, system)
  // Somebody else was quicker; theirs is as good.
  if (said.type === 'failed' && said.code !== 'HOST_RUNNING') {
    throw new ThampiError((said.code in errorCodes ? said.code : 'HOST_FAILED') as ErrorCode, said)
  }
  const deadline = performance.now() + startTimeoutMs
  while (performance.now() < deadline) {
    const status = await runningHost(at)
    if (status) return status
    await sleep(20)
  }
  throw hostFailed(at, 'it does not answer')
}

function spawnHost(at: Layout, system: System): Promise<HostSaid> {
  mkdirSync(at.root, { recursive: true, mode: 0o700 })
  const log = openSync(hostLog(at), 'a', 0o600)
  const child = spawn(process.execPath, [installation().cli, 'host', '--background'], {
    cwd: at.root,
    // It runs in another directory: a relative THAMPI_HOME would mean another place there.
    env: { ...system.env, ...(system.env.THAMPI_HOME ? { THAMPI_HOME: system.places.home } : {}) },
    detached: true,
    windowsHide: true,
    stdio: ['ignore', log, log, 'ipc'],
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => settle(() => reject(hostFailed(at, `it was not ready after ${startTimeoutMs / 1000} s`))),
      startTimeoutMs,
    )
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      child.removeAllListeners()
      if (child.connected) child.disconnect()
      child.unref()
      act()
    }
    child.once('message', said => settle(() => resolve(said as HostSaid)))
    child.once('error', error => settle(() => reject(hostFailed(at, error.message))))
    child.once('exit', (status, signal) =>
      settle(() => reject(hostFailed(at, `it ended with ${signal ?? `status ${status}`}`))),
    )
  })
}

function hostLog(at: Layout): string {
  return join(at.root, 'host.log')
}

function hostFailed(at: Layout, why: string): ThampiError {
  return new ThampiError('HOST_FAILED', {
    message: `The local platform could not be started: ${why}.`,
    why: `Its own words are in "${hostLog(at)}".`,
    fix: 'thampi host   # runs it in the foreground, where its errors can be seen',
  })
}

/** Tells the running host, if there is one, to end, and waits until it has. */
export async function stopHost(at: Layout): Promise<boolean> {
  const running = await runningHost(at)
  if (!running) return false
  // A host that breaks off instead of answering is on its way out: that is what was asked for.
  await knock(at.door, 'POST /stop').catch(error => {
    if (!(error instanceof ThampiError && error.code === 'HOST_UNREACHABLE')) throw error
  })
  const deadline = performance.now() + stopTimeoutMs
  while (performance.now() < deadline) {
    if (!(await runningHost(at)) && !isAlive(running.pid)) return true
    await sleep(20)
  }
  throw new ThampiError('HOST_UNREACHABLE', {
    message: `The local platform (process ${running.pid}) does not end.`,
    fix: `kill ${running.pid}`,
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
