/** The engine, speaking through a session of the command line. */
import { type Engine, openEngine } from '../engine.ts'
import { realSystem, type System } from '../system/system.ts'
import type { Session } from './session.ts'

/** Reads the settings and says their warnings, once. */
export async function engineFor(session: Session, modelDir?: string): Promise<Engine> {
  const { output, settingsFile, platform } = session
  const engine = await openEngine({ settingsFile, platform, modelDir, system: systemFor(session) })
  for (const warning of engine.settings.warnings) output.warn(warning)
  if (output.manner.verbose) output.step(`Settings: ${engine.settings.path ?? 'no file, only defaults'}`)
  return engine
}

/** The machine, whose steps this session shows. */
export function systemFor({ output }: Session): System {
  return realSystem(line => output.step(line))
}
