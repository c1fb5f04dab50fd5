/** Lambda of the cloud of the tests refuses what Lambda refuses. Quoted texts are Amazon's; the real SDK asks. */

import { PutRolePolicyCommand } from '@aws-sdk/client-iam'
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionUrlConfigCommand,
  GetAccountSettingsCommand,
  GetPolicyCommand,
  GetProvisionedConcurrencyConfigCommand,
  type LambdaClient,
  ListFunctionUrlConfigsCommand,
  ListLayerVersionsCommand,
  ListTagsCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientsOf, createFunction, createRole, handler, putObject, zipOf } from './clients.ts'
import { type Cloud, startCloud } from './cloud.ts'

let cloud: Cloud
let lambda: LambdaClient
const FunctionName = 'mymodel-dev'
const patience = { timeout: 10_000, interval: 50 }
const other = zipOf({ 'index.mjs': 'export const handler = async () => 2\n' })

beforeAll(async () => {
  cloud = await startCloud()
  lambda = clientsOf(cloud).lambda
})
beforeEach(() => cloud.reset())
afterAll(() => cloud?.close())

const updateCode = (changes: object = {}) =>
  lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: other, ...changes }))
const publish = (changes: object = {}) => lambda.send(new PublishVersionCommand({ FunctionName, ...changes }))

describe('what is refused', () => {
  it.each([
    ['bytes that are no zip', { Code: { ZipFile: Buffer.from('no zip') } }, 'Could not unzip uploaded file'],
    ['a damaged zip', { Code: { ZipFile: damaged(handler) } }, 'Could not unzip uploaded file'],
    ['an empty zip', { Code: { ZipFile: zipOf({}) } }, 'Uploaded file must be a non-empty zip'],
    ['a timeout above 900 s', { Timeout: 901 }, "Value '901' at 'timeout' failed to satisfy constraint"],
    ['memory below 128 MB', { MemorySize: 64 }, 'Member must have value greater than or equal to 128'],
    ['a handler with a space', { Handler: 'a b' }, "at 'handler' failed to satisfy constraint"],
    ['a runtime that is no more', { Runtime: 'python3.6' as const }, 'is no longer supported'],
    [
      'a runtime that never was',
      { Runtime: 'python9' as never },
      "at 'runtime' failed to satisfy constraint",
    ],
    ['a variable of Lambda', { Environment: { Variables: { AWS_REGION: 'x' } } }, 'contains reserved keys'],
    [
      'more than 4 KB of variables',
      { Environment: { Variables: { A1: 'x'.repeat(4096) } } },
      'exceeded the 4KB limit',
    ],
    [
      'a layer that is not there',
      { Layers: ['arn:aws:lambda:eu-central-1:123456789012:layer:x:1'] },
      'does not exist',
    ],
    [
      'a role that is not there',
      { Role: 'arn:aws:iam::123456789012:role/none' },
      'cannot be assumed by Lambda',
    ],
    ['a name with a dot', { FunctionName: 'a.b' }, 'Member must satisfy regular expression pattern'],
    [
      'SnapStart for Node',
      { SnapStart: { ApplyOn: 'PublishedVersions' as const } },
      'nodejs24.x is not supported for SnapStart',
    ],
    ['a missing object', { Code: { S3Bucket: 'nowhere', S3Key: 'x' } }, 'S3 Error Code: NoSuchBucket'],
  ])('%s', async (_, changes, text) => {
    await expect(createFunction(cloud, changes)).rejects.toThrow(text)
    expect((await cloud.resources()).filter(line => line.startsWith('lambda'))).toEqual([])
  })

  it('more than 50 MB in a request', async () => {
    await createFunction(cloud)
    const noise = Buffer.alloc(52_428_801)
    await expect(updateCode({ ZipFile: noise })).rejects.toThrow(
      'Zipped size must be smaller than 52428800 bytes',
    )
    await expect(updateCode({ ZipFile: Buffer.alloc(53_000_000) })).rejects.toMatchObject({
      name: 'RequestEntityTooLargeException',
      message: 'Request must be smaller than 70167211 bytes for the UpdateFunctionCode operation',
    })
  })

  it('more than 262144000 bytes unzipped, alone or with layers', async () => {
    const layer = (LayerName: string, bytes: number) =>
      lambda.send(
        new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: zipOf({ 'python/zeros': bytes }) } }),
      )
    await expect(layer('huge', 262_144_000)).rejects.toThrow(
      'Unzipped size must be smaller than 262144000 bytes',
    )
    const one = await layer('large', 150_000_000)
    const two = await layer('larger', 112_144_000)
    const Layers = [one.LayerVersionArn ?? '', two.LayerVersionArn ?? '']
    await expect(createFunction(cloud, { Layers })).rejects.toThrow(
      'Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is 262144055 bytes.',
    )
    await createFunction(cloud, {
      Layers: Layers.slice(0, 1),
      FunctionName: 'fits',
      Role: await createRole(cloud, 'other'),
    })
  })

  it('a missing key, a bucket in another Region, memory above the quota of a new account', async () => {
    await putObject(cloud, 'code-bucket', 'a.zip', handler)
    const Role = await createRole(cloud)
    const from = (S3Key: string) => createFunction(cloud, { Role, Code: { S3Bucket: 'code-bucket', S3Key } })
    await expect(from('b.zip')).rejects.toThrow(
      'Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.',
    )
    cloud.behave({ memoryQuotaMb: 3008 })
    await expect(createFunction(cloud, { Role, MemorySize: 4096 })).rejects.toThrow(
      "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3008",
    )
    expect(await from('a.zip')).toMatchObject({ CodeSize: handler.length })
  })

  it('code above the storage of the account, which keeps every version', async () => {
    await createFunction(cloud)
    cloud.behave({ codeStorageBytes: handler.length * 2 })
    await publish()
    await expect(updateCode()).rejects.toMatchObject({ name: 'CodeStorageExceededException' })
  })
})

describe('roles', () => {
  it('cannot be assumed for a while after they were made or changed', async () => {
    cloud.behave({ roleMs: 1500 })
    const Role = await createRole(cloud)
    const refused = {
      name: 'InvalidParameterValueException',
      message: 'The role defined for the function cannot be assumed by Lambda.',
    }
    await expect(createFunction(cloud, { Role })).rejects.toMatchObject(refused)
    await expect
      .poll(
        () =>
          createFunction(cloud, { Role }).then(
            () => 'made',
            () => 'refused',
          ),
        patience,
      )
      .toBe('made')
    const policy = {
      RoleName: 'mymodel-role',
      PolicyName: 'logs',
      PolicyDocument:
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"}]}',
    }
    await clientsOf(cloud).iam.send(new PutRolePolicyCommand(policy))
    await expect(createFunction(cloud, { Role, FunctionName: 'second' })).rejects.toMatchObject(refused)
  })

  it('cannot be assumed when they trust another service', async () => {
    const Role = await createRole(cloud, 'theirs', 'scheduler.amazonaws.com')
    await expect(createFunction(cloud, { Role })).rejects.toThrow('cannot be assumed by Lambda')
  })
})

describe('layers', () => {
  it('have a number that grows and content that functions keep; an unknown name lists nothing', async () => {
    const Content = { ZipFile: zipOf({ 'python/a.py': '' }) }
    const { LayerVersionArn } = await lambda.send(
      new PublishLayerVersionCommand({ LayerName: 'thampi-x', Content, CompatibleRuntimes: ['python3.13'] }),
    )
    expect(LayerVersionArn).toMatch(/:layer:thampi-x:1$/)
    const again = await lambda.send(new PublishLayerVersionCommand({ LayerName: 'thampi-x', Content }))
    expect(again.Version).toBe(2)
    const list = (LayerName: string) => lambda.send(new ListLayerVersionsCommand({ LayerName }))
    expect((await list('thampi-x')).LayerVersions?.map(({ Version }) => Version)).toEqual([2, 1])
    expect((await list('unknown')).LayerVersions).toEqual([])
  })
})

describe('permissions', () => {
  const statement = {
    FunctionName,
    StatementId: 'api',
    Action: 'lambda:InvokeFunction',
    Principal: 'apigateway.amazonaws.com',
    SourceArn: 'arn:aws:execute-api:eu-central-1:123456789012:abc/*',
  }

  it('are kept for each qualifier; a second statement of the same name is a conflict', async () => {
    await createFunction(cloud)
    await publish()
    await lambda.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }))
    await lambda.send(new AddPermissionCommand({ ...statement, Qualifier: 'live' }))
    await lambda.send(new AddPermissionCommand(statement))
    await expect(
      lambda.send(new AddPermissionCommand({ ...statement, Qualifier: 'live' })),
    ).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message:
        'The statement id (api) provided already exists. Please provide a new statement id, or remove the existing statement.',
    })
    const policy = await lambda.send(new GetPolicyCommand({ FunctionName, Qualifier: 'live' }))
    expect(JSON.parse(policy.Policy ?? '')).toMatchObject({
      Statement: [
        {
          Sid: 'api',
          Principal: { Service: 'apigateway.amazonaws.com' },
          Resource: expect.stringMatching(/:mymodel-dev:live$/),
          Condition: { ArnLike: { 'AWS:SourceArn': statement.SourceArn } },
        },
      ],
    })
    await lambda.send(new RemovePermissionCommand({ FunctionName, StatementId: 'api', Qualifier: 'live' }))
    await expect(
      lambda.send(new GetPolicyCommand({ FunctionName, Qualifier: 'live' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await lambda.send(new GetPolicyCommand({ FunctionName }))
  })

  it('have 20480 bytes in all', async () => {
    await createFunction(cloud)
    const many = Array.from({ length: 80 }, (_, i) => i)
    const add = async () => {
      for (const i of many)
        await lambda.send(new AddPermissionCommand({ ...statement, StatementId: `s${i}` }))
    }
    await expect(add()).rejects.toMatchObject({ name: 'PolicyLengthExceededException' })
  })
})

describe('what moto lacks', () => {
  it('a Function URL belongs to an alias, and there is one of it', async () => {
    await createFunction(cloud)
    await publish()
    await lambda.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }))
    const input = { FunctionName, Qualifier: 'live', AuthType: 'NONE' } as const
    const { FunctionUrl } = await lambda.send(new CreateFunctionUrlConfigCommand(input))
    expect(FunctionUrl).toMatch(/\/$/)
    await expect(lambda.send(new CreateFunctionUrlConfigCommand(input))).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message: expect.stringContaining('FunctionUrlConfig exists for this Lambda function'),
    })
    const { FunctionUrlConfigs } = await lambda.send(new ListFunctionUrlConfigsCommand({ FunctionName }))
    expect(FunctionUrlConfigs).toMatchObject([{ FunctionUrl, AuthType: 'NONE', InvokeMode: 'BUFFERED' }])
  })

  it('provisioned concurrency belongs to a version or an alias, and takes a while', async () => {
    await createFunction(cloud)
    await publish()
    const put = (Qualifier: string) =>
      lambda.send(
        new PutProvisionedConcurrencyConfigCommand({
          FunctionName,
          Qualifier,
          ProvisionedConcurrentExecutions: 2,
        }),
      )
    await expect(put('$LATEST')).rejects.toThrow('cannot be applied to unpublished function versions')
    const get = () =>
      lambda.send(new GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: '1' }))
    await expect(get()).rejects.toMatchObject({ name: 'ProvisionedConcurrencyConfigNotFoundException' })
    expect(await put('1')).toMatchObject({ Status: 'IN_PROGRESS' })
    await expect
      .poll(get, patience)
      .toMatchObject({ Status: 'READY', AvailableProvisionedConcurrentExecutions: 2 })
    const reserve = (ReservedConcurrentExecutions: number) =>
      lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }))
    await expect(reserve(1)).rejects.toThrow('should not be less than the provisioned')
    await reserve(3)
    await lambda.send(new CreateAliasCommand({ FunctionName, Name: 'other', FunctionVersion: '1' }))
    await expect(put('other')).rejects.toThrow('should not be greater than the reservedConcurrentExecution')
  })

  it('the account has limits, and what is reserved counts', async () => {
    await createFunction(cloud)
    const put = (ReservedConcurrentExecutions: number) =>
      lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }))
    await put(10)
    expect(await lambda.send(new GetAccountSettingsCommand())).toMatchObject({
      AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 990 },
      AccountUsage: { FunctionCount: 1 },
    })
    await expect(put(901)).rejects.toThrow('below its minimum value of [100]')
  })

  it('tags belong to a function', async () => {
    const { FunctionArn: Resource } = await createFunction(cloud, { Tags: { 'thampi:stage': 'dev' } })
    await lambda.send(new TagResourceCommand({ Resource, Tags: { 'thampi:op': '1' } }))
    expect((await lambda.send(new ListTagsCommand({ Resource }))).Tags).toEqual({
      'thampi:stage': 'dev',
      'thampi:op': '1',
    })
    await expect(
      lambda.send(new TagResourceCommand({ Resource: `${Resource}:1`, Tags: {} })),
    ).rejects.toThrow('Tags on function aliases and versions are not supported')
  })
})

function damaged(zip: Buffer): Buffer {
  const copy = Buffer.from(zip)
  copy[45] = (copy[45] ?? 0) ^ 0xff
  return copy
}
