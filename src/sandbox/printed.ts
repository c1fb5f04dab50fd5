/** What a model prints: lines from its standard output, with the request they belong to. */
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { Flow } from './flow.ts'

export interface Printed {
  /** A logging level name, or `stdout` / `stderr`. */
  readonly level: string
  readonly requestId: string | undefined
  readonly message: string
}

/** Longer lines are cut: a model that prints 100 MB without a line feed must not fill the host's memory. */
const maxLineChars = 64 * 1024

/** The runtime marks its lines: US, request id, US, level, US, text (contract/wire.md). */
const marked = /^\x1f([^\x1f]{0,64})\x1f([A-Za-z]{1,10})\x1f/

/**
 * Calls back with each line that a process prints on its two streams. What comes faster than a log can use is
 * read all the same, so that the model never waits for us, and thrown away; a line then says how much.
 */
export function readPrinted(
  { stdout, stderr }: { readonly stdout: Readable; readonly stderr: Readable },
  onPrinted: (line: Printed) => void,
): void {
  const flow = new Flow(dropped =>
    onPrinted({
      level: 'WARNING',
      requestId: undefined,
      message: `${dropped} bytes dropped: the process prints more than a log can hold`,
    }),
  )
  const take = (line: string, origin: 'stdout' | 'stderr'): void => {
    if (flow.admits(Buffer.byteLength(line) + 1)) onPrinted(parseLine(line, origin))
  }
  readLines(stdout, line => take(line, 'stdout'))
  readLines(stderr, line => take(line, 'stderr'))
}

/** Calls back with each line of `stream`; lines without a mark come from below the runtime and belong to no request. */
function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let cutting = false
  const take = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() as string
    for (const line of lines) {
      if (!cutting) onLine(line)
      cutting = false
    }
    if (rest.length > maxLineChars) {
      if (!cutting) onLine(`${rest.slice(0, maxLineChars)} … (line cut)`)
      cutting = true
      rest = ''
    }
  }
  stream.on('data', (chunk: Buffer) => take(decoder.write(chunk)))
  stream.on('end', () => {
    if (rest && !cutting) onLine(rest)
    rest = ''
  })
  stream.on('error', () => {})
}

function parseLine(line: string, origin: 'stdout' | 'stderr'): Printed {
  const mark = marked.exec(line)
  if (!mark) return { level: origin, requestId: undefined, message: line }
  return { level: mark[2] as string, requestId: mark[1] || undefined, message: line.slice(mark[0].length) }
}
