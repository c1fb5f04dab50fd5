/** The verb `info`: what a stage is now. */
import type { Likeness } from './bundle/likeness.ts'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import type { Proof } from './model/proof.ts'
import type { Schema } from './model/schema.ts'
import type { Deployment, Platform } from './platforms/platform.ts'
import type { Stage } from './settings/stage.ts'

/**
 * @example
 * const { url } = await info('staging', engine)
 * @throws ThampiError `NOT_DEPLOYED`
 */
export async function info(stageName: string | undefined, engine: Engine): Promise<Deployment> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  const deployment = await platform.find(stage)
  if (deployment) return deployment
  throw notDeployed(stage, platform)
}

/** What a caller of a stage may want to know about the version that gets most of its traffic. */
export interface StageDetails {
  readonly deployment: Deployment
  readonly proof?: Proof | undefined
  readonly schema?: Schema | undefined
  /** Of what it runs to what Lambda gets, for a stage that is meant for Lambda and served here. */
  readonly likeness?: Likeness | undefined
}

/**
 * @example
 * const { schema } = await details('staging', engine)
 * schema?.input // { type: 'object', … }
 * @throws ThampiError `NOT_DEPLOYED`
 */
export async function details(stageName: string | undefined, engine: Engine): Promise<StageDetails> {
  const deployment = await info(stageName, engine)
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  const [most] = [...deployment.weights].sort(([, a], [, b]) => b - a)
  const version = (await platform.versions(stage)).find(({ number }) => number === most?.[0])
  if (!version) return { deployment }
  const { schema } = await platform.contents(version)
  return { deployment, proof: version.proof, schema, likeness: version.likeness }
}

export function notDeployed(stage: Stage, platform: Platform): ThampiError {
  return new ThampiError('NOT_DEPLOYED', {
    message: `${stage.name} is not deployed: nothing of "${stage.model}" is served on the ${platform.name} platform.`,
    fix: `thampi serve ${stage.name}`,
  })
}
