/** A project with a settings file whose stage `dev` is served on the platform aws, through the verbs that people use. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Engine, openEngine } from '../../src/engine.ts'
import { permissions } from '../../src/iam.ts'
import type { Deployment } from '../../src/platforms/platform.ts'
import { serve } from '../../src/serve.ts'
import type { Cloud } from '../aws/cloud.ts'
import type { PolicyStatement } from '../aws/permissions.ts'
import { servingOn } from './aws-serving.ts'
import { saveSource } from './node-runtime.ts'
import { temporaryDirectory } from './python.ts'

const usual = {
  project_name: 'mymodel',
  s3_bucket: 'thampi-tests',
  keep_warm: false,
  thampi: { platform: 'aws' },
}

export interface Projects {
  /** What the commands of the last project told. */
  readonly told: string[]
  /** One whose stage `dev` has these keys beside the usual ones. */
  project(keys: Readonly<Record<string, unknown>>): Promise<Engine>
  /** Serves a model that gives back what it got; always the same one. */
  served(engine: Engine): Promise<Deployment>
}

export function projectsOn(cloud: () => Cloud): Projects {
  const { told, system } = servingOn(cloud)
  const model = saveSource('export default class { predict(args) { return { got: args } } }')
  return {
    told,
    project: keys => {
      const cwd = temporaryDirectory()
      writeFileSync(join(cwd, 'zappa_settings.json'), JSON.stringify({ dev: { ...usual, ...keys } }))
      told.length = 0
      return openEngine({ system: system(cwd) })
    },
    served: async engine =>
      (await serve('dev', { modelDir: await model, trial: 'never' }, engine)).deployment,
  }
}

/** What `thampi iam print` writes. */
export async function printedPolicy(engine: Engine): Promise<{ Statement: readonly PolicyStatement[] }> {
  return (await permissions('dev', engine)) as { Statement: readonly PolicyStatement[] }
}

/** The status that somebody gets who brings nothing, or these headers. */
export async function statusFor(url: string, headers: Record<string, string> = {}): Promise<number> {
  return (await fetch(url, { method: 'POST', body: '{"data": 1}', headers })).status
}
