/** What a bundle of a model is made from: which language runs it, on which interpreter, with which packages. */
import { resolve } from 'node:path'
import type { FileEntry, Target } from './bundle/bundle.ts'
import type { BundleSource } from './bundle/bundle-model.ts'
import { inspect } from './bundle/inspect.ts'
import { findOnnxRuntime } from './bundle/onnx-runtime.ts'
import { ThampiError } from './errors.ts'
import type { SavedModel } from './model/saved-model.ts'
import type { Stage } from './settings/stage.ts'
import { findNode } from './system/node.ts'
import { installation } from './system/package.ts'
import { findPython } from './system/python.ts'
import type { System } from './system/system.ts'

export interface SourceOptions {
  readonly dependencyFile?: string
  readonly projectDir?: string
  readonly python?: string
  readonly includeSecrets?: readonly string[]
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
  const { os, arch } = target
  const forNode = async (packages: readonly FileEntry[]): Promise<BundleSource> => {
    const node = await findNode(system)
    const nodeTarget = { os, arch, node: node.major }
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
    await expectOnnxRuntime(model, system)
  }
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
