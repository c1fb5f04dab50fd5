/** Who may call a stage on the platform aws, and by which address: what its settings say is what callers find. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { GetPolicyCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { curlLine } from '../../src/cli/curl-line.ts'
import { type Engine, openEngine } from '../../src/engine.ts'
import { info } from '../../src/info.ts'
import type { Deployment } from '../../src/platforms/platform.ts'
import { predict } from '../../src/predict.ts'
import { undeploy } from '../../src/undeploy.ts'
import { clientsOf } from '../aws/clients.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { printedPolicy, projectsOn, statusFor } from '../support/aws-project.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())

const { told, project, served } = projectsOn(() => cloud)

describe('callers who sign', () => {
  let engine: Engine
  let deployment: Deployment
  beforeAll(async () => {
    await cloud.reset()
    engine = await project({})
    await served(engine)
    expect(await info('dev', engine)).toMatchObject({ callers: { bring: 'nothing' } })
    engine = await project({ iam_authorization: true })
    deployment = await served(engine)
  })

  it('are answered: predict signs with the credentials of the stage, and whoever does not gets 403', async () => {
    expect(await info('dev', engine)).toMatchObject({
      callers: { bring: 'signature', service: 'execute-api', region: 'eu-central-1' },
    })
    expect(await statusFor(deployment.url)).toBe(403)
    const answer = await predict('dev', '{"café": [1, "ü"]}', engine)
    expect(answer).toMatchObject({ status: 200, signed: true })
    expect(JSON.parse(answer.body)).toMatchObject({ result: { got: { café: [1, 'ü'] } } })
  })

  it('need the right secret, and sign the very request that is sent', async () => {
    const { url } = deployment
    const wrong = { ...engine.system, env: { ...engine.system.env, AWS_SECRET_ACCESS_KEY: 'a-guess' } }
    const other = await openEngine({ system: wrong })
    expect(await predict('dev', '1', other)).toMatchObject({ status: 403 })
    const platform = await engine.platformFor(engine.settings.stage('dev'))
    const request = { method: 'POST', url: `${url}?pretty`, headers: {}, body: '{"data": 1}' }
    const headers = { ...(await platform.sign?.(engine.settings.stage('dev'), request, 'execute-api')) }
    const sent = async (changes: object, at = request.url) =>
      (await fetch(at, { ...request, headers, ...changes })).status
    expect(await sent({})).toBe(200)
    expect(await sent({ body: '{"data": 2}' })).toBe(403)
    expect(await sent({}, url)).toBe(403)
    expect(await sent({ headers: { ...headers, 'x-amz-date': '20200101T000000Z' } })).toBe(403)
  })

  it('are told of the permission that theirs misses, which the printed policy has', async () => {
    const policy = await printedPolicy(engine)
    cloud.allowOnly(policy)
    expect(await predict('dev', '1', engine)).toMatchObject({ status: 200 })
    const without = policy.Statement.filter(({ Sid }) => Sid !== 'Call')
    cloud.allowOnly({ Statement: without })
    expect(await predict('dev', '1', engine)).toMatchObject({ status: 403, signed: true })
    cloud.allowOnly({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })
  })

  it('may be a curl: the printed line works as it stands, with a token of a session and without', async () => {
    const { url, callers } = deployment
    const line = curlLine({ url, data: `{"it's": 1}`, callers })
    expect(line).toContain('--aws-sigv4 aws:amz:eu-central-1:execute-api')
    expect(line).not.toContain(cloud.env.AWS_SECRET_ACCESS_KEY)
    for (const more of [{}, { AWS_SESSION_TOKEN: 'of-a-session' }]) {
      const env = { PATH: process.env.PATH, ...cloud.env, ...more }
      const { stdout } = await promisify(execFile)('sh', ['-c', line.replace('curl ', 'curl -sS ')], { env })
      expect(JSON.parse(stdout)).toMatchObject({ result: { got: { "it's": 1 } } })
    }
  })
})

describe('a Function URL', () => {
  let engine: Engine
  let deployment: Deployment
  beforeAll(async () => {
    await cloud.reset()
    engine = await project({ function_url_enabled: true, apigateway_enabled: false, timeout_seconds: 120 })
    cloud.allowOnly(await printedPolicy(engine))
    cloud.behave({ urlMs: 300 })
    // What was done although nobody heard of it is not done twice.
    for (const action of ['CreateFunctionUrlConfig', 'UpdateFunctionUrlConfig', 'DeleteFunctionUrlConfig'])
      cloud.fail({ action }, 'lost')
    deployment = await served(engine)
  })

  it('stands in the place of the API, for callers who sign, and waits as long as the function may take', async () => {
    expect(deployment.url).toMatch(/\/_url\/[^/]+\/dev\/mymodel\/predict$/)
    expect(deployment.callers).toEqual({ bring: 'signature', service: 'lambda', region: 'eu-central-1' })
    expect(await info('dev', engine)).toMatchObject({ url: deployment.url, otherAddresses: [] })
    expect((await cloud.resources()).filter(line => /api|url/.test(line))).toEqual([
      'lambda url mymodel-dev:live',
    ])
    expect(told.join()).not.toMatch(/API Gateway|Everybody/)
    expect(await statusFor(deployment.url)).toBe(403)
    expect(await predict('dev', '1', engine)).toMatchObject({ status: 200, signed: true })
  })

  it('changes nothing when it is served again as it is', async () => {
    cloud.forget()
    expect(await served(engine)).toEqual(deployment)
    expect(cloud.writing()).toEqual([])
  })

  it('stands beside the API, open to everybody where the settings say that, and serve says it, too', async () => {
    const config = { authorizer: 'NONE', cors: { allowedOrigins: ['https://flowers.example'], maxAge: 60 } }
    const open = await project({ function_url_enabled: true, function_url_config: config })
    const { url, otherAddresses } = await served(open)
    expect(url).toMatch(/\/_api\//)
    expect(otherAddresses).toEqual([{ url: deployment.url, callers: { bring: 'nothing' } }])
    expect(told).toContain('Everybody who knows the Function URL may call it, as "function_url_config" says')
    expect([await statusFor(url), await statusFor(deployment.url)]).toEqual([200, 200])
  })

  it('goes, with what permitted it, once the settings do not say it any more', async () => {
    const without = await project({})
    const { otherAddresses } = await served(without)
    expect(otherAddresses).toEqual([])
    expect(await statusFor(deployment.url)).toBe(403)
    expect((await cloud.resources()).filter(line => line.includes('url'))).toEqual([])
    const { lambda } = clientsOf(cloud)
    const { Policy = '' } = await lambda.send(
      new GetPolicyCommand({ FunctionName: 'mymodel-dev', Qualifier: 'live' }),
    )
    expect(Policy).not.toContain('thampi-url')
    await undeploy('dev', { removeLogs: true }, without)
    expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
  })

  it.each([
    ['no address at all', { apigateway_enabled: false }, 'Nobody could call'],
    ['a word that AWS does not know', { function_url_config: { authorizer: 'open' } }, '"open"'],
    [
      'a URL that goes past what the API asks for',
      { iam_authorization: true, function_url_config: { authorizer: 'NONE' } },
      '`iam_authorization` does not',
    ],
    [
      'two that answer pages of other origins',
      { cors: true, function_url_config: { cors: { allowedOrigins: ['*'] } } },
      '`function_url_config.cors`',
    ],
  ])('is refused with %s', async (_, keys, message) => {
    const hasUrl = 'function_url_config' in keys
    const engine = await project({ function_url_enabled: hasUrl, ...keys })
    await expect(served(engine)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining(message),
    })
  })
})
