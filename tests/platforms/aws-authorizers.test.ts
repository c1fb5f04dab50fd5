/** Who decides about the callers of an API on the platform aws: an issuer of tokens, or a function that is asked. */
import { ApiGatewayV2Client, GetApisCommand, GetAuthorizersCommand } from '@aws-sdk/client-apigatewayv2'
import { CreateFunctionCommand, GetPolicyCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { curlLine } from '../../src/cli/curl-line.ts'
import type { Engine } from '../../src/engine.ts'
import type { Deployment } from '../../src/platforms/platform.ts'
import { predict } from '../../src/predict.ts'
import { undeploy } from '../../src/undeploy.ts'
import { clientsOf, createRole, zipOf } from '../aws/clients.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { printedPolicy, projectsOn, statusFor } from '../support/aws-project.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())

const { told, project, served } = projectsOn(() => cloud)
const asCaller = (token: string) => ({ authorization: `Bearer ${token}` })

/** The names of the authorizers there are. */
async function authorizers(): Promise<(string | undefined)[]> {
  const api = new ApiGatewayV2Client(cloud.client)
  const { Items: [{ ApiId } = {}] = [] } = await api.send(new GetApisCommand({}))
  const { Items = [] } = await api.send(new GetAuthorizersCommand({ ApiId }))
  return Items.map(({ Name }) => Name)
}

describe('tokens of an issuer', () => {
  const name = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf'
  let issuer: Issuer
  let engine: Engine
  let deployment: Deployment
  beforeAll(async () => {
    await cloud.reset()
    issuer = await startIssuer(name)
    cloud.publish(name, issuer.address)
    const pool = 'arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEf'
    engine = await project({
      authorizer: { type: 'COGNITO_USER_POOLS', provider_arns: [pool], audience: ['iris', 'lily'] },
    })
    cloud.allowOnly(await printedPolicy(engine))
    cloud.fail({ action: 'CreateAuthorizer' }, 'lost')
    deployment = await served(engine)
  })
  afterAll(() => issuer.close())

  it('let their callers in, and nobody else', async () => {
    const { url } = deployment
    expect(await authorizers()).toEqual(['thampi-issuer'])
    expect(told.join()).not.toContain('Everybody')
    expect(await statusFor(url)).toBe(401)
    expect(await statusFor(url, asCaller(issuer.token()))).toBe(200)
    // An access token of Cognito says so whom it is for.
    expect(await statusFor(url, asCaller(issuer.token({ aud: undefined, client_id: 'lily' })))).toBe(200)
  })

  it.each([
    ['of another issuer', { iss: 'https://evil.example' }, {}],
    ['for another application', { aud: 'roses' }, {}],
    ['that has expired', { exp: Math.floor(Date.now() / 1000) - 60 }, {}],
    ['that does not count yet', { nbf: Math.floor(Date.now() / 1000) + 600 }, {}],
    ['of a key that was not published', {}, { kid: 'two' }],
    ['that says it needs no signature', {}, { alg: 'none' }],
  ])('one %s opens nothing', async (_, claims, header) => {
    expect(await statusFor(deployment.url, asCaller(issuer.token(claims, header)))).toBe(401)
  })

  it('one that was changed opens nothing', async () => {
    const [head, , signature] = issuer.token().split('.')
    const [, body] = issuer.token({ sub: 'the boss' }).split('.')
    expect(await statusFor(deployment.url, asCaller([head, body, signature].join('.')))).toBe(401)
  })

  it('are what predict takes from THAMPI_TOKEN, and says when it is not there', async () => {
    await expect(predict('dev', '1', engine)).rejects.toMatchObject({
      code: 'PREDICT_FAILED',
      fix: expect.stringContaining('THAMPI_TOKEN'),
    })
    const env = { ...engine.system.env, THAMPI_TOKEN: issuer.token() }
    expect(await predict('dev', '1', { ...engine, system: { ...engine.system, env } })).toMatchObject({
      status: 200,
    })
    const { url, callers } = deployment
    expect(curlLine({ url, data: '1', callers })).toContain('-H "Authorization: Bearer $THAMPI_TOKEN"')
  })

  it('are not asked for any more when callers sign instead, and nothing of it is left', async () => {
    const signing = await project({ iam_authorization: true, authorizer: { arn: 'not looked at' } })
    cloud.allowOnly(await printedPolicy(signing))
    const { url } = await served(signing)
    expect(await statusFor(url, asCaller(issuer.token()))).toBe(403)
    expect(await authorizers()).toEqual([])
  })
})

describe('a function that decides', () => {
  const FunctionName = 'gatekeeper'
  const arn = `arn:aws:lambda:eu-central-1:123456789012:function:${FunctionName}`
  let engine: Engine
  let url: string
  beforeAll(async () => {
    await cloud.reset()
    const source = `export const handler = async ({ authorizationToken, methodArn }) => {
      if (authorizationToken === 'broken') throw new Error('nobody knows')
      const Effect = authorizationToken === 'flower' ? 'Allow' : 'Deny'
      const Statement = [{ Action: 'execute-api:Invoke', Effect, Resource: methodArn }]
      return { principalId: 'somebody', policyDocument: { Version: '2012-10-17', Statement } }
    }`
    const { lambda } = clientsOf(cloud)
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: await createRole(cloud),
        Code: { ZipFile: zipOf({ 'index.mjs': source }) },
      }),
    )
    engine = await project({
      authorizer: { arn, result_ttl: 60, token_header: 'X-Token', validation_expression: '^f' },
    })
    cloud.allowOnly(await printedPolicy(engine))
    url = (await served(engine)).url
  })

  it('is named with what of its settings has no effect', () => {
    expect(told).toContain('Without effect on the platform aws so far: authorizer.validation_expression')
  })

  it('is asked about whoever brings a token, and its word counts', async () => {
    expect(await statusFor(url)).toBe(401)
    expect(await statusFor(url, { 'x-token': 'flower' })).toBe(200)
    expect(await statusFor(url, { 'x-token': 'weed' })).toBe(403)
    expect(await statusFor(url, { 'x-token': 'broken' })).toBe(500)
    const env = { ...engine.system.env, THAMPI_TOKEN: 'flower' }
    expect(await predict('dev', '1', { ...engine, system: { ...engine.system, env } })).toMatchObject({
      status: 200,
    })
  })

  it('changes nothing when it is served again as it is', async () => {
    cloud.forget()
    await served(engine)
    expect(cloud.writing()).toEqual([])
  })

  it('lets this API ask it and nothing else, until the stage is gone', async () => {
    const { lambda } = clientsOf(cloud)
    const policy = () => lambda.send(new GetPolicyCommand({ FunctionName }))
    const { Statement } = JSON.parse((await policy()).Policy ?? '') as { Statement: object[] }
    expect(Statement).toEqual([
      expect.objectContaining({
        Sid: 'thampi-mymodel-dev',
        Condition: {
          ArnLike: { 'AWS:SourceArn': expect.stringMatching(/:execute-api:.*\/authorizers\/\w+$/) },
        },
      }),
    ])
    await undeploy('dev', { removeLogs: true }, engine)
    await expect(policy()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    expect((await cloud.resources()).filter(line => line.includes('mymodel-dev'))).toEqual([])
  })
})

it.each([
  ['a function of the project', { function: 'app.decide' }, 'A `function` of the project is not deployed'],
  ['tokens for nobody in particular', { issuer: 'https://login.example' }, 'other applications would count'],
  ['an issuer that anybody could play', { issuer: 'http://login.example', audience: 'a' }, 'https'],
  ['no ARN of a function', { arn: 'gatekeeper' }, 'no ARN of a function'],
  ['no ARN of a pool', { provider_arns: ['pool'], audience: 'a' }, 'no ARN of a user pool'],
  ['nothing that is understood', { type: 'TOKEN' }, 'names neither'],
])('an authorizer that is %s is refused, because the API would be open', async (_, authorizer, why) => {
  const engine = await project({ authorizer })
  await expect(served(engine)).rejects.toMatchObject({
    code: 'SETTINGS_INVALID',
    why: expect.stringContaining(why),
  })
})
