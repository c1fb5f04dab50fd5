/** The verb `serve`: a saved model becomes a bundle, a version that is proven, and the answer at a stage's URL. */
import { join, resolve } from 'node:path'
import type { Bundle } from './bundle/bundle.ts'
import { bundleFor } from './bundled.ts'
import { bundleInstead } from './bundled-here.ts'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { runHook } from './hooks.ts'
import type { Proof } from './model/proof.ts'
import { newestModel, readModel } from './model/read.ts'
import type { SavedModel } from './model/saved-model.ts'
import type { Deployment, Platform, ReleaseOptions, Version, Weights } from './platforms/platform.ts'
import { evidenceOf, prove, sentenceOf } from './prove.ts'
import { isModule, saveFile } from './save.ts'
import { rememberServed } from './served-here.ts'
import type { Stage } from './settings/stage.ts'
import { digestOf } from './system/files.ts'
import { originOf } from './system/origin.ts'
import type { System } from './system/system.ts'

export interface ServeOptions {
  /** The directory that `save()` wrote, or a TypeScript file that exports a model; undefined: the newest one under `./models`. */
  readonly modelDir?: string
  /** requirements.txt, pyproject.toml or a conda file; undefined: the packages of the Python in use, as they are. */
  readonly dependencyFile?: string
  /** Whose files travel with the model; undefined: the current directory. */
  readonly projectDir?: string
  /** Naive UTC; undefined: now. */
  readonly servedTimeUtc?: string
  /** A Python, or a version such as 3.12; undefined: the one in use. */
  readonly python?: string
  /** Files that look like secrets and are to be packed all the same. */
  readonly includeSecrets?: readonly string[]
  /** For AWS: nothing that was published later is packed, `2026-11-01`. */
  readonly excludeNewer?: string
  /** For AWS: whether the package is loaded here before it is uploaded; unless it was before, unless said. */
  readonly trial?: 'always' | 'never'
}

export interface Served {
  readonly deployment: Deployment
  readonly version: Version
  readonly model: SavedModel
  /** How the version answered the recorded examples. */
  readonly proof: Proof
  /** True when the stage served this very bundle with these settings already. */
  readonly unchanged: boolean
}

/**
 * Serves a saved model on a stage and returns when its URL answers.
 *
 * @example
 * const { deployment } = await serve('staging', { modelDir: './models/iris-sklearn' }, engine)
 * console.log(deployment.url)
 */
export async function serve(
  stageName: string | undefined,
  options: ServeOptions,
  engine: Engine,
): Promise<Served> {
  const { system } = engine
  const stage = stageFor(stageName, engine)
  await runHook('settings', stage, options, system)
  // It may well be what makes the model.
  await runHook('prebuild', stage, options, system)
  const packed = await packFor(stageName, options, engine)
  await runHook('zip', stage, options, system)
  const served = await deployWhatRuns(packed, options, system)
  const { deployment, version, unchanged } = served
  await rememberServed(deployment.model, engine)
  if (!unchanged)
    await runHook('post', stage, options, system, { url: deployment.url, version: version.number })
  return served
}

/** A model that is ready to be released, and where. */
export interface Packed {
  readonly stage: Stage
  readonly platform: Platform
  readonly model: SavedModel
  readonly bundle: Bundle
  readonly release: ReleaseOptions
}

/** What `serve` does on this machine before the platform is asked for anything. */
export async function packFor(
  stageName: string | undefined,
  options: ServeOptions,
  engine: Engine,
): Promise<Packed> {
  const { system } = engine
  const stage = stageFor(stageName, engine)
  const platform = await engine.platformFor(stage)
  const model = await chosenModel(options.modelDir, system)
  const bundle = await bundleFor(model, stage, platform.target(model, stage), options, system)
  for (const notice of bundle.notices) system.tell(notice)
  const origin = await originOf(resolve(system.cwd, options.projectDir ?? '.'), system)
  return { stage, platform, model, bundle, release: { servedTimeUtc: options.servedTimeUtc, ...origin } }
}

/** With other packages when those of the bundle turn out not to work here, which only happens to what Lambda gets. */
async function deployWhatRuns(packed: Packed, options: ServeOptions, system: System): Promise<Served> {
  try {
    return await deploy(packed, prove, system)
  } catch (failure) {
    const { bundle: failed, model, stage, platform } = packed
    const target = platform.target(model, stage)
    const bundle = await bundleInstead(failed, failure, model, stage, target, options, system)
    if (bundle === undefined) throw failure
    for (const notice of bundle.notices) system.tell(notice)
    return deployWhatRuns({ ...packed, bundle }, options, system)
  }
}

/** The rest of `serve`: all that changes something on the platform. `show` has a version prove itself. */
export async function deploy(
  { stage, platform, model, bundle, release }: Packed,
  show: typeof prove,
  system: System,
): Promise<Served> {
  return platform.exclusively(stage, async () => {
    const before = await platform.find(stage)
    const version = await platform.release(bundle, stage, release)
    const proof = await show(version, model, platform, system).catch(async (error: unknown) => {
      // What went wrong first is what the person should hear of.
      await platform.discard(version).catch(() => undefined)
      throw error
    })
    if (proof.examples > 0) system.tell(sentenceOf(proof, model.receipts))
    const unchanged = before?.weights.get(version.number) === 100
    // What a version showed before it got its traffic is what counts.
    if (!unchanged) await platform.keepEvidence(version, evidenceOf(proof, model))
    const deployment = unchanged ? before : await platform.route(stage, all(version))
    system.tell(
      unchanged
        ? `Unchanged: version ${version.number} of ${stage.name} already serves this bundle on the ${platform.name} platform`
        : `Version ${version.number} serves ${stage.name} on the ${platform.name} platform`,
    )
    return { deployment, version, model, proof, unchanged }
  })
}

/** `thampi serve` alone means `dev`, where a first try belongs. */
export function stageFor(name: string | undefined, { settings }: Engine): Stage {
  return settings.stage(name ?? (settings.stageNames.includes('dev') ? 'dev' : undefined))
}

/** The saved model that is meant: of a directory, of a TypeScript file that is saved first, or the newest there is. */
export async function chosenModel(modelDir: string | undefined, system: System): Promise<SavedModel> {
  return readModel(await placeOf(modelDir, system), system.cwd)
}

/** As its user wrote it, because so it stands in messages. */
async function placeOf(modelDir: string | undefined, system: System): Promise<string> {
  if (modelDir !== undefined && isModule(modelDir))
    return (await saveFile(modelDir, placeFor(modelDir, system), system)).path
  if (modelDir !== undefined) return modelDir
  const newest = await newestModel(join(system.cwd, 'models'))
  if (newest !== undefined) return newest
  throw new ThampiError('MODEL_MISSING', {
    message: 'There is no saved model under "./models".',
    why: 'Without --model_dir the newest one there is served.',
    fix: "python train.py   # with thampi.save(model, 'NAME', './models'), or: thampi serve --model_dir=DIR",
  })
}

/** Work files that can be made again: one directory for each file that is served. */
function placeFor(file: string, { places, cwd }: System): string {
  return join(places.home, 'typescript', digestOf(resolve(cwd, file)).slice('sha256:'.length, 23))
}

function all(version: Version): Weights {
  return new Map([[version.number, 100]])
}
