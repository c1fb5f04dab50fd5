/** A stage of the platform aws with a REST API before it: when it is asked for, and what only it can do. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  APIGatewayClient,
  CreateApiKeyCommand,
  GetRestApisCommand,
  GetStageCommand,
  UpdateAccountCommand,
} from '@aws-sdk/client-api-gateway'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openEngine } from '../../src/engine.ts'
import type { Corner } from '../../src/platforms/aws/account.ts'
import { ensureFront, removeFronts } from '../../src/platforms/aws/addresses/front.ts'
import type { Front } from '../../src/platforms/aws/addresses/own-api.ts'
import { openAws } from '../../src/platforms/aws/aws.ts'
import { storeIn } from '../../src/platforms/aws/bucket/store.ts'
import { openCloud } from '../../src/platforms/aws/client/client.ts'
import { aliasArn } from '../../src/platforms/aws/function/alias.ts'
import { namesOf } from '../../src/platforms/aws/names.ts'
import { awsSettings } from '../../src/platforms/aws/settings/aws-settings.ts'
import { placeOf } from '../../src/platforms/aws/settings/place.ts'
import type { Deployment, Platform } from '../../src/platforms/platform.ts'
import { predict } from '../../src/predict.ts'
import type { Stage } from '../../src/settings/stage.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import type { Policy } from '../aws/permissions.ts'
import { servingOn, stageWith } from '../support/aws-serving.ts'
import { saveSource } from '../support/node-runtime.ts'
import { temporaryDirectory } from '../support/python.ts'
import { all, bundleOf } from './suite.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())
beforeEach(() => cloud.reset())

const cwd = temporaryDirectory()
const { serve, system, told } = servingOn(() => cloud)
const platformFor = (stage: Stage): Promise<Platform> => openAws(stage, system(cwd))

const http = stageWith()
const rest = stageWith({ apigateway_version: 'v1' })
const keyed = stageWith({}, { apiKeyRequired: true })

function post(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', headers, body: '{"data": 1}' })
}

async function says(response: Response | Promise<Response>): Promise<unknown> {
  return ((await (await response).json()) as { result?: { says: unknown } }).result?.says
}

describe('a REST API', () => {
  it('is made when the settings ask for it, answers at a URL of the same shape, and is left alone when nothing changed', async () => {
    cloud.behave({ apiMs: 900 })
    const platform = await platformFor(rest)
    const dir = await saveSource("export default class { predict() { return { says: 'one' } } }")
    const bundle = await bundleOf(dir, rest, { platform, system: system(cwd) })
    const once = async (): Promise<Deployment> =>
      platform.exclusively(rest, async () => {
        const before = await platform.find(rest)
        const version = await platform.release(bundle, rest)
        return before ?? platform.route(rest, all(version))
      })
    const { url } = await once()
    expect(url).toMatch(/\/dev\/mymodel\/predict$/)
    expect(await says(post(url))).toBe('one')
    const things = await cloud.resources()
    expect(things).toContain('apigateway rest api mymodel-dev')
    expect(things).not.toContain('apigateway api mymodel-dev')

    cloud.forget()
    expect((await once()).url).toBe(url)
    expect(cloud.writing()).toEqual([])
    // Settings that nobody has served yet change nothing.
    expect((await (await platformFor(http)).find(http))?.url).toBe(url)
  })

  it('goes on answering at its URL when the model changes, and goes back with one call', async () => {
    const { url } = await serve('one', rest)
    expect((await serve('two', rest)).url).toBe(url)
    expect(await says(post(url))).toBe('two')
    const platform = await platformFor(rest)
    cloud.forget()
    expect((await platform.route(rest, new Map([[1, 100]]))).url).toBe(url)
    expect(cloud.writing().map(({ action }) => action)).toEqual(['UpdateAlias'])
    expect(await says(post(url))).toBe('one')
  })

  it('takes the place of an HTTP API and gives it back: a new URL, said aloud, and nothing left', async () => {
    const before = await serve('one', http)
    const now = await serve('one', rest)
    expect(now.url).not.toBe(before.url)
    expect(await says(post(now.url))).toBe('one')
    expect((await post(before.url)).status).toBe(404)
    expect(told).toContain('HTTP API removed: dev has a new URL, and the old one answers no more')

    const again = await serve('one', http)
    expect(await says(post(again.url))).toBe('one')
    expect((await cloud.resources()).filter(it => it.startsWith('apigateway'))).toEqual([
      'apigateway api mymodel-dev',
    ])
  })

  it('is made, asked and removed under the printed policy, which lets nobody make one who asks for none', async () => {
    const policies = async (stage: Stage): Promise<Policy> =>
      (await (await platformFor(stage)).permissions?.(stage)) as Policy
    cloud.allowOnly(await policies(http))
    await expect(serve('one', keyed)).rejects.toMatchObject({ code: 'AWS_DENIED' })
    cloud.allowOnly(await policies(keyed))
    await serve('one', keyed)
    await (await platformFor(keyed)).keys?.create(keyed, 'billing')
    await (await platformFor(http)).remove(http, { removeLogs: true })
    expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
  })

  /** For steps that are tried alone. */
  async function cornerOf(stage: Stage): Promise<Corner> {
    const here = system(cwd)
    const reached = openCloud(await placeOf(stage, here), here)
    const identity = await reached.identity()
    const key = { stage: stage.name, model: stage.model }
    const store = storeIn('thampi-tests', identity.account, reached)
    return { cloud: reached, identity, store, system: here, key, names: namesOf(key) }
  }

  it('ends in the same state when its making is cut off before and after each change, or every answer is lost', async () => {
    await serve('one', keyed)
    const corner = await cornerOf(keyed)
    const make = (): Promise<Front> => ensureFront(corner, aliasArn(corner), awsSettings(keyed))
    const things = async (): Promise<string[]> =>
      (await cloud.resources()).filter(it => it.startsWith('apigateway'))
    const wanted = await things()
    const start = async (): Promise<void> => {
      await removeFronts(corner, keyed, {})
      expect(await things()).toEqual([])
    }
    const expectMade = async ({ url }: Front): Promise<void> => {
      expect(await things()).toEqual(wanted)
      expect((await post(url)).status).toBe(403)
      const key = (await (await platformFor(keyed)).keys?.own(keyed)) ?? ''
      expect(await says(post(url, { 'x-api-key': key }))).toBe('one')
    }
    await start()
    cloud.forget()
    await make()
    const changes = [...new Set(cloud.writing().map(({ action }) => action))]
    expect(changes).toEqual(
      expect.arrayContaining(['CreateRestApi', 'AddPermission', 'CreateDeployment', 'CreateUsagePlanKey']),
    )

    await start()
    const lost = changes.map(action => cloud.fail({ action }, 'lost'))
    await expectMade(await make())
    expect(lost.map(({ hits }) => hits)).toEqual(changes.map(() => 1))

    await start()
    // Each run gets one change further than the one before.
    for (const action of changes) {
      cloud.fail({ action }, 'denied')
      await expect(make(), action).rejects.toMatchObject({ code: 'AWS_DENIED' })
    }
    await expectMade(await make())
  })
})

describe('API keys', () => {
  it('are asked for: nobody without one is answered, whoever has one is, until it is taken back', async () => {
    const platform = await platformFor(keyed)
    expect(await platform.keys?.own(keyed)).toBeUndefined()
    const key = (await platform.keys?.create(keyed, 'billing')) ?? ''
    const { url } = await serve('closed', keyed)
    expect(await (await post(url)).json()).toEqual({ message: 'Forbidden' })
    expect((await post(url, { 'x-api-key': 'thampi_of-somebody-else-entirely' })).status).toBe(403)
    expect(await says(post(url, { 'x-api-key': key }))).toBe('closed')

    await expect(platform.keys?.create(keyed, 'billing')).rejects.toMatchObject({ code: 'KEY_EXISTS' })
    const another = (await platform.keys?.create(keyed, 'reports')) ?? ''
    expect(await says(post(url, { 'x-api-key': another }))).toBe('closed')
    expect(await platform.keys?.revoke(keyed, 'billing')).toBe(true)
    expect((await post(url, { 'x-api-key': key })).status).toBe(403)
    expect(await platform.keys?.revoke(keyed, 'billing')).toBe(false)
    expect((await platform.keys?.list(keyed))?.map(({ name }) => name).sort()).toEqual(['owner', 'reports'])

    expect(await says(predictAsOwner())).toBe('closed')
    await expectNowhere([key, another, (await platform.keys?.own(keyed)) ?? ''])
  })

  /** The verb itself, with the settings in a file and no key in the environment. */
  async function predictAsOwner(): Promise<Response> {
    const dev = { project_name: 'mymodel', s3_bucket: 'thampi-tests', api_key_required: true }
    writeFileSync(
      join(cwd, 'zappa_settings.json'),
      JSON.stringify({ dev: { ...dev, keep_warm: false, thampi: { platform: 'aws' } } }),
    )
    const { status, body } = await predict('dev', '1', await openEngine({ system: system(cwd) }))
    return new Response(body, { status })
  }

  /** In what was said, what lies in the bucket and what the log of AWS has. */
  async function expectNowhere(secrets: readonly string[]): Promise<void> {
    const s3 = new S3Client({ ...cloud.client, forcePathStyle: true })
    const Bucket = 'thampi-tests'
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'thampi/dev/' }))
    expect(Contents.length).toBeGreaterThan(1)
    const kept = await Promise.all(
      Contents.map(async ({ Key }) =>
        (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString(),
      ),
    )
    const said = JSON.stringify([told, kept, cloud.calls()])
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThanOrEqual(20)
      expect(said).not.toContain(secret)
    }
  }

  it('are taken up again when the command that made them was cut off, and found when an answer is lost', async () => {
    const platform = await platformFor(keyed)
    const fault = cloud.fail({ action: 'CreateUsagePlanKey' }, 'denied')
    await expect(platform.keys?.create(keyed, 'billing')).rejects.toMatchObject({ code: 'AWS_DENIED' })
    fault.end()
    for (const action of ['CreateUsagePlanKey', 'CreateApiKey']) cloud.fail({ action }, 'lost')
    const keys = [
      await platform.keys?.create(keyed, 'billing'),
      await platform.keys?.create(keyed, 'reports'),
    ]
    const { url } = await serve('closed', keyed)
    for (const key of keys) expect(await says(post(url, { 'x-api-key': key ?? '' }))).toBe('closed')
    expect((await cloud.resources()).filter(it => it.startsWith('apigateway key'))).toEqual([
      'apigateway key mymodel-dev-billing',
      'apigateway key mymodel-dev-owner',
      'apigateway key mymodel-dev-reports',
    ])
  })

  it('can be somebody else’s, by its id; it stays when the stage goes', async () => {
    const wrong = stageWith({ api_key: 'perhaps-the-key-itself' }, { apiKeyRequired: true })
    const failed = await serve('shared', wrong).catch(error => error)
    expect(failed).toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining('`api_key`'),
    })
    expect(JSON.stringify([failed.message, failed.why, failed.fix])).not.toContain('perhaps')

    const made = new CreateApiKeyCommand({ name: 'theirs', enabled: true })
    const theirs = await new APIGatewayClient(cloud.client).send(made)
    const stage = stageWith({ api_key: theirs.id }, { apiKeyRequired: true })
    const { url } = await serve('shared', stage)
    expect(await says(post(url, { 'x-api-key': theirs.value ?? '' }))).toBe('shared')
    const platform = await platformFor(stage)
    expect(await platform.keys?.own(stage)).toBe(theirs.value)
    await platform.remove(stage, { removeLogs: true })
    expect(await cloud.resources()).toEqual(['apigateway key theirs', 's3 bucket thampi-tests'])
  })

  it('are not made for a stage that asks nobody for one', async () => {
    const platform = await platformFor(http)
    await expect(platform.keys?.create(http, 'billing')).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      fix: expect.stringContaining('api_key_required'),
    })
    expect(cloud.writing()).toEqual([])
  })
})

describe('settings of a REST API', () => {
  it('close it to who does not sign, let pages of other origins ask first, and let them read a refusal', async () => {
    const stage = stageWith(
      { iam_authorization: true },
      { apiKeyRequired: true, cors: { allowed_origin: 'https://app.example' } },
    )
    const { url } = await serve('closed', stage)
    const refused = await post(url)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example')
    cloud.forget()
    const preflight = await fetch(url, { method: 'OPTIONS' })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(preflight.headers.get('access-control-allow-headers')).toContain('x-api-key')
  })

  it('say from where it may be called', async () => {
    const policy = (SourceIp: string) => ({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: '*',
          Action: 'execute-api:Invoke',
          Resource: 'execute-api:/*',
          Condition: { IpAddress: { 'aws:SourceIp': SourceIp } },
        },
      ],
    })
    const stage = stageWith({ apigateway_policy: 'policy.json' })
    const write = (ip: string) => writeFileSync(join(cwd, 'policy.json'), JSON.stringify(policy(ip)))
    write('10.0.0.0/8')
    const { url } = await serve('inside', stage, await platformFor(stage))
    expect((await post(url)).status).toBe(403)
    write('127.0.0.0/8')
    expect((await serve('inside', stage, await platformFor(stage))).url).toBe(url)
    expect(await says(post(url))).toBe('inside')
  })

  it('that name a policy which cannot be read change nothing', async () => {
    const stage = stageWith({ apigateway_policy: 'nowhere.json' })
    await expect(serve('inside', stage)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining('nowhere.json'),
    })
    expect(await cloud.resources()).not.toContain('lambda function mymodel-dev')
  })

  it('that contradict each other are refused', async () => {
    const refused: readonly (readonly [Stage, string])[] = [
      [stageWith({ apigateway_version: 'v2' }, { apiKeyRequired: true }), 'api_key_required'],
      [stageWith({ endpoint_configuration: ['PRIVATE'] }), 'no policy'],
      [
        stageWith({ apigateway_version: 'v1', endpoint_configuration: ['EDGE', 'REGIONAL'] }),
        'endpoint_configuration',
      ],
      [stageWith({ apigateway_version: 'v1', authorizer: { arn: 'arn:of:it' } }), 'authorizer'],
    ]
    for (const [stage, word] of refused)
      await expect(serve('no', stage)).rejects.toMatchObject({
        code: 'SETTINGS_INVALID',
        message: expect.stringContaining(word),
      })
  })

  it('choose the endpoint, compress answers for who takes that, and change without a new URL', async () => {
    const { url } = await serve('edge', stageWith({ endpoint_configuration: ['EDGE'] }))
    expect((await post(url, { 'accept-encoding': 'gzip' })).headers.get('content-encoding')).toBe('gzip')
    const plain = stageWith({ apigateway_version: 'v1', payload_compression: false })
    expect((await serve('edge', plain)).url).toBe(url)
    expect((await post(url, { 'accept-encoding': 'gzip' })).headers.get('content-encoding')).toBeNull()
    const { items = [] } = await new APIGatewayClient(cloud.client).send(new GetRestApisCommand({}))
    expect(items.map(api => api.endpointConfiguration?.types)).toEqual([['REGIONAL']])
  })

  it('have it log and measure, once the account lets it', async () => {
    const stage = stageWith({
      apigateway_version: 'v1',
      cloudwatch_log_level: 'INFO',
      cloudwatch_metrics_enabled: true,
    })
    await expect(serve('logged', stage)).rejects.toMatchObject({
      code: 'AWS_REFUSED',
      message: expect.stringContaining('cloudwatch_log_level'),
      fix: expect.stringContaining('role'),
    })
    const client = new APIGatewayClient(cloud.client)
    const value = 'arn:aws:iam::123456789012:role/logs'
    const patchOperations = [{ op: 'replace', path: '/cloudwatchRoleArn', value } as const]
    await client.send(new UpdateAccountCommand({ patchOperations }))
    const { url } = await serve('logged', stage)
    const [, id = ''] = /_api\/([^/]+)/.exec(url) ?? []
    const { methodSettings } = await client.send(new GetStageCommand({ restApiId: id, stageName: 'dev' }))
    expect(methodSettings?.['*/*']).toMatchObject({
      loggingLevel: 'INFO',
      metricsEnabled: true,
      dataTraceEnabled: false,
    })
  })
})
