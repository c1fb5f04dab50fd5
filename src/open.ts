/** The verb `open`: the address of a page where the owner of a stage tries it and moves its traffic. */
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { notDeployed } from './info.ts'

/**
 * The address ends with a token, in the part that browsers send to nobody: who has it may move the traffic of this
 * machine's stages until the platform is started again.
 *
 * @example
 * const address = await open('staging', engine)
 * @throws ThampiError `NOT_DEPLOYED`, `PLATFORM_UNAVAILABLE`
 */
export async function open(stageName: string | undefined, engine: Engine): Promise<string> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  if (!platform.page) {
    throw new ThampiError('PLATFORM_UNAVAILABLE', {
      message: `The platform "${platform.name}" has no page of a stage.`,
      fix: `thampi info ${stage.name}`,
    })
  }
  const address = await platform.page(stage)
  if (address !== undefined) return address
  throw notDeployed(stage, platform)
}
