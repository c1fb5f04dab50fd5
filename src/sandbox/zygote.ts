/**
 * A zygote: a process that has imported what the models of a dependency layer import, and forks sandboxes in
 * milliseconds. Linux only; elsewhere, and whenever it fails, sandboxes are started fresh.
 */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { constants } from 'node:os'
import { FrameReader, WireError } from '../wire/frame.ts'
import { decode, type Exited, encode, type FromRuntime, protocol, type ToRuntime } from '../wire/messages.ts'
import { type Link, linkTo } from './inflow.ts'
import { type Command, type Exit, killGroup, type ModelProcess, spawnProcess } from './process.ts'

export interface ZygoteOptions {
  readonly command: Command
  readonly imports: readonly string[]
  /** Path for its private socket; the directory must be ours alone. */
  readonly socketPath: string
  readonly onPrinted: (text: string) => void
}

type Role = 'stdout' | 'stderr'

interface Birth {
  /** Where the process listens for its wire. */
  readonly listen: string
  readonly sockets: Map<Role, Socket>
  link: Link | undefined
  pid: number | undefined
  readonly resolve: (process: ModelProcess) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

const importTimeoutMs = 60_000
const forkTimeoutMs = 5_000
const greeting = /^([0-9a-f]{64}) (stdout|stderr)\n/
const greetingBytes = 64 + 1 + 6 + 1

export class Zygote {
  /** Resolves when everything is imported; rejects when it could not be started. */
  readonly ready: Promise<void>
  /** Resolves when it is gone. */
  readonly ended: Promise<void>

  #process: ModelProcess | undefined
  #server: Server
  #options: ZygoteOptions
  #births = new Map<string, Birth>()
  #tokens = new Map<number, string>()
  #living = new Map<number, (exit: Exit) => void>()
  #nextId = 1
  #isDead = false
  #settleReady!: { resolve: () => void; reject: (error: Error) => void }
  #settleEnded!: () => void

  constructor(options: ZygoteOptions) {
    this.#options = options
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject }
    })
    this.ready.catch(() => {})
    this.ended = new Promise(resolve => {
      this.#settleEnded = resolve
    })
    this.#server = createServer(socket => this.#greet(socket))
    this.#server.on('error', error => this.#die(error))
    const timer = setTimeout(() => this.#die(new Error('imports took too long')), importTimeoutMs)
    this.ready.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    )
    // Left behind by a host that was killed; whoever starts a zygote holds the lock of the directory.
    rmSync(options.socketPath, { force: true })
    this.#server.listen(options.socketPath, () => {
      spawnProcess(options.command).then(
        process => this.#attach(process),
        error => this.#die(error),
      )
    })
  }

  get isAlive(): boolean {
    return !this.#isDead
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Sandboxes it has forked that still live. */
  get children(): number {
    return this.#living.size
  }

  /** A new process with `env` and `cwd`, in which everything is imported already. Rejects when forking fails. */
  async fork({ env, cwd }: Pick<Command, 'env' | 'cwd'>): Promise<ModelProcess> {
    await this.ready
    if (this.#isDead) throw new Error('the zygote is gone')
    const token = randomBytes(32).toString('hex')
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#miscarry(token, new Error('the forked process did not connect')),
        forkTimeoutMs,
      )
      const socket = this.#options.socketPath
      const listen = `${socket}.${id}`
      const unborn = { sockets: new Map(), link: undefined, pid: undefined }
      this.#births.set(token, { listen, ...unborn, resolve, reject, timer })
      this.#tokens.set(id, token)
      this.#send({ type: 'fork', id, fork: { socket, listen, token, env, cwd } })
    })
  }

  /** Ends it; its children end with it. */
  stop(): void {
    this.#die(new Error('the zygote was stopped'))
  }

  #attach(process: ModelProcess): void {
    this.#process = process
    if (this.#isDead) {
      killGroup(process.pid)
      return
    }
    const { toRuntime, fromRuntime, stdout, stderr } = process
    for (const stream of [stdout, stderr]) {
      stream.on('data', (chunk: Buffer) => this.#options.onPrinted(chunk.toString('utf8').trimEnd()))
    }
    for (const stream of [toRuntime, stdout, stderr]) stream.on('error', () => {})
    const reader = new FrameReader()
    fromRuntime.listen(bytes => {
      try {
        for (const frame of reader.pushBorrowed(bytes)) this.#handle(decode(frame))
      } catch (error) {
        if (!(error instanceof WireError)) throw error
        this.#die(error)
      }
    })
    void process.exited.then(() => this.#die(new Error('the zygote ended')))
    this.#send({ type: 'start', start: { protocol, zygote: true, imports: this.#options.imports } })
  }

  #send(message: ToRuntime): void {
    for (const buffer of encode(message)) this.#process?.toRuntime.write(buffer)
  }

  #handle(message: FromRuntime): void {
    switch (message.type) {
      case 'ready':
        this.#settleReady.resolve()
        return
      case 'failed':
        this.#die(new Error(message.failed.message))
        return
      case 'forked': {
        const token = this.#tokens.get(message.id)
        this.#tokens.delete(message.id)
        const birth = token === undefined ? undefined : this.#births.get(token)
        if (token === undefined || !birth) return
        const { pid, error } = message.forked
        if (pid === undefined) {
          this.#miscarry(token, new Error(error ?? 'the zygote could not fork'))
          return
        }
        birth.pid = pid
        this.#link(token, birth)
        return
      }
      case 'exited':
        this.#living.get(message.exited.pid)?.(exitOf(message.exited))
        this.#living.delete(message.exited.pid)
        return
      default:
        throw new WireError(`a zygote does not say "${message.type}"`)
    }
  }

  #link(token: string, birth: Birth): void {
    linkTo(birth.listen).then(
      link => {
        if (!this.#births.has(token)) return void link.socket.destroy()
        birth.link = link
        this.#complete(token, birth)
      },
      error => this.#miscarry(token, error),
    )
  }

  /** A connection tells whose it is in its first line; what follows belongs to the stream. */
  #greet(socket: Socket): void {
    socket.on('error', () => {})
    const read = (): void => {
      const head = socket.read() as Buffer | null
      if (head === null) return
      const match = greeting.exec(head.toString('latin1', 0, greetingBytes))
      const birth = match ? this.#births.get(match[1] as string) : undefined
      socket.removeListener('readable', read)
      if (!match || !birth) {
        socket.destroy()
        return
      }
      const rest = head.subarray(match[0].length)
      if (rest.length > 0) socket.unshift(rest)
      birth.sockets.set(match[2] as Role, socket)
      this.#complete(match[1] as string, birth)
    }
    socket.on('readable', read)
  }

  #complete(token: string, { pid, link, sockets, resolve, timer }: Birth): void {
    const [stdout, stderr] = [sockets.get('stdout'), sockets.get('stderr')]
    if (pid === undefined || !link || !stdout || !stderr) return
    clearTimeout(timer)
    this.#births.delete(token)
    const exited = new Promise<Exit>(settle => this.#living.set(pid, settle))
    resolve({ pid, toRuntime: link.socket, fromRuntime: link.inflow, stdout, stderr, exited })
  }

  #miscarry(token: string, error: Error): void {
    const birth = this.#births.get(token)
    if (!birth) return
    this.#births.delete(token)
    clearTimeout(birth.timer)
    for (const socket of birth.sockets.values()) socket.destroy()
    birth.link?.socket.destroy()
    rmSync(birth.listen, { force: true })
    if (birth.pid !== undefined) killGroup(birth.pid)
    birth.reject(error)
  }

  #die(error: Error): void {
    if (this.#isDead) return
    this.#isDead = true
    this.#settleReady.reject(error)
    if (this.#process) killGroup(this.#process.pid)
    for (const token of [...this.#births.keys()]) this.#miscarry(token, error)
    // Its children die with it, and nobody is left to report how.
    for (const [pid, settle] of this.#living) {
      killGroup(pid)
      settle({ reason: 'signal', signal: 'SIGKILL' })
    }
    this.#living.clear()
    this.#server.close()
    rmSync(this.#options.socketPath, { force: true })
    this.#settleEnded()
  }
}

const signalNames = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number as number, name]),
)

function exitOf({ status, signal }: Exited): Exit {
  if (signal !== null) return { reason: 'signal', signal: signalNames.get(signal) ?? `signal ${signal}` }
  return { reason: 'exit', status: status ?? 0 }
}
