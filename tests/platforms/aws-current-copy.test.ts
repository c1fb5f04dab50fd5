/** `model/current/` on the platform aws: where programs of 2018 look for the model that has the traffic. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAws } from '../../src/platforms/aws/aws.ts'
import type { Version } from '../../src/platforms/platform.ts'
import { clientsOf } from '../aws/clients.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { servingOn, stageWith } from '../support/aws-serving.ts'
import { savedWithNewerPython } from '../support/newer-model.ts'
import { newerPython } from '../support/newer-python.ts'
import { all, bundleOf } from './suite.ts'

const newer = await newerPython()

describe.skipIf('missing' in newer)('the current model in the bucket', () => {
  let cloud: Cloud
  beforeAll(async () => {
    cloud = await startCloud()
  })
  afterAll(() => cloud.close())
  const { told, system, serve } = servingOn(() => cloud)
  const stage = stageWith()

  async function serveNumber(number: number): Promise<{ version: Version; pickle: string }> {
    const dir = await savedWithNewerPython(`import thampi
class Model(thampi.Model):
    def predict(self, args, context):
        return ${number}
thampi.save(Model(), "model", ".")
`)
    const here = system()
    const platform = await openAws(stage, here)
    const source = { python: 'path' in newer ? newer.path : '' }
    const bundle = await bundleOf(dir, stage, { platform, system: here }, source)
    const version = await platform.release(bundle, stage)
    await platform.route(stage, all(version))
    return { version, pickle: readFileSync(join(dir, 'model.pkl'), 'base64') }
  }

  async function current(file: string): Promise<Buffer> {
    const Key = `thampi/dev/mymodel/model/current/${file}`
    const { Body } = await clientsOf(cloud).s3.send(new GetObjectCommand({ Bucket: 'thampi-tests', Key }))
    return Buffer.from((await Body?.transformToByteArray()) ?? [])
  }

  it('is that of the version with the traffic, also after going back, and ends with the stage', async () => {
    const one = await serveNumber(1)
    const two = await serveNumber(2)
    expect((await current('model.pkl')).toString('base64')).toBe(two.pickle)
    const platform = await openAws(stage, system())
    await platform.route(stage, all(one.version))
    expect((await current('model.pkl')).toString('base64')).toBe(one.pickle)
    expect(JSON.parse((await current('thampi.json')).toString())).toEqual({
      ...one.version.properties,
      served_time_utc: one.version.servedTimeUtc,
    })

    // A stumble here is said, and takes no traffic back.
    cloud.fail({ action: 'CopyObject' }, 'denied')
    await platform.route(stage, all(two.version))
    expect(told.join('\n')).toContain('model/current/model.pkl is not the current model')
    expect((await platform.find(stage))?.weights).toEqual(new Map([[2, 100]]))

    // A model of another kind is not to be mistaken for the one before it.
    await serve('in TypeScript')
    expect((await cloud.resources()).filter(it => it.includes('/current/'))).toEqual([])
    await platform.route(stage, all(one.version))
    await platform.remove(stage, { removeLogs: true })
    expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
  })
})
