/** The platform aws, on a cloud of this machine: the shared suite, through real zips, real processes and real HTTP. */
import { it } from 'vitest'
import { openAws } from '../../src/platforms/aws/aws.ts'
import type { Stage } from '../../src/settings/stage.ts'
import { places } from '../../src/system/places.ts'
import { realSystem } from '../../src/system/system.ts'
import { startCloud } from '../aws/cloud.ts'
import { awsStage } from '../support/aws-stage.ts'
import { savedWithNewerPython } from '../support/newer-model.ts'
import { newerPython } from '../support/newer-python.ts'
import { temporaryDirectory } from '../support/python.ts'
import { inTypeScript, type Reached, testPlatform } from './suite.ts'

const stage = (name: string): Stage => awsStage(name, { s3_bucket: 'thampi-tests' })

/** A cloud of its own: what a suite leaves there is not for the next one. */
async function reach(): Promise<Reached> {
  const cloud = await startCloud()
  const env = { ...process.env, ...cloud.env, THAMPI_HOME: temporaryDirectory() }
  const system = { ...realSystem(), env, cwd: temporaryDirectory(), places: places(env) }
  return { platform: await openAws(stage('any'), system), system, stage, close: () => cloud.close() }
}

const newer = await newerPython()
if ('missing' in newer) {
  it.skip(`aws, with models in Python: ${newer.missing}`, () => {})
} else {
  testPlatform('aws, with models in Python 3.13', reach, {
    packages: ['cloudpickle=='],
    source: { python: newer.path },
    answering: text =>
      savedWithNewerPython(`import thampi
class Model(thampi.Model):
    def predict(self, args, context):
        print("asked")
        return {"says": ${JSON.stringify(text)}, "got": args}
thampi.save(Model(), "model", ".")
`),
    broken: why =>
      savedWithNewerPython(`import thampi
class Model(thampi.Model):
    def initialize(self, context):
        raise ValueError(${JSON.stringify(why)})
    def predict(self, args, context):
        return 1
thampi.save(Model(), "model", ".")
`),
  })
}

testPlatform('aws, with models in TypeScript', reach, inTypeScript)
