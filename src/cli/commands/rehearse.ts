/** `thampi serve --dry-run`: what would be changed, in order; nothing is. */
import { megabytes } from '../../bundle/refusals.ts'
import type { Change } from '../../platforms/platform.ts'
import { type Rehearsed, rehearse } from '../../rehearse.ts'
import type { ServeOptions } from '../../serve.ts'
import { folded, pageWidth } from '../columns.ts'
import { packingEngine } from '../engine.ts'
import { plainText } from '../plain-text.ts'
import type { Done, Session } from '../session.ts'

export async function rehearseCommand(
  stage: string | undefined,
  options: ServeOptions,
  session: Session,
): Done {
  const { output } = session
  const rehearsed = await rehearse(stage, options, await packingEngine(options.modelDir, session))
  if (output.manner.json) {
    output.document(documentOf(rehearsed))
    return 0
  }
  for (const line of linesOf(rehearsed)) output.result(plainText(line))
  output.hint('Nothing was changed: this was a dry run.')
  return 0
}

function documentOf({ stage, model, platform, version, url, unchanged, changes }: Rehearsed): object {
  return {
    stage,
    model: version.model,
    platform,
    saved_model: model.dir,
    unchanged,
    version: version.number,
    bundle: version.bundle,
    url,
    receipts_to_replay: model.receipts.length,
    bytes: bytesIn(changes),
    changes,
  }
}

function linesOf({ stage, model, platform, version, url, unchanged, changes }: Rehearsed): string[] {
  const what = `${version.model} on stage ${stage}, on ${platform}`
  if (changes.length === 0) return [`${what}: version ${version.number} serves this already, nothing to do`]
  const shown = whole(changes)
  const width = Math.max(...shown.map(({ action }) => action.length))
  const steps = shown.flatMap(({ action, resource, bytes, differences }) => [
    `  ${action.padEnd(width)}  ${shortened(resource)}${bytes > 0 ? `  ${sizeOf(bytes)}` : ''}`,
    ...differences.flatMap(({ field, from, to }) =>
      folded(`${field}: ${shortened(from) || 'nothing'} → ${shortened(to) || 'nothing'}`, pageWidth - 8).map(
        (line, at) => `${' '.repeat(at === 0 ? 6 : 8)}${line}`,
      ),
    ),
  ])
  const examples = model.receipts.length
  const asked =
    examples === 0
      ? ''
      : ` and has to answer ${examples === 1 ? '1 example' : `${examples} examples`} as recorded`
  return [
    `${what}: ${changes.length === 1 ? '1 change' : `${changes.length} changes`}, ${sizeOf(bytesIn(changes))}`,
    ...steps,
    unchanged
      ? `Version ${version.number} serves this already; its deployment is brought to its end.`
      : `Version ${version.number} loads its model${asked} before the traffic moves.`,
    url,
  ]
}

/** A file that is sent in parts is one thing to read about. */
function whole(changes: readonly Change[]): Change[] {
  const shown: Change[] = []
  for (const change of changes) {
    if (/:(CreateMultipartUpload|CompleteMultipartUpload)$/.test(change.action)) continue
    if (!change.action.endsWith(':UploadPart')) {
      shown.push(change)
      continue
    }
    const first = shown.findIndex(one => one.action === 's3:PutObject' && one.resource === change.resource)
    const before = shown[first]
    if (before === undefined) shown.push({ ...change, action: 's3:PutObject' })
    else shown[first] = { ...before, bytes: before.bytes + change.bytes }
  }
  return shown
}

function bytesIn(changes: readonly Change[]): number {
  return changes.reduce((sum, { bytes }) => sum + bytes, 0)
}

function sizeOf(bytes: number): string {
  return bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : megabytes(bytes)
}

/** Names made of a digest are recognised by their beginning; `--json` has them whole. */
function shortened(name: string): string {
  return name.replace(/([/:][0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…')
}
