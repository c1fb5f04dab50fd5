/** Our Lambda and moto's, written by others, are asked the same: answers have the same members, errors the same names. */
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam'
import { Lambda } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { handler, resting, zipOf } from './clients.ts'
import { type Cloud, startCloud } from './cloud.ts'
import { type Moto, startMoto } from './moto.ts'

let cloud: Cloud
let moto: Moto
beforeAll(async () => {
  cloud = await startCloud({ behaviour: { createMs: 0, updateMs: 0, publishMs: 0 } })
  moto = await startMoto()
})
afterAll(() => Promise.all([cloud?.close(), moto?.close()]))

const FunctionName = 'mymodel-dev'
const layer = { LayerName: 'thampi-x', Content: { ZipFile: zipOf({ 'python/a.py': '1' }) } }
const permission = {
  StatementId: 's',
  Action: 'lambda:InvokeFunction',
  Principal: 'apigateway.amazonaws.com',
}

/** In this order; each is one call. */
const conversation: Readonly<Record<string, (lambda: Lambda, Role: string) => Promise<unknown>>> = {
  'create a function': (lambda, Role) =>
    lambda.createFunction({
      FunctionName,
      Role,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: handler },
      Environment: { Variables: { STAGE: 'dev' } },
      Tags: { 'thampi:stage': 'dev' },
    }),
  'create it again': (lambda, Role) =>
    lambda.createFunction({
      FunctionName,
      Role,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: handler },
    }),
  'create one with a role that is not there': lambda =>
    lambda.createFunction({
      FunctionName: 'other',
      Role: 'arn:aws:iam::123456789012:role/none',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: handler },
    }),
  'get it': lambda => lambda.getFunction({ FunctionName }),
  'get its configuration': lambda => lambda.getFunctionConfiguration({ FunctionName }),
  'get one that is not there': lambda => lambda.getFunction({ FunctionName: 'none' }),
  'publish a version': lambda => lambda.publishVersion({ FunctionName }),
  'update and publish': lambda =>
    lambda.updateFunctionCode({ FunctionName, ZipFile: zipOf({ 'index.mjs': '2' }), Publish: true }),
  'change its configuration': lambda => lambda.updateFunctionConfiguration({ FunctionName, MemorySize: 256 }),
  'list versions': lambda => lambda.listVersionsByFunction({ FunctionName }),
  'list functions': lambda => lambda.listFunctions({}),
  'create an alias': lambda =>
    lambda.createAlias({
      FunctionName,
      Name: 'live',
      FunctionVersion: '1',
      RoutingConfig: { AdditionalVersionWeights: { 2: 0.1 } },
    }),
  'create it again as well': lambda =>
    lambda.createAlias({ FunctionName, Name: 'live', FunctionVersion: '1' }),
  'an alias of a version that is not there': lambda =>
    lambda.createAlias({ FunctionName, Name: 'next', FunctionVersion: '9' }),
  'get the alias': lambda => lambda.getAlias({ FunctionName, Name: 'live' }),
  'get one that is none': lambda => lambda.getAlias({ FunctionName, Name: 'none' }),
  'update the alias': lambda => lambda.updateAlias({ FunctionName, Name: 'live', Description: 'x' }),
  'list aliases': lambda => lambda.listAliases({ FunctionName }),
  'permit something': lambda => lambda.addPermission({ FunctionName, ...permission }),
  'get the policy': lambda => lambda.getPolicy({ FunctionName }),
  'remove a statement that is not there': lambda =>
    lambda.removePermission({ FunctionName, StatementId: 'none' }),
  'remove the statement': lambda => lambda.removePermission({ FunctionName, StatementId: 's' }),
  'publish a layer': lambda => lambda.publishLayerVersion(layer),
  'get the layer': lambda => lambda.getLayerVersion({ LayerName: 'thampi-x', VersionNumber: 1 }),
  'get a layer that is not there': lambda => lambda.getLayerVersion({ LayerName: 'none', VersionNumber: 1 }),
  'list layer versions': lambda => lambda.listLayerVersions({ LayerName: 'thampi-x' }),
  'delete the layer': lambda => lambda.deleteLayerVersion({ LayerName: 'thampi-x', VersionNumber: 1 }),
  'create a Function URL': lambda => lambda.createFunctionUrlConfig({ FunctionName, AuthType: 'AWS_IAM' }),
  'get the Function URL': lambda => lambda.getFunctionUrlConfig({ FunctionName }),
  'delete the Function URL': lambda => lambda.deleteFunctionUrlConfig({ FunctionName }),
  'get a Function URL that is not there': lambda => lambda.getFunctionUrlConfig({ FunctionName }),
  'reserve concurrency': lambda =>
    lambda.putFunctionConcurrency({ FunctionName, ReservedConcurrentExecutions: 5 }),
  'get the concurrency': lambda => lambda.getFunctionConcurrency({ FunctionName }),
  'list tags': lambda =>
    lambda.listTags({ Resource: `arn:aws:lambda:eu-central-1:123456789012:function:${FunctionName}` }),
  'delete a version': lambda => lambda.deleteFunction({ FunctionName: `${FunctionName}:2` }),
  'delete it': lambda => lambda.deleteFunction({ FunctionName }),
  'delete it again': lambda => lambda.deleteFunction({ FunctionName }),
}

/** Where moto is not as AWS is, and what AWS does. */
const differences: readonly (readonly [theirs: RegExp, amazon: string])[] = [
  [/^list (versions|functions): .*(State|LastUpdateStatus) /, 'lists leave the states out'],
  [/LicenseInfo string$/, 'only when one was given'],
  [/^create it again as well: ConflictException/, 'CreateAlias knows ResourceConflictException only'],
  [/^delete a version: StatusCode/, 'a version that an alias points to stays'],
]

it('each answer of moto is contained in ours', async () => {
  const ours = await talk(new Lambda(cloud.client), new IAMClient(cloud.client), () => resting(cloud))
  const client = { ...cloud.client, endpoint: moto.url }
  const theirs = await talk(new Lambda(client), new IAMClient(client), async () => {})
  const missing = theirs.filter(line => !ours.includes(line))
  expect(missing.filter(line => !differences.some(([theirs]) => theirs.test(line)))).toEqual([])
  for (const [difference, amazon] of differences)
    expect(
      missing.some(line => difference.test(line)),
      `moto has learned: ${amazon}`,
    ).toBe(true)
})

/** One line for each member of each answer, and for each error: `get it: Configuration.Timeout number`. */
async function talk(
  lambda: Lambda,
  iam: IAMClient,
  rest: () => Promise<unknown>,
): Promise<readonly string[]> {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'lambda.amazonaws.com' },
    Action: 'sts:AssumeRole',
  }
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'role', AssumeRolePolicyDocument }))
  const said: string[] = []
  for (const [step, ask] of Object.entries(conversation)) {
    const shape = await ask(lambda, Role?.Arn ?? '').then(
      answer => shapeOf(answer),
      error => [`${error.name} ${error.$metadata?.httpStatusCode}`],
    )
    said.push(...shape.map(line => `${step}: ${line}`))
    if (/function|publish|configuration/.test(step)) await rest().catch(() => {})
  }
  return said
}

function shapeOf(answer: unknown, path = ''): string[] {
  if (Array.isArray(answer)) return answer.flatMap(item => shapeOf(item, `${path}[]`))
  if (answer === null || typeof answer !== 'object' || answer instanceof Date)
    return answer === undefined ? [] : [`${path} ${typeof answer}`]
  return Object.entries(answer)
    .filter(([name]) => name !== '$metadata')
    .flatMap(([name, value]) => shapeOf(value, path === '' ? name : `${path}.${name}`))
}
