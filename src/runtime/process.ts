/** What the runtime asks of the system for its process. */
import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { ExitCalled } from './blame.ts'

/** Exit statuses of a runtime; `src/sandbox/ending.ts` has words for them. */
export const exitStatus = {
  /** `failed` says why. */
  failed: 70,
  /** An exception outside of any request, such as in a timer. */
  uncaught: 72,
  /** A promise was rejected and nobody handled it. */
  unhandled: 73,
  protocol: 76,
} as const

/** The real one, under the model's feet. */
const exit = process.exit.bind(process)

export function end(status: number): never {
  return exit(status)
}

/** Writes all of it before it returns, so that a model which blocks afterwards keeps no finished answer back. */
export function writeAll(descriptor: number, bytes: Buffer): void {
  let at = 0
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      // A pipe that does not block and is full: look again in a moment.
      Atomics.wait(pause, 0, 0, 0.2)
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

/**
 * `process.exit` in a model becomes an exception: the caller hears of it, and the process is replaced in order. `whether`
 * says when the process is the model's, where others have a part in it.
 */
export function forbidExit(whether: () => boolean = () => true): void {
  process.exit = (status?: number | string | null): never => {
    if (whether()) throw new ExitCalled(status ?? process.exitCode)
    return exit(status)
  }
}

/**
 * Ends this process when the one that started it has gone, even while a model computes: a thread looks every half
 * second. Windows gives no such sign; there the end of the stream does it, between two requests.
 */
export function dieWithParent(): void {
  if (process.platform === 'win32') return
  const watch = `const parent = process.ppid
setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL') }, 500)`
  const limits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 1 }
  const watcher = new Worker(watch, { eval: true, env: {}, execArgv: [], resourceLimits: limits })
  // A system without threads to spare is no reason to end a model that works.
  watcher.on('error', () => {})
  watcher.unref()
}
