/** The verb `status`: how a stage does, with figures of the last ten minutes. */
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { notDeployed } from './info.ts'
import type { StageStatus } from './platforms/platform.ts'

/**
 * @example
 * const { state, versions } = await status('staging', engine)
 * @throws ThampiError `NOT_DEPLOYED`
 */
export async function status(stageName: string | undefined, engine: Engine): Promise<StageStatus> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  if (!platform.status) {
    throw new ThampiError('PLATFORM_UNAVAILABLE', {
      message: `The platform "${platform.name}" does not tell how a stage does.`,
      fix: `thampi info ${stage.name}`,
    })
  }
  const found = await platform.status(stage)
  if (found) return found
  throw notDeployed(stage, platform)
}
