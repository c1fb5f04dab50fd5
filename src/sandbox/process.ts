/** A process that speaks the wire, however it came to be: its streams, its end, its whole group. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { type Inflow, inflowOf, type Link, linkedPair } from './inflow.ts'

export interface ModelProcess {
  readonly pid: number
  readonly toRuntime: Writable
  readonly fromRuntime: Inflow
  readonly stdout: Readable
  readonly stderr: Readable
  readonly exited: Promise<Exit>
}

export type Exit =
  | { readonly reason: 'exit'; readonly status: number }
  | { readonly reason: 'signal'; readonly signal: string }

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** Starts a fresh process. Rejects when the program cannot be started at all. */
export async function spawnProcess({ file, args, cwd, env }: Command): Promise<ModelProcess> {
  // Where no socket can be made, such as in a temporary directory that is read-only, an ordinary pipe does.
  const pair = process.platform === 'win32' ? undefined : await linkedPair().catch(() => undefined)
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(file, args, {
        cwd,
        env,
        // 3: host → runtime, 4: runtime → host. The model's own output has 1 and 2 to itself.
        stdio: ['ignore', 'pipe', 'pipe', 'pipe', pair?.theirs ?? 'pipe'],
        // A process group of its own: what the model starts ends with it.
        detached: process.platform !== 'win32',
        windowsHide: true,
      })
      child.once('error', reject)
      child.once('spawn', () => resolve(processOf(child, pair?.ours)))
    })
  } catch (error) {
    pair?.ours.socket.destroy()
    throw error
  } finally {
    // The process has its own by now; with ours it would never be seen to let go.
    pair?.theirs.destroy()
  }
}

function processOf(child: ChildProcess, link: Link | undefined): ModelProcess {
  return {
    pid: child.pid as number,
    toRuntime: child.stdio[3] as Writable,
    fromRuntime: link?.inflow ?? inflowOf(child.stdio[4] as Readable),
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    // `exit`, not `close`: a grandchild that inherited stdout keeps `close` waiting for seconds.
    exited: new Promise(resolve => {
      child.once('exit', (status, signal) => {
        resolve(signal ? { reason: 'signal', signal } : { reason: 'exit', status: status ?? 0 })
      })
    }),
  }
}

/** Ends a process and everything it started. */
export function killGroup(pid: number): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // ESRCH: the group is gone already, which is what was wanted.
  }
}

/** Asks a process to say on its standard error what it is doing, and to die. False when it cannot be asked. */
export function abort(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGABRT')
  } catch {
    return false
  }
}
