/** One execution environment: a process that has the function loaded and gets one event at a time; and its rules. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Delivery, failure, type Outcome, type RuntimeApi, startRuntimeApi } from './server.ts'

/** How the process is started, the same for all environments of a function. */
export interface Recipe {
  readonly program: string
  readonly args: readonly string[]
  readonly taskRoot: string
  readonly layerRoot: string
  /** What the managed runtime has at `/var/runtime`. */
  readonly runtimeRoot: string
  /** Whether the directories stand where Lambda has them. */
  readonly mounted: boolean
  /** What hides under a mount and has to stay visible. */
  readonly keep: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly memoryMb: number
  /** For every start of a process: what it prints. */
  readonly onOutput: (text: string) => void
}

const watchEveryMs = 50
/** Sets up the mounts; see there. */
export const inside: string = resolve('tests/support/lambda/inside.sh')

/** The command that runs `command` where code, layers and runtime stand as `recipe` says. */
export function inPlace(
  { mounted, taskRoot, layerRoot, runtimeRoot, keep }: Omit<Recipe, 'onOutput'>,
  scratch: string,
  command: readonly string[],
): readonly string[] {
  if (!mounted) return command
  return [
    'unshare',
    '--mount',
    inside,
    taskRoot,
    layerRoot,
    runtimeRoot,
    scratch,
    keep.join('\n'),
    ...command,
  ]
}

/** A process and the port it speaks to. When it has ended, another one is made; what it left in `scratch` stays. */
export class Environment {
  readonly #recipe: Recipe
  readonly #api: RuntimeApi
  readonly #process: ChildProcess
  readonly #ended: Promise<string>
  readonly #watch: NodeJS.Timeout
  #isAlive = true
  #overMemory = false
  /** The most it has held, in MB. */
  maxMemoryMb = 0

  private constructor(recipe: Recipe, api: RuntimeApi, scratch: string) {
    this.#recipe = recipe
    this.#api = api
    const { program, args, mounted, taskRoot } = recipe
    const [first = program, ...more] = inPlace(recipe, scratch, [program, ...args])
    this.#process = spawn(first, more, {
      cwd: taskRoot,
      env: {
        ...recipe.env,
        AWS_LAMBDA_RUNTIME_API: api.address,
        ...(mounted ? {} : { TMPDIR: scratch }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what it starts ends with it.
      detached: true,
    })
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding('utf8').on('data', recipe.onOutput)
    this.#ended = new Promise(done => {
      const end = (how: string): void => {
        this.#isAlive = false
        done(how)
      }
      this.#process.once('error', error => end(error.message))
      this.#process.once('close', (status, signal) =>
        end(signal ? `signal: ${signalNames[signal] ?? signal.toLowerCase()}` : `exit status ${status}`),
      )
    })
    this.#watch = setInterval(() => this.#lookAtMemory(), watchEveryMs).unref()
  }

  static async start(recipe: Recipe, scratch: string): Promise<Environment> {
    mkdirSync(scratch, { recursive: true })
    return new Environment(recipe, await startRuntimeApi(), scratch)
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Waits until it asks for an event; else how that failed, or `late` when it did not within the time. */
  async ready(withinMs: number, requestId?: string): Promise<Outcome | undefined | 'late'> {
    const ended = this.#ended.then(how => this.#exitOutcome(how, requestId))
    return await within(withinMs, Promise.race([this.#api.started, ended]))
  }

  /** Waits until it is ready for its snapshot; the same. */
  async frozen(withinMs: number): Promise<Outcome | undefined | 'late'> {
    const ended = this.#ended.then(how => this.#exitOutcome(how))
    return await within(
      withinMs,
      Promise.race([this.#api.snapshot.then(() => undefined), this.#api.started, ended]),
    )
  }

  restore(): void {
    this.#api.restore()
  }

  /** Gives it an event. `late` after the time; the process has to be ended then. */
  async invoke(delivery: Delivery, withinMs: number): Promise<Outcome | 'late'> {
    const until = performance.now() + withinMs
    const ended = this.#ended.then(how => this.#exitOutcome(how, delivery.requestId))
    const outcome = await within(withinMs, Promise.race([this.#api.deliver(delivery), ended]))
    // It may have work to finish; and what it has printed has come before it asks again.
    await within(until - performance.now(), Promise.race([this.#api.idle(), this.#ended]))
    return outcome
  }

  async end(): Promise<void> {
    clearInterval(this.#watch)
    killGroup(this.pid)
    await this.#ended
    this.#api.close()
  }

  /** What is said about an event whose process has ended. */
  #exitOutcome(how: string, requestId?: string): Outcome {
    const about = requestId === undefined ? '' : `RequestId: ${requestId} `
    const why = how === 'exit status 0' ? 'without providing a reason' : `with error: ${how}`
    const type = this.#overMemory ? 'Runtime.OutOfMemory' : 'Runtime.ExitError'
    return failure(type, `${about}Error: Runtime exited ${why}`)
  }

  #lookAtMemory(): void {
    const memoryMb = memoryOf(this.pid) / 1024
    this.maxMemoryMb = Math.max(this.maxMemoryMb, Math.ceil(memoryMb))
    if (memoryMb <= this.#recipe.memoryMb || this.#overMemory) return
    this.#overMemory = true
    killGroup(this.pid)
  }
}

const signalNames: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: 'killed',
  SIGTERM: 'terminated',
  SIGSEGV: 'segmentation fault',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
}

function killGroup(pid: number): void {
  if (pid === 0) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/** KiB that a process and what it has started hold. Only Linux says. */
function memoryOf(pid: number, depth = 0): number {
  const own = Number(/^VmRSS:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0)
  const children = depth > 5 ? '' : textOf(join('/proc', String(pid), 'task', String(pid), 'children'))
  return children
    .split(' ')
    .filter(Boolean)
    .reduce((sum, child) => sum + memoryOf(Number(child), depth + 1), own)
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>(resolve => {
    timer = setTimeout(resolve, Math.max(0, ms), 'late')
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
