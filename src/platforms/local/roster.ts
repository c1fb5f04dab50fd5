/** The processes of a version as its operator sees them: how many there are, in which state, and why one is missing. */
import type { State } from '../../gateway/health.ts'
import { SandboxFailed } from '../../sandbox/ending.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import type { Failed } from '../../wire/messages.ts'
import type { SandboxStatus } from '../platform.ts'
import type { Meter } from './meter.ts'

/** So many deaths within a minute are no accident any more. */
const tooManyDeaths = 3
const accidentMs = 60_000

export class Roster {
  #meter: Meter
  /** Sandbox → whether it has loaded the model. */
  #sandboxes = new Map<Sandbox, boolean>()
  #hasLoaded = false
  #failed: Failed | undefined
  #deaths: number[] = []

  constructor(meter: Meter) {
    this.#meter = meter
  }

  /** Follows a sandbox from its start to its end; `waiting` requests are there already. */
  add(sandbox: Sandbox, waiting: number): void {
    if (waiting > 0 && this.#sandboxes.size === 0) this.#meter.coldStarts += 1
    this.#sandboxes.set(sandbox, false)
    let failed: Failed | undefined
    sandbox.ready.then(
      ({ runtime, loadMs }) => {
        this.#sandboxes.set(sandbox, true)
        this.#hasLoaded = true
        this.#failed = undefined
        this.#meter.runtime = runtime
        this.#meter.loads.observe(loadMs / 1000)
      },
      error => {
        if (error instanceof SandboxFailed) failed = error.failed
      },
    )
    void sandbox.ended.then(ending => {
      const wasReady = this.#sandboxes.get(sandbox) === true
      this.#sandboxes.delete(sandbox)
      if (ending.reason === 'stopped') return
      if (failed) this.#failed = failed
      if (!wasReady || sandbox.isRetiring) return
      this.#meter.restarts += 1
      this.#deaths = [...this.#deaths.slice(1 - tooManyDeaths), performance.now()]
    })
  }

  /** Why the model could not be loaded the last time; undefined when it could, or never was tried. */
  get failed(): Failed | undefined {
    return this.#failed
  }

  get inFlight(): number {
    return [...this.#sandboxes.keys()].reduce((sum, sandbox) => sum + sandbox.inFlight, 0)
  }

  /** How many have the model loaded. */
  get ready(): number {
    return [...this.#sandboxes.values()].filter(Boolean).length
  }

  /** `waiting` requests have found no process that would take them. */
  state(waiting: number): State {
    const [longAgo] = this.#deaths
    if (this.ready === 0) {
      if (this.#failed) return this.#hasLoaded ? 'DEFUNCT' : 'SETUP_FAILED'
      return this.#sandboxes.size > 0 ? 'STARTING' : 'READY'
    }
    const isDying = this.#deaths.length === tooManyDeaths && performance.now() - (longAgo ?? 0) < accidentMs
    if (isDying) return 'UNHEALTHY'
    return waiting > 0 ? 'BUSY' : 'READY'
  }

  async sandboxes(
    readUsage: (pid: number) => Promise<{ readonly memoryMb: number } | undefined>,
  ): Promise<SandboxStatus[]> {
    const known = [...this.#sandboxes].flatMap(([{ pid, inFlight }, isReady]) =>
      pid === undefined ? [] : [{ pid, inFlight, isReady }],
    )
    return Promise.all(
      known.map(async ({ pid, inFlight, isReady }) => ({
        pid,
        state: !isReady ? 'STARTING' : inFlight > 0 ? 'BUSY' : 'READY',
        memoryMb: (await readUsage(pid))?.memoryMb,
      })),
    )
  }
}
