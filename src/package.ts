/** The verb `package`: everything that Lambda takes, in a directory, for people who deploy with tools of their own. */
import { resolve } from 'node:path'
import type { Bundle } from './bundle/bundle.ts'
import { checkPlace, writeDirectory } from './bundle/lambda/directory.ts'
import { type Origin, originsOf } from './bundle/lambda/origins.ts'
import { lambdaPackage } from './bundle/lambda/pack.ts'
import type { LambdaPackage } from './bundle/lambda/package.ts'
import { lambdaTarget } from './bundle/lambda/target.ts'
import { type BundleOptions, bundleFor } from './bundled.ts'
import type { Engine } from './engine.ts'
import { blobPrefix, namesOf } from './platforms/aws/names.ts'
import { chosenModel, stageFor } from './serve.ts'
import { forPeople } from './system/files.ts'
import { naiveUtc } from './system/time.ts'

export interface PackageOptions extends BundleOptions {
  readonly modelDir?: string | undefined
  /** Where it goes. What `package` wrote there before is replaced, and nothing else. */
  readonly output: string
  /** Naive UTC; undefined: now. */
  readonly servedTimeUtc?: string | undefined
}

export interface Packaged {
  /** As its user would write it. */
  readonly dir: string
  readonly made: LambdaPackage
  readonly bundle: Bundle
  /** True when the very same package was there already. */
  readonly unchanged: boolean
  /** Every file of the function and its layers. */
  origins(): Promise<readonly Origin[]>
}

/**
 * @throws ThampiError OUTPUT_EXISTS when something else is in that place; what keeps the model from being packed or tried
 * @example
 * const { made, dir } = await packageStage('staging', { output: 'dist' }, engine)
 */
export async function packageStage(
  stageName: string | undefined,
  options: PackageOptions,
  engine: Engine,
): Promise<Packaged> {
  const { system } = engine
  const stage = stageFor(stageName, engine)
  const dir = resolve(system.cwd, options.output)
  const shown = forPeople(dir, system.cwd)
  const before = await checkPlace(dir, shown)
  const model = await chosenModel(options.modelDir, system)
  const bundle = await bundleFor(model, stage, lambdaTarget(model, stage), options, system)
  for (const notice of bundle.notices) system.tell(notice)
  const { s3_bucket: bucket } = stage.aws
  const blobs = typeof bucket === 'string' ? { bucket, prefix: blobPrefix } : undefined
  const packed = (servedTimeUtc: string): Promise<LambdaPackage> =>
    lambdaPackage(bundle, stage, { servedTimeUtc, blobs }, system)
  const now = options.servedTimeUtc ?? naiveUtc(system.now())
  const fresh = await packed(now)
  for (const notice of fresh.notices) system.tell(notice)
  // The same package again is the same release: its time is that of the first run.
  const isSame = before?.key === fresh.key && options.servedTimeUtc === undefined
  const servedTimeUtc = isSame ? before.servedTimeUtc : now
  const made = isSame ? await packed(servedTimeUtc) : fresh
  const unchanged = before?.key === made.key && before.functionDigest === made.functionZip.digest
  const { function: name } = namesOf({ stage: stage.name, model: stage.model })
  if (!unchanged) await writeDirectory(dir, { made, name, servedTimeUtc, bundle: bundle.digest })
  return { dir: shown, made, bundle, unchanged, origins: () => originsOf(bundle, made) }
}
