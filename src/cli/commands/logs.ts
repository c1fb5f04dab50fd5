/** `thampi logs`, also `tail`: one line per event, `[<milliseconds>] message`, as Zappa's tail wrote them. */
import { logs } from '../../logs.ts'
import type { LogLine } from '../../platforms/platform.ts'
import { durationMs } from '../duration.ts'
import { engineFor } from '../engine.ts'
import type { Output } from '../output.ts'
import { colouredText, plainText } from '../plain-text.ts'
import type { Done, Session } from '../session.ts'

interface LogsFlags {
  readonly since: string
  readonly follow?: true
  readonly http?: true
  readonly nonHttp?: true
  readonly filter?: string
  readonly forceColor?: true
}

export async function logsCommand(stage: string | undefined, flags: LogsFlags, session: Session): Done {
  const sinceMs = Date.now() - durationMs(flags.since)
  const engine = await engineFor(session)
  const follow = flags.follow === true
  const { output } = session
  const colored = flags.forceColor === true || output.colorOnOut
  const signal = session.interrupts()
  for await (const line of logs(stage, { sinceMs, follow, signal }, engine)) {
    if (!wanted(line, flags)) continue
    output.result(output.manner.json ? asDocument(line) : asText(line, colored, output))
  }
  return 0
}

function wanted(line: LogLine, { http, nonHttp, filter }: LogsFlags): boolean {
  if (http && line.source !== 'http') return false
  if (nonHttp && line.source === 'http') return false
  return filter === undefined || line.message.includes(filter) || line.requestId?.includes(filter) === true
}

function asDocument({ timeMs, level, source, message, version, requestId }: LogLine): string {
  return JSON.stringify({ time: timeMs, level, source, message, version, request_id: requestId })
}

const urgent = new Set(['WARNING', 'ERROR', 'CRITICAL'])

/** What a model merely printed has no level worth a word; neither have requests. */
function asText(
  { timeMs, level, source, message, requestId }: LogLine,
  colored: boolean,
  output: Output,
): string {
  const label =
    source === 'http' || level === 'stdout' || level === 'stderr' || level === '' ? '' : `${level} `
  const shownLabel =
    colored && urgent.has(level) ? output.onOut(level === 'WARNING' ? 'yellow' : 'red', label) : label
  const text = colored ? colouredText(message) : plainText(message)
  const request = requestId === undefined || requestId === '' ? '' : ` [${requestId}]`
  return `[${timeMs}] ${shownLabel}${text}${request}`
}
