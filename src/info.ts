/** The verb `info`: what a stage is now. */
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
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

export function notDeployed(stage: Stage, platform: Platform): ThampiError {
  return new ThampiError('NOT_DEPLOYED', {
    message: `${stage.name} is not deployed: nothing of "${stage.model}" is served on the ${platform.name} platform.`,
    fix: `thampi serve ${stage.name}`,
  })
}
