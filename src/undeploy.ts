/** The verb `undeploy`: a stage stops being served; what stays behind is named. */
import type { Engine } from './engine.ts'
import type { Removal, RemoveOptions } from './platforms/platform.ts'
import { forgetServed } from './served-here.ts'

/**
 * @example
 * const { removed, left } = await undeploy('staging', { removeLogs: false }, engine)
 */
export async function undeploy(
  stageName: string | undefined,
  options: RemoveOptions,
  engine: Engine,
): Promise<Removal> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  const removal = await platform.remove(stage, options)
  await forgetServed(engine)
  return removal
}
