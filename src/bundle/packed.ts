/** The dependencies of a bundle for another machine: resolved for it, fetched as wheels, spliced into one archive. */
import { ThampiError } from '../errors.ts'
import type { SavedModel } from '../model/saved-model.ts'
import type { AllowedSource } from '../settings/stage.ts'
import type { PythonFound } from '../system/python.ts'
import type { System } from '../system/system.ts'
import type { DependencyArchive, Layer, Target } from './bundle.ts'
import { cloudpickleFor } from './cloudpickle.ts'
import { missingPackages, otherVersions } from './dependencies.ts'
import type { Installed } from './inspect.ts'
import type { Lock } from './lock/lock.ts'
import { lockFor } from './lock/lock-for.ts'
import { recordedRequirements } from './recorded.ts'
import { type Requirements, readRequirements } from './requirements.ts'
import { type Examination, openExamination } from './splice/examination.ts'
import { isSlimmed } from './splice/slim.ts'
import { type Spliced, spliceWheels } from './splice/splice.ts'
import { type FetchedWheel, fetchWheels } from './wheels/fetch.ts'
import { readZip } from './zip/read.ts'

export interface PackedDependencySource {
  readonly target: Target
  /** Undefined: what was observed when the model was saved. */
  readonly dependencyFile: string | undefined
  /** Local packages that the dependency file names must lie in it. */
  readonly projectDir: string
  /** Lines of the dependency file that are refused unless they are named here. */
  readonly allow: readonly AllowedSource[]
  /** boto3 is packed although Lambda brings it. */
  readonly keepBoto3: boolean
  /** Of the target's minor, where this machine has one: compiles bytecode. */
  readonly interpreter: PythonFound | undefined
  /** Packages that keep everything their wheels bring. */
  readonly keep: readonly string[]
  /** Nothing that was published later is chosen, `2026-11-01`. */
  readonly excludeNewer?: string | undefined
  /** What they may take when unpacked, in bytes. */
  readonly room: number
}

export interface PackedDependencies {
  readonly layer: Layer
  readonly environment: DependencyArchive
  readonly notices: readonly string[]
}

/** A lock, and what it was made from. */
export interface ModelLock {
  readonly lock: Lock
  readonly requirements: Requirements
}

/**
 * @throws ThampiError REQUIREMENTS_INVALID, INSTALL_FAILED, WHEEL_PLATFORM, WHEEL_INVALID, NETWORK, MODULE_MISSING, INTEGRITY
 */
export async function packedDependencies(
  model: SavedModel,
  source: PackedDependencySource,
  system: System,
): Promise<PackedDependencies> {
  const { lock, requirements } = await lockOf(model, source, system)
  const { spliced, notices } = await archiveOf(lock, source, system)
  const found = await installedIn(spliced, source.target)
  refuseMissing(model, requirements, found)
  const { key, notices: about, ...environment } = spliced
  return {
    layer: { kind: 'dependencies', digest: key, files: [] },
    environment,
    notices: [...requirements.notices, ...lock.notices, ...about, ...notices, ...otherVersions(model, found)],
  }
}

/** What decides which wheels a model gets. */
export interface LockSource
  extends Pick<
    PackedDependencySource,
    'target' | 'dependencyFile' | 'projectDir' | 'allow' | 'keepBoto3' | 'excludeNewer'
  > {
  /** Resolve although the same was resolved before. */
  readonly again?: boolean | undefined
}

/**
 * Which wheels a model needs where it is going.
 *
 * @throws ThampiError as `packedDependencies`, and nothing about single wheels
 */
export async function lockOf(model: SavedModel, source: LockSource, system: System): Promise<ModelLock> {
  const { dependencyFile, target, ...options } = source
  const requirements = await requirementsOf(model, dependencyFile, system)
  return { lock: await lockFor(requirements, target, system, options), requirements }
}

/**
 * What a model asks for where nothing that is installed counts.
 *
 * @throws ThampiError REQUIREMENTS_INVALID, MODULE_MISSING
 */
export async function requirementsOf(
  model: SavedModel,
  dependencyFile: string | undefined,
  { cwd, env }: System,
): Promise<Requirements> {
  const file =
    dependencyFile === undefined
      ? recordedRequirements(model)
      : await readRequirements(dependencyFile, { cwd, env })
  const { extra, notices } = cloudpickleFor(model, file)
  return { ...file, extra, notices: [...file.notices, ...notices] }
}

/** Wheels are examined while others still come. */
async function archiveOf({ wheels }: Lock, source: PackedDependencySource, system: System): Promise<Fitting> {
  const examination = openExamination(system)
  try {
    const fetched = await fetchWheels(wheels, system, wheel => {
      examination.begin(wheel, isSlimmed(wheel, source.keep))
    })
    return await spliceToFit(fetched, examination, source, system)
  } finally {
    await examination.close()
  }
}

interface Fitting {
  readonly spliced: Spliced
  readonly notices: readonly string[]
}

/** Bytecode makes a start several times faster and takes a fifth of the room: it goes when nothing else helps. */
async function spliceToFit(
  wheels: readonly FetchedWheel[],
  examination: Examination,
  { target, keep, interpreter, room }: PackedDependencySource,
  system: System,
): Promise<Fitting> {
  const options = { prefix: 'python/', keep, examination } as const
  if (interpreter === undefined)
    return { spliced: await spliceWheels(wheels, target, options, system), notices: [] }
  const spliced = await spliceWheels(wheels, target, { ...options, python: interpreter }, system)
  if (spliced.unpackedBytes <= room) return { spliced, notices: [] }
  const plain = await spliceWheels(wheels, target, options, system)
  if (plain.unpackedBytes > room) return { spliced, notices: [] }
  return {
    spliced: { ...plain, notices: [] },
    notices: [
      'Packed without bytecode, because it would not fit with it: every start compiles, which takes seconds.',
    ],
  }
}

/** What can be imported from an archive, by its names alone. */
async function installedIn({ file, lock }: Spliced, { python = '' }: Target): Promise<Installed> {
  const { entries, close } = await readZip(file)
  await close()
  const tops = entries.map(({ path }) => path.replace(/^python\//, '').split('/')[0] ?? '')
  return {
    version: python,
    lock,
    versions: new Map(lock.map(line => line.split('==') as [string, string])),
    modules: new Set(tops.map(top => top.replace(/\.(py|[\w.-]*\.so)$/, ''))),
  }
}

function refuseMissing(model: SavedModel, { shown }: Requirements, found: Installed): void {
  const missing = missingPackages(model, found)
  const [first] = missing
  if (!first) return
  const lines = missing.map(([, { distribution, version }]) => `${distribution}==${version}`)
  throw new ThampiError('MODULE_MISSING', {
    message: `${model.name} needs ${first[1].distribution} (${first[1].version} when saved) but ${shown} does not list it.`,
    fix: `add \`${lines.join('` and `')}\` to ${shown}`,
  })
}
