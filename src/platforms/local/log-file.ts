/** The log of a stage: JSON lines in a file that turns over before it grows large. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogLine, LogOptions } from '../platform.ts'

/** At this size the file becomes `….log.1` and a new one begins: at most twice this much per model. */
const turnOverBytes = 16 * 1024 * 1024
const flushMs = 100
const pollMs = 200
/** What may wait in memory for the disk; beyond it lines are dropped and counted. */
const maxPendingBytes = 4 * 1024 * 1024
const firstPendingBytes = 64 * 1024
const lineFeed = 10
/** UTF-8 needs at most so many bytes for what a string counts as one. */
const bytesPerUnit = 3

/** Collects lines and writes them together: a write per request would cost more than the request. */
export class LogFile {
  #path: string
  /** Bytes, not strings: thousands of strings that live for a tenth of a second are what a collector of garbage is worst at. */
  #pending: Buffer = Buffer.allocUnsafe(firstPendingBytes)
  #pendingBytes = 0
  #last: LogLine[] = []
  #dropped = 0
  #size: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(path: string) {
    this.#path = path
  }

  write(line: LogLine): void {
    const text = serialise(line)
    const needed = this.#pendingBytes + text.length * bytesPerUnit
    if (needed > this.#pending.length && !this.#grow(needed)) {
      this.#dropped += 1
      return
    }
    this.#pendingBytes += this.#pending.write(text, this.#pendingBytes, 'utf8')
    if (this.#timer) return
    this.#timer = setTimeout(() => this.flush(), flushMs)
    this.#timer.unref()
  }

  /**
   * Writes a line after all that arrive in this turn of the event loop. What a model printed for a request takes
   * another pipe than its answer, and shall stand before the line that says how the request ended.
   */
  writeLast(line: LogLine): void {
    if (this.#last.push(line) > 1) return
    setImmediate(() => this.#writeHeldBack())
  }

  #writeHeldBack(): void {
    for (const line of this.#last.splice(0)) this.write(line)
  }

  #grow(needed: number): boolean {
    if (needed > maxPendingBytes) return false
    const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(maxPendingBytes, 2 * this.#pending.length)))
    this.#pending.copy(larger, 0, 0, this.#pendingBytes)
    this.#pending = larger
    return true
  }

  /** Writes what is pending. A disk that refuses costs log lines, never requests. */
  flush(): void {
    this.#writeHeldBack()
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pendingBytes === 0) return
    const lines = this.#pending.subarray(0, this.#pendingBytes)
    this.#pendingBytes = 0
    try {
      this.#size ??= this.#open()
      appendFileSync(this.#path, lines, { mode: 0o600 })
      this.#size += lines.length
      if (this.#dropped > 0) {
        const dropped = this.#dropped
        this.#dropped = 0
        this.write({
          timeMs: Date.now(),
          level: 'WARNING',
          source: 'host',
          message: `${dropped} log lines were lost: the disk did not keep up`,
        })
      }
      if (this.#size > turnOverBytes) {
        renameSync(this.#path, `${this.#path}.1`)
        this.#size = 0
      }
    } catch {
      this.#size = undefined
      for (const byte of lines) if (byte === lineFeed) this.#dropped += 1
    }
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
  }
}

/** A busy second has thousands of lines and a thousand times. */
let lastTime = { ms: 0, text: '' }

/** Ids, sources and levels have only harmless characters; building the line by hand takes a fifth of the time. */
function serialise({ timeMs, level, source, version, requestId, traceId, message }: LogLine): string {
  if (lastTime.ms !== timeMs) lastTime = { ms: timeMs, text: new Date(timeMs).toISOString() }
  const about = version === undefined ? '' : `,"version":${version}`
  const request = requestId === undefined ? '' : `,"request_id":"${requestId}"`
  const trace = traceId === undefined ? '' : `,"trace_id":"${traceId}"`
  return `{"time":"${lastTime.text}","level":"${level}","source":"${source}"${about}${request}${trace},"message":${JSON.stringify(message)}}\n`
}

/** Lines of the log, oldest first; with `follow` it goes on until the signal. */
export async function* readLog(
  path: string,
  { sinceMs, follow, signal }: LogOptions,
): AsyncIterable<LogLine> {
  for await (const line of linesOf(`${path}.1`, 0)) if (line.line.timeMs >= sinceMs) yield line.line
  let offset = 0
  let inode: number | undefined
  while (true) {
    const now = statSync(path, { throwIfNoEntry: false })
    if (now && inode !== undefined && now.ino !== inode) {
      // Turned over since the last look: finish the old file first, then begin the new one.
      for await (const { line } of linesOf(`${path}.1`, offset)) if (line.timeMs >= sinceMs) yield line
      offset = 0
    }
    inode = now?.ino ?? inode
    for await (const { line, end } of linesOf(path, offset)) {
      offset = end
      if (line.timeMs >= sinceMs) yield line
    }
    if (!follow || signal?.aborted) return
    await sleep(pollMs, undefined, signal ? { signal } : {}).catch(() => {})
  }
}

/** Whole lines from `offset` on; a last line without its line feed is left for the next look. */
async function* linesOf(path: string, offset: number): AsyncIterable<{ line: LogLine; end: number }> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch {
    return
  }
  try {
    let rest = Buffer.alloc(0)
    let at = offset
    const piece = Buffer.alloc(256 * 1024)
    while (true) {
      const { bytesRead } = await file.read(piece, 0, piece.length, at + rest.length)
      if (bytesRead === 0) return
      rest = Buffer.concat([rest, piece.subarray(0, bytesRead)])
      let start = 0
      for (let feed = rest.indexOf(10); feed >= 0; feed = rest.indexOf(10, start)) {
        const line = parse(rest.toString('utf8', start, feed))
        start = feed + 1
        if (line) yield { line, end: at + start }
      }
      at += start
      rest = rest.subarray(start)
    }
  } finally {
    await file.close()
  }
}

function parse(text: string): LogLine | undefined {
  try {
    const { time, level, source, version, request_id, trace_id, message } = JSON.parse(text) as Record<
      string,
      unknown
    >
    return {
      timeMs: Date.parse(String(time)),
      level: String(level),
      source: source as LogLine['source'],
      version: version as number | undefined,
      requestId: request_id as string | undefined,
      traceId: trace_id as string | undefined,
      message: String(message),
    }
  } catch {
    // A line torn by a crash says nothing; the rest of the log still does.
    return undefined
  }
}
