/** Messages: what a host and the runtime in a sandbox say to each other. */
import type { Digest } from '../system/files.ts'
import { allocateFrame, type Frame, payloadStart, WireError, writeHead } from './frame.ts'

export const protocol = 1

export const types = {
  start: 1,
  request: 2,
  stop: 3,
  ping: 4,
  fork: 5,
  ready: 65,
  failed: 66,
  reply: 67,
  pong: 68,
  forked: 69,
  exited: 70,
} as const

/** The first message: which model to load and as what. */
export interface Start {
  readonly protocol: typeof protocol
  readonly modelDir: string
  readonly codeDir: string | null
  readonly digests: Readonly<Record<string, Digest>>
  readonly servedTimeUtc: string
  readonly stage: string
  readonly model: string
  readonly version: number
  readonly errors: 'full' | 'terse'
  readonly logLevel: string
  readonly maxResultBytes: number
  /** The most requests the model may be handed together; 1: never a batch. */
  readonly maxBatch: number
  /** How many predictions one process may work on at the same time. */
  readonly maxConcurrency: number
  /** When given, the process refuses itself memory beyond so many MB once the model is loaded (Linux). */
  readonly wallMb?: number
}

/** The first message to a process that only imports, and forks sandboxes. */
export interface ZygoteStart {
  readonly protocol: typeof protocol
  readonly zygote: true
  readonly imports: readonly string[]
}

/** What a forked sandbox starts with; `start` follows over its own connection. */
export interface Fork {
  /** Unix socket it connects to, once each for stdout and stderr. */
  readonly socket: string
  /** Unix socket on which it listens for its wire. */
  readonly listen: string
  /** Says which fork the connections belong to, and that they are ours. */
  readonly token: string
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

export interface WireRequest {
  readonly type: 'request'
  readonly id: number
  readonly requestId: string
  readonly remainingMs: number
  readonly pretty: boolean
  readonly extra?: {
    readonly traceparent?: string | undefined
    /** In which other protocol the body is; `contract/wire.md` says which there are. */
    readonly door?: string | undefined
    readonly contentType?: string | undefined
  }
  /** In as many pieces as it came. */
  readonly body: readonly Uint8Array[]
}

export type ToRuntime =
  | { readonly type: 'start'; readonly start: Start | ZygoteStart }
  | WireRequest
  | { readonly type: 'stop' }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'fork'; readonly id: number; readonly fork: Fork }

export interface Ready {
  readonly protocol: number
  readonly runtime: string
  /** Of Thampi, in the sandbox. */
  readonly version: string
  /** Of the language: `3.11.7`. */
  readonly language: string
  /** How many requests may be at the runtime unanswered. */
  readonly credits: number
  readonly loadMs: number
  /** The most requests it hands to the model together; 0: one by one. */
  readonly batch: number
  /** Modules a zygote should import to spare the next sandbox the work. */
  readonly modules: readonly string[]
  /** False when the model must not run in a forked process. */
  readonly fork: boolean
}

export interface Failed {
  readonly code: string
  readonly message: string
  readonly why?: string | null
  readonly fix?: string | null
  readonly trace?: string | null
}

export interface Reply {
  readonly type: 'reply'
  readonly id: number
  readonly status: number
  readonly extra?: { readonly retire?: boolean }
  readonly body: Buffer
}

export type FromRuntime =
  | { readonly type: 'ready'; readonly ready: Ready }
  | { readonly type: 'failed'; readonly failed: Failed }
  | Reply
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'forked'; readonly id: number; readonly forked: Forked }
  | { readonly type: 'exited'; readonly exited: Exited }

/** What became of a `fork`. */
export interface Forked {
  readonly pid?: number
  readonly error?: string
}

/** A forked sandbox is gone; one of the two says how. */
export interface Exited {
  readonly pid: number
  readonly status: number | null
  readonly signal: number | null
}

/** Bodies up to this size are copied behind their head: one small write is cheaper than two buffers. */
const copyBelowBytes = 16 * 1024

/** The bytes of a message, in order; big bodies are passed on without a copy. */
export function encode(message: ToRuntime): Buffer[] {
  switch (message.type) {
    case 'request':
      return encodeRequests([message])
    case 'start':
      return [jsonFrame(types.start, 0, message.start)]
    case 'stop':
      return [allocateFrame(types.stop, 0, 0)]
    case 'ping':
      return [allocateFrame(types.ping, message.id, 0)]
    case 'fork':
      return [jsonFrame(types.fork, message.id, message.fork)]
  }
}

/**
 * Requests that are to arrive together, as few buffers: each small body is copied behind its head and all of them
 * into one buffer, because a write costs more than the copy; big bodies are passed on as they are.
 */
export function encodeRequests(requests: readonly WireRequest[]): Buffer[] {
  const extras = requests.map(({ extra }) => (extra ? JSON.stringify(extra) : ''))
  const sizes = requests.map(({ body }) => body.reduce((bytes, piece) => bytes + piece.length, 0))
  const buffers: Buffer[] = []
  for (let from = 0; from < requests.length; ) {
    let bytes = 0
    let to = from
    let isBig = false
    for (; to < requests.length && !isBig; to++) {
      const bodyBytes = sizes[to] as number
      isBig = bodyBytes > copyBelowBytes
      bytes += payloadStart + fieldBytesOf(requests[to] as WireRequest, extras[to] as string)
      if (!isBig) bytes += bodyBytes
    }
    const together = Buffer.allocUnsafe(bytes)
    let at = 0
    for (let i = from; i < to; i++)
      at = writeRequest(together, at, requests[i] as WireRequest, extras[i] as string, sizes[i] as number)
    buffers.push(together)
    if (isBig) {
      for (const piece of (requests[to - 1] as WireRequest).body)
        buffers.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    }
    from = to
  }
  return buffers
}

function fieldBytesOf({ requestId }: WireRequest, extra: string): number {
  if (requestId.length > 64) throw new WireError('a request id has at most 64 characters')
  return 4 + 1 + 1 + requestId.length + 2 + (extra === '' ? 0 : Buffer.byteLength(extra))
}

/** Writes the head of a request, and its body when that is small; gives where it ends. */
function writeRequest(
  into: Buffer,
  start: number,
  request: WireRequest,
  extra: string,
  bodyBytes: number,
): number {
  const fieldBytes = fieldBytesOf(request, extra)
  const { id, requestId, remainingMs, pretty, body } = request
  writeHead(into, types.request, id, fieldBytes + bodyBytes, start)
  let at = start + payloadStart
  at = into.writeUInt32BE(Math.max(0, Math.min(0xffffffff, Math.floor(remainingMs))), at)
  into[at++] = pretty ? 1 : 0
  into[at++] = requestId.length
  at += into.write(requestId, at, 'latin1')
  at = into.writeUInt16BE(fieldBytes - 8 - requestId.length, at)
  if (extra !== '') at += into.write(extra, at, 'utf8')
  if (bodyBytes > copyBelowBytes) return at
  for (const piece of body) {
    into.set(piece, at)
    at += piece.length
  }
  return at
}

function jsonFrame(type: number, id: number, value: unknown): Buffer {
  const text = JSON.stringify(value)
  const frame = allocateFrame(type, id, Buffer.byteLength(text))
  frame.write(text, payloadStart, 'utf8')
  return frame
}

/** Reads a frame that came from a runtime. Throws `WireError` when it means nothing. */
export function decode({ type, id, payload }: Frame): FromRuntime {
  switch (type) {
    case types.reply:
      return decodeReply(id, payload)
    case types.ready:
      return { type: 'ready', ready: readReady(payload) }
    case types.failed:
      return { type: 'failed', failed: readFailed(payload) }
    case types.pong:
      return { type: 'pong', id }
    case types.forked:
      return { type: 'forked', id, forked: readPid(readJson<Forked>(payload, [])) }
    case types.exited:
      return { type: 'exited', exited: readPid(readJson<Exited>(payload, ['pid', 'status', 'signal'])) }
    default:
      throw new WireError(`no message has type ${type}`)
  }
}

/** Bundles outlive releases of Thampi: what an older runtime does not say has the meaning it had then. */
function readReady(payload: Buffer): Ready {
  const ready = readJson<Ready>(payload, ['protocol', 'runtime', 'version', 'credits'])
  const whole = { ...{ loadMs: 0, batch: 0, modules: [], fork: true }, ...ready }
  for (const count of [whole.credits, whole.batch]) {
    if (!Number.isSafeInteger(count) || count < 0) throw new WireError(`${count} is no number of requests`)
  }
  if (!Array.isArray(whole.modules)) throw new WireError('the modules are no list')
  return { ...whole, modules: whole.modules.map(String) }
}

/** Shown to people, so it has to be text. */
function readFailed(payload: Buffer): Failed {
  const { code, message, why, fix, trace } = readJson<Failed>(payload, ['code', 'message'])
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return { code: String(code), message: String(message), why: text(why), fix: text(fix), trace: text(trace) }
}

/** Processes are ended by these numbers, and to the system 0 and 1 mean many more than one process. */
function readPid<T extends { readonly pid?: number }>(message: T): T {
  const { pid } = message
  if (pid !== undefined && !(Number.isSafeInteger(pid) && pid > 1))
    throw new WireError(`${pid} is no process`)
  return message
}

function decodeReply(id: number, payload: Buffer): Reply {
  if (payload.length < 4) throw new WireError('a reply has at least four bytes')
  const status = payload.readUInt16BE(0)
  const extraBytes = payload.readUInt16BE(2)
  const bodyStart = 4 + extraBytes
  if (status < 200 || status > 599) throw new WireError(`a reply cannot have status ${status}`)
  if (payload.length < bodyStart) throw new WireError('a reply is shorter than it says')
  const reply: Reply = { type: 'reply', id, status, body: payload.subarray(bodyStart) }
  if (extraBytes === 0) return reply
  return { ...reply, extra: readJson<{ retire?: boolean }>(payload.subarray(4, bodyStart), []) }
}

/** The runtime is not trusted further than this: an object that has the members we read. */
function readJson<T extends object>(bytes: Buffer, members: readonly (keyof T)[]): T {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new WireError('a message is not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || members.some(member => !(member in value))) {
    throw new WireError(`a message lacks one of ${members.join(', ')}`)
  }
  return value as T
}
