/** What every verb works with, assembled in one place and handed down as an ordinary argument. */
import { basename, join, resolve } from 'node:path'
import { newestModel } from './model/read.ts'
import { platformOf } from './platforms/index.ts'
import type { Platform } from './platforms/platform.ts'
import { servedHere } from './served-here.ts'
import { readSettings, type Settings } from './settings/settings.ts'
import type { Stage } from './settings/stage.ts'
import { realSystem, type System } from './system/system.ts'

export interface Engine {
  readonly system: System
  readonly settings: Settings
  platformFor(stage: Stage): Promise<Platform>
}

export interface EngineOptions {
  /** A settings file other than `zappa_settings.*` of the current directory. */
  readonly settingsFile?: string | undefined
  /** Serves there, whatever settings and environment say. */
  readonly platform?: string | undefined
  /** Names the model where no settings file does; undefined: the newest one under `./models`. */
  readonly modelDir?: string | undefined
  /** Without a settings file the model is meant that was served last from this directory, if any was. */
  readonly served?: boolean
  readonly system?: System
}

/**
 * Reads the settings of the project in the current directory; a project without settings file has one stage, `dev`.
 *
 * @example
 * const engine = await openEngine({ platform: 'local' })
 */
export async function openEngine({
  settingsFile,
  platform,
  modelDir,
  served = false,
  system = realSystem(),
}: EngineOptions = {}): Promise<Engine> {
  const settings = await readSettings({
    dir: system.cwd,
    file: settingsFile,
    env: system.env,
    modelName: (served ? await servedHere(system) : undefined) ?? (await nameOf(modelDir, system)),
  })
  return {
    system,
    settings: { ...settings, stage: (name, overrides) => settings.stage(name, { platform, ...overrides }) },
    platformFor: stage => platformOf(stage, system),
  }
}

async function nameOf(modelDir: string | undefined, { cwd }: System): Promise<string | undefined> {
  const saved = modelDir === undefined ? await newestModel(join(cwd, 'models')) : resolve(cwd, modelDir)
  return saved === undefined ? undefined : nameInUrl(basename(saved))
}

/** A directory may be called anything, a model in a URL may not; of a file the ending does not count. */
function nameInUrl(place: string): string {
  return place.replace(/\.([cm]?[jt]s|onnx)$/, '').replace(/[^a-zA-Z0-9_-]+/g, '-')
}
