/** The platform aws when something is in the way: refusals, delays, lost answers, other deployers, other people's things. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  LambdaClient,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Account } from '../../src/platforms/aws/account.ts'
import { openAws } from '../../src/platforms/aws/aws.ts'
import { ensureBucket } from '../../src/platforms/aws/bucket/ensure-bucket.ts'
import { storeIn } from '../../src/platforms/aws/bucket/store.ts'
import { openCloud } from '../../src/platforms/aws/client/client.ts'
import { ensureLayer, removeLayer } from '../../src/platforms/aws/function/ensure-layer.ts'
import { placeOf } from '../../src/platforms/aws/settings/place.ts'
import type { Deployment, Version } from '../../src/platforms/platform.ts'
import { digestOf } from '../../src/system/files.ts'
import { createFunction, zipOf } from '../aws/clients.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { AwsError } from '../aws/errors.ts'
import { servingOn, stageWith } from '../support/aws-serving.ts'
import { saveSource } from '../support/node-runtime.ts'
import { temporaryDirectory } from '../support/python.ts'
import { all, ask, bundleOf } from './suite.ts'

vi.mock('node:timers/promises', () => import('../support/pauses.ts'))

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())
beforeEach(() => cloud.reset())

const { told, system: systemHere, serve } = servingOn(() => cloud)

const lambda = (): LambdaClient => new LambdaClient(cloud.client)

describe('AWS that hesitates', () => {
  it('is asked again when it says that too much is asked, whatever the call', async () => {
    const fault = cloud.fail({ writing: true }, 'throttled', { times: 6 })
    expect((await ask((await serve('patience')).url)).says).toBe('patience')
    expect(fault.hits).toBe(6)
  })

  it('is given the time a new role takes', async () => {
    cloud.behave({ roleMs: 2_500 })
    // Both the function and what keeps it warm have a role of their own.
    const stage = stageWith({}, { keepWarm: true })
    expect((await ask((await serve('role', stage)).url)).says).toBe('role')
  })

  it('is waited for until the function, its update and its version are ready', async () => {
    cloud.behave({ createMs: 900, updateMs: 900, publishMs: 900, apiMs: 700 })
    await serve('one')
    expect((await ask((await serve('two')).url)).says).toBe('two')
  })

  it('is told what came of it when it could not bring a version up; what was served goes on', async () => {
    const { url } = await serve('good')
    cloud.behave({ publishFails: { code: 'InsufficientRolePermissions', reason: 'no network' } })
    await expect(serve('bad')).rejects.toMatchObject({
      code: 'AWS_REFUSED',
      message: expect.stringContaining('no network'),
      why: expect.stringContaining('role'),
    })
    expect((await ask(url)).says).toBe('good')
  })

  it('wakes a function up that it had put away', async () => {
    const { url, version } = await serve('sleepy')
    cloud.putAway('mymodel-dev')
    const platform = await openAws(stageWith(), systemHere())
    expect((await platform.send(version, Buffer.from('{"data": 1}'))).status).toBe(200)
    expect((await ask(url)).says).toBe('sleepy')
  })
})

it('makes up with a look for each answer that never came', async () => {
  const actions = [
    'CreateRole',
    'PutRolePolicy',
    'CreateFunction',
    'PublishVersion',
    'CreateAlias',
    'CreateApi',
  ]
  const more = [
    'CreateIntegration',
    'CreateRoute',
    'CreateStage',
    'AddPermission',
    'CreateSchedule',
    'PutObject',
  ]
  const faults = [...actions, ...more].map(action => cloud.fail({ action }, 'lost'))
  const stage = stageWith({}, { keepWarm: true })
  const { url } = await serve('found', stage)
  expect(faults.map(({ hits }) => hits)).toEqual(faults.map(() => 1))
  expect((await ask(url)).says).toBe('found')
  const platform = await openAws(stage, systemHere())
  await platform.remove(stage, { removeLogs: true })
  expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
})

describe('what is not allowed', () => {
  it('names the action that is missing, and goes on where it stopped once it is given', async () => {
    const fault = cloud.fail({ action: 'CreateFunction' }, 'denied', { times: Infinity })
    await expect(serve('denied')).rejects.toMatchObject({
      code: 'AWS_DENIED',
      message: expect.stringContaining('lambda:CreateFunction'),
      fix: expect.stringContaining('thampi iam print'),
    })
    fault.end()
    expect((await ask((await serve('denied')).url)).says).toBe('denied')
  })

  it('says that credentials have expired', async () => {
    cloud.fail({ service: 'sts' }, 'expired', { times: Infinity })
    await expect(serve('late')).rejects.toMatchObject({ code: 'AWS_CREDENTIALS' })
  })

  it('never writes into a bucket of somebody else', async () => {
    await serve('mine')
    cloud.takeAway('thampi-tests')
    cloud.forget()
    await expect(serve('theirs')).rejects.toMatchObject({ code: 'BUCKET_UNUSABLE' })
    expect(cloud.writing()).toEqual([])
  })

  it('leaves a function alone that is not ours', async () => {
    await createFunction(cloud, { FunctionName: 'mymodel-dev' })
    const platform = await openAws(stageWith(), systemHere())
    await expect(serve('mine too')).rejects.toMatchObject({ code: 'NAME_TAKEN' })
    await expect(platform.remove(stageWith(), { removeLogs: true })).rejects.toMatchObject({
      code: 'NAME_TAKEN',
    })
  })

  it('leaves a function of the original alone, and says whose it is and how to move', async () => {
    await createFunction(cloud, { FunctionName: 'mymodel-dev', Handler: 'handler.lambda_handler' })
    cloud.forget()
    const platform = await openAws(stageWith(), systemHere())
    const attempts = [() => serve('twin'), () => platform.remove(stageWith(), { removeLogs: true })]
    for (const attempt of attempts)
      await expect(attempt()).rejects.toMatchObject({
        code: 'NAME_TAKEN',
        message: expect.stringContaining('was deployed by the original of 2018, or by Zappa'),
        fix: expect.stringContaining('zappa undeploy dev'),
      })
    expect(cloud.writing().filter(({ service }) => service !== 's3')).toEqual([])
  })

  it('is not made more open than the settings say', async () => {
    const closed = stageWith({ apigateway_version: 'v2' }, { apiKeyRequired: true })
    await expect(serve('open', closed)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining('api_key_required'),
    })
    expect(await cloud.resources()).not.toContain('lambda function mymodel-dev')
  })

  it('answers nobody who does not sign when the settings ask for that', async () => {
    const { url } = await serve('signed', stageWith({ iam_authorization: true }))
    expect((await fetch(url, { method: 'POST', body: '{"data": 1}' })).status).toBe(403)
  })
})

describe('several deployers', () => {
  it('one wins and the other is told who; nothing is mixed', async () => {
    await serve('before')
    const ends = await Promise.allSettled([serve('a'), serve('b')])
    const won = ends.filter(({ status }) => status === 'fulfilled')
    const lost = ends.filter(end => end.status === 'rejected')
    expect(won).toHaveLength(1)
    expect(lost[0]?.reason).toMatchObject({
      code: 'DEPLOY_IN_PROGRESS',
      message: expect.stringContaining('being deployed by'),
    })
    const { value } = won[0] as PromiseFulfilledResult<Deployment & { version: Version }>
    expect((await ask(value.url)).version).toBe(String(value.version.number))
  })

  it('whose traffic was moved meanwhile is not overruled', async () => {
    await serve('one')
    const stage = stageWith()
    const system = systemHere()
    const platform = await openAws(stage, system)
    const bundle = await bundleOf(
      await saveSource("export default class { predict() { return { says: 'two' } } }"),
      stage,
      { platform, system },
    )
    await platform.exclusively(stage, async () => {
      const version = await platform.release(bundle, stage)
      await lambda().send(
        new UpdateAliasCommand({ FunctionName: 'mymodel-dev', Name: 'live', Description: 'by hand' }),
      )
      await expect(platform.route(stage, all(version))).rejects.toMatchObject({
        code: 'DEPLOY_IN_PROGRESS',
        message: expect.stringContaining('Somebody else moved the traffic'),
      })
    })
    expect((await platform.find(stage))?.weights).toEqual(new Map([[1, 100]]))
  })

  it('whose version was cleared away by who moved the traffic meanwhile is told that it was moved', async () => {
    await serve('one')
    const alias = new UpdateAliasCommand({ FunctionName: 'mymodel-dev', Name: 'live', Description: 'theirs' })
    const cleared = new DeleteFunctionCommand({ FunctionName: 'mymodel-dev', Qualifier: '2' })
    const missing = new AwsError(404, 'ResourceNotFoundException', 'Function not found: mymodel-dev:2')
    // Which of the two Lambda looks at first is not written down: the version that is gone, or the alias that was moved.
    cloud.fail({ action: 'UpdateAlias' }, missing)
    const meanwhile = async (): Promise<void> => {
      await lambda().send(alias)
      await lambda().send(cleared)
    }
    cloud.fail({ action: 'GetAlias' }, { meanwhile }, { after: 1 })
    await expect(serve('two')).rejects.toMatchObject({
      code: 'DEPLOY_IN_PROGRESS',
      message: expect.stringContaining('Somebody else moved the traffic'),
    })
  })
})

describe('settings', () => {
  it('reach the function', async () => {
    const stage = stageWith(
      { tags: { team: 'flowers' }, xray_tracing: true },
      { memoryMb: 300, timeoutSeconds: 12, environment: { MODE: 'fast' }, maxSandboxes: 7 },
    )
    await serve('configured', stage)
    const { Configuration, Tags } = await lambda().send(
      new GetFunctionCommand({ FunctionName: 'mymodel-dev' }),
    )
    expect(Configuration).toMatchObject({ MemorySize: 300, Timeout: 12, TracingConfig: { Mode: 'Active' } })
    expect(Configuration?.Environment?.Variables).toMatchObject({
      MODE: 'fast',
      STAGE: 'dev',
      PROJECT: 'mymodel',
    })
    expect(Tags).toMatchObject({ team: 'flowers', 'thampi:project': 'mymodel', 'thampi:stage': 'dev' })
    const limit = new GetFunctionConcurrencyCommand({ FunctionName: 'mymodel-dev' })
    expect((await lambda().send(limit)).ReservedConcurrentExecutions).toBe(7)
  })

  it('that have no effect yet are named', async () => {
    told.length = 0
    await serve('plain', stageWith({ cloudwatch_log_level: 'INFO' }, { record: 'errors' }))
    expect(told).toContain('Without effect on the platform aws so far: cloudwatch_log_level, record')
  })

  it('that would keep requests do not, and a request that cannot be asked again is said to be in the log', async () => {
    const stage = stageWith({}, { record: 'errors' })
    const platform = await openAws(stage, systemHere())
    await expect(platform.recorded(stage, '01JDQ4W8')).rejects.toMatchObject({
      code: 'PLATFORM_UNAVAILABLE',
      message: 'Requests are not kept on AWS, so 01JDQ4W8 of dev cannot be asked again.',
      why: expect.stringContaining('"record": "errors" counts on the local platform only'),
      fix: expect.stringContaining('thampi logs dev --since=7d --request-id 01JDQ4W8'),
    })
  })

  it('win over what somebody changed by hand, at the next serve of another model', async () => {
    await serve('one')
    await lambda().send(
      new UpdateFunctionConfigurationCommand({ FunctionName: 'mymodel-dev', MemorySize: 1024 }),
    )
    await expect.poll(async () => (await serve('two')).version.number, { timeout: 20_000 }).toBe(2)
    const { Configuration } = await lambda().send(new GetFunctionCommand({ FunctionName: 'mymodel-dev' }))
    expect(Configuration?.MemorySize).toBe(512)
  })

  it('say how many versions stay', async () => {
    const stage = stageWith({}, { retainedVersions: 2 })
    for (const text of ['one', 'two', 'three']) await serve(text, stage)
    const platform = await openAws(stage, systemHere())
    expect((await platform.versions(stage)).map(({ number }) => number)).toEqual([2, 3])
    expect((await cloud.resources()).filter(it => it.includes('/versions/'))).toHaveLength(2)
  })
})

describe('dependencies', () => {
  /** The account, a layer that is on this disk only, and what publishes it. */
  async function layerToPublish(): Promise<{ account: Account; publish: () => Promise<string> }> {
    const system = systemHere()
    const reached = openCloud(await placeOf(stageWith(), system), system)
    const identity = await reached.identity()
    const store = storeIn('thampi-tests', identity.account, reached)
    const account = { cloud: reached, identity, store, system }
    await ensureBucket(account, 'dev')
    const bytes = zipOf({ 'python/it.py': 'rows = 3\n', 'python/big.bin': 300_000 })
    const file = join(temporaryDirectory(), 'layer.zip')
    writeFileSync(file, bytes)
    const archive = { file, digest: digestOf(bytes), bytes: bytes.length, unpackedBytes: 300_009 }
    const fit = { runtime: 'python3.13', architecture: 'x86_64' }
    return { account, publish: () => ensureLayer(account, { name: 'thampi-test', archive }, fit) }
  }

  it('are not believed in when their upload was cut off, and are uploaded anew', async () => {
    const { publish } = await layerToPublish()
    cloud.fail({ service: 's3', action: 'PutObject' }, 'truncated')
    await expect(publish()).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect(await publish()).toContain(':layer:thampi-test:1')
  })

  it('are published once, also when the answer is lost', async () => {
    const { account, publish } = await layerToPublish()
    cloud.fail({ action: 'PublishLayerVersion' }, 'lost')
    expect(await publish()).toContain(':layer:thampi-test:1')
    cloud.forget()
    expect(await publish()).toContain(':layer:thampi-test:1')
    expect(cloud.writing()).toEqual([])
    await removeLayer(account, 'thampi-test')
    expect((await cloud.resources()).filter(it => it.startsWith('lambda'))).toEqual([])
  })

  it('that somebody else put in the place of ours are not published', async () => {
    const { account, publish } = await layerToPublish()
    cloud.fail({ action: 'PublishLayerVersion' }, 'denied')
    await expect(publish()).rejects.toMatchObject({ code: 'AWS_DENIED' })
    const [key = ''] = await account.store.list('thampi/blobs/')
    const s3 = await account.cloud.s3()
    const length = (await s3.headObject({ Bucket: 'thampi-tests', Key: key })).ContentLength ?? 0
    const evil = zipOf({ 'python/it.py': 'rows = 4\n', 'python/big.bin': 300_000 })
    expect(evil.length).toBe(length)
    await s3.putObject({ Bucket: 'thampi-tests', Key: key, Body: evil })
    await expect(publish()).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringContaining('thampi-test'),
    })
    expect((await cloud.resources()).filter(it => it.startsWith('lambda'))).toEqual([])
  })
})
