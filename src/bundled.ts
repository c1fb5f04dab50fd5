/** A saved model becomes a bundle for its stage. One that will run elsewhere is tried here first, and mended when it lacks something. */
import type { Bundle, Target } from './bundle/bundle.ts'
import { bundleModel, type PackedSource } from './bundle/bundle-model.ts'
import { filesOf } from './bundle/lambda/function-zip.ts'
import { archiveOf } from './bundle/lambda/sizes.ts'
import type { Interpreter } from './bundle/lambda/trial.ts'
import { bundleHere } from './bundled-here.ts'
import type { SavedModel } from './model/saved-model.ts'
import type { Stage } from './settings/stage.ts'
import { type SourceOptions, sourceOf } from './source.ts'
import { glibcVersion } from './system/glibc.ts'
import { findNode } from './system/node.ts'
import type { System } from './system/system.ts'
import { knownBundle, triedBundle } from './tried.ts'

export interface BundleOptions extends SourceOptions {
  /** Whether a bundle for another machine is tried here: unless it was before, never, or what is known is looked up. */
  readonly trial?: 'always' | 'never' | 'known' | undefined
}

/**
 * Packs a model for `target`. For this machine that is all; for Lambda the finished package is unpacked here, loaded, and
 * asked what was recorded when the model was saved, unless that was done before. A package that misses what was left out
 * of it gets it back.
 *
 * @throws ThampiError whatever keeps it from being packed, loaded or asked
 * @example
 * const bundle = await bundleFor(model, stage, platform.target(model, stage), {}, system)
 */
export async function bundleFor(
  model: SavedModel,
  stage: Stage,
  target: Target,
  options: BundleOptions,
  system: System,
): Promise<Bundle> {
  if (target.glibc === undefined) return bundleHere(model, stage, target, options, system)
  const source = await sourceOf(model, stage, target, options, system)
  const bundle = await bundleModel(model, source, system)
  const { trial = 'always' } = options
  if (trial === 'never') return bundle
  const interpreter = await interpreterFor(bundle, source.language === 'packed' ? source : undefined, system)
  if ('whyNot' in interpreter) {
    if (trial === 'always') system.tell(`Not tried here: ${interpreter.whyNot}.`)
    return bundle
  }
  const again = (keep: readonly string[]): Promise<Bundle> =>
    bundleModel(model, source.language === 'packed' ? { ...source, keep } : source, system)
  const subject = { bundle, model, stage, interpreter, again }
  const known = await knownBundle(subject, system)
  return known ?? (trial === 'known' ? bundle : triedBundle(subject, system))
}

/** The program that can run the bundle, or why there is none. */
async function interpreterFor(
  bundle: Bundle,
  source: PackedSource | undefined,
  system: System,
): Promise<Interpreter | { readonly whyNot: string }> {
  const { target, language } = bundle
  if (hasMachineCode(bundle)) {
    const here = `${system.os} ${system.arch}`
    if (here !== `${target.os} ${target.arch}`) {
      return { whyNot: `the packages are for ${target.os} ${target.arch}, and this machine is ${here}` }
    }
    if (glibcVersion() === undefined)
      return { whyNot: 'the packages need glibc, which this machine has not got' }
  }
  if (language === 'node') return { path: (await findNode(system)).path, language }
  const python = source?.interpreter
  if (python) return { path: python.path, language }
  return { whyNot: `there is no Python ${target.python} on this machine` }
}

function hasMachineCode(bundle: Bundle): boolean {
  return (
    (archiveOf(bundle)?.packages ?? []).some(({ wheel }) => !wheel.endsWith('-any.whl')) ||
    filesOf(bundle, 'code').some(({ path }) => path.endsWith('.node'))
  )
}
