/** The engine as the command line assembles it: the real machine, the project's settings, the known platforms. */
import type { Engine } from '../engine.ts'
import { platformNamed } from '../platforms/index.ts'
import { readSettings } from '../settings/settings.ts'
import { realSystem, type System } from '../system/system.ts'
import type { Session } from './session.ts'

export interface Project {
  /** What the model is called when there is no settings file. */
  readonly modelName?: string | undefined
}

/** Reads the settings and says their warnings, once. */
export async function openEngine(session: Session, project: Project = {}): Promise<Engine> {
  const system = systemFor(session)
  const settings = await readSettings({
    dir: system.cwd,
    file: session.settingsFile,
    env: system.env,
    modelName: project.modelName,
  })
  for (const warning of settings.warnings) session.output.warn(warning)
  if (session.output.manner.verbose) session.output.step(`Settings: ${settings.path ?? 'no file, only defaults'}`)
  return {
    system,
    settings: {
      ...settings,
      stage: (name, overrides) => settings.stage(name, { platform: session.platform, ...overrides }),
    },
    platformFor: stage => platformNamed(stage.platform, system),
  }
}

/** The machine, speaking through this session. */
export function systemFor(session: Session): System {
  return realSystem(line => session.output.step(line))
}
