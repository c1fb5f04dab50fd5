/**
 * A bundle that runs on this machine. For a stage that the settings put on Lambda it is the one that Lambda gets, where this
 * machine can run that; else a twin by the same lock; else what there is here, with the reason.
 */
import { join } from 'node:path'
import type { Bundle, DependencyArchive, Target } from './bundle/bundle.ts'
import { bundleModel, type PackedSource, type PythonSource } from './bundle/bundle-model.ts'
import { decide } from './bundle/lambda/decision.ts'
import { sizesOf } from './bundle/lambda/sizes.ts'
import { lambdaTarget } from './bundle/lambda/target.ts'
import { TrialFailed } from './bundle/lambda/trial.ts'
import { type Likeness, sentenceOf } from './bundle/likeness.ts'
import type { LockedWheel } from './bundle/lock/lock.ts'
import { lockOf, requirementsOf } from './bundle/packed.ts'
import { twinOf } from './bundle/twin.ts'
import { parseWheelName } from './bundle/wheels/name.ts'
import { acceptedTags, placeOf as placeAmong } from './bundle/wheels/tags.ts'
import type { BundleOptions } from './bundled.ts'
import { type ErrorCode, ThampiError } from './errors.ts'
import type { SavedModel } from './model/saved-model.ts'
import type { Stage } from './settings/stage.ts'
import { type SourceOptions, sourceOf } from './source.ts'
import { digestOf } from './system/files.ts'
import { glibcVersion } from './system/glibc.ts'
import type { PythonFound } from './system/python.ts'
import type { System } from './system/system.ts'
import { knownBundle, placeOf, type Subject, triedBundle } from './tried.ts'
import { readWhyNot, rememberWhyNot } from './why-not.ts'

/** A model for a stage, and all that decides what its bundle is made from. */
interface Wish {
  readonly model: SavedModel
  readonly stage: Stage
  /** This machine. */
  readonly target: Target
  readonly options: SourceOptions
  readonly system: System
}

/**
 * @throws ThampiError what keeps the model from being packed for this machine; never because Lambda's packages cannot be had
 * @example
 * const { likeness } = await bundleHere(model, stage, platform.target(model, stage), {}, system)
 * likeness?.packages // 'same'
 */
export async function bundleHere(
  model: SavedModel,
  stage: Stage,
  target: Target,
  options: SourceOptions,
  system: System,
): Promise<Bundle> {
  const wish: Wish = { model, stage, target, options, system }
  if (stage.meantFor !== 'aws') return asFound(wish)
  if (model.format === 'typescript') return withoutPython(await asFound(wish), wish)
  const tried = await likeLambda(wish).catch((error: unknown) => {
    if (error instanceof ThampiError) return reasonIn(error)
    throw error
  })
  if (typeof tried !== 'string') return tried
  const bundle = await asFound(wish)
  return bundle.language === 'node'
    ? withoutPython(bundle, wish)
    : said(bundle, { packages: 'other', why: tried })
}

/**
 * Another bundle in place of one that failed as a version, when its packages are to blame: with what they lacked, or those
 * of this machine. Undefined when the model would fail with any.
 */
export async function bundleInstead(
  bundle: Bundle,
  failure: unknown,
  model: SavedModel,
  stage: Stage,
  target: Target,
  options: BundleOptions,
  system: System,
): Promise<Bundle | undefined> {
  if (!('archive' in bundle.environment)) return undefined
  if (!(failure instanceof ThampiError) || !ofModels.includes(failure.code)) return undefined
  const wish: Wish = { model, stage, target, options, system }
  const source = await packedSource(wish)
  if (typeof source === 'string') return undefined
  const subject = await subjectOf(wish, source)
  // A trial hears what a stage may keep from its callers.
  const tried = options.trial === 'never' ? bundle : await triedBundle(subject, system).catch(asFailure)
  if (!(tried instanceof TrialFailed) && tried.digest !== bundle.digest)
    return running(tried, source.interpreter)
  if (tried instanceof TrialFailed && ![tried, failure].some(areToBlame)) return undefined
  const why = `that fails here (${reasonIn(failure)})`
  const other = said(await asFound(wish), { packages: 'other', why })
  await rememberWhyNot(placeOfFailure(subject, system), why, system)
  return other
}

async function asFound({ model, stage, target, options, system }: Wish): Promise<Bundle> {
  return bundleModel(model, await sourceOf(model, stage, target, options, system), system)
}

type RunnableSource = PackedSource & { readonly interpreter: PythonFound }

/** What Lambda's bundle is made from, or why this machine cannot run it. */
async function packedSource({ model, stage, options, system }: Wish): Promise<RunnableSource | string> {
  const quiet = { ...system, tell: () => {} }
  const source = await sourceOf(model, stage, lambdaTarget(model, stage), options, quiet)
  if (source.language !== 'packed') return `Lambda runs it on Node ${source.target.node}`
  const { interpreter } = source
  if (interpreter?.implementation !== 'cpython')
    return `there is no Python ${source.target.python} on this machine`
  return { ...source, interpreter }
}

/** The same or a twin, or why neither. */
async function likeLambda(wish: Wish): Promise<Bundle | string> {
  const { model, system } = wish
  const source = await packedSource(wish)
  if (typeof source === 'string') return source
  const place = await placeOfRefusal(wish, source)
  const before = await readWhyNot(place, system)
  if (before !== undefined) return before
  try {
    const { lock, requirements } = await lockOf(model, source, system)
    const obstacle = obstacleTo(lock.wheels, source, system)
    if (obstacle !== undefined) {
      const requirementsHere = twinOf(requirements, lock)
      const twin = await bundleModel(
        model,
        { ...twinSource(wish, source), requirements: requirementsHere },
        system,
      )
      return said(twin, { packages: 'twin', why: obstacle })
    }
    const subject = await subjectOf(wish, source)
    const failed = await readWhyNot(placeOfFailure(subject, system), system)
    if (failed !== undefined) return failed
    if (decide(sizesOf(subject.bundle)).package === 'image') return 'it is too big for Lambda'
    return running((await knownBundle(subject, system)) ?? subject.bundle, source.interpreter)
  } catch (error) {
    // What is wrong with the project is told by whoever packs it next, and mended before that.
    if (error instanceof ThampiError && ofIndexes.includes(error.code))
      await rememberWhyNot(place, reasonIn(error), system)
    throw error
  }
}

/** Refusals that take their time. */
const ofIndexes: readonly ErrorCode[] = ['INSTALL_FAILED', 'NETWORK', 'WHEEL_INVALID', 'WHEEL_PLATFORM']

function twinSource({ stage, target: { os, arch } }: Wish, source: RunnableSource): PythonSource {
  const { projectDir, exclude, includeSecrets, runtimeDir, dependencyFile, interpreter: python } = source
  return {
    ...{ projectDir, exclude, includeSecrets, runtimeDir, dependencyFile, python },
    language: 'python',
    installer: stage.installer,
    target: { os, arch, python: python.minor },
  }
}

async function subjectOf({ model, stage, system }: Wish, source: RunnableSource): Promise<Subject> {
  const { interpreter } = source
  return {
    bundle: await bundleModel(model, source, system),
    model,
    stage,
    interpreter: { path: interpreter.path, language: 'python' },
    again: keep => bundleModel(model, { ...source, keep }, system),
  }
}

/** Why wheels that were chosen for Lambda do not run here; undefined when they do. */
function obstacleTo(
  wheels: readonly LockedWheel[],
  { target }: RunnableSource,
  { os, arch }: System,
): string | undefined {
  const isPlain = wheels.every(({ file }) => file.endsWith('-any.whl'))
  if (os !== 'linux' || (arch !== target.arch && !isPlain))
    return `Lambda's are for linux ${target.arch}, and this machine is ${os} ${arch}`
  const glibc = glibcVersion()
  if (glibc === undefined) return `Lambda's need glibc, which this machine has not got`
  const accepted = acceptedTags({ ...target, arch, glibc })
  const tooNew = wheels.find(({ file }) => {
    const name = parseWheelName(file)
    return name === undefined || placeAmong(name, accepted) === undefined
  })
  return tooNew && `${tooNew.name} of Lambda needs a newer glibc than ${glibc}, which this machine has`
}

/** A bundle for Lambda as this machine runs it: nothing of it is different, so it keeps its name. */
function running(bundle: Bundle, { path, version }: PythonFound): Bundle {
  const archive = bundle.environment as DependencyArchive
  const layer = bundle.layers.find(({ kind }) => kind === 'dependencies')?.digest
  const environment = { program: path, version, lock: archive.lock, archive }
  return said(
    { ...bundle, environment },
    { packages: 'same', layer, runs: `Python ${version} of this machine` },
  )
}

/** A module that Node runs is one file, here and there; of ONNX the runtime's machine code may be another. */
function withoutPython(bundle: Bundle, { model, stage }: Wish): Bundle {
  const there = lambdaTarget(model, stage)
  const { os, arch, node } = bundle.target
  const isPlain = !bundle.layers.some(({ files }) => files.some(({ path }) => path.endsWith('.node')))
  if (!isPlain && `${os} ${arch}` !== `${there.os} ${there.arch}`) {
    const why = `the runtime is for ${os} ${arch}, Lambda's for ${there.os} ${there.arch}`
    return said(bundle, { packages: 'twin', why })
  }
  const runs =
    node === there.node ? `Node ${node} runs it` : `Node ${node} runs it here, Node ${there.node} there`
  return said(bundle, { packages: 'same', runs })
}

function said(bundle: Bundle, likeness: Likeness): Bundle {
  return { ...bundle, likeness, notices: [...bundle.notices, sentenceOf(likeness)] }
}

/** What a model may end a deployment with. */
const ofModels: readonly ErrorCode[] = [
  'EXAMPLE_DIFFERS',
  'LOCAL_MODULE',
  'MODEL_LOAD_FAILED',
  'MODEL_RAISED',
  'MODULE_MISSING',
]

function asFailure(error: unknown): TrialFailed {
  if (error instanceof TrialFailed) return error
  throw error
}

/** Something is not there, was made for another machine, or computes differently: other packages may well do. */
function areToBlame({ code, message, why, problem }: ThampiError): boolean {
  if (code === 'EXAMPLE_DIFFERS' || code === 'MODULE_MISSING') return true
  const said = [message, why, JSON.stringify(problem ?? '')].join('\n')
  return /No module named|cannot import name|No such file or directory|GLIBC(XX)?_|wrong ELF class|SIG(SEGV|ILL|BUS|ABRT)/.test(
    said,
  )
}

/** Everything that decides whether Lambda's packages can be had: an index that refuses is not asked every time. */
async function placeOfRefusal(
  { model, stage, options, system }: Wish,
  source: RunnableSource,
): Promise<string> {
  const { files, extra, local } = await requirementsOf(model, source.dependencyFile, system)
  const { target, interpreter, keepBoto3, allow } = source
  const indexes = Object.entries(system.env).filter(([name]) => /^(PIP|UV|THAMPI)_/.test(name))
  const question = [files, extra, local, target, keepBoto3, allow, options.excludeNewer, indexes.sort()]
  const place = [
    system.os,
    system.arch,
    glibcVersion(),
    interpreter.path,
    interpreter.version,
    stage.installer,
  ]
  return placeNamed(digestOf(JSON.stringify([1, ...question, ...place])), system)
}

/** A version that failed: the same packages, code, model and settings will fail again. */
function placeOfFailure(subject: Subject, system: System): string {
  return placeNamed(digestOf(placeOf(subject, system)), system)
}

function placeNamed(digest: string, { places }: System): string {
  return join(places.home, 'tried', `not-${digest.slice('sha256:'.length)}.json`)
}

/** The first sentence. */
function reasonIn({ message }: ThampiError): string {
  return message.split(/\.(?:\s|$)/)[0] ?? message
}
