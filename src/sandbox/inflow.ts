/** What comes from a process. On Unix it is read into one buffer: a new one for each read is what a collector works for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

export interface Inflow {
  /**
   * Calls back with each piece as it comes; its bytes are overwritten once the listener returns. One listener, and
   * before the process has a reason to speak.
   */
  listen(onBytes: (bytes: Buffer) => void): void
  /** Resolves when the process has said everything and let go, or after `limitMs`. */
  ended(limitMs: number): Promise<void>
}

/** A connection to a process: both ways, or only what comes when the process has another descriptor to read from. */
export interface Link {
  readonly socket: Socket
  readonly inflow: Inflow
}

/** Of all connections, one after the other: whoever listens is done with it when the next read begins. */
const shared = Buffer.allocUnsafe(256 * 1024)

/** Connects to a Unix socket. Rejects when nobody listens there. */
export function linkTo(path: string): Promise<Link> {
  let take: (bytes: Buffer) => void = () => {}
  const socket = connect({
    path,
    onread: {
      buffer: shared,
      callback: bytes => {
        take(shared.subarray(0, bytes))
        return true
      },
    },
  })
  const inflow: Inflow = {
    listen: onBytes => {
      take = onBytes
    },
    ended: limitMs => closed(socket, limitMs),
  }
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () => {
      // Whoever is at the other end tells by its exit why it let go.
      socket.off('error', reject).on('error', () => {})
      resolve({ socket, inflow })
    })
  })
}

/** Two ends of one connection: `ours`, and `theirs` for a process to inherit. */
export async function linkedPair(): Promise<{ readonly ours: Link; readonly theirs: Socket }> {
  // A directory that only we can enter: whoever connects is us.
  const dir = await mkdtemp(join(tmpdir(), 'thampi-'))
  const path = join(dir, 'wire')
  const server = createServer({ pauseOnConnect: true })
  try {
    const theirs = new Promise<Socket>((resolve, reject) => {
      server.once('connection', resolve).once('error', reject)
    })
    // What keeps it from listening is told below.
    theirs.catch(() => {})
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve)
    })
    const ours = await linkTo(path)
    return { ours, theirs: await theirs }
  } finally {
    server.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** What comes through an ordinary stream. */
export function inflowOf(stream: Readable): Inflow {
  stream.on('error', () => {})
  return {
    listen: onBytes => {
      stream.on('data', onBytes)
    },
    ended: limitMs => closed(stream, limitMs),
  }
}

function closed(stream: Readable, limitMs: number): Promise<void> {
  if (stream.readableEnded || stream.closed) return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(resolve, limitMs)
    stream.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
