/** The platforms there are, each loaded when it is asked for. */
import type { PlatformName, Stage } from '../settings/stage.ts'
import type { System } from '../system/system.ts'
import type { Platform } from './platform.ts'

const platforms: Record<PlatformName, (stage: Stage, system: System) => Promise<Platform>> = {
  local: async (_, system) => (await import('./local/local.ts')).openLocal(system),
  aws: async (stage, system) => (await import('./aws/aws.ts')).openAws(stage, system),
}

/** The platform that serves a stage, as that stage's settings reach it. */
export function platformOf(stage: Stage, system: System): Promise<Platform> {
  return platforms[stage.platform](stage, system)
}
