/** The dependency layer: an environment of this machine in which the model finds every package it needs. */
import { ThampiError } from '../errors.ts'
import type { Package, SavedModel } from '../model/saved-model.ts'
import type { InstallerName } from '../settings/stage.ts'
import { digestOf, forPeople } from '../system/files.ts'
import type { PythonFound } from '../system/python.ts'
import type { System } from '../system/system.ts'
import type { Layer, LocalEnvironment } from './bundle.ts'
import { cloudpickleFor, isPickled } from './cloudpickle.ts'
import { type Installed, inspect } from './inspect.ts'
import { installers } from './installers/index.ts'
import { normalName } from './requirement-lines.ts'
import { type Requirements, readRequirements } from './requirements.ts'

export interface DependencySource {
  readonly installer: InstallerName
  /** Undefined: the Python is used with whatever is installed beside it. */
  readonly dependencyFile: string | undefined
  readonly python: PythonFound
  /** What the file asks for, and more than that, when somebody has read it already. */
  readonly requirements?: Requirements | undefined
}

export interface Dependencies {
  readonly layer: Layer
  readonly environment: LocalEnvironment
  readonly notices: readonly string[]
}

/**
 * @throws ThampiError PYTHON_MISMATCH before anything is installed, MODULE_MISSING afterwards, and what the installer throws
 */
export async function dependencies(
  model: SavedModel,
  source: DependencySource,
  system: System,
): Promise<Dependencies> {
  checkPython(model, source.python)
  const { dependencyFile, requirements, python } = source
  if (requirements) return installed(model, requirements, source, system)
  if (dependencyFile === undefined) return asItIs(model, python, system)
  const file = await readRequirements(dependencyFile, { cwd: system.cwd, env: system.env })
  const { extra, notices } = cloudpickleFor(model, file)
  return installed(model, { ...file, extra, notices: [...file.notices, ...notices] }, source, system)
}

/** @throws ThampiError PYTHON_MISMATCH when the model was saved under another minor: its pickle would crash there */
export function checkPython(model: SavedModel, python: PythonFound): void {
  const saved = model.made.python
  if (saved === undefined) return
  const minor = saved.split('.').slice(0, 2).join('.')
  if (minor === python.minor) return
  throw new ThampiError('PYTHON_MISMATCH', {
    message: `${model.name} was saved with Python ${saved} but would be served with ${python.version}; pickled code cannot cross Python versions.`,
    fix: `thampi serve … --python ${minor}, or run your training script again under ${python.minor}`,
  })
}

async function installed(
  model: SavedModel,
  requirements: Requirements,
  { installer, python }: DependencySource,
  system: System,
): Promise<Dependencies> {
  const { shown, notices } = requirements
  const environment = await installers[installer].install(requirements, python, system)
  const found = await inspect(environment.program, Object.keys(model.made.packages), system)
  const missing = missingPackages(model, found)
  const [first] = missing
  if (first) {
    const lines = missing.map(([, { distribution, version }]) => `${distribution}==${version}`)
    throw new ThampiError('MODULE_MISSING', {
      message: `${model.name} needs ${first[1].distribution} (${first[1].version} when saved) but ${shown} does not list it.`,
      fix: `add \`${lines.join('` and `')}\` to ${shown}`,
    })
  }
  return result(environment, [...notices, ...otherVersions(model, found)])
}

async function asItIs(model: SavedModel, python: PythonFound, system: System): Promise<Dependencies> {
  const found = await inspect(python.path, ['cloudpickle', ...Object.keys(model.made.packages)], system)
  const shown = forPeople(python.path, system.cwd)
  const cloudpickle: Package = { distribution: 'cloudpickle', version: model.made.cloudpickle ?? '' }
  const missing = missingPackages(model, found)
  if (isPickled(model) && !found.modules.has('cloudpickle')) missing.unshift(['cloudpickle', cloudpickle])
  const [first] = missing
  if (first) {
    const [, { distribution, version }] = first
    const lines = missing.map(
      ([, item]) => item.distribution + (item.version === '' ? '' : `==${item.version}`),
    )
    throw new ThampiError('MODULE_MISSING', {
      message: `${model.name} needs ${distribution}${version === '' ? '' : ` (${version} when saved)`} but it is not installed beside ${shown}.`,
      why: 'No dependency file was given, so that Python is used as it is.',
      fix: `${shown} -m pip install ${[...new Set(lines)].join(' ')}, or pass --dependency_file`,
    })
  }
  const environment: LocalEnvironment = { program: python.path, version: found.version, lock: found.lock }
  return result(environment, [
    `No dependency file: using ${shown} (Python ${python.version}) with its ${found.lock.length} packages as they are.`,
    ...otherVersions(model, found),
  ])
}

function result(environment: LocalEnvironment, notices: readonly string[]): Dependencies {
  const { version, lock } = environment
  const digest = digestOf([`python==${version}`, ...lock].map(line => `${line}\n`).join(''))
  return { layer: { kind: 'dependencies', digest, files: [] }, environment, notices }
}

/** Packages whose module cannot be found: another distribution may well bring the same module. */
export function missingPackages(model: SavedModel, { versions, modules }: Installed): [string, Package][] {
  const missing = Object.entries(model.made.packages).filter(
    ([module, { distribution }]) =>
      normalName(distribution) !== 'thampi' &&
      !versions.has(normalName(distribution)) &&
      !modules.has(module),
  )
  // Several modules of one distribution are one thing to install.
  return [...new Map(missing.map(item => [item[1].distribution, item])).values()]
}

/** A pickle of scikit-learn 1.5 may load under 1.6 and answer differently; the person decides. */
export function otherVersions(model: SavedModel, { versions }: Installed): string[] {
  const packages = new Map(Object.values(model.made.packages).map(item => [item.distribution, item.version]))
  return [...packages].flatMap(([distribution, saved]) => {
    const now = versions.get(normalName(distribution))
    if (now === undefined || twoNumbers(now) === twoNumbers(saved)) return []
    return [
      `${model.name} was saved with ${distribution} ${saved} and will run with ${now}; answers may differ.`,
    ]
  })
}

function twoNumbers(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}
