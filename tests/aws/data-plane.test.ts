/** The cloud of the tests answers: Invoke, HTTP APIs and Function URLs run the zip and the layers that were uploaded. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ApiGatewayV2Client,
  CreateApiCommand,
  CreateIntegrationCommand,
  CreateRouteCommand,
  CreateStageCommand,
  GetStageCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-apigatewayv2'
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import {
  AddPermissionCommand,
  CreateAliasCommand,
  type CreateFunctionCommandInput,
  CreateFunctionUrlConfigCommand,
  InvokeCommand,
  type InvokeCommandInput,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda'
import { CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newerPython } from '../support/newer-python.ts'
import { clientsOf, createFunction, createRole, putObject, resting, zipOf } from './clients.ts'
import { type Cloud, startCloud } from './cloud.ts'

let cloud: Cloud
const FunctionName = 'mymodel-dev'
const patience = { timeout: 20_000, interval: 50 }

beforeAll(async () => {
  cloud = await startCloud()
})
beforeEach(() => cloud.reset())
afterAll(() => cloud?.close())

/** A function of Node whose handler has this body. */
const functionOf = (body: string, changes: Partial<CreateFunctionCommandInput> = {}) =>
  createFunction(cloud, { Code: { ZipFile: codeOf(body) }, ...changes })
const codeOf = (body: string): Buffer =>
  zipOf({ 'index.mjs': `export const handler = async (event, context) => { ${body} }\n` })

async function invoke(payload: unknown, changes: Partial<InvokeCommandInput> = {}) {
  const { Payload, ...rest } = await clientsOf(cloud).lambda.send(
    new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(payload)), ...changes }),
  )
  const text = Buffer.from(Payload ?? []).toString()
  return { ...rest, said: text === '' ? undefined : JSON.parse(text) }
}

async function publishAs(alias: string, routing?: Record<string, number>): Promise<void> {
  const { lambda } = clientsOf(cloud)
  const { Version } = await lambda.send(new PublishVersionCommand({ FunctionName }))
  await lambda.send(
    new CreateAliasCommand({
      FunctionName,
      Name: alias,
      FunctionVersion: Version,
      ...(routing && { RoutingConfig: { AdditionalVersionWeights: routing } }),
    }),
  )
  await sleep(50)
}

describe('Invoke', () => {
  it('runs the zip that was uploaded, of the version that is asked for', async () => {
    await functionOf(
      'return { got: event, version: context.functionVersion, arn: context.invokedFunctionArn }',
    )
    expect(await invoke({ a: 1 })).toMatchObject({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      said: { got: { a: 1 }, version: '$LATEST', arn: expect.stringMatching(/:function:mymodel-dev$/) },
    })
    await publishAs('live')
    expect(await invoke({ a: 2 }, { Qualifier: 'live' })).toMatchObject({
      ExecutedVersion: '1',
      said: { version: '1', arn: expect.stringMatching(/:mymodel-dev:live$/) },
    })
  })

  it('runs new code after an update, and old versions as they were', async () => {
    await functionOf('return 1')
    await publishAs('live')
    expect((await invoke({})).said).toBe(1)
    await clientsOf(cloud).lambda.send(
      new UpdateFunctionCodeCommand({ FunctionName, ZipFile: codeOf('return 2') }),
    )
    await resting(cloud)
    expect((await invoke({})).said).toBe(2)
    expect((await invoke({}, { Qualifier: '1' })).said).toBe(1)
  })

  it('runs code from S3 with what is in its layers', async () => {
    const LayerName = 'thampi-words'
    const { lambda } = clientsOf(cloud)
    const words = zipOf({ 'nodejs/words.mjs': 'export default "from the layer"\n' })
    const { LayerVersionArn } = await lambda.send(
      new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: words } }),
    )
    const source =
      "import { readFileSync } from 'node:fs'\nexport const handler = async () => readFileSync('/opt/nodejs/words.mjs', 'utf8')\n"
    await putObject(cloud, 'code', 'f.zip', zipOf({ 'index.mjs': source }))
    await createFunction(cloud, {
      Code: { S3Bucket: 'code', S3Key: 'f.zip' },
      Layers: [LayerVersionArn ?? ''],
    })
    expect((await invoke({})).said).toContain('from the layer')
  })

  it('gives an alias with weights exactly its shares', async () => {
    await functionOf('return context.functionVersion')
    await publishAs('first')
    await clientsOf(cloud).lambda.send(
      new UpdateFunctionCodeCommand({
        FunctionName,
        ZipFile: codeOf('return "new " + context.functionVersion'),
      }),
    )
    await resting(cloud)
    await publishAs('live', { 1: 0.2 })
    const said: unknown[] = []
    for (let i = 0; i < 20; i += 1) said.push((await invoke({}, { Qualifier: 'live' })).said)
    expect(said.filter(version => version === '1')).toHaveLength(4)
    expect(said.filter(version => version === 'new 2')).toHaveLength(16)
  })

  it('says that the function failed, or took too long, with status 200', async () => {
    await functionOf(
      'if (event.slow) await new Promise(() => setTimeout(() => {}, 60_000)); throw new TypeError("no")',
      {
        Timeout: 1,
      },
    )
    expect(await invoke({})).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      said: { errorType: 'TypeError', errorMessage: 'no' },
    })
    expect(await invoke({ slow: true })).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      said: { errorMessage: expect.stringContaining('Task timed out after 1.00 seconds') },
    })
  })

  it('of an event that nobody waits for tries three times', async () => {
    await functionOf('console.log("tried"); throw new Error("no")')
    expect(await invoke({}, { InvocationType: 'Event' })).toMatchObject({ StatusCode: 202, said: undefined })
    await expect.poll(() => linesOf('/aws/lambda/mymodel-dev', 'tried'), patience).toHaveLength(3)
    expect(await invoke({}, { InvocationType: 'DryRun' })).toMatchObject({ StatusCode: 204 })
  })

  it('is refused while the function is Pending, and when it is put away until it came back', async () => {
    await functionOf('return 1')
    await publishAs('live')
    cloud.behave({ restoreMs: 1500 })
    cloud.putAway(FunctionName)
    await expect(invoke({}, { Qualifier: 'live' })).rejects.toThrow('following state: Inactive')
    await expect(invoke({})).rejects.toThrow('currently in the following state: Inactive')
    await expect(invoke({})).rejects.toThrow('currently in the following state: Pending')
    await expect
      .poll(
        () =>
          invoke({}).then(
            ({ said }) => said,
            () => 'refused',
          ),
        patience,
      )
      .toBe(1)
  })

  it('is refused beyond the concurrency that is reserved', async () => {
    await functionOf('await new Promise(done => setTimeout(done, 1500)); return 1')
    const { lambda } = clientsOf(cloud)
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 2 }))
    const three = await Promise.allSettled([invoke({}), invoke({}), invoke({})])
    expect(three.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(three.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { name: 'TooManyRequestsException', $metadata: { httpStatusCode: 429 } },
    })
  })

  it('takes and gives 6 MB', async () => {
    await functionOf('return "x".repeat(event.give ?? 0)')
    await expect(invoke({ long: 'x'.repeat(6_291_456) })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
    })
    expect(await invoke({ give: 6_291_600 })).toMatchObject({
      FunctionError: 'Unhandled',
      said: { errorType: 'Function.ResponseSizeTooLarge' },
    })
  })

  it('gives the last of the log when it is asked for', async () => {
    await functionOf('console.log("said so")')
    const { LogResult } = await invoke({}, { LogType: 'Tail' })
    const text = Buffer.from(LogResult ?? '', 'base64').toString()
    expect(text).toMatch(/START RequestId: .*Version: \$LATEST[\s\S]*said so[\s\S]*END[\s\S]*REPORT/)
  })
})

async function linesOf(logGroupName: string, filterPattern?: string): Promise<string[]> {
  const { events = [] } = await new CloudWatchLogsClient(cloud.client)
    .send(
      new FilterLogEventsCommand({
        logGroupName,
        ...(filterPattern && { filterPattern: `"${filterPattern}"` }),
      }),
    )
    .catch(() => ({ events: [] }))
  return events.map(({ message = '' }) => message)
}

describe('logs', () => {
  it('stand in CloudWatch, with START, END and REPORT around what was printed', async () => {
    await functionOf('console.log("hello")')
    await invoke({})
    const lines = await linesOf('/aws/lambda/mymodel-dev')
    expect(lines.map(line => line.split(' ')[0]?.trim())).toEqual(
      expect.arrayContaining(['START', 'END', 'REPORT']),
    )
    expect(lines.join('')).toContain('hello')
  })

  it('are documents when the function asked for JSON, in the group it named', async () => {
    await functionOf('console.log(JSON.stringify({ own: 1 }))', {
      LoggingConfig: { LogFormat: 'JSON', LogGroup: '/thampi/one' },
    })
    await invoke({})
    const documents = (await linesOf('/thampi/one')).map(line => JSON.parse(line))
    expect(documents).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'platform.start' }),
        expect.objectContaining({ level: 'INFO', message: { own: 1 } }),
        expect.objectContaining({
          type: 'platform.report',
          record: expect.objectContaining({ metrics: expect.objectContaining({ memorySizeMB: 128 }) }),
        }),
      ]),
    )
  })
})

describe('an HTTP API', () => {
  /** Gives the address of its stage. */
  async function front({ permitted = true, timeout = 30_000, auth = 'NONE' as 'NONE' | 'AWS_IAM' } = {}) {
    const api = new ApiGatewayV2Client({ ...cloud.client, maxAttempts: 1 })
    const { ApiId, ApiEndpoint } = await api.send(
      new CreateApiCommand({ Name: 'mymodel-dev', ProtocolType: 'HTTP' }),
    )
    const arn = `arn:aws:lambda:eu-central-1:${cloud.account}:function:${FunctionName}:live`
    const { IntegrationId } = await api.send(
      new CreateIntegrationCommand({
        ApiId,
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: arn,
        PayloadFormatVersion: '2.0',
        TimeoutInMillis: timeout,
      }),
    )
    const route = { ApiId, RouteKey: 'POST /{model}/predict', AuthorizationType: auth }
    await api.send(new CreateRouteCommand({ ...route, Target: `integrations/${IntegrationId}` }))
    await api.send(new CreateStageCommand({ ApiId, StageName: 'dev', AutoDeploy: true }))
    if (permitted)
      await clientsOf(cloud).lambda.send(
        new AddPermissionCommand({
          FunctionName,
          Qualifier: 'live',
          StatementId: 'api',
          Action: 'lambda:InvokeFunction',
          Principal: 'apigateway.amazonaws.com',
          SourceArn: `arn:aws:execute-api:eu-central-1:${cloud.account}:${ApiId}/*`,
        }),
      )
    return { api, ApiId, url: `${ApiEndpoint}/dev` }
  }

  const post = (url: string, body = '{"data":1}', headers: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

  it('gives the function an event of format 2.0, and its caller what the function answered', async () => {
    await functionOf(
      'return { statusCode: 201, headers: { "X-Own": "yes" }, cookies: ["a=1"], body: JSON.stringify(event) }',
    )
    await publishAs('live')
    const { url, ApiId } = await front()
    const answer = await post(`${url}/mymodel/predict?a=1&a=2`, '{"data":1}', { 'X-Mixed': 'Case' })
    expect([answer.status, answer.headers.get('x-own'), answer.headers.get('set-cookie')]).toEqual([
      201,
      'yes',
      'a=1',
    ])
    expect(await answer.json()).toMatchObject({
      version: '2.0',
      routeKey: 'POST /{model}/predict',
      rawPath: '/dev/mymodel/predict',
      rawQueryString: 'a=1&a=2',
      queryStringParameters: { a: '1,2' },
      pathParameters: { model: 'mymodel' },
      headers: { 'x-mixed': 'Case' },
      body: '{"data":1}',
      isBase64Encoded: false,
      requestContext: { apiId: ApiId, stage: 'dev', http: { method: 'POST', path: '/dev/mymodel/predict' } },
    })
    const binary = await post(`${url}/mymodel/predict`, 'abc', { 'content-type': 'application/octet-stream' })
    expect(await binary.json()).toMatchObject({ body: 'YWJj', isBase64Encoded: true })
    expect((await post(`${url}/other`)).status).toBe(404)
    expect((await fetch(`${url}/mymodel/predict`)).status).toBe(404)
  })

  it('says what went wrong in its own words', async () => {
    await functionOf(
      'if (event.body === "slow") await new Promise(done => setTimeout(done, 60_000)); if (event.body === "bad") return { statusCode: "x" }; if (event.body === "fail") throw new Error("no"); return "fine"',
      { Timeout: 30 },
    )
    await publishAs('live')
    const { url } = await front({ timeout: 4000 })
    const asked = async (body: string) => {
      const answer = await post(`${url}/m/predict`, body, { 'content-type': 'text/plain' })
      return [answer.status, await answer.text()]
    }
    // It is warm then: a cold start would be the slow answer.
    await invoke({}, { Qualifier: 'live' })
    expect(await asked('x')).toEqual([200, 'fine'])
    expect(await asked('fail')).toEqual([500, '{"message":"Internal Server Error"}'])
    expect(await asked('bad')).toEqual([500, '{"message":"Internal Server Error"}'])
    expect(await asked('x'.repeat(6_400_000))).toEqual([413, '{"message":"Request Too Long"}'])
    expect(await asked('slow')).toEqual([503, '{"message":"Service Unavailable"}'])
  })

  it('fails when the alias does not permit it, and refuses callers who do not sign', async () => {
    await functionOf('return "fine"')
    await publishAs('live')
    expect((await post(`${(await front({ permitted: false })).url}/m/predict`)).status).toBe(500)
    const { url } = await front({ auth: 'AWS_IAM' })
    const unsigned = await post(`${url}/m/predict`)
    expect([unsigned.status, await unsigned.json()]).toEqual([403, { message: 'Forbidden' }])
    const authorization = `AWS4-HMAC-SHA256 Credential=AKIATESTCLOUD/20261123/eu-central-1/execute-api/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`
    expect((await post(`${url}/m/predict`, '{}', { authorization })).status).toBe(403)
  })

  it('is not there at once, and has a stage that can be changed', async () => {
    cloud.behave({ apiMs: 1500 })
    await functionOf('return "fine"')
    await publishAs('live')
    const { api, ApiId, url } = await front()
    expect((await post(`${url}/m/predict`)).status).toBe(404)
    await expect.poll(async () => (await post(`${url}/m/predict`)).status, patience).toBe(200)
    const throttle = { DefaultRouteSettings: { ThrottlingRateLimit: 5 } }
    await api.send(new UpdateStageCommand({ ApiId, StageName: 'dev', ...throttle }))
    expect(await api.send(new GetStageCommand({ ApiId, StageName: 'dev' }))).toMatchObject({
      AutoDeploy: true,
      ...throttle,
    })
  })
})

describe('a Function URL', () => {
  it('for everybody needs two statements on the alias', async () => {
    await functionOf('return { path: event.rawPath }')
    await publishAs('live')
    const { lambda } = clientsOf(cloud)
    const at = { FunctionName, Qualifier: 'live' }
    const { FunctionUrl = '' } = await lambda.send(
      new CreateFunctionUrlConfigCommand({ ...at, AuthType: 'NONE' }),
    )
    const permit = (StatementId: string, changes: object) =>
      lambda.send(new AddPermissionCommand({ ...at, StatementId, Principal: '*', Action: '', ...changes }))
    const ask = async () => {
      const answer = await fetch(`${FunctionUrl}a/b`, { method: 'POST', body: '{}' })
      return [answer.status, await answer.json()]
    }
    const forbidden = [403, { Message: expect.stringMatching(/^Forbidden\./) }]
    expect(await ask()).toEqual(forbidden)
    await permit('url', { Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'NONE' })
    expect(await ask()).toEqual(forbidden)
    await permit('invoke', { Action: 'lambda:InvokeFunction', InvokedViaFunctionUrl: true })
    expect(await ask()).toEqual([200, { path: '/a/b' }])
  })
})

it('a schedule asks its target when the test says so, if its role may', async () => {
  await functionOf('return { asked: event }')
  await publishAs('live')
  const Arn = `arn:aws:lambda:eu-central-1:${cloud.account}:function:${FunctionName}:live`
  const scheduler = new SchedulerClient(cloud.client)
  const schedule = async (Name: string, rights: string[]) =>
    scheduler.send(
      new CreateScheduleCommand({
        Name,
        ScheduleExpression: 'rate(4 minutes)',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn,
          RoleArn: await createRole(cloud, `${Name}-role`, 'scheduler.amazonaws.com', rights),
          Input: '{"thampi":"warm"}',
        },
      }),
    )
  await schedule('may', ['lambda:InvokeFunction'])
  await schedule('may-not', [])
  expect(await cloud.fire()).toEqual([
    { schedule: 'may', payload: '{"asked":{"thampi":"warm"}}' },
    { schedule: 'may-not', error: expect.stringContaining('may-not-role may not invoke') },
  ])
})

const newer = await newerPython()
it.skipIf('missing' in newer)(
  `a function in Python runs with Python 3.13 and has boto3, which asks this cloud${'missing' in newer ? `: ${newer.missing}` : ''}`,
  async () => {
    await putObject(cloud, 'blobs', 'thampi/blobs/x', Buffer.from('bytes'))
    const source = [
      'import sys, boto3',
      'def handler(event, context):',
      '    body = boto3.client("s3").get_object(Bucket="blobs", Key="thampi/blobs/x")["Body"].read()',
      '    return [sys.version_info[:2], body.decode()]',
    ]
    await createFunction(cloud, {
      Role: await createRole(cloud, 'reader', 'lambda.amazonaws.com', ['s3:GetObject']),
      Runtime: 'python3.13',
      Handler: 'app.handler',
      Timeout: 30,
      Code: { ZipFile: zipOf({ 'app.py': `${source.join('\n')}\n` }) },
    })
    cloud.forget()
    expect((await invoke({})).said).toEqual([[3, 13], 'bytes'])
    expect(cloud.callsOfFunctions()).toMatchObject([{ service: 's3', action: 'GetObject', status: 200 }])
    expect(cloud.calls().map(({ action }) => action)).toEqual(['Invoke'])
  },
)
