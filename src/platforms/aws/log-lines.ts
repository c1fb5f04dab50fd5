/** The log of a function as lines: what the model printed, who asked, and what Lambda itself complains about. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs'
import type { LogLine, LogOptions } from '../platform.ts'
import type { Corner } from './account.ts'
import { ifThere } from './client/trouble.ts'

const pollMs = 1_000

/** Lines of several processes arrive out of order, the late ones within seconds; so far back each look reaches. */
const lateMs = 10_000

export async function* logLines(
  { cloud, names }: Corner,
  { sinceMs, follow, signal }: LogOptions,
): AsyncIterable<LogLine> {
  const logs = await cloud.logs()
  const seen = new Map<string, number>()
  let from = sinceMs
  let newest = sinceMs
  while (true) {
    let token: string | undefined
    do {
      const page = await ifThere(
        logs.filterLogEvents({
          logGroupName: names.logGroup,
          startTime: Math.max(0, from),
          ...(token ? { nextToken: token } : {}),
        }),
      )
      for (const event of page?.events ?? []) {
        const { eventId = '', timestamp = 0 } = event
        if (seen.has(eventId)) continue
        seen.set(eventId, timestamp)
        newest = Math.max(newest, timestamp)
        const line = lineOf(event)
        if (line !== undefined && line.timeMs >= sinceMs) yield line
      }
      token = page?.nextToken
    } while (token !== undefined && !signal?.aborted)
    if (!follow || signal?.aborted) return
    from = Math.max(sinceMs, newest - lateMs)
    for (const [id, time] of seen) if (time < from) seen.delete(id)
    await sleep(pollMs, undefined, signal ? { signal } : {}).catch(() => {})
  }
}

/** Undefined for what Lambda writes about every request. */
function lineOf({ message = '', timestamp = 0 }: FilteredLogEvent): LogLine | undefined {
  const text = message.trimEnd()
  const said = parsed(text)
  if (said === undefined) return plainLine(text, timestamp)
  if (typeof said.type === 'string' && said.type.startsWith('platform.')) return platformLine(said, timestamp)
  const source = said.source === 'http' || said.source === 'host' ? said.source : 'model'
  return {
    timeMs: Date.parse(String(said.timestamp)) || timestamp,
    level: typeof said.level === 'string' ? said.level : 'INFO',
    message: typeof said.message === 'string' ? said.message : text,
    version: typeof said.version === 'number' ? said.version : undefined,
    requestId: textOf(said.requestId),
    traceId: textOf(said.trace_id),
    source,
  }
}

/** What something wrote past our runtime, and the lines around each request where logs are plain text. */
function plainLine(text: string, timeMs: number): LogLine | undefined {
  if (text === '' || /^(START|END|REPORT|INIT_START|XRAY) /.test(text)) return undefined
  const isTimeout = / Task timed out after /.test(text)
  return { timeMs, level: isTimeout ? 'ERROR' : 'INFO', message: text, source: isTimeout ? 'host' : 'model' }
}

/** Of Lambda's own reports only those of a request that did not end well. */
function platformLine({ type, record }: Said, timeMs: number): LogLine | undefined {
  const about = (typeof record === 'object' && record !== null ? record : {}) as Record<string, unknown>
  const { status, requestId, errorType } = about
  if (type !== 'platform.report' && type !== 'platform.initReport') return undefined
  if (status !== 'timeout' && status !== 'error' && status !== 'failure') return undefined
  const why = textOf(errorType)
  return {
    timeMs,
    level: 'ERROR',
    message: `Lambda ended a ${type === 'platform.report' ? 'request' : 'start'}: ${status}${why ? ` (${why})` : ''}`,
    requestId: textOf(requestId),
    source: 'host',
  }
}

type Said = Readonly<Record<string, unknown>>

function parsed(text: string): Said | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as Said
  } catch {
    return undefined
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
