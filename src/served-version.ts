/** The version that most callers of a stage reach. */
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { info } from './info.ts'
import type { Deployment, Version } from './platforms/platform.ts'

/** @throws ThampiError `NOT_DEPLOYED`, `VERSION_UNKNOWN` when it went meanwhile */
export async function servedVersion(
  stageName: string | undefined,
  engine: Engine,
): Promise<{ readonly deployment: Deployment; readonly version: Version }> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  const deployment = await info(stageName, engine)
  const [[number] = [0]] = [...deployment.weights].sort(([a, share], [b, other]) => other - share || b - a)
  const version = (await platform.versions(stage)).find(one => one.number === number)
  if (version) return { deployment, version }
  throw new ThampiError('VERSION_UNKNOWN', {
    message: `Version ${number} of ${stage.name} went while it was being looked at.`,
    fix: 'run the same command again',
  })
}
