/** The verb `iam`: what somebody has to be allowed who deploys a project, in the words of its platform. */
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'

/**
 * A policy for a user or a role, with nothing wider than its use. It covers every stage of the project that lies in the
 * same account, region and bucket.
 *
 * @example
 * console.log(JSON.stringify(await permissions('staging', engine), null, 2))
 * @throws ThampiError PLATFORM_UNAVAILABLE when the stage's platform asks for no permissions
 */
export async function permissions(stageName: string | undefined, engine: Engine): Promise<unknown> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  if (platform.permissions) return platform.permissions(stage)
  throw new ThampiError('PLATFORM_UNAVAILABLE', {
    message: `${stage.name} is served on the ${platform.name} platform, which needs no permissions.`,
    fix: `thampi iam print ${stage.name} --platform aws`,
  })
}
