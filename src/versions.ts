/** The verb `versions`: what was released on a stage, and what share of the traffic each release has. */
import type { Engine } from './engine.ts'
import type { Deployment, Version } from './platforms/platform.ts'

export interface Versions {
  /** Undefined when the stage is not served. */
  readonly deployment: Deployment | undefined
  /** Oldest first. */
  readonly versions: readonly Version[]
}

/**
 * @example
 * const { versions } = await listVersions('staging', engine)
 */
export async function listVersions(stageName: string | undefined, engine: Engine): Promise<Versions> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  return { deployment: await platform.find(stage), versions: await platform.versions(stage) }
}
