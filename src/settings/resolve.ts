/** From the keys of a stage to a `Stage`: every value checked, every default decided, Zappa's spellings left behind. */
import { inspect } from 'node:util'
import { ThampiError } from '../errors.ts'
import type { Environment } from '../system/places.ts'
import type { SettingsFile } from './file.ts'
import { inherit, type Setting } from './inherit.ts'
import type { Key } from './key.ts'
import { findKey } from './keys.ts'
import { checkModelName, named, printable, quoted, slugOf } from './names.ts'
import type { PlatformName, RemoteEnvironment, Stage } from './stage.ts'

/** What a stage is made of beside its own keys. */
export interface Surroundings {
  readonly env: Environment
  /** What `--platform` says. */
  readonly platform?: string | undefined
  /** The model's name when `project_name` does not say it. */
  readonly modelName: string | undefined
}

/** Lambda's own limit for the name of a function. */
const longestSlug = 64

/**
 * The stage `name` of the file. Throws `SETTINGS_INVALID` with file, line, stage, key, the value seen and the value
 * wanted, `NAME_INVALID` for a model name that cannot be, `USAGE` for an unknown platform.
 */
export function resolveStage(file: SettingsFile, name: string, around: Surroundings): Stage {
  const settings = inherit(file, name)
  for (const [key, setting] of settings) check(file, name, key, setting)
  return toStage(name, valuesOf(settings), around)
}

/** The one stage of a project without settings file: everything is as it is unless said. */
export function stageWithoutFile(name: string, around: Surroundings): Stage {
  return toStage(name, new Map(), around)
}

function check(file: SettingsFile, stageName: string, name: string, { value, stage }: Setting): void {
  const key = findKey(name)
  if (!key || value === null) return
  if (key.advice === 'refuse') {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `Stage ${named(stageName)} of ${file.name} has \`${name}\`, which Thampi cannot serve.`,
      why: key.note,
    })
  }
  if (key.advice === 'ignore') return
  const result = key.kind.schema.safeParse(value)
  if (result.success) return
  const inner = result.error.issues[0]?.path.map(String) ?? []
  const line = file.lineOf(stage, ...name.split('.'), ...inner) ?? file.lineOf(stage, ...name.split('.'))
  const where = line === undefined ? file.name : `${file.name}, line ${line}`
  const owner = stage === stageName ? named(stage) : `${named(stageName)} (inherited from ${named(stage)})`
  throw new ThampiError('SETTINGS_INVALID', {
    message: `${named([name, ...inner].join('.'))} of stage ${owner} cannot be ${shown(at(value, inner), key)} (${where}).`,
    why: `${inner.length > 0 ? `\`${name}\`` : 'It'} must be ${key.kind.wanted}.`,
  })
}

/** A key that is `null` is a key that is not set: this also takes an inherited one away. */
function valuesOf(settings: ReadonlyMap<string, Setting>): ReadonlyMap<string, unknown> {
  return new Map(
    [...settings].flatMap(([key, { value }]): [string, unknown][] => (value === null ? [] : [[key, value]])),
  )
}

/** Only called with values that `check` let pass, so a look at the type is enough. */
function toStage(name: string, values: ReadonlyMap<string, unknown>, around: Surroundings): Stage {
  const text = (key: string): string | undefined => only(values.get(key), 'string')
  const number = (key: string): number | undefined => only(values.get(key), 'number')
  const flag = (key: string): boolean | undefined => only(values.get(key), 'boolean')
  const platform = choosePlatform(values, around)
  return {
    name,
    model: chooseModel(text('project_name'), name, platform, around),
    platform,
    meantFor: platformIn(values),
    installer: text('thampi.package_manager') === 'conda' ? 'conda' : 'pip',
    memoryMb: number('memory_size') ?? 512,
    timeoutSeconds: number('timeout_seconds') ?? 30,
    keepWarm: flag('keep_warm') ?? true,
    maxSandboxes: number('thampi.max_sandboxes') ?? number('lambda_concurrency'),
    maxBatch: number('thampi.max_batch_size') ?? 64,
    maxWaitMs: number('thampi.max_wait_ms') ?? 0,
    maxConcurrency: number('thampi.max_concurrency') ?? 1,
    maxQueue: number('thampi.max_queue'),
    idempotent: flag('thampi.idempotent') ?? true,
    memoryWall: flag('thampi.memory_wall') ?? false,
    fork: flag('thampi.fork') ?? true,
    environment: {
      ...textByName(values.get('aws_environment_variables')),
      ...textByName(values.get('environment_variables')),
    },
    remoteEnvironment: remoteEnvironment(values),
    hooks: hooksOf(values),
    dependencySources: allowedSources.filter(source =>
      list(values.get('thampi.dependency_sources')).includes(source),
    ),
    keepBoto3: flag('thampi.keep_boto3') ?? false,
    exclude: [...list(values.get('exclude')), ...list(values.get('exclude_glob'))],
    errors: chooseErrors(name, text('thampi.errors'), flag('debug')),
    logLevel: logLevels.find(level => level === text('log_level')) ?? 'DEBUG',
    retainedVersions: number('num_retained_versions'),
    python: text('thampi.python') ?? pythonOf(text('runtime')),
    node: nodeOf(text('runtime')),
    apiKeyRequired: flag('api_key_required') ?? false,
    record: number('thampi.record') ?? (text('thampi.record') === 'errors' ? 'errors' : 'off'),
    recordHide: list(values.get('thampi.record_hide')),
    cors: flag('cors') ?? mapping(values.get('cors')) ?? false,
    aws: Object.fromEntries([...values].filter(([name]) => findKey(name)?.where === 'aws')),
  }
}

/** `--platform`, then `THAMPI_PLATFORM`, then the stage's own word, then AWS for who names a profile. */
function choosePlatform(values: ReadonlyMap<string, unknown>, { env, platform }: Surroundings): PlatformName {
  if (platform !== undefined) return platformNamed(platform, '--platform')
  if (env.THAMPI_PLATFORM) return platformNamed(env.THAMPI_PLATFORM, 'THAMPI_PLATFORM')
  return platformIn(values)
}

function platformIn(values: ReadonlyMap<string, unknown>): PlatformName {
  const own = values.get('thampi.platform')
  if (own === 'local' || own === 'aws') return own
  return values.has('profile_name') ? 'aws' : 'local'
}

function platformNamed(name: string, source: string): PlatformName {
  if (name === 'local' || name === 'aws') return name
  throw new ThampiError('USAGE', {
    message: `${source} is ${quoted(name)}, and there is no such platform.`,
    why: 'It must be "local" or "aws".',
  })
}

function chooseModel(
  own: string | undefined,
  stage: string,
  platform: PlatformName,
  { modelName }: Surroundings,
): string {
  const model = own ?? modelName
  if (model === undefined) {
    throw new ThampiError('SETTINGS_MISSING', {
      message: 'There is no settings file, and nothing else says which model this is about.',
      fix: 'thampi init',
    })
  }
  checkModelName(
    model,
    own === undefined ? 'The name of the model' : `\`project_name\` of stage ${named(stage)}`,
  )
  const slug = slugOf(model, stage)
  if (platform === 'aws' && slug.length > longestSlug) {
    throw new ThampiError('NAME_INVALID', {
      message: `"${slug}" is too long for the name of a function on AWS.`,
      why: `It has ${slug.length} characters, made of \`project_name\` and the stage; AWS takes ${longestSlug}.`,
    })
  }
  return model
}

const allowedSources = ['local', 'url', 'index', 'environment'] as const
const logLevels = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const

/** What a model raised is nobody else's business in production, unless the settings say so. */
function chooseErrors(stage: string, own: string | undefined, debug: boolean | undefined): Stage['errors'] {
  if (own === 'full' || own === 'terse') return own
  return stage === 'production' || debug === false ? 'terse' : 'full'
}

function pythonOf(runtime: string | undefined): string | undefined {
  return isOldRuntime(runtime) ? undefined : /^python(.+)$/.exec(runtime ?? '')?.[1]
}

function nodeOf(runtime: string | undefined): string | undefined {
  return /^nodejs(\d+)\.x$/.exec(runtime ?? '')?.[1]
}

/** What every file of 2018 says without anybody having chosen it. */
export function isOldRuntime(runtime: unknown): boolean {
  return typeof runtime === 'string' && /^python(2\.\d+|3\.[0-6])$/.test(runtime)
}

function hooksOf(values: ReadonlyMap<string, unknown>): Stage['hooks'] {
  const prebuild = values.get('prebuild_script')
  const hooks = {
    ...textByName(values.get('callbacks')),
    ...(prebuild === undefined ? {} : { prebuild: String(prebuild) }),
  }
  return Object.keys(hooks).length > 0 ? hooks : undefined
}

/** `remote_env`, else its older spelling in two keys. */
function remoteEnvironment(values: ReadonlyMap<string, unknown>): RemoteEnvironment | undefined {
  const [, bucket = values.get('remote_env_bucket'), key = values.get('remote_env_file')] =
    /^s3:\/\/([^/]+)\/(.+)$/s.exec(String(values.get('remote_env') ?? '')) ?? []
  if (typeof bucket !== 'string' || typeof key !== 'string') return undefined
  const wins = textByName(values.get('environment_variables'))
  const native = Object.keys(textByName(values.get('aws_environment_variables')))
  return { bucket, key, replaces: native.filter(name => !(name in wins)).sort() }
}

function only(value: unknown, type: 'string'): string | undefined
function only(value: unknown, type: 'number'): number | undefined
function only(value: unknown, type: 'boolean'): boolean | undefined
function only(value: unknown, type: string): unknown {
  return typeof value === type ? value : undefined
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function mapping(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}

function textByName(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(mapping(value) ?? {}).map(([name, text]) => [name, String(text)]))
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner, key) => mapping(inner)?.[key], value)
}

/** A value as a person would recognise it, in one line; of a secret only what kind of thing it is. */
function shown(value: unknown, key: Key): string {
  if (key.secret) return Array.isArray(value) ? 'a list' : `of type ${typeof value}`
  if (typeof value === 'string') return quoted(value)
  return printable(inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY }))
}
