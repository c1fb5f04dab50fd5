/** The platforms there are, each loaded when it is asked for. */
import { ThampiError } from '../errors.ts'
import type { PlatformName } from '../settings/stage.ts'
import type { System } from '../system/system.ts'
import type { Platform } from './platform.ts'

const platforms: Record<PlatformName, (system: System) => Promise<Platform>> = {
  local: async system => (await import('./local/local.ts')).openLocal(system),
  aws: async () => {
    throw new ThampiError('PLATFORM_UNAVAILABLE', {
      message: 'The platform "aws" was asked for, and this version of thampi serves on this machine only.',
      why: 'Serving on AWS Lambda with the same bundle is being built; see the status table in the README.',
      fix: 'run the same command with --platform local',
    })
  },
}

export function platformNamed(name: PlatformName, system: System): Promise<Platform> {
  return platforms[name](system)
}
