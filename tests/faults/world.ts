/** One installation to break: a home, a project, the host as our own child, and the commands of its user. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HostStatus } from '../../src/platforms/local/commands.ts'
import { type Layout, layout } from '../../src/platforms/local/layout.ts'
import { runningHost } from '../../src/platforms/local/start-host.ts'
import { isRunning, processesOf } from '../support/processes.ts'
import { type Asked, ask, Load, type LoadOptions, type Question, type Tally, type Target } from './load.ts'
import { python, type Tag } from './models.ts'
import type { Product } from './product.ts'

export interface WorldOptions {
  /** Its own, also after a restart; worlds stand side by side. */
  readonly port?: number
  readonly timeoutSeconds?: number
  readonly sandboxes?: number
  /** Further keys of the stage, and those under its `thampi`. */
  readonly stage?: Readonly<Record<string, unknown>>
  readonly thampi?: Readonly<Record<string, unknown>>
  /** Options of Node for the host: `--import` of a fault. */
  readonly node?: readonly string[]
  /** What starts the host, such as `prlimit --nofile=64`. */
  readonly launcher?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

export const key = { stage: 'live', model: 'probe' } as const
const startMs = 15_000

export class World implements Target {
  readonly home: string
  readonly project: string
  readonly at: Layout
  readonly tags: Map<number, string> = new Map()
  readonly timeoutMs: number
  url = ''
  /** The last words of the host on stderr. */
  said = ''
  readonly #product: Product
  readonly #models: string
  readonly #options: WorldOptions
  readonly #env: Readonly<Record<string, string>>
  readonly #loads: Load[] = []
  #child: ChildProcess | undefined
  #closed = false

  constructor(dir: string, product: Product, models: string, options: WorldOptions) {
    this.home = join(dir, 'home')
    this.project = join(dir, 'project')
    this.at = layout(join(this.home, 'local'))
    this.#product = product
    this.#models = models
    this.#options = options
    const { timeoutSeconds = 5, sandboxes = 2, stage, thampi } = options
    this.timeoutMs = timeoutSeconds * 1000
    this.#env = { ...environment(), ...options.env, THAMPI_HOME: this.home, PORT: String(options.port) }
    const settings = {
      project_name: key.model,
      timeout_seconds: timeoutSeconds,
      environment_variables: { JOURNAL: this.#journal },
      ...stage,
      thampi: { platform: 'local', max_sandboxes: sandboxes, ...thampi },
    }
    writeFileSync(join(this.project, 'zappa_settings.json'), JSON.stringify({ [key.stage]: settings }))
  }

  /** Runs the host until somebody ends it; waits until it answers commands. */
  async start(): Promise<void> {
    if (this.#closed) throw new Error('this world has ended')
    const { node = [], launcher = [] } = this.#options
    const [file = '', ...args] = [...launcher, process.execPath, ...node, this.#product.cli, 'host']
    const child = spawn(file, args, {
      cwd: this.project,
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    this.said = ''
    child.stderr?.on('data', piece => {
      this.said = `${this.said}${piece}`.slice(-4000)
    })
    child.on('error', error => {
      this.said += error.message
    })
    const patience = performance.now() + startMs
    while (!(await this.host())) {
      if (child.exitCode !== null || performance.now() > patience)
        throw new Error(`the host does not start:\n${this.said}`)
      await sleep(10)
    }
  }

  /** The host's process, when it is our child: for signals, and for messages to the faults inside it. */
  get child(): ChildProcess {
    if (!this.#child) throw new Error('no host was started')
    return this.#child
  }

  /** What the running host says about itself, whoever started it. */
  host(): Promise<HostStatus | undefined> {
    return runningHost(this.at)
  }

  async sandboxes(): Promise<readonly number[]> {
    return (await this.host())?.stages.flatMap(({ pids }) => pids) ?? []
  }

  /** kill -9, and waits until it has had its effect. */
  async killHost(): Promise<void> {
    const pid = (await this.host())?.pid
    if (pid === undefined) return
    process.kill(pid, 'SIGKILL')
    while (isRunning(pid)) await sleep(1)
  }

  thampi(...args: readonly string[]): Promise<Ended> {
    const child = spawn(process.execPath, [this.#product.cli, ...args], { cwd: this.project, env: this.#env })
    const said = { out: '', err: '' }
    child.stdout.on('data', piece => {
      said.out += piece
    })
    child.stderr.on('data', piece => {
      said.err += piece
    })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', status => resolve({ status, ...said }))
    })
  }

  /** `thampi serve`; gives the number of the version. */
  async serve(tag: Tag, ...flags: readonly string[]): Promise<number> {
    const { status, out, err } = await this.tryToServe(tag, ...flags)
    const number = Number(/[Vv]ersion (\d+)/.exec(err)?.[1])
    if (status !== 0 || !number) throw new Error(`thampi serve ended with ${status}:\n${err}`)
    this.url = out.trim()
    this.tags.set(number, tag)
    return number
  }

  tryToServe(tag: Tag, ...flags: readonly string[]): Promise<Ended> {
    const model = `--model_dir=${join(this.#models, tag, 'probe')}`
    return this.thampi('serve', key.stage, model, `--python=${python}`, ...flags)
  }

  ask(question?: Question): Promise<Asked> {
    return ask(this, question)
  }

  load(options: LoadOptions): Load {
    const load = new Load(this, options)
    this.#loads.push(load)
    return load
  }

  /** What the same load looks like while nothing happens: the measure for everything that is about time. */
  async quiet(options: LoadOptions, ms = 1500): Promise<Tally> {
    const load = this.load(options)
    await sleep(ms)
    return load.end()
  }

  /** Nonce → how often the model ran for it. */
  executions(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const line of this.#lines()) {
      const nonce = /^ran (\S+) /.exec(line)?.[1]
      if (nonce !== undefined) counts.set(nonce, (counts.get(nonce) ?? 0) + 1)
    }
    return counts
  }

  /** The processes that ran the model for it. */
  executedBy(nonce: string): number[] {
    return this.#lines().flatMap(line => {
      const [what, which, pid] = line.split(' ')
      return what === 'ran' && which === nonce ? [Number(pid)] : []
    })
  }

  /** The most that any question was executed. */
  mostExecutions(): number {
    return Math.max(0, ...this.executions().values())
  }

  /** How many processes have loaded the model so far. */
  loaded(): number {
    return this.#lines().filter(line => line.startsWith('loaded ')).length
  }

  /** Ends everything that knows this home, and removes it. */
  async close(): Promise<void> {
    this.#closed = true
    for (const load of this.#loads) load.stop()
    // Ours without doubt: they name a directory that only this world knows.
    for (let left = processesOf(this.home); left.length > 0; left = processesOf(this.home)) {
      for (const { pid } of left) kill(pid)
      await sleep(20)
    }
    this.#child?.removeAllListeners()
    await rm(join(this.home, '..'), { recursive: true, force: true, maxRetries: 3 })
  }

  get #journal(): string {
    return join(this.home, '..', 'journal')
  }

  #lines(): string[] {
    return existsSync(this.#journal) ? readFileSync(this.#journal, 'utf8').split('\n') : []
  }
}

/** SIGKILL to a process that may have ended meanwhile. */
export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // ESRCH: it was quicker.
  }
}

/** Of the machine what a shell has; of Thampi, Python and Node nothing but what the world sets. */
function environment(): Record<string, string> {
  const ours =
    /^(THAMPI_|PYTHON|VIRTUAL_ENV|CONDA_|AWS_|NODE_|npm_|VITEST|XDG_|PORT$|HOST$|NO_COLOR$|FORCE_COLOR$)/
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !ours.test(entry[0]),
    ),
  )
}
