/** The verb `host`: runs the local platform in this process, for a terminal, systemd or a container. */
import { setFlagsFromString } from 'node:v8'
import { ThampiError } from './errors.ts'
import { type Activity, hostCommands } from './platforms/local/commands.ts'
import { openDoor } from './platforms/local/door.ts'
import { Host } from './platforms/local/host.ts'
import type { HostSaid } from './platforms/local/start-host.ts'
import type { System } from './system/system.ts'

export interface HostVerbOptions {
  /** Undefined: the port of last time, else 8426, else any that is free. 0: any that is free. */
  readonly port?: number | undefined
  /** Started by another command: tells it how the start went, and ends when nothing is served any more. */
  readonly background: boolean
  readonly signal: AbortSignal
}

/** An empty background host is not worth its memory; the pause lets the command that started it do its work first. */
const emptyGraceMs = 10_000

/** Runs until the signal or, in the background, until nothing is served. */
export async function host({ port, background, signal }: HostVerbOptions, system: System): Promise<void> {
  // Whatever is made from here on, by sandboxes too, is for its owner alone.
  process.umask(0o077)
  spareCollector()
  const parent = background ? process : undefined
  const ended = new AbortController()
  let running: Host
  try {
    running = await Host.start({ port: port ?? portOf(system) }, system)
  } catch (error) {
    say(parent, failureOf(error))
    throw error
  }
  const activity = idleClock()
  const commands = hostCommands(running, activity, () => ended.abort())
  const door = await openDoor(running.at.door, commands)
  if (!background)
    system.tell(
      `The local platform answers at ${running.url}; ${stagesInWords(running)}. Stop it with Ctrl-C.`,
    )
  say(parent, { type: 'listening', url: running.url })
  const emptyTimer = setInterval(() => {
    if (background && running.isEmpty && activity.idleMs() > emptyGraceMs) ended.abort()
  }, 1000)
  await new Promise<void>(resolve => {
    for (const end of [signal, ended.signal]) {
      if (end.aborted) resolve()
      end.addEventListener('abort', () => resolve(), { once: true })
    }
  })
  clearInterval(emptyTimer)
  // The command that asked for the end still waits for its answer: the door's connections go last.
  door.close()
  await running.stop()
  door.closeAllConnections()
}

/**
 * Bodies pass through a host as buffers outside of its heap, and count all the same against the limit at which V8 looks
 * through the whole of it: a small multiple of what lives there, which here is little. Without this, some sixty requests
 * of 100 KB bring on such a search, and the searches take more than half of the host's time.
 */
function spareCollector(): void {
  setFlagsFromString('--heap-growing-percent=400')
}

function idleClock(): Activity & { idleMs(): number } {
  let running = 0
  let lastEnd = performance.now()
  return {
    began: () => {
      running += 1
    },
    ended: () => {
      running -= 1
      lastEnd = performance.now()
    },
    idleMs: () => (running > 0 ? 0 : performance.now() - lastEnd),
  }
}

function portOf({ env }: System): number | undefined {
  if (!env.PORT) return undefined
  const port = Number(env.PORT)
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port
  throw new ThampiError('USAGE', {
    message: `PORT is "${env.PORT}", which is not a port.`,
    why: 'A port is a number from 0 to 65535.',
  })
}

function stagesInWords({ stages }: Host): string {
  const served = stages.filter(stage => stage.isServed).map(({ key }) => `${key.stage}/${key.model}`)
  return served.length === 0 ? 'nothing is served yet' : `it serves ${served.join(', ')}`
}

function say(parent: NodeJS.Process | undefined, said: HostSaid): void {
  // The parent may have been killed meanwhile; the host serves all the same.
  parent?.send?.(said, undefined, undefined, () => {})
}

function failureOf(error: unknown): HostSaid {
  if (error instanceof ThampiError) {
    const { code, message, why, fix } = error
    return { type: 'failed', code, message, why, fix }
  }
  return {
    type: 'failed',
    code: 'HOST_FAILED',
    message: error instanceof Error ? error.message : String(error),
  }
}
