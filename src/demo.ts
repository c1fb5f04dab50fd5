/** The verb `demo`: a model that comes with Thampi, served on this machine. No Python, no files, no settings. */
import { join } from 'node:path'
import { type Engine, openEngine } from './engine.ts'
import { type Served, serve } from './serve.ts'
import { installation } from './system/package.ts'
import type { System } from './system/system.ts'
import { undeploy } from './undeploy.ts'

/** A name that no project of the user's has. */
const name = 'iris-demo'
const stage = 'dev'

/** Serves the demonstration model on the local platform, beside whatever else is served there. */
export async function demo(system: System): Promise<Served> {
  const { engine, modelDir } = await demoEngine(system)
  return serve(stage, { modelDir }, engine)
}

/** Ends it; false when it was not served. */
export async function endDemo(system: System): Promise<boolean> {
  const { engine } = await demoEngine(system)
  return (await undeploy(stage, { removeLogs: true }, engine)).removed
}

/** The settings of the directory that the user happens to be in have no say. */
async function demoEngine(system: System): Promise<{ engine: Engine; modelDir: string }> {
  const cwd = installation().demoDir
  const modelDir = join(cwd, name)
  const engine = await openEngine({ platform: 'local', modelDir, system: { ...system, cwd } })
  return { engine, modelDir }
}
