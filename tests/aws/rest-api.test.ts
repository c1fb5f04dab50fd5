/** REST APIs of the cloud of the tests: what is imported is nothing before it is deployed, and who may not call is told so. */
import {
  APIGatewayClient,
  CreateApiKeyCommand,
  CreateDeploymentCommand,
  CreateRestApiCommand,
  CreateStageCommand,
  CreateUsagePlanCommand,
  CreateUsagePlanKeyCommand,
  DeleteApiKeyCommand,
  DeleteDeploymentCommand,
  DeleteUsagePlanCommand,
  GetResourcesCommand,
  GetUsagePlanKeysCommand,
  PutRestApiCommand,
  UpdateApiKeyCommand,
  UpdateStageCommand,
  UpdateUsagePlanCommand,
} from '@aws-sdk/client-api-gateway'
import { AddPermissionCommand, CreateAliasCommand, PublishVersionCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientsOf, createFunction, resting, zipOf } from './clients.ts'
import { type Cloud, startCloud } from './cloud.ts'

let cloud: Cloud
let api: APIGatewayClient
const FunctionName = 'mymodel-dev'

const code = `export const handler = async event => {
  if (event.body === 'fail') throw new Error('failed')
  if (event.body === 'wait') await new Promise(done => setTimeout(done, 400))
  return { statusCode: 201, headers: { 'X-Seen': event.path }, body: JSON.stringify(event) }
}`

beforeAll(async () => {
  cloud = await startCloud()
  api = new APIGatewayClient({ ...cloud.client, maxAttempts: 1 })
})
afterAll(() => cloud?.close())

/** The function that every API here asks, made by the first test. */
let asked: Promise<string> | undefined
async function aliasArn(): Promise<string> {
  const { FunctionArn } = await createFunction(cloud, { Code: { ZipFile: zipOf({ 'index.mjs': code }) } })
  const { lambda } = clientsOf(cloud)
  const { Version } = await lambda.send(new PublishVersionCommand({ FunctionName }))
  const alias = { FunctionName, Name: 'live', FunctionVersion: Version }
  await lambda.send(new CreateAliasCommand(alias))
  await resting(cloud)
  const permission = {
    StatementId: 'api',
    Action: 'lambda:InvokeFunction',
    Principal: 'apigateway.amazonaws.com',
  }
  await lambda.send(new AddPermissionCommand({ FunctionName, Qualifier: 'live', ...permission }))
  return `${FunctionArn}:live`
}

const apiKey = { type: 'apiKey', name: 'x-api-key', in: 'header' }

async function document(method: object = {}, more: object = {}, timeoutInMillis = 20_000): Promise<Buffer> {
  asked ??= aliasArn()
  const functionArn = await asked
  const integration = {
    type: 'aws_proxy',
    httpMethod: 'POST',
    uri: `arn:aws:apigateway:${cloud.region}:lambda:path/2015-03-31/functions/${functionArn}/invocations`,
    timeoutInMillis,
  }
  const any = { responses: {}, 'x-amazon-apigateway-integration': integration, ...method }
  return Buffer.from(
    JSON.stringify({
      openapi: '3.0.1',
      info: { title: 'mine', version: '1' },
      components: { securitySchemes: { api_key: apiKey } },
      paths: { '/{proxy+}': { 'x-amazon-apigateway-any-method': any } },
      ...more,
    }),
  )
}

async function put(restApiId: string, body: Promise<Buffer>): Promise<void> {
  const how = { mode: 'overwrite', failOnWarnings: true } as const
  await api.send(new PutRestApiCommand({ restApiId, ...how, body: await body }))
}

async function deploy(restApiId: string, body: Promise<Buffer>): Promise<string> {
  await put(restApiId, body)
  return (await api.send(new CreateDeploymentCommand({ restApiId }))).id ?? ''
}

/** With a stage `dev` that answers by this document. */
async function made(body: Promise<Buffer>): Promise<{ id: string; deployment: string }> {
  const { id = '' } = await api.send(new CreateRestApiCommand({ name: 'mine', tags: { team: 'flowers' } }))
  const deployment = await deploy(id, body)
  await api.send(new CreateStageCommand({ restApiId: id, stageName: 'dev', deploymentId: deployment }))
  return { id, deployment }
}

function ask(id: string, init: RequestInit = {}, path = '/dev/mymodel/predict?a=1&a=2'): Promise<Response> {
  return fetch(`${cloud.url}/_api/${id}${path}`, { method: 'POST', body: '{}', ...init })
}

async function said(response: Promise<Response>): Promise<[number, unknown]> {
  const { status } = await response
  return [status, await (await response).json()]
}

describe('a REST API', () => {
  it('gives the function an event of format 1.0, and its caller what the function answered', async () => {
    const { id } = await made(document())
    const response = await ask(id, { headers: { 'content-type': 'application/json' } })
    expect([response.status, response.headers.get('x-seen')]).toEqual([201, '/mymodel/predict'])
    expect(await response.json()).toMatchObject({
      resource: '/{proxy+}',
      path: '/mymodel/predict',
      httpMethod: 'POST',
      queryStringParameters: { a: '2' },
      multiValueQueryStringParameters: { a: ['1', '2'] },
      pathParameters: { proxy: 'mymodel/predict' },
      requestContext: { apiId: id, stage: 'dev', path: '/dev/mymodel/predict' },
      body: '{}',
      isBase64Encoded: false,
    })
    expect(await said(ask(id, { body: 'fail' }))).toEqual([502, { message: 'Internal server error' }])
    const { id: hasty } = await made(document({}, {}, 100))
    expect(await said(ask(hasty, { body: 'wait' }))).toEqual([504, { message: 'Endpoint request timed out' }])
    expect(await said(ask(id, {}, '/other/mymodel/predict'))).toEqual([403, { message: 'Forbidden' }])
    expect(await said(ask(id, {}, '/dev'))).toEqual([403, { message: 'Missing Authentication Token' }])
  })

  it('answers by its deployment: what is imported later changes nothing before it is deployed as well', async () => {
    const { id, deployment } = await made(document())
    await put(id, document({ security: [{ api_key: [] }] }))
    const { items = [] } = await api.send(new GetResourcesCommand({ restApiId: id, embed: ['methods'] }))
    expect(items.find(({ path }) => path === '/{proxy+}')?.resourceMethods?.ANY?.apiKeyRequired).toBe(true)
    expect((await ask(id)).status).toBe(201)
    await expect(
      api.send(new DeleteDeploymentCommand({ restApiId: id, deploymentId: deployment })),
    ).rejects.toMatchObject({
      name: 'BadRequestException',
      message: expect.stringContaining('Active stages'),
    })
    const next = await api.send(new CreateDeploymentCommand({ restApiId: id }))
    const to = (value: string | undefined) =>
      api.send(
        new UpdateStageCommand({
          restApiId: id,
          stageName: 'dev',
          patchOperations: [{ op: 'replace', path: '/deploymentId', value }],
        }),
      )
    await expect(to('nowhere')).rejects.toMatchObject({ name: 'NotFoundException' })
    await to(next.id)
    expect((await ask(id)).status).toBe(403)
    await to(deployment)
    expect((await ask(id)).status).toBe(201)
  })

  it('refuses a document that it does not understand, and is as it was', async () => {
    const { id } = await made(document())
    for (const odd of [
      document({ security: [{ nobody: [] }] }),
      document({ 'x-amazon-apigateway-secret': true }),
      document({}, { 'x-amazon-apigateway-wishes': {} }),
    ])
      await expect(put(id, odd)).rejects.toMatchObject({ name: 'BadRequestException' })
    const empty = await api.send(new CreateRestApiCommand({ name: 'empty' }))
    await expect(api.send(new CreateDeploymentCommand({ restApiId: empty.id }))).rejects.toMatchObject({
      name: 'BadRequestException',
    })
    expect((await ask(id)).status).toBe(201)
  })

  it('is logged only when the account has a role for that', async () => {
    const { id } = await made(document())
    const patch = { op: 'replace', path: '/*/*/logging/loglevel', value: 'INFO' } as const
    await expect(
      api.send(new UpdateStageCommand({ restApiId: id, stageName: 'dev', patchOperations: [patch] })),
    ).rejects.toMatchObject({ name: 'BadRequestException', message: expect.stringContaining('role ARN') })
  })
})

describe('a method that requires a key', () => {
  it('is opened by a key that is enabled and in a plan of this very stage', async () => {
    const { id } = await made(document({ security: [{ api_key: [] }] }))
    const key = await api.send(new CreateApiKeyCommand({ name: 'billing', enabled: true }))
    const plan = await api.send(new CreateUsagePlanCommand({ name: 'plan' }))
    const joined = { usagePlanId: plan.id, keyId: key.id, keyType: 'API_KEY' }
    const withKey = async (): Promise<number> =>
      (await ask(id, { headers: { 'x-api-key': key.value ?? '' } })).status
    const change = (op: 'add' | 'remove', value: string) =>
      api.send(
        new UpdateUsagePlanCommand({
          usagePlanId: plan.id,
          patchOperations: [{ op, path: '/apiStages', value }],
        }),
      )
    const enable = (value: string) =>
      api.send(
        new UpdateApiKeyCommand({
          apiKey: key.id,
          patchOperations: [{ op: 'replace', path: '/enabled', value }],
        }),
      )
    expect(await withKey()).toBe(403)
    await api.send(new CreateUsagePlanKeyCommand(joined))
    await expect(api.send(new CreateUsagePlanKeyCommand(joined))).rejects.toMatchObject({
      name: 'ConflictException',
    })
    expect(await withKey()).toBe(403)
    await expect(change('add', `${id}:other`)).rejects.toMatchObject({ name: 'NotFoundException' })
    await change('add', `${id}:dev`)
    expect(await withKey()).toBe(201)
    await enable('false')
    expect(await withKey()).toBe(403)
    await enable('true')
    await api.send(new DeleteApiKeyCommand({ apiKey: key.id }))
    expect(await withKey()).toBe(403)
    expect((await api.send(new GetUsagePlanKeysCommand({ usagePlanId: plan.id }))).items).toEqual([])
    await expect(api.send(new DeleteUsagePlanCommand({ usagePlanId: plan.id }))).rejects.toMatchObject({
      name: 'BadRequestException',
      message: expect.stringContaining('API Stages'),
    })
    await change('remove', `${id}:dev`)
    await api.send(new DeleteUsagePlanCommand({ usagePlanId: plan.id }))
  })
})

it('a resource policy decides before anything else: a denial wins, and what it does not speak of is closed', async () => {
  const statement = (Effect: string, Resource: string, Condition?: object) => ({
    Effect,
    Principal: '*',
    Action: 'execute-api:Invoke',
    Resource,
    ...(Condition && { Condition }),
  })
  const here = { IpAddress: { 'aws:SourceIp': ['127.0.0.0/8'] } }
  const elsewhere = { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }
  const cases: readonly (readonly [object[], number])[] = [
    [[statement('Allow', 'execute-api:/*', here)], 201],
    [[statement('Allow', 'execute-api:/dev/POST/mymodel/*')], 201],
    [[statement('Allow', 'execute-api:/dev/GET/*')], 403],
    [[statement('Allow', 'execute-api:/*'), statement('Deny', 'execute-api:/*', elsewhere)], 403],
  ]
  for (const [Statement, status] of cases) {
    const policy = { 'x-amazon-apigateway-policy': { Version: '2012-10-17', Statement } }
    expect((await ask((await made(document({}, policy))).id)).status).toBe(status)
  }
})
