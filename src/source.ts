/** What a bundle of a model is made from: which language runs it, on which interpreter, with which packages. */
import { resolve } from 'node:path'
import type { Target } from './bundle/bundle.ts'
import type { BundleSource } from './bundle/bundle-model.ts'
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
  if (model.format === 'typescript') {
    const node = await findNode(system)
    const nodeTarget = { os, arch, node: node.major }
    return { ...common, language: 'node', node, target: nodeTarget, runtimeDir: installation().nodeDir }
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
