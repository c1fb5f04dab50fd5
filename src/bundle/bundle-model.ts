/** `SavedModel` → `Bundle`: everything one target needs to answer, under one digest. */
import type { SavedModel } from '../model/saved-model.ts'
import { type Digest, digestOf } from '../system/files.ts'
import type { NodeFound } from '../system/node.ts'
import type { System } from '../system/system.ts'
import type { Bundle, FileEntry, Language, Layer, Target } from './bundle.ts'
import { codeLayer, type PackedCode } from './code.ts'
import { checkPython, type DependencySource, dependencies } from './dependencies.ts'
import { roomForCode } from './lambda/decision.ts'
import { layerOf } from './layer.ts'
import { modelLayer } from './model-layer.ts'
import { type PackedDependencySource, packedDependencies } from './packed.ts'
import { sizeOf } from './refusals.ts'
import { nodeRuntime, pythonRuntime } from './runtime.ts'

/** A bundle for Python here, for Python on another machine, or for Node on either. */
export type BundleSource = PythonSource | PackedSource | NodeSource

export interface PythonSource extends CommonSource, DependencySource {
  readonly language?: 'python'
}

/** For a target with `glibc`: its packages come as wheels, and nothing that is installed here counts. */
export interface PackedSource extends CommonSource, Omit<PackedDependencySource, 'room'> {
  readonly language: 'packed'
}

export interface NodeSource extends CommonSource {
  readonly language: 'node'
  /** What runs it here; undefined for a target with `glibc`. */
  readonly node: NodeFound | undefined
  /** Files of npm packages that the model's module does not bring itself. */
  readonly packages?: readonly FileEntry[]
}

interface CommonSource {
  readonly target: Target
  readonly projectDir: string
  /** Patterns of files that are not packed. */
  readonly exclude: readonly string[]
  /** Files, relative to the project, that are packed although they look like secrets. */
  readonly includeSecrets: readonly string[]
  /** The directory that holds our Python package `thampi`, or the runtime for Node. */
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
  switch (source.language) {
    case 'node':
      return forNode(model, source, system)
    case 'packed':
      return forPythonElsewhere(model, source, system)
    default:
      return forPython(model, source, system)
  }
}

async function forPython(model: SavedModel, source: PythonSource, system: System): Promise<Bundle> {
  checkPython(model, source.python)
  const { target } = source
  const { code, saved, runtime } = await ownLayers(model, source, system)
  const { layer, environment, notices } = await dependencies(model, source, system)
  const layers = [layer, runtime, code.layer, saved]
  return {
    digest: digestOfBundle('python', target, layers),
    language: 'python',
    target,
    layers,
    environment,
    properties: model.properties,
    notices: [...(model.notices ?? []), ...code.notices, ...notices],
  }
}

async function forPythonElsewhere(model: SavedModel, source: PackedSource, system: System): Promise<Bundle> {
  const { target } = source
  const { code, saved, runtime } = await ownLayers(model, source, system)
  // What the platform has left for packages, once everything of ours is in.
  const room = roomForCode - sizeOf([...runtime.files, ...code.layer.files])
  const { layer, environment, notices } = await packedDependencies(model, { ...source, room }, system)
  const layers = [layer, runtime, code.layer, saved]
  return {
    digest: digestOfBundle('python', target, layers),
    language: 'python',
    target,
    layers,
    environment,
    properties: model.properties,
    example: model.receipts[0]?.data,
    notices: [...(model.notices ?? []), ...code.notices, ...notices],
  }
}

/** Everything that is quickly refused comes before the packages, which take their time. */
async function ownLayers(
  model: SavedModel,
  { projectDir, exclude, includeSecrets, runtimeDir }: CommonSource,
  { places }: System,
): Promise<{ readonly code: PackedCode; readonly saved: Layer; readonly runtime: Layer }> {
  const code = await codeLayer(projectDir, { exclude, includeSecrets, own: [places.home, places.state] })
  const saved = await modelLayer(model, { projectDir, includeSecrets, home: places.home })
  return { code, saved, runtime: await pythonRuntime(runtimeDir) }
}

/** A module brings its code and its packages with it, and the project stays where it is; other formats need packages. */
async function forNode(model: SavedModel, source: NodeSource, { places }: System): Promise<Bundle> {
  const { projectDir, includeSecrets, target, node, packages = [] } = source
  const saved = await modelLayer(model, { projectDir, includeSecrets, home: places.home })
  const runtime = await nodeRuntime(source.runtimeDir)
  const layers = [nodeLayer(target.node ?? ''), runtime, layerOf('code', packages), saved]
  const lock = packagesIn(model)
  return {
    digest: digestOfBundle('node', target, layers),
    language: 'node',
    target,
    layers,
    environment: node ? { program: node.path, version: node.version, lock } : { lock },
    properties: model.properties,
    notices: model.notices ?? [],
  }
}

/** `name==version` of what was bundled into the model's module: nothing is installed, and still somebody may ask. */
function packagesIn({ made }: SavedModel): string[] {
  return Object.values(made.packages)
    .map(({ distribution, version }) => `${distribution}==${version}`)
    .sort()
}

function nodeLayer(major: string): Layer {
  return { kind: 'dependencies', digest: digestOf(`node==${major}\n`), files: [] }
}

function digestOfBundle(
  language: Language,
  { os, arch, python, node, glibc }: Target,
  layers: readonly Layer[],
): Digest {
  const parts = layers.map(({ kind, digest }) => `${kind} ${digest}`)
  const elsewhere = glibc === undefined ? [] : [`glibc ${glibc}`]
  const lines = ['bundle 1', language, `${os} ${arch} ${python ?? node ?? ''}`, ...elsewhere, ...parts]
  return digestOf(lines.map(line => `${line}\n`).join(''))
}
