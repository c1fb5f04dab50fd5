/** The engine, speaking through a session of the command line. */
import { type Engine, type EngineOptions, openEngine } from '../engine.ts'
import { realSystem, type System } from '../system/system.ts'
import type { Session } from './session.ts'

/** For commands about what is served. Reads the settings and says their warnings, once. */
export async function engineFor(session: Session): Promise<Engine> {
  return engineWith({ served: true }, session)
}

/** For commands that pack a model: the one of `--model_dir`, else the newest. */
export async function packingEngine(modelDir: string | undefined, session: Session): Promise<Engine> {
  return engineWith({ modelDir }, session)
}

async function engineWith(options: EngineOptions, session: Session): Promise<Engine> {
  const { output, settingsFile, platform } = session
  const engine = await openEngine({ ...options, settingsFile, platform, system: systemFor(session) })
  for (const warning of engine.settings.warnings) output.warn(warning)
  if (output.manner.verbose) output.step(`Settings: ${engine.settings.path ?? 'no file, only defaults'}`)
  return engine
}

/** The machine, whose steps this session shows. */
export function systemFor({ output }: Session): System {
  return realSystem(line => output.step(line))
}
