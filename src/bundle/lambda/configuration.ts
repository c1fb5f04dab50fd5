/** How a function is configured: memory, time, scratch disk, snapshots, environment. What Lambda would refuse is refused here. */
import { ThampiError } from '../../errors.ts'
import { provisionedKey, type Stage } from '../../settings/stage.ts'
import { type Decision, scratchFor } from './decision.ts'
import {
  maxEnvironmentBytes,
  maxHttpApiSeconds,
  maxLayers,
  memoryMb,
  scratchMb,
  snapStartPaysAfterSeconds,
} from './limits.ts'

export interface Configuration {
  readonly memoryMb: number
  readonly timeoutSeconds: number
  readonly ephemeralMb: number
  readonly snapStart: boolean
  readonly keepWarm: string | undefined
  readonly environment: Readonly<Record<string, string>>
  readonly layerArns: readonly string[]
  /** How a model in S3 is loaded. */
  readonly load: 'memory' | 'scratch'
  readonly notices: readonly string[]
}

/** What the configuration depends on, beside the settings. */
export interface Circumstances {
  readonly language: 'python' | 'node'
  readonly decision: Extract<Decision, { readonly package: 'zip' }>
  readonly modelBytes: number
  /** The model's format opens files itself, so they have to be on a disk. */
  readonly opensFiles: boolean
  /** Layers of ours. */
  readonly layers: number
  /** How long imports and loading took where that was tried; undefined when it was not. */
  readonly startSeconds: number | undefined
}

/**
 * @throws ThampiError SETTINGS_INVALID for an environment, layers or a snapshot that Lambda would refuse
 * @example
 * configurationOf(stage, circumstances).snapStart // true for a model that needs three seconds to start
 */
export function configurationOf(stage: Stage, around: Circumstances): Configuration {
  const { decision, modelBytes, opensFiles } = around
  const askedScratch = sizeOf(stage.aws.ephemeral_storage) ?? scratchMb.least
  const isBig = decision.model === 's3' && !decision.fitsLeastScratch
  const snapStart = chooseSnapStart(stage, around, askedScratch, isBig)
  const load = opensFiles || (isBig && !snapStart.on) ? 'scratch' : 'memory'
  const needed = decision.model === 's3' && load === 'scratch' ? scratchFor(modelBytes) : scratchMb.least
  return {
    memoryMb: stage.memoryMb,
    timeoutSeconds: stage.timeoutSeconds,
    ephemeralMb: Math.max(askedScratch, needed),
    snapStart: snapStart.on,
    keepWarm: staysWarm(stage, snapStart.on) ? warmExpression(stage) : undefined,
    environment: environmentOf(stage),
    layerArns: layersOf(stage, around.layers),
    load,
    notices: [
      ...snapStart.notices,
      ...remoteNotices(stage, snapStart.on),
      ...sizeNotices(stage, around),
      ...timeNotices(stage),
    ],
  }
}

/** On where a start takes long enough that restoring a snapshot is quicker; off where Lambda cannot take one. */
function chooseSnapStart(
  stage: Stage,
  { language, opensFiles, startSeconds }: Circumstances,
  askedScratch: number,
  isBig: boolean,
): { readonly on: boolean; readonly notices: readonly string[] } {
  const asked = stage.aws.snap_start
  if (asked === 'None') return { on: false, notices: [] }
  if (stage.aws[provisionedKey] !== undefined) {
    if (asked === undefined) return { on: false, notices: [] }
    throw invalid(
      `"snap_start" of stage \`${stage.name}\` is "PublishedVersions" and \`${provisionedKey}\` is set: Lambda takes one of them.`,
      '"snap_start": "None", or take `provisioned_concurrency` out',
    )
  }
  const hindrance =
    language === 'node'
      ? 'Lambda offers it for Python, and this model runs on Node'
      : askedScratch > scratchMb.least || (opensFiles && isBig)
        ? `it works with ${scratchMb.least} MB of scratch disk, and this function has more`
        : undefined
  if (asked === 'PublishedVersions') {
    if (hindrance === undefined) return { on: true, notices: [] }
    return { on: false, notices: [`"snap_start" has no effect: ${hindrance}.`] }
  }
  const pays = startSeconds !== undefined && startSeconds > snapStartPaysAfterSeconds
  if (!pays || hindrance !== undefined) return { on: false, notices: [] }
  const took = startSeconds.toFixed(1)
  return {
    on: true,
    notices: [
      `SnapStart is on: imports and loading took ${took} s here, more than restoring a snapshot takes. "snap_start": "None" switches it off.`,
    ],
  }
}

/** A version never changes, but for this: so it is said. */
function remoteNotices({ remoteEnvironment }: Stage, snapStart: boolean): string[] {
  if (remoteEnvironment === undefined) return []
  const { bucket, key } = remoteEnvironment
  const when = snapStart
    ? 'before the snapshot of a version is taken: what changes in it counts from the next version on'
    : 'whenever a process starts: what changes in it changes every version, and no rollback brings it back'
  return [`s3://${bucket}/${key} ("remote_env") is read ${when}.`]
}

/** Processes that are restored in no time, or wait anyway, need nobody who calls them. */
function staysWarm({ keepWarm, aws }: Stage, snapStart: boolean): boolean {
  return keepWarm && !snapStart && aws[provisionedKey] === undefined
}

function warmExpression({ aws }: Stage): string {
  return typeof aws.keep_warm_expression === 'string' ? aws.keep_warm_expression : 'rate(4 minutes)'
}

/** Variables that Lambda sets itself and refuses to take. Lambda's list of reserved variables. */
const reserved =
  /^(_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_REGION|REGION|EXECUTION_ENV|LAMBDA_.*|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|LAMBDA_(TASK_ROOT|RUNTIME_DIR))$/

/** What the original set in a function, and what the settings say; the settings win. */
function environmentOf(stage: Stage): Record<string, string> {
  const { environment } = stage
  const where = `"environment_variables" of stage \`${stage.name}\``
  for (const name of Object.keys(environment)) {
    if (reserved.test(name)) {
      throw invalid(`${where} sets ${name}, which Lambda sets itself.`, 'choose another name for it')
    }
    if (!/^[a-zA-Z][a-zA-Z0-9_]+$/.test(name)) {
      throw invalid(
        `${where} sets ${JSON.stringify(name)}, which is no name that Lambda takes.`,
        'begin it with a letter, and use letters, digits and underscores; at least two',
      )
    }
  }
  const all = { PROJECT: stage.model, STAGE: stage.name, SERVERTYPE: 'AWS Lambda', ...environment }
  const bytes = Object.entries(all).map(([name, value]): [string, number] => [
    name,
    Buffer.byteLength(name) + Buffer.byteLength(value),
  ])
  const total = bytes.reduce((sum, [, size]) => sum + size, 0)
  if (total <= maxEnvironmentBytes) return all
  const [[biggest, size] = ['', 0]] = bytes.sort((a, b) => b[1] - a[1])
  throw invalid(
    `${where} has ${total} bytes; Lambda takes ${maxEnvironmentBytes}.`,
    `keep ${biggest} (${size} bytes) elsewhere, such as in a file of the project`,
  )
}

function layersOf({ aws, name }: Stage, ours: number): string[] {
  const arns = Array.isArray(aws.layers) ? aws.layers.map(String) : []
  if (arns.length + ours <= maxLayers) return arns
  throw invalid(
    `"layers" of stage \`${name}\` has ${arns.length}; with ${ours} of Thampi's own that is more than ${maxLayers}.`,
    `take ${arns.length + ours - maxLayers} of them out`,
  )
}

/** A pickle stands in memory twice while it is loaded: as bytes, and as what they become. */
const timesInMemory = 2

/** What Python, our runtime and a few imported libraries take; Node is smaller. A rule of thumb, not a limit. */
const runtimeMb = 150

function sizeNotices(stage: Stage, { modelBytes }: Circumstances): string[] {
  const wanted = Math.min(memoryMb.most, Math.ceil((modelBytes / 2 ** 20) * timesInMemory) + runtimeMb)
  if (stage.memoryMb >= wanted) return []
  const size = (modelBytes / 1e6).toFixed(0)
  return [
    `"memory_size" is ${stage.memoryMb} MB; a model of ${size} MB usually wants ${wanted} MB or more while it is loaded.`,
  ]
}

function timeNotices({ aws, timeoutSeconds }: Stage): string[] {
  const hasApi = (aws.apigateway_enabled ?? aws.use_apigateway) !== false
  // A Function URL waits as long as the function may take.
  if (!hasApi || aws.function_url_enabled === true || timeoutSeconds <= maxHttpApiSeconds) return []
  return [
    `"timeout_seconds" is ${timeoutSeconds}, but API Gateway gives up after ${maxHttpApiSeconds} s: no caller waits longer.`,
  ]
}

function sizeOf(setting: unknown): number | undefined {
  if (typeof setting !== 'object' || setting === null || !('Size' in setting)) return undefined
  return typeof setting.Size === 'number' ? setting.Size : undefined
}

function invalid(message: string, fix: string): ThampiError {
  return new ThampiError('SETTINGS_INVALID', { message, fix })
}
