/** What `serve` does on the platform aws, with models in TypeScript that are written in the test. */
import { openAws } from '../../src/platforms/aws/aws.ts'
import type { Deployment, Platform, Version } from '../../src/platforms/platform.ts'
import type { Stage } from '../../src/settings/stage.ts'
import { digestOf } from '../../src/system/files.ts'
import { places } from '../../src/system/places.ts'
import { realSystem, type System } from '../../src/system/system.ts'
import type { Cloud } from '../aws/cloud.ts'
import { all, bundleOf } from '../platforms/suite.ts'
import { awsStage } from './aws-stage.ts'
import { saveSource } from './node-runtime.ts'
import { temporaryDirectory } from './python.ts'

/** The stage dev in the bucket thampi-tests, not kept warm unless said. */
export function stageWith(aws: Readonly<Record<string, unknown>> = {}, more: Partial<Stage> = {}): Stage {
  return awsStage('dev', { s3_bucket: 'thampi-tests', ...aws }, { keepWarm: false, ...more })
}

export interface Serving {
  /** What people were told. */
  readonly told: string[]
  /** A command of its own, in `cwd` or in an empty directory. */
  system(cwd?: string): System
  /** Serves a model that says `text`. */
  serve(text: string, stage?: Stage, platform?: Platform): Promise<Deployment & { version: Version }>
  /** Serves the model whose module is `source`. */
  serveSource(source: string, stage?: Stage, platform?: Platform): Promise<Deployment & { version: Version }>
}

export function servingOn(cloud: () => Cloud): Serving {
  const home = temporaryDirectory()
  const told: string[] = []
  const system = (cwd: string = temporaryDirectory()): System => {
    const env = { ...process.env, ...cloud().env, THAMPI_HOME: home }
    return { ...realSystem(line => told.push(line)), env, cwd, places: places(env) }
  }
  const serveSource: Serving['serveSource'] = async (source, stage = stageWith(), platform) => {
    const here = system()
    const at = platform ?? (await openAws(stage, here))
    // The same module is the same model, also the next time.
    const dir = await saveSource(source, { instance_id: digestOf(source) })
    const bundle = await bundleOf(dir, stage, { platform: at, system: here })
    return at.exclusively(stage, async () => {
      const version = await at.release(bundle, stage)
      return { ...(await at.route(stage, all(version))), version }
    })
  }
  const serve: Serving['serve'] = (text, ...more) =>
    serveSource(`export default class { predict() { return { says: '${text}' } } }`, ...more)
  return { told, system, serve, serveSource }
}
