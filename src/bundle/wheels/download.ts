/** One wheel onto the disk: checked while it comes, taken up where it stopped, tried again a bounded number of times. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemCode } from '../../errors.ts'
import { explainFileError } from '../../system/files.ts'
import type { Network } from '../../system/network.ts'
import { version } from '../../system/version.ts'
import type { LockedWheel } from '../lock/lock.ts'
import type { CacheEntry } from './cache.ts'
import type { Credentials } from './credentials.ts'
import { OtherBytes, Refused } from './explain.ts'

export interface Source {
  readonly network: Network
  readonly credentials: Credentials
  /** How often a failure that may pass is tried again. */
  readonly retries: number
  readonly signal: AbortSignal
  /** Called with the number of bytes that are here so far; it can go back. */
  readonly arrived: (bytes: number) => void
}

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000
/** More than what a server may ask for. */
const LONGEST_WAIT_MS = 30_000
const MAX_REDIRECTS = 10
/** So much may wait for the disk; then the network waits. */
const MOST_UNWRITTEN = 1024 * 1024
/** Where the lock does not say how big a wheel is: none is bigger, and one without an end fills no disk. */
const MAX_BYTES = 4 * 1024 ** 3

/**
 * Writes the wheel to `entry.file`, whole or not at all. What arrived of it stays in `entry.part` when it fails.
 *
 * @throws OtherBytes than were locked; ThampiError DISK_FULL, PERMISSION; else what the network said last
 */
export async function download(wheel: LockedWheel, entry: CacheEntry, source: Source): Promise<void> {
  await mkdir(entry.dir, { recursive: true, mode: 0o700 }).catch(cause => {
    throw explainFileError(cause, entry.dir)
  })
  for (let attempt = 0; ; attempt++) {
    try {
      await receive(wheel, entry.part, source)
      return await rename(entry.part, entry.file)
    } catch (error) {
      if (error instanceof OtherBytes || error instanceof Useless) await rm(entry.part, { force: true })
      if (source.signal.aborted || attempt >= source.retries || !mayPass(error)) throw error
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS)
      const wanted = error instanceof NotNow ? error.waitMs : 0
      await sleep(Math.max(pause, wanted), undefined, { signal: source.signal })
    }
  }
}

/** The other side says itself that it may work later. */
class NotNow extends Refused {
  readonly waitMs: number

  constructor(status: number, host: string, waitMs: number) {
    super(status, host)
    this.waitMs = waitMs
  }
}

/** What is here is not the wheel, but the next attempt may end otherwise. */
class NotWhole extends Error {}

/** Nor will it ever be: an earlier run left it, and it is of another file. */
class Useless extends NotWhole {}

function mayPass(error: unknown): boolean {
  if (error instanceof NotNow || error instanceof NotWhole) return true
  const code = systemCode(error) ?? ''
  return /^(ECONN|EPIPE$|ETIMEDOUT$|EAI_AGAIN$|ENETUNREACH$|EHOSTUNREACH$|HPE_)/.test(code)
}

/** One attempt, which goes on behind what is there already. */
async function receive(wheel: LockedWheel, part: string, source: Source): Promise<void> {
  const there = await readPart(part, wheel.bytes)
  // A run was killed when all was here, and only the name was not.
  if (there.bytes > 0 && there.hash.copy().digest('hex') === wheel.sha256) return
  const { hash } = await append(wheel, part, there, source)
  const sha256 = hash.digest('hex')
  if (sha256 !== wheel.sha256) {
    throw otherBytes(there.bytes, `The lock says sha256 ${wheel.sha256}, what came has ${sha256}.`)
  }
}

function otherBytes(had: number, message: string): Error {
  return had === 0 ? new OtherBytes(message) : new Useless('what an earlier attempt left did not fit')
}

interface Begun {
  readonly hash: Hash
  readonly bytes: number
}

async function readPart(part: string, wanted: number | undefined): Promise<Begun> {
  const hash = createHash('sha256')
  const size = await stat(part).then(
    ({ size }) => size,
    () => 0,
  )
  if (size === 0 || size > (wanted ?? MAX_BYTES)) return { hash, bytes: 0 }
  let bytes = 0
  for await (const piece of createReadStream(part)) {
    hash.update(piece as Buffer)
    bytes += (piece as Buffer).length
  }
  return { hash, bytes }
}

async function append(wheel: LockedWheel, part: string, there: Begun, source: Source): Promise<Begun> {
  const body = await openBody(wheel, there.bytes, source)
  // It may break before the loop below listens, which then hears of it all the same.
  body.pieces.on('error', () => {})
  const goesOn = body.from === there.bytes
  const hash = goesOn ? there.hash : createHash('sha256')
  const most = wheel.bytes ?? MAX_BYTES
  let bytes = goesOn ? there.bytes : 0
  const file = await open(part, goesOn ? 'a' : 'w', 0o600).catch(cause => {
    throw explainFileError(cause, part)
  })
  const appender = new Appender(file)
  try {
    try {
      for await (const piece of body.pieces) {
        bytes += piece.length
        if (bytes > most) {
          throw otherBytes(there.bytes, `The lock says ${most} bytes, what came has ${bytes} or more.`)
        }
        hash.update(piece)
        await appender.write(piece)
        source.arrived(bytes)
      }
    } finally {
      // Also when the connection breaks: the next attempt goes on behind it.
      await appender.written()
    }
  } catch (cause) {
    throw explainFileError(cause, part)
  } finally {
    await file.close()
    body.pieces.destroy()
  }
  if (bytes < (wheel.bytes ?? 0)) throw new NotWhole('the connection ended before the file did')
  return { hash, bytes }
}

/** Writes what has come while it was writing: on a fast line in large pieces, on a slow one at once. */
class Appender {
  readonly #file: FileHandle
  readonly #waiting: Buffer[] = []
  #unwritten = 0
  /** Stays when it failed. */
  #writing: Promise<void> | undefined

  constructor(file: FileHandle) {
    this.#file = file
  }

  async write(piece: Buffer): Promise<void> {
    this.#waiting.push(piece)
    this.#unwritten += piece.length
    this.#writing ??= this.#write()
    // Whoever waits for it hears of a failure.
    this.#writing.catch(() => {})
    if (this.#unwritten > MOST_UNWRITTEN) await this.#writing
  }

  async written(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const bytes = Buffer.concat(this.#waiting.splice(0))
      await this.#file.appendFile(bytes)
      this.#unwritten -= bytes.length
    }
    this.#writing = undefined
  }
}

interface Body {
  readonly pieces: Readable
  /** Where in the file it begins. */
  readonly from: number
}

async function openBody({ url, file }: LockedWheel, had: number, source: Source): Promise<Body> {
  if (url.startsWith('file:')) {
    const pieces = createReadStream(fileURLToPath(url), { start: had })
    return { pieces, from: had }
  }
  const response = await follow(new URL(url), had, source)
  const [, from] = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '') ?? []
  if (response.statusCode === 200) return { pieces: response, from: 0 }
  if (response.statusCode === 206 && Number(from) === had) return { pieces: response, from: had }
  response.destroy()
  throw new NotWhole(`the server gave another part of ${file} than the one it was asked for`)
}

/** Goes where it is sent. Whoever it is sent to learns nothing that was meant for the first one. */
async function follow(first: URL, had: number, source: Source): Promise<IncomingMessage> {
  const { network, credentials, signal } = source
  let url = first
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const authorization = url.origin === first.origin ? credentials(url) : undefined
    const headers = {
      // Bytes as they are: a wheel is packed already, and the hash is over what the server keeps.
      'accept-encoding': 'identity',
      'user-agent': `thampi/${version}`,
      ...(had > 0 ? { range: `bytes=${had}-` } : {}),
      ...(authorization === undefined ? {} : { authorization }),
    }
    const response = await network.get(url, headers, signal)
    const status = response.statusCode ?? 0
    if (status === 200 || status === 206) return response
    response.destroy()
    if (status === 416 && had > 0) throw new Useless('there is nothing behind what an earlier attempt left')
    const { location } = response.headers
    if (status < 300 || status >= 400 || location === undefined) throw refusal(status, url, response)
    const next = new URL(location, url)
    if (!/^https?:$/.test(next.protocol) || (url.protocol === 'https:' && next.protocol === 'http:')) {
      throw new Error(`${url.host} sends us to ${next.protocol}//${next.host}, which is not encrypted`)
    }
    url = next
  }
  throw new Error(`${first.host} sends us from one address to the next, more than ${MAX_REDIRECTS} times`)
}

function refusal(status: number, { host }: URL, { headers }: IncomingMessage): Error {
  if (![408, 425, 429, 500, 502, 503, 504].includes(status)) return new Refused(status, host)
  const seconds = Number(headers['retry-after'] ?? 0)
  return new NotNow(status, host, Math.min(seconds > 0 ? seconds * 1000 : 0, LONGEST_WAIT_MS))
}
