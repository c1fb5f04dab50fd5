/** What a bundle of a model is made from: which language runs it, on which interpreter, with which packages. */
import { resolve } from 'node:path'
import type { FileEntry, Target } from './bundle/bundle.ts'
import type { BundleSource, PackedSource } from './bundle/bundle-model.ts'
import { checkPython } from './bundle/dependencies.ts'
import { inspect } from './bundle/inspect.ts'
import { checkLambdaPython } from './bundle/lambda/target.ts'
import { findOnnxRuntime } from './bundle/onnx-runtime.ts'
import { ThampiError } from './errors.ts'
import type { SavedModel } from './model/saved-model.ts'
import type { Stage } from './settings/stage.ts'
import { findNode } from './system/node.ts'
import { installation } from './system/package.ts'
import { findPython, type PythonFound } from './system/python.ts'
import type { System } from './system/system.ts'

export interface SourceOptions {
  readonly dependencyFile?: string
  readonly projectDir?: string
  readonly python?: string
  readonly includeSecrets?: readonly string[]
  /** For another machine: nothing that was published later is packed, `2026-11-01`. */
  readonly excludeNewer?: string | undefined
}

/** `target` is what the platform wants; the interpreter that was found completes it. */
export async function sourceOf(
  model: SavedModel,
  stage: Stage,
  target: Target,
  options: SourceOptions,
  system: System,
): Promise<BundleSource> {
  const common = {
    projectDir: resolve(system.cwd, options.projectDir ?? '.'),
    exclude: stage.exclude,
    includeSecrets: options.includeSecrets ?? [],
  }
  const isElsewhere = target.glibc !== undefined
  const forNode = async (packages: readonly FileEntry[]): Promise<BundleSource> => {
    const node = isElsewhere ? undefined : await findNode(system)
    const nodeTarget = { ...withoutPython(target), node: node?.major ?? target.node ?? '' }
    const runtimeDir = installation().nodeDir
    return { ...common, language: 'node', node, target: nodeTarget, runtimeDir, packages }
  }
  if (model.format === 'typescript') return forNode([])
  const askedForPython = options.python !== undefined || options.dependencyFile !== undefined
  if (model.format === 'onnx' && !askedForPython) {
    const runtime = await findOnnxRuntime(common.projectDir, target)
    if (runtime) {
      system.tell(`${model.name} runs on ${runtime.name} ${runtime.version} of this project, without Python.`)
      return forNode(runtime.files)
    }
    if (!isElsewhere) await expectOnnxRuntime(model, system)
  }
  if (isElsewhere) return packedSource(model, stage, target, options, common, system)
  const { os, arch } = target
  const python = await findPython(system, { explicit: options.python, minor: target.python })
  return {
    ...common,
    language: 'python',
    python,
    target: { os, arch, python: python.minor },
    installer: stage.installer,
    dependencyFile: options.dependencyFile ?? model.dependencyFile,
    runtimeDir: installation().pythonDir,
  }
}

/** For Lambda: what is installed here does not count, except as the compiler of bytecode. */
async function packedSource(
  model: SavedModel,
  stage: Stage,
  target: Target,
  options: SourceOptions,
  common: Pick<PackedSource, 'projectDir' | 'exclude' | 'includeSecrets'>,
  system: System,
): Promise<PackedSource> {
  const chosen =
    options.python === undefined ? undefined : await findPython(system, { explicit: options.python })
  const minor = chosen?.minor ?? target.python ?? ''
  checkLambdaPython(minor, model.name, stage, `is to run on Python ${minor}`)
  if (chosen) checkPython(model, chosen)
  const { node: _, ...machine } = target
  return {
    ...common,
    language: 'packed',
    target: { ...machine, python: minor },
    dependencyFile: options.dependencyFile ?? model.dependencyFile,
    interpreter: chosen ?? (await ofMinor(minor, system)),
    keep: [],
    allow: stage.dependencySources ?? [],
    keepBoto3: stage.keepBoto3 ?? false,
    excludeNewer: options.excludeNewer,
    runtimeDir: installation().pythonDir,
  }
}

/** The one in use when it fits, else any that is installed; undefined when there is none. */
async function ofMinor(minor: string, system: System): Promise<PythonFound | undefined> {
  const quiet = { ...system, tell: () => {} }
  for (const wanted of [{ minor }, { explicit: minor }]) {
    const found = await findPython(quiet, wanted).catch(() => undefined)
    if (found?.minor === minor) return found
  }
  return undefined
}

function withoutPython({ python: _, ...target }: Target): Target {
  return target
}

/** In the Python in use, since the project has none. @throws ThampiError MODULE_MISSING */
async function expectOnnxRuntime(model: SavedModel, system: System): Promise<void> {
  const python = await findPython(system).catch(() => undefined)
  const found = python && (await inspect(python.path, ['onnxruntime'], system))
  if (found?.modules.has('onnxruntime')) {
    system.tell(
      `${model.name} runs on onnxruntime ${found.versions.get('onnxruntime') ?? ''} of ${python?.path}.`,
    )
    return
  }
  throw new ThampiError('MODULE_MISSING', {
    message: `${model.name} is an ONNX model, and there is nothing here to run it.`,
    why: `Neither onnxruntime-node nor onnxruntime-web is in node_modules, nor onnxruntime beside ${python?.path ?? 'a Python'}.`,
    fix: 'npm install onnxruntime-web   # or: pip install onnxruntime',
  })
}
