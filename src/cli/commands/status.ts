/** `thampi status`: how a stage does. A page for people, one document for programs. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessStatus, StageStatus, VersionStatus } from '../../platforms/platform.ts'
import { status } from '../../status.ts'
import { engineFor } from '../engine.ts'
import type { Output } from '../output.ts'
import { plainText } from '../plain-text.ts'
import type { Done, Session } from '../session.ts'
import { sparkline } from '../sparkline.ts'
import { functionDocument, functionPage } from './function-status.ts'

interface StatusFlags {
  readonly watch?: true
}

const watchMs = 2000
/** Home, then everything below it. */
const clearScreen = '\x1b[H\x1b[2J'

export async function statusCommand(
  stage: string | undefined,
  { watch }: StatusFlags,
  session: Session,
): Done {
  const { output } = session
  const engine = await engineFor(session)
  if (!watch) {
    say(await status(stage, engine), output)
    return 0
  }
  const signal = session.interrupts()
  while (!signal.aborted) {
    const now = await status(stage, engine)
    if (output.manner.json) output.result(JSON.stringify(documentOf(now)))
    else output.result(`${output.isTerminal ? clearScreen : ''}${pageOf(now, output).join('\n')}`)
    await sleep(watchMs, undefined, { signal }).catch(() => {})
  }
  return 0
}

function say(now: StageStatus, output: Output): void {
  if (output.manner.json) output.document(documentOf(now))
  else output.result(pageOf(now, output).join('\n'))
}

function pageOf(now: StageStatus, output: Output): string[] {
  return now.kind === 'function' ? functionPage(now) : processPage(now, output)
}

function processPage(now: ProcessStatus, output: Output): string[] {
  const { stage, model, url, state, versions } = now
  const style = state === 'READY' ? 'green' : state === 'BUSY' || state === 'STARTING' ? 'yellow' : 'red'
  const lines = [`${stage}/${model} is ${output.onOut(style, state)}`, url, '', ...traffic(versions), '']
  lines.push(...table(versionHeads, versions.map(versionRow)))
  const processes = versions.flatMap(({ number, sandboxes }) =>
    sandboxes.map(({ pid, state, memoryMb }) => [
      String(pid),
      String(number),
      state,
      memoryMb === undefined ? '' : `${Math.round(memoryMb)} MB`,
    ]),
  )
  const failed = versions.filter(({ lastError }) => lastError !== undefined)
  lines.push('')
  if (processes.length > 0) lines.push(...table(['process', 'version', 'state', 'memory'], processes))
  else
    lines.push(`No process runs; the next request ${failed.length > 0 ? 'tries again' : 'loads the model'}.`)
  for (const { number, lastError } of failed)
    lines.push('', `Version ${number} could not be loaded: ${plainText(lastError ?? '')}`)
  if (failed.length > 0) lines.push(`See: thampi logs ${stage} --since=10m --level ERROR`)
  return lines
}

/** Ten-second slots that make the last minute; the one that is under way is left out. */
const slotsOfAMinute = 6

function traffic(versions: readonly VersionStatus[]): string[] {
  const bySlot = versions.reduce<readonly number[]>(
    (sum, { requestsBySlot }) => requestsBySlot.map((count, i) => count + (sum[i] ?? 0)),
    [],
  )
  const total = (of: (version: VersionStatus) => number): number =>
    versions.reduce((sum, version) => sum + of(version), 0)
  const requests = total(version => version.requests)
  const errors = total(version => version.errors)
  const share = requests === 0 ? '' : ` (${((100 * errors) / requests).toFixed(1)} %)`
  return [
    `Last 10 minutes: ${counted(requests, 'request')}, ${counted(errors, 'error')}${share}; last minute: ${perSecond(bySlot)} a second`,
    ...(requests === 0 ? [] : [sparkline(bySlot)]),
  ]
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

function perSecond(bySlot: readonly number[]): string {
  const lastMinute = bySlot.slice(-slotsOfAMinute - 1, -1).reduce((sum, count) => sum + count, 0)
  return (lastMinute / 60).toFixed(1)
}

const versionHeads = ['version', 'share', 'state', 'requests', 'errors', 'p50', 'p99', 'restarts', 'waiting']

function versionRow(version: VersionStatus): string[] {
  const { number, weight, state, requests, errors, p50Ms, p99Ms, restarts, queued } = version
  return [
    String(number),
    weight > 0 ? `${weight} %` : '',
    state,
    String(requests),
    String(errors),
    milliseconds(p50Ms),
    milliseconds(p99Ms),
    String(restarts),
    String(queued),
  ]
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return ''
  return ms < 100 ? `${Number(ms.toPrecision(2))} ms` : `${Math.round(ms)} ms`
}

/** Columns as wide as they must be, numbers and words alike to the right, so that units stand under each other. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map(row => row[i]?.length ?? 0)))
  return [heads, ...rows].map(row =>
    row
      .map((cell, i) => cell.padStart(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function documentOf(now: StageStatus): object {
  return now.kind === 'function' ? functionDocument(now) : processDocument(now)
}

function processDocument({ stage, model, url, state, versions }: ProcessStatus): object {
  return {
    stage,
    model,
    url,
    state,
    versions: versions.map(version => ({
      version: version.number,
      weight: version.weight,
      state: version.state,
      requests: version.requests,
      errors: version.errors,
      p50_ms: version.p50Ms ?? null,
      p99_ms: version.p99Ms ?? null,
      requests_by_10_seconds: version.requestsBySlot,
      in_flight: version.inFlight,
      queued: version.queued,
      restarts: version.restarts,
      last_error: version.lastError ?? null,
      sandboxes: version.sandboxes.map(({ pid, state, memoryMb }) => ({
        pid,
        state,
        memory_mb: memoryMb === undefined ? null : Math.round(memoryMb),
      })),
    })),
  }
}
