/** Where sandboxes' processes come from: forked from the zygote of their dependencies when there is one, else fresh. */
import { type Command, type ModelProcess, spawnProcess } from './process.ts'
import { Zygote } from './zygote.ts'

/** What zygotes share: one per set of dependencies, interpreter and environment. */
export interface Breed {
  /** Equal keys may share a zygote. */
  readonly key: string
  /** How its zygote is started. */
  readonly command: Command
}

export interface NurseryOptions {
  /** False where forking an interpreter is unsafe (macOS) or unknown (Windows): then every process is fresh. */
  readonly forks: boolean
  readonly socketPath: (number: number) => string
  /** Module names are kept between lives of the host: the first sandbox after a restart then is a forked one, too. */
  readonly recall: (key: string) => Promise<readonly string[]>
  readonly remember: (key: string, imports: readonly string[]) => Promise<void>
  readonly onEvent: (level: 'INFO' | 'WARNING', message: string) => void
}

interface Lineage {
  imports: Set<string>
  zygote: Zygote | undefined
  isReady: boolean
  failures: number
  lastUse: number
}

/** After so many failures in a row a breed gets no further zygote in this life of the host. */
const maxFailures = 3
/** A zygote holds an interpreter with libraries, about 100 MB, mostly shared with its children. */
const idleMs = 15 * 60_000
const checkMs = 60_000

export class Nursery {
  #options: NurseryOptions
  #lineages = new Map<string, Lineage>()
  #nextNumber = 1
  #timer: NodeJS.Timeout

  constructor(options: NurseryOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#stopIdle(), checkMs)
    this.#timer.unref()
  }

  get pids(): number[] {
    return [...this.#lineages.values()].flatMap(({ zygote }) => zygote?.pid ?? [])
  }

  /** A process for a sandbox: forked when a zygote is ready, fresh otherwise and when forking fails. */
  async start({ key }: Breed, command: Command): Promise<{ process: ModelProcess; forked: boolean }> {
    const lineage = this.#lineages.get(key)
    if (lineage?.zygote && lineage.isReady) {
      lineage.lastUse = performance.now()
      try {
        return { process: await lineage.zygote.fork(command), forked: true }
      } catch (error) {
        this.#options.onEvent(
          'WARNING',
          `a sandbox is started fresh: ${error instanceof Error ? error.message : error}`,
        )
      }
    }
    return { process: await spawnProcess(command), forked: false }
  }

  /** Has a zygote for the breed imported, in the background, what was learned in an earlier life. */
  async prepare(breed: Breed): Promise<void> {
    if (!this.#options.forks || this.#lineages.has(breed.key)) return
    const imports = await this.#options.recall(breed.key)
    if (imports.length > 0) this.#raise(breed, imports)
  }

  /** A sandbox of the breed has loaded these modules: the next ones should find them imported. */
  async learn(breed: Breed, modules: readonly string[]): Promise<void> {
    if (!this.#options.forks || modules.length === 0) return
    const lineage = this.#lineages.get(breed.key)
    const fresh = modules.filter(name => !lineage?.imports.has(name))
    if (lineage && fresh.length === 0) return
    const imports = [...(lineage?.imports ?? []), ...fresh]
    await this.#options.remember(breed.key, imports)
    this.#raise(breed, imports)
  }

  /** Ends every zygote, and with them what they forked. */
  stop(): void {
    clearInterval(this.#timer)
    for (const { zygote } of this.#lineages.values()) zygote?.stop()
    this.#lineages.clear()
  }

  #raise({ key, command }: Breed, imports: readonly string[]): void {
    const known = this.#lineages.get(key)
    const lineage: Lineage = known ?? {
      imports: new Set(),
      zygote: undefined,
      isReady: false,
      failures: 0,
      lastUse: 0,
    }
    this.#lineages.set(key, lineage)
    lineage.imports = new Set(imports)
    // A zygote with living children goes on until its successor is ready; then its children finish with it alive.
    const { zygote: elder } = lineage
    if (lineage.failures >= maxFailures || (elder?.isAlive && elder.children > 0)) return
    elder?.stop()
    lineage.isReady = false
    lineage.lastUse = performance.now()
    const started = performance.now()
    const zygote = new Zygote({
      command,
      imports,
      socketPath: this.#options.socketPath(this.#nextNumber++),
      onPrinted: text => this.#options.onEvent('INFO', `zygote: ${text}`),
    })
    lineage.zygote = zygote
    zygote.ready.then(
      () => {
        lineage.isReady = true
        lineage.failures = 0
        const ms = Math.round(performance.now() - started)
        this.#options.onEvent(
          'INFO',
          `zygote ${zygote.pid} is ready after ${ms} ms with ${imports.length} modules`,
        )
      },
      error => {
        lineage.failures += 1
        if (lineage.zygote === zygote) lineage.zygote = undefined
        this.#options.onEvent('WARNING', `no zygote: ${error.message}`)
      },
    )
    void zygote.ended.then(() => {
      if (lineage.zygote !== zygote) return
      lineage.zygote = undefined
      lineage.isReady = false
      // It died under us; whoever needs a sandbox meanwhile gets a fresh one.
      lineage.failures += 1
      if (this.#lineages.get(key) === lineage) this.#raise({ key, command }, [...lineage.imports])
    })
  }

  #stopIdle(): void {
    const now = performance.now()
    for (const [key, { zygote, lastUse }] of this.#lineages) {
      if (!zygote || zygote.children > 0 || now - lastUse < idleMs) continue
      this.#lineages.delete(key)
      zygote.stop()
    }
  }
}
