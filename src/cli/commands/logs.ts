/** `thampi logs`, and `thampi tail` as Zappa wrote it: one line per event. */
import { logs } from '../../logs.ts'
import type { LogLine } from '../../platforms/platform.ts'
import { durationMs } from '../duration.ts'
import { engineFor } from '../engine.ts'
import { levels } from '../levels.ts'
import type { Output } from '../output.ts'
import { colouredText, plainText } from '../plain-text.ts'
import type { Done, Session } from '../session.ts'

export interface LogsFlags {
  readonly since: string
  readonly follow?: true
  readonly http?: true
  readonly nonHttp?: true
  readonly filter?: string
  readonly level?: string
  readonly requestId?: string
  readonly version?: number
  readonly forceColor?: true
}

/** How a line is written: for programs, for people, or as Zappa's tail did. */
type Form = (line: LogLine) => string

/** JSON lines unless somebody reads along. */
export function logsCommand(stage: string | undefined, flags: LogsFlags, session: Session): Done {
  const { output } = session
  const isRead = output.isTerminal || flags.forceColor === true
  const colored = flags.forceColor === true || output.colorOnOut
  return print(stage, flags, isRead ? line => forPeople(line, colored, output) : asDocument, session)
}

/** `[<milliseconds>] message`, wherever it goes: scripts that were written for Zappa read it. */
export function tailCommand(stage: string | undefined, flags: LogsFlags, session: Session): Done {
  const { output } = session
  const colored = flags.forceColor === true || output.colorOnOut
  return print(stage, flags, line => asZappaDid(line, colored, output), session)
}

async function print(stage: string | undefined, flags: LogsFlags, form: Form, session: Session): Done {
  const { output } = session
  const sinceMs = Date.now() - durationMs(flags.since)
  const engine = await engineFor(session)
  const signal = session.interrupts()
  const written = output.manner.json ? asDocument : form
  for await (const line of logs(stage, { sinceMs, follow: flags.follow === true, signal }, engine)) {
    if (wanted(line, flags)) output.result(written(line))
  }
  return 0
}

/** All that is asked must be so. */
function wanted(line: LogLine, flags: LogsFlags): boolean {
  const { http, nonHttp, filter, level, requestId, version } = flags
  if (http && line.source !== 'http') return false
  if (nonHttp && line.source === 'http') return false
  if (requestId !== undefined && line.requestId !== requestId) return false
  if (version !== undefined && line.version !== version) return false
  if (level !== undefined && rankOf(line.level) < rankOf(level)) return false
  return filter === undefined || line.message.includes(filter) || line.requestId?.includes(filter) === true
}

/** What a model prints counts as information, on standard error as a warning; so does a level of its own making. */
function rankOf(level: string): number {
  if (level === 'stderr') return levels.indexOf('WARNING')
  const rank = levels.indexOf(level)
  return rank < 0 ? levels.indexOf('INFO') : rank
}

function asDocument({ timeMs, level, source, message, version, requestId, traceId }: LogLine): string {
  const line = {
    ...{ time: timeMs, level, source, message, version },
    ...{ request_id: requestId, trace_id: traceId },
  }
  // JSON leaves these as they are, and a terminal takes some of them for commands.
  return JSON.stringify(line).replace(
    /[\x7f-\x9f]/g,
    character => `\\u00${character.charCodeAt(0).toString(16)}`,
  )
}

/** As wide as `model`. */
const sourceWidth = 5

/** Local time, who says it, level and text. */
function forPeople(line: LogLine, colored: boolean, output: Output): string {
  const at = new Date(line.timeMs)
  const two = (number: number): string => String(number).padStart(2, '0')
  const date = `${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  const { label, text, request } = partsOf(line, colored, output)
  const dim = (words: string): string => (colored ? output.onOut('dim', words) : words)
  // The source comes first: a model may print what looks like a line of the platform.
  return `${dim(`${date} ${time} ${line.source.padEnd(sourceWidth)}`)} ${label}${text}${dim(request)}`
}

function asZappaDid(line: LogLine, colored: boolean, output: Output): string {
  const { label, text, request } = partsOf(line, colored, output)
  return `[${line.timeMs}] ${label}${text}${request}`
}

const urgent = new Set(['WARNING', 'ERROR', 'CRITICAL'])

/** What a model merely printed has no level worth a word; neither have requests. */
function partsOf(
  { level, source, message, requestId }: LogLine,
  colored: boolean,
  output: Output,
): { readonly label: string; readonly text: string; readonly request: string } {
  const label =
    source === 'http' || level === 'stdout' || level === 'stderr' || level === '' ? '' : `${level} `
  return {
    label: colored && urgent.has(level) ? output.onOut(level === 'WARNING' ? 'yellow' : 'red', label) : label,
    // A line of the log is one event: what a model put behind a line feed must not look like another.
    text: (colored ? colouredText(message) : plainText(message)).replaceAll('\n', '\n    '),
    request: requestId === undefined || requestId === '' ? '' : ` [${requestId}]`,
  }
}
