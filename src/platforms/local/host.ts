/** The host: the process of the local platform. Gateway, sandboxes, and the state on disk, of which it is the only writer. */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { Server as HttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net'
import { removeReadOnly } from '../../bundle/unpacked.ts'
import { systemCode, ThampiError } from '../../errors.ts'
import { connectionCaps } from '../../gateway/caps.ts'
import { createGateway, type Endpoint, type NotFound } from '../../gateway/gateway.ts'
import { HeldBytes } from '../../gateway/held-bytes.ts'
import { HttpCounts } from '../../gateway/http-counts.ts'
import { type Place, placesOf } from '../../gateway/page.ts'
import type { PredictRoute } from '../../gateway/route.ts'
import { Nursery } from '../../sandbox/nursery.ts'
import { type Usage, usageReader } from '../../sandbox/usage.ts'
import { openFileLimit } from '../../system/descriptors.ts'
import { portHolder } from '../../system/ports.ts'
import type { System } from '../../system/system.ts'
import { maxPayloadBytes } from './launch.ts'
import { defaultPort, type Layout, layout, type StageKey, stateName } from './layout.ts'
import { pagesOf } from './pages.ts'
import { type HostRecord, readRecord, stagesOnDisk, writeRecord, type ZygoteRecord } from './records.ts'
import { ServedStage } from './served-stage.ts'
import { newKey } from './stage-keys.ts'

export interface HostOptions {
  /** Undefined: the port of last time, else 8426, and any that is free while no stage is served. 0: any that is free. */
  readonly port?: number | undefined
}

const nearby = 74
/** Of large request bodies, all connections together. */
const maxHeldBytes = 256 * 1024 * 1024
const address = '127.0.0.1'

export class Host {
  readonly at: Layout
  readonly system: System
  readonly counts: HttpCounts = new HttpCounts()
  /** Opens every stage to the commands of the owner, who comes through the private door. Dies with the host. */
  readonly ownKey: string = newKey()
  /** Allows to move traffic from the playground; 256 random bits that die with the host. */
  readonly token: string = randomBytes(32).toString('base64url')
  /** Who deploys a stage now: `STAGE/MODEL` → the deployer. */
  readonly turns: Map<string, string> = new Map()
  #places: (path: string) => Place | undefined
  #lock: NetServer
  #stages = new Map<string, ServedStage>()
  #servers: HttpServer[] = []
  #port = 0
  #hostNames: ReadonlySet<string> = new Set()
  #held = new HeldBytes(maxHeldBytes)
  #nursery: Nursery
  readonly readUsage: (pid: number) => Promise<Usage | undefined>

  private constructor(at: Layout, lock: NetServer, system: System) {
    this.at = at
    this.system = system
    this.#lock = lock
    this.#nursery = nurseryOf(at, system)
    this.readUsage = usageReader(system)
    this.#places = placesOf(pagesOf(this))
  }

  /** Starts on the state directory and finds every stage again. Throws `HOST_RUNNING` or `PORT_TAKEN`. */
  static async start({ port }: HostOptions, system: System): Promise<Host> {
    const at = layout(system.places.state)
    await mkdir(at.root, { recursive: true, mode: 0o700 })
    const host = new Host(at, await holdLock(at), system)
    try {
      await removeReadOnly(at.tmp)
      // Before listening: a caller who comes back early must find the stages, not a 404.
      for (const key of await stagesOnDisk(at)) await host.open(key)
      await host.#listen(port)
      return host
    } catch (error) {
      await host.stop()
      throw error
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get port(): number {
    return this.#port
  }

  get isEmpty(): boolean {
    return ![...this.#stages.values()].some(stage => stage.isServed)
  }

  get stages(): readonly ServedStage[] {
    return [...this.#stages.values()]
  }

  urlOf({ stage, model }: StageKey): string {
    return `${this.url}/${stage}/${model}/predict`
  }

  find({ stage, model }: StageKey): ServedStage | undefined {
    return this.#stages.get(`${stage}/${model}`)
  }

  /** The stage, opened when it is new. */
  async open(key: StageKey): Promise<ServedStage> {
    const known = this.find(key)
    if (known) return known
    const stage = await ServedStage.open(key, {
      at: this.at,
      system: this.system,
      nursery: this.#nursery,
      readUsage: this.readUsage,
      ownKey: this.ownKey,
    })
    this.#stages.set(`${key.stage}/${key.model}`, stage)
    return stage
  }

  async remove(key: StageKey): Promise<boolean> {
    const stage = this.find(key)
    if (!stage) return false
    const wasServed = stage.isServed
    await stage.remove()
    this.#stages.delete(`${key.stage}/${key.model}`)
    return wasServed
  }

  /** Stops accepting, lets running requests end, stops every sandbox. */
  async stop(): Promise<void> {
    const closed = this.#servers.map(server => new Promise<void>(resolve => server.close(() => resolve())))
    this.#servers.map(server => server.closeIdleConnections())
    await Promise.all([...this.#stages.values()].map(stage => stage.close()))
    this.#nursery.stop()
    this.#servers.map(server => server.closeAllConnections())
    await Promise.all(closed)
    this.#lock.close()
  }

  #endpointOf(route: PredictRoute): Endpoint | NotFound {
    const stage = this.find(route)
    if (stage?.isServed) return route.version === undefined ? stage : stage.pinned(route.version)
    const known = [...this.#stages.values()].filter(other => other.isServed)
    const models = known.filter(other => other.key.stage === route.stage)
    if (models.length > 0) {
      return {
        code: 'no-such-model',
        detail: `The stage "${route.stage}" has no model "${route.model}".`,
        hint: `It has: ${models.map(other => other.key.model).join(', ')}.`,
      }
    }
    return {
      code: 'no-such-stage',
      detail: `No stage "${route.stage}" is served here.`,
      hint: `thampi serve ${route.stage}`,
    }
  }

  async #listen(wanted: number | undefined): Promise<void> {
    const [cap, secondCap] = connectionCaps(openFileLimit())
    const server = this.#gateway(cap)
    this.#port = await listenOnPort(server, wanted, !this.isEmpty, this.at, this.system)
    this.#hostNames = new Set(['127.0.0.1', 'localhost', '[::1]'].map(name => `${name}:${this.#port}`))
    this.#servers.push(server)
    // IPv6 loopback is a convenience for callers who say `localhost`; machines without it are served all the same.
    const second = this.#gateway(secondCap)
    const heard = await listen(second, this.#port, '::1').then(
      () => true,
      () => false,
    )
    if (heard) this.#servers.push(second)
    await writeRecord(this.at.hostFile, { port: this.#port } satisfies HostRecord)
  }

  #gateway(maxConnections: number | undefined): HttpServer {
    const server = createGateway({
      hosts: () => this.#hostNames,
      maxBodyBytes: maxPayloadBytes,
      held: this.#held,
      find: route => this.#endpointOf(route),
      places: this.#places,
      counts: this.counts,
      onAccess: entry => this.find(entry)?.accessed(entry),
      onMistake: (error, requestId) =>
        this.system.tell(`request ${requestId}: ${error instanceof Error ? error.stack : error}`),
    })
    if (maxConnections !== undefined) server.maxConnections = maxConnections
    return server
  }
}

/** Only Linux forks interpreters safely: macOS frameworks break in the child, Windows has no fork. */
function nurseryOf(at: Layout, system: System): Nursery {
  return new Nursery({
    forks: system.os === 'linux',
    socketPath: number => `${at.door}.z${number}`,
    recall: async key =>
      (await readRecord<ZygoteRecord>(at.zygote(key)).catch(() => undefined))?.imports ?? [],
    remember: (key, imports) => writeRecord(at.zygote(key), { imports } satisfies ZygoteRecord),
    onEvent: (level, message) => system.tell(`${level}: ${message}`),
  })
}

/**
 * One host per state directory. On Linux the lock is a name in the kernel that vanishes with its process, even
 * after kill -9; elsewhere the private door itself is the lock (see `openDoor`).
 */
async function holdLock(at: Layout): Promise<NetServer> {
  const lock = createServer(socket => socket.destroy())
  if (process.platform !== 'linux') return lock
  try {
    await new Promise<void>((resolve, reject) =>
      lock.once('error', reject).listen(`\0thampi-${stateName(at.root)}`, resolve),
    )
  } catch (cause) {
    throw new ThampiError('HOST_RUNNING', {
      message: `A local platform already runs on "${at.root}".`,
      fix: 'thampi doctor   # shows its address; set THAMPI_HOME to run a second one',
      cause,
    })
  }
  return lock
}

async function listenOnPort(
  server: HttpServer,
  wanted: number | undefined,
  inUse: boolean,
  at: Layout,
  system: System,
): Promise<number> {
  const last = (await readRecord<HostRecord>(at.hostFile).catch(() => undefined))?.port
  const port = wanted ?? last ?? defaultPort
  try {
    await listen(server, port, address)
  } catch (cause) {
    if (systemCode(cause) !== 'EADDRINUSE' && systemCode(cause) !== 'EACCES') throw cause
    // No URL of ours is in use: any free port will do, and from then on it stays.
    if (wanted === undefined && (last === undefined || !inUse)) await listenNearby(server)
    else throw await portTaken(port, cause, system)
  }
  return (server.address() as AddressInfo).port
}

/**
 * The first free port after the usual one. One that the system picks comes from the range it also uses for outgoing
 * connections, and might be taken by one of those when the host is started again.
 */
async function listenNearby(server: HttpServer): Promise<void> {
  for (let port = defaultPort + 1; port <= defaultPort + nearby; port++) {
    const heard = await listen(server, port, address).then(
      () => true,
      () => false,
    )
    if (heard) return
  }
  await listen(server, 0, address)
}

async function portTaken(port: number, cause: unknown, system: System): Promise<ThampiError> {
  if (systemCode(cause) === 'EACCES') {
    return new ThampiError('PERMISSION', {
      message: `Port ${port} may only be used by an administrator.`,
      fix: 'thampi host --port 0',
      cause,
    })
  }
  const holder = await portHolder(port, system)
  return new ThampiError('PORT_TAKEN', {
    message: `Port ${port} is taken${holder ? ` by ${holder}` : ''}.`,
    why: 'The URLs of your stages name this port, so it is not changed silently.',
    fix: 'stop that program, or run the command again with PORT=0 before it, which takes any free port',
    cause,
  })
}

function listen(server: HttpServer, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
