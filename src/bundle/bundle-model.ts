/** `SavedModel` → `Bundle`: everything one target needs to answer, under one digest. */
import type { SavedModel } from '../model/saved-model.ts'
import { type Digest, digestOf } from '../system/files.ts'
import type { System } from '../system/system.ts'
import type { Bundle, Layer, Target } from './bundle.ts'
import { codeLayer } from './code.ts'
import { checkPython, type DependencySource, dependencies } from './dependencies.ts'
import { modelLayer } from './model-layer.ts'
import { runtimeLayer } from './runtime.ts'

export interface BundleSource extends DependencySource {
  readonly target: Target
  readonly projectDir: string
  /** Patterns of files that are not packed. */
  readonly exclude: readonly string[]
  /** Files, relative to the project, that are packed although they look like secrets. */
  readonly includeSecrets: readonly string[]
  /** The directory that holds our Python package `thampi`. */
  readonly runtimeDir: string
}

/**
 * Packs a model. The user's files are only read. The same model, code, requirements and runtime give the same digest
 * on every machine of the target, whenever and wherever they are checked out.
 *
 * @throws ThampiError PYTHON_MISMATCH, SECRET_FOUND, PROJECT_INVALID, PROJECT_TOO_BIG, REQUIREMENTS_INVALID, INSTALL_FAILED,
 * MODULE_MISSING, INTEGRITY
 * @example
 * const bundle = await bundleModel(model, { ...source, target: platform.target(model, stage) }, system)
 */
export async function bundleModel(model: SavedModel, source: BundleSource, system: System): Promise<Bundle> {
  checkPython(model, source.python)
  const { projectDir, exclude, includeSecrets, target } = source
  const own = [system.places.home, system.places.state]
  // Everything that is quickly refused comes before the installation, which takes its time.
  const code = await codeLayer(projectDir, { exclude, includeSecrets, own })
  const saved = await modelLayer(model, { projectDir, includeSecrets, home: system.places.home })
  const runtime = await runtimeLayer(source.runtimeDir)
  const { layer, environment, notices } = await dependencies(model, source, system)
  const layers = [layer, runtime, code.layer, saved]
  return {
    digest: digestOfBundle(target, layers),
    language: 'python',
    target,
    layers,
    environment,
    properties: model.properties,
    notices: [...code.notices, ...notices],
  }
}

function digestOfBundle({ os, arch, python }: Target, layers: readonly Layer[]): Digest {
  const parts = layers.map(({ kind, digest }) => `${kind} ${digest}`)
  return digestOf(
    ['bundle 1', 'python', `${os} ${arch} ${python ?? ''}`, ...parts].map(line => `${line}\n`).join(''),
  )
}
