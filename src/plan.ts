/** The verb `plan`: what `serve` would do, without doing it. No credentials are needed and nothing is uploaded. */
import { resolve } from 'node:path'
import type { Bundle, PackedPackage } from './bundle/bundle.ts'
import { codeLayer } from './bundle/code.ts'
import { type Cost, costOf, type Usage } from './bundle/lambda/cost.ts'
import { roomForCode } from './bundle/lambda/decision.ts'
import { maxDirectUploadBytes, maxEnvironmentBytes, maxLayers } from './bundle/lambda/limits.ts'
import { lambdaPackage } from './bundle/lambda/pack.ts'
import type { LambdaPackage } from './bundle/lambda/package.ts'
import { readPrices, usualPrices } from './bundle/lambda/prices.ts'
import { archiveOf, sizesOf } from './bundle/lambda/sizes.ts'
import { type StartEstimate, startEstimate } from './bundle/lambda/start-estimate.ts'
import { architectureOf, lambdaTarget, runtimeOf } from './bundle/lambda/target.ts'
import { modelLayer } from './bundle/model-layer.ts'
import { readRequirements } from './bundle/requirements.ts'
import { readZip } from './bundle/zip/read.ts'
import { type BundleOptions, bundleFor } from './bundled.ts'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import type { SavedModel } from './model/saved-model.ts'
import { blobPrefix } from './platforms/aws/names.ts'
import { apiOf, bucketOf, provisionedFor, type Resource, resourcesOf } from './platforms/aws/planned.ts'
import { accessOf } from './platforms/aws/settings/access.ts'
import { chosenModel, stageFor } from './serve.ts'
import type { Stage } from './settings/stage.ts'
import { findPython } from './system/python.ts'
import type { System } from './system/system.ts'

export interface PlanOptions extends Omit<BundleOptions, 'trial'> {
  readonly modelDir?: string | undefined
  /** Loads the packed model here and asks it its examples, which takes seconds. */
  readonly try?: boolean | undefined
  readonly usage?: Partial<Usage> | undefined
  /** A JSON file with other prices. */
  readonly prices?: string | undefined
}

export type Plan = LambdaPlan | LocalPlan

/** For a stage that is served on this machine. */
export interface LocalPlan {
  readonly platform: 'local'
  readonly stage: string
  readonly model: string
  /** Of the saved model. */
  readonly format: SavedModel['format']
  readonly modelBytes: number
  readonly project: { readonly files: number; readonly bytes: number }
  /** What would be installed, in a sentence. */
  readonly dependencies: string
  readonly notices: readonly string[]
}

export interface LambdaPlan {
  readonly platform: 'aws'
  readonly stage: string
  readonly model: string
  readonly runtime: string
  readonly architecture: string
  readonly glibc: string | undefined
  readonly bundle: string
  /** Biggest first. */
  readonly packages: readonly PackedPackage[]
  readonly sizes: ReturnType<typeof sizesOf>
  readonly limits: readonly Limit[]
  /** Undefined when it does not fit; `refusal` then says why. */
  readonly made: LambdaPackage | undefined
  readonly refusal: ThampiError | undefined
  readonly start: StartEstimate | undefined
  readonly resources: readonly Resource[]
  readonly cost: Cost | undefined
  readonly notices: readonly string[]
}

/** One limit of Lambda, and what would be used of it. */
export interface Limit {
  readonly what: string
  readonly used: number
  readonly allowed: number
  readonly unit: 'bytes' | 'layers' | 'MB' | 's'
  /** What happens beyond it: `refused` is the end, `s3` a way around. */
  readonly beyond: 'refused' | 's3'
}

/**
 * @throws ThampiError what keeps the model from being packed: REQUIREMENTS_INVALID, WHEEL_PLATFORM, PYTHON_MISMATCH, …
 * @example
 * const plan = await planFor('staging', {}, engine)
 * plan.platform === 'aws' && plan.refusal?.message
 */
export async function planFor(
  stageName: string | undefined,
  options: PlanOptions,
  engine: Engine,
): Promise<Plan> {
  const { system } = engine
  const stage = stageFor(stageName, engine)
  const model = await chosenModel(options.modelDir, system)
  return stage.platform === 'aws'
    ? planForLambda(model, stage, options, system)
    : planHere(model, stage, options, system)
}

async function planForLambda(
  model: SavedModel,
  stage: Stage,
  options: PlanOptions,
  system: System,
): Promise<LambdaPlan> {
  const prices =
    options.prices === undefined ? usualPrices : await readPrices(resolve(system.cwd, options.prices))
  const target = lambdaTarget(model, stage)
  const access = accessOf(stage)
  const trial = options.try ? 'always' : 'known'
  const bundle = await bundleFor(model, stage, target, { ...options, trial }, system)
  const made = await packageOrRefusal(bundle, stage, system)
  const whole = made instanceof ThampiError ? undefined : made
  const packages = [...(archiveOf(bundle)?.packages ?? [])].sort((a, b) => b.bytes - a.bytes)
  const usage = { requestsPerMonth: 100_000, durationMs: 100, freeTier: false, ...options.usage }
  return {
    platform: 'aws',
    stage: stage.name,
    model: stage.model,
    runtime: runtimeOf(bundle.target),
    architecture: architectureOf(bundle.target),
    glibc: bundle.target.glibc,
    bundle: bundle.digest,
    packages,
    sizes: sizesOf(bundle),
    limits: limitsOf(bundle, stage, whole),
    made: whole,
    refusal: made instanceof ThampiError ? made : undefined,
    start: whole && startEstimate(whole, bundle, await hasBytecode(bundle)),
    resources: whole ? resourcesOf(stage, access, whole) : [],
    cost:
      whole &&
      costOf(whole, usage, prices, { api: apiOf(stage, access), provisioned: provisionedFor(stage) }),
    notices: [...bundle.notices, ...(whole?.notices ?? [])],
  }
}

/**
 * A plan that does not fit is a plan all the same: that is what one looks at it for. Any time of serving will do, so the
 * same plan makes the same zip.
 */
async function packageOrRefusal(
  bundle: Bundle,
  stage: Stage,
  system: System,
): Promise<LambdaPackage | ThampiError> {
  const release = {
    servedTimeUtc: bundle.properties.trained_time_utc,
    blobs: { bucket: bucketOf(stage), prefix: blobPrefix },
  }
  try {
    return await lambdaPackage(bundle, stage, release, system)
  } catch (error) {
    if (error instanceof ThampiError && error.code === 'PACKAGE_TOO_BIG') return error
    throw error
  }
}

function limitsOf(bundle: Bundle, stage: Stage, made: LambdaPackage | undefined): Limit[] {
  const { dependencies, code, model } = sizesOf(bundle)
  const unpacked = dependencies + code + (made?.model.in === 'function' ? model : 0)
  const limits: Limit[] = [
    {
      what: 'unpacked, layers included',
      used: unpacked,
      allowed: roomForCode,
      unit: 'bytes',
      beyond: 'refused',
    },
  ]
  if (!made) return limits
  const variables = Object.entries(made.environment).map(([name, value]) => Buffer.byteLength(name + value))
  const layers = made.layers.length + made.layerArns.length
  const upload = { allowed: maxDirectUploadBytes, unit: 'bytes', beyond: 's3' } as const
  return [
    ...limits,
    { what: 'function zip', used: made.functionZip.bytes, ...upload },
    ...made.layers.map(({ archive }) => ({ what: 'layer zip', used: archive.bytes, ...upload })),
    { what: 'layers', used: layers, allowed: maxLayers, unit: 'layers', beyond: 'refused' },
    {
      what: 'environment variables',
      used: variables.reduce((sum, bytes) => sum + bytes, 0),
      allowed: maxEnvironmentBytes,
      unit: 'bytes',
      beyond: 'refused',
    },
    { what: 'memory', used: stage.memoryMb, allowed: 10_240, unit: 'MB', beyond: 'refused' },
    { what: 'scratch disk', used: made.ephemeralMb, allowed: 10_240, unit: 'MB', beyond: 'refused' },
    { what: 'time of a call', used: made.timeoutSeconds, allowed: 900, unit: 's', beyond: 'refused' },
  ]
}

async function hasBytecode(bundle: Bundle): Promise<boolean> {
  const archive = archiveOf(bundle)
  if (!archive) return true
  const { entries, close } = await readZip(archive.file)
  await close()
  return entries.some(({ path }) => path.endsWith('.pyc'))
}

/** Nothing is installed for it: what would be is said. */
async function planHere(
  model: SavedModel,
  stage: Stage,
  options: PlanOptions,
  system: System,
): Promise<LocalPlan> {
  const projectDir = resolve(system.cwd, options.projectDir ?? '.')
  const { places } = system
  const includeSecrets = options.includeSecrets ?? []
  const own = [places.home, places.state]
  const isModule = model.format === 'typescript'
  const code = isModule
    ? undefined
    : await codeLayer(projectDir, { exclude: stage.exclude, includeSecrets, own })
  const { files } = await modelLayer(model, { projectDir, includeSecrets, home: places.home })
  return {
    platform: 'local',
    stage: stage.name,
    model: stage.model,
    format: model.format,
    modelBytes: bytesOf(files),
    project: { files: code?.layer.files.length ?? 0, bytes: bytesOf(code?.layer.files ?? []) },
    dependencies: isModule
      ? 'none: the module brings everything'
      : await dependenciesHere(model, stage, options, system),
    notices: [...(model.notices ?? []), ...(code?.notices ?? [])],
  }
}

async function dependenciesHere(
  model: SavedModel,
  stage: Stage,
  options: PlanOptions,
  system: System,
): Promise<string> {
  // Which of the two shows only when it is packed.
  const lambdas = stage.meantFor === 'aws' ? `those of thampi plan ${stage.name} if they run here, else ` : ''
  return lambdas + (await asFoundHere(model, stage, options, system))
}

async function asFoundHere(
  model: SavedModel,
  stage: Stage,
  options: PlanOptions,
  system: System,
): Promise<string> {
  const file = options.dependencyFile ?? model.dependencyFile
  const minor = stage.python ?? model.made.python?.split('.').slice(0, 2).join('.')
  const python = await findPython(system, { explicit: options.python, minor })
  const where = `Python ${python.version} (${python.path})`
  if (file === undefined) return `as they are installed beside ${where}`
  const { count, shown } = await readRequirements(file, { cwd: system.cwd, env: system.env })
  return `${count} of ${shown}, in an environment of their own with ${where}`
}

function bytesOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((total, { size }) => total + size, 0)
}
