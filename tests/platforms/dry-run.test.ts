/** The dry run of `serve`: what it lists is what the very next serve does, and it does none of it. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readModel } from '../../src/model/read.ts'
import type { Account } from '../../src/platforms/aws/account.ts'
import { ensureBucket } from '../../src/platforms/aws/bucket/ensure-bucket.ts'
import { storeIn } from '../../src/platforms/aws/bucket/store.ts'
import { openCloud } from '../../src/platforms/aws/client/client.ts'
import { ensureLayer } from '../../src/platforms/aws/function/ensure-layer.ts'
import { Rehearsal } from '../../src/platforms/aws/rehearsal/rehearsal.ts'
import { placeOf } from '../../src/platforms/aws/settings/place.ts'
import { platformOf } from '../../src/platforms/index.ts'
import { layout } from '../../src/platforms/local/layout.ts'
import { stopHost } from '../../src/platforms/local/start-host.ts'
import { prove } from '../../src/prove.ts'
import { rehearsed } from '../../src/rehearse.ts'
import { deploy, type Packed } from '../../src/serve.ts'
import type { Stage } from '../../src/settings/stage.ts'
import { digestOf } from '../../src/system/files.ts'
import { places } from '../../src/system/places.ts'
import { realSystem, type System } from '../../src/system/system.ts'
import { zipOf } from '../aws/clients.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { awsStage } from '../support/aws-stage.ts'
import { saveSource } from '../support/node-runtime.ts'
import { temporaryDirectory } from '../support/python.ts'
import { bundleOf } from './suite.ts'

const says = (text: string): Promise<string> =>
  saveSource(`export default class { predict() { return { says: '${text}' } } }`)

/** What `serve` has in its hands before it asks the platform for anything. */
async function packed(modelDir: string, stage: Stage, system: System): Promise<Packed> {
  const platform = await platformOf(stage, system)
  const bundle = await bundleOf(modelDir, stage, { platform, system })
  return { stage, platform, model: await readModel(modelDir, system.cwd), bundle, release: {} }
}

function systemIn(home: string, more: Readonly<Record<string, string>> = {}): System {
  const env = { ...process.env, ...more, THAMPI_HOME: home }
  return { ...realSystem(), env, cwd: temporaryDirectory(), places: places(env) }
}

describe('on AWS', () => {
  let cloud: Cloud
  beforeAll(async () => {
    cloud = await startCloud()
  })
  afterAll(() => cloud.close())

  const home = temporaryDirectory()
  let one = ''
  beforeAll(async () => {
    one = await says('one')
  })
  const stage = ({ aws, ...more }: Partial<Stage> = {}): Stage =>
    awsStage('dev', aws ?? { s3_bucket: 'thampi-tests' }, { maxSandboxes: 4, ...more })
  /** Rehearses, then serves; both lists of changes, sorted because steps that run side by side have no order. */
  const both = async (modelDir: string, stage: Stage) => {
    const system = systemIn(home, cloud.env)
    cloud.forget()
    const would = await rehearsed(await packed(modelDir, stage, system), system)
    expect(cloud.writing()).toEqual([])
    expect(cloud.calls().filter(({ action }) => action === 'Invoke')).toEqual([])
    cloud.forget()
    const served = await deploy(await packed(modelDir, stage, system), prove, system)
    const made = cloud.writing().filter(({ status = 0 }) => status < 400)
    return {
      would,
      served,
      listed: would.changes.map(({ action }) => action).sort(),
      made: made.map(({ service, action }) => `${service}:${action}`).sort(),
    }
  }

  it('lists every change of a first serve, to the last small object, with nothing there yet and nothing made', async () => {
    const before = await cloud.resources()
    const { would, served, listed, made } = await both(one, stage())
    expect(before).toEqual([])
    expect(listed).toEqual(made)
    expect(listed).toEqual(
      expect.arrayContaining([
        's3:CreateBucket',
        'iam:CreateRole',
        'lambda:CreateFunction',
        'apigateway:CreateApi',
        'scheduler:CreateSchedule',
        'lambda:PutFunctionConcurrency',
      ]),
    )
    expect(would.version.number).toBe(served.version.number)
    expect(would.unchanged).toBe(false)
    const zip = would.changes.find(({ action }) => action === 'lambda:CreateFunction')
    expect(zip?.bytes).toBeGreaterThan(10_000)
    expect(zip?.resource).toBe('mymodel-dev')
  })

  it('lists nothing when that is served already', async () => {
    const { would, listed, made } = await both(one, stage())
    expect({ listed, made, unchanged: would.unchanged }).toEqual({
      listed: [],
      made: [],
      unchanged: true,
    })
  })

  it('says of what is there already from what to what it changes, and of variables no values', async () => {
    const changed = stage({ memoryMb: 1024, environment: { TOKEN: 'very-secret' }, maxSandboxes: 5 })
    const { would, listed, made } = await both(await says('two'), changed)
    expect(listed).toEqual(made)
    const differences = would.changes.flatMap(change =>
      change.differences.map(({ field, from, to }) => `${change.action} ${field}: ${from} → ${to}`),
    )
    expect(differences).toEqual(
      expect.arrayContaining([
        'lambda:UpdateFunctionConfiguration MemorySize: 512 → 1024',
        'lambda:UpdateFunctionConfiguration TOKEN: not set → set',
        'lambda:UpdateAlias FunctionVersion: 1 → 2',
        'lambda:PutFunctionConcurrency ReservedConcurrentExecutions: 4 → 5',
      ]),
    )
    expect(JSON.stringify(would.changes)).not.toContain('very-secret')
    expect(differences.filter(line => /Layers|VpcConfig|Role:|SnapStart|LoggingConfig/.test(line))).toEqual(
      [],
    )
  })

  it('lists what the settings ask for besides: another address, a signature, nothing kept warm', async () => {
    const more = stage({
      keepWarm: false,
      aws: { s3_bucket: 'thampi-tests', iam_authorization: true, function_url_enabled: true },
    })
    const { would, listed, made } = await both(one, more)
    expect(listed).toEqual(made)
    expect(listed).toEqual(
      expect.arrayContaining([
        'lambda:CreateFunctionUrlConfig',
        'apigateway:UpdateRoute',
        'scheduler:DeleteSchedule',
      ]),
    )
    const route = would.changes.find(({ action }) => action === 'apigateway:UpdateRoute')
    expect(route?.differences).toEqual([{ field: 'AuthorizationType', from: 'NONE', to: 'AWS_IAM' }])
  })

  it('lists old versions that go', async () => {
    const retained = stage({ retainedVersions: 2 })
    const system = systemIn(home, cloud.env)
    await deploy(await packed(await says('three'), retained, system), prove, system)
    const { listed, made } = await both(await says('four'), retained)
    expect(listed).toEqual(made)
    expect(listed).toContain('lambda:DeleteFunction')
  })

  it('lists a REST API with its key, and the HTTP API that goes', async () => {
    const { would, listed, made } = await both(one, stage({ apiKeyRequired: true }))
    expect(listed).toEqual(made)
    expect(listed).toEqual(
      expect.arrayContaining(['apigateway:PutRestApi', 'apigateway:CreateApiKey', 'apigateway:DeleteApi']),
    )
    expect(would.url).toMatch(/\/dev\/mymodel\/predict$/)
    expect((await both(one, stage({ apiKeyRequired: true }))).listed).toEqual([])
  })

  it('lists each part of a big file and the layer that is made of it', async () => {
    const file = join(temporaryDirectory(), 'layer.zip')
    // What stands before a zip does not count, and cannot be compressed here.
    const zip = Buffer.concat([randomBytes(9_000_000), zipOf({ 'python/it.py': 'rows = 3\n' })])
    writeFileSync(file, zip)
    const archive = { file, bytes: zip.length, digest: digestOf(zip), unpackedBytes: 9_000_000, packages: [] }
    const layer = { name: 'thampi-rehearsed', archive }
    const fit = { runtime: 'python3.13', architecture: 'x86_64' }
    await ensureBucket(await accountWith(), 'dev')
    const noted = new Rehearsal(cloud.region)
    await ensureLayer(await accountWith(noted), layer, fit)
    cloud.forget()
    await ensureLayer(await accountWith(), layer, fit)
    const made = cloud.writing().map(({ service, action }) => `${service}:${action}`)
    expect(noted.changes.map(({ action }) => action)).toEqual(made)
    expect(made).toEqual([
      's3:CreateMultipartUpload',
      's3:UploadPart',
      's3:UploadPart',
      's3:CompleteMultipartUpload',
      'lambda:PublishLayerVersion',
    ])
    expect(noted.changes.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(zip.length)
  })

  /** Where steps are tried one by one. */
  async function accountWith(rehearsal?: Rehearsal): Promise<Account> {
    const system = systemIn(home, cloud.env)
    const place = await placeOf(stage(), system)
    const opened = openCloud(place, system, rehearsal)
    const identity = await opened.identity()
    return { cloud: opened, identity, system, store: storeIn('thampi-tests', identity.account, opened) }
  }
})

describe('on this machine', () => {
  const home = temporaryDirectory()
  afterAll(async () => {
    await stopHost(layout(places({ THAMPI_HOME: home }).state))
  })
  const system = systemIn(home)
  const stage = (more: Partial<Stage> = {}): Stage => ({ ...awsStage('dev', {}, more), platform: 'local' })

  it('starts no host and writes nothing, and says that a host, layers and a first version would be there', async () => {
    const { changes, version } = await rehearsed(await packed(await says('one'), stage(), system), system)
    expect(changes.map(({ action }) => action)).toEqual([
      'local:start-host',
      'local:copy-layer',
      'local:copy-layer',
      'local:copy-layer',
      'local:release',
      'local:route',
    ])
    expect(version.number).toBe(1)
    expect(await readdir(system.places.state).catch(() => [])).toEqual([])
  })

  it('says which version is used again, what is new in another, and whose processes go', async () => {
    const one = await says('one')
    const served = await deploy(await packed(one, stage(), system), prove, system)
    const again = await rehearsed(await packed(one, stage(), system), system)
    expect({ ...again, version: again.version.number }).toMatchObject({
      unchanged: true,
      changes: [],
      version: 1,
      url: served.deployment.url,
    })
    const more = await packed(one, stage({ memoryMb: 1024 }), system)
    const { changes, version } = await rehearsed(more, system)
    expect(changes.map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      'local:release dev/mymodel@2',
      'local:route dev/mymodel',
      'local:stop-processes dev/mymodel@1',
    ])
    expect(changes[0]?.differences).toEqual([{ field: 'memoryMb', from: '512', to: '1024' }])
    expect((await deploy(more, prove, system)).version.number).toBe(version.number)
  })
})
