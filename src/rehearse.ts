/** The dry run of `serve`: everything that happens on this machine happens, and what the platform would change is listed instead of changed. */
import type { Engine } from './engine.ts'
import type { Proof } from './model/proof.ts'
import type { SavedModel } from './model/saved-model.ts'
import type { Change, Version } from './platforms/platform.ts'
import { deploy, type Packed, packFor, type ServeOptions } from './serve.ts'
import type { System } from './system/system.ts'
import { naiveUtc } from './system/time.ts'

export interface Rehearsed {
  readonly stage: string
  readonly model: SavedModel
  readonly platform: string
  /** The one that would have the traffic; of a new one the number is a guess, because only the platform gives it. */
  readonly version: Version
  readonly url: string
  /** True when the stage serves this very bundle with these settings already. */
  readonly unchanged: boolean
  /** In order. What happens at the same time may come in another one. */
  readonly changes: readonly Change[]
}

/**
 * Runs `serve` against the twin of its platform that changes nothing.
 *
 * @example
 * const { changes } = await rehearse('staging', { modelDir: './models/iris' }, engine)
 * for (const { action, resource } of changes) console.log(action, resource)
 */
export async function rehearse(
  stageName: string | undefined,
  options: ServeOptions,
  engine: Engine,
): Promise<Rehearsed> {
  return rehearsed(await packFor(stageName, options, engine), engine.system)
}

/** The same for what is packed already. */
export async function rehearsed(packed: Packed, system: System): Promise<Rehearsed> {
  const { platform, changes } = packed.platform.rehearsal()
  // What is told is told of things that were done.
  const silent = { ...system, tell: () => {} }
  const { deployment, version, model, unchanged } = await deploy({ ...packed, platform }, unasked, silent)
  const { stage } = deployment
  return { stage, model, platform: platform.name, version, url: deployment.url, unchanged, changes }
}

/** A version that is not there is asked nothing. */
async function unasked(_: Version, { receipts }: Pick<SavedModel, 'receipts'>): Promise<Proof> {
  const provenTimeUtc = naiveUtc(new Date(0))
  return { provenTimeUtc, examples: receipts.length, maxDeviation: 0, latencyMs: { median: 0, max: 0 } }
}
