/** Lambda of the cloud of the tests behaves as Lambda does. Quoted texts are Amazon's; the real SDK asks. */

import { PutRolePolicyCommand } from '@aws-sdk/client-iam'
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  GetAccountSettingsCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  GetProvisionedConcurrencyConfigCommand,
  type LambdaClient,
  ListFunctionsCommand,
  ListFunctionUrlConfigsCommand,
  ListLayerVersionsCommand,
  ListTagsCommand,
  ListVersionsByFunctionCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientsOf, createFunction, createRole, handler, putObject, resting, zipOf } from './clients.ts'
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

const configuration = (Qualifier?: string) =>
  lambda.send(new GetFunctionConfigurationCommand({ FunctionName, ...(Qualifier && { Qualifier }) }))
const updateCode = (changes: object = {}) =>
  lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: other, ...changes }))
const publish = (changes: object = {}) => lambda.send(new PublishVersionCommand({ FunctionName, ...changes }))

describe('states', () => {
  it('a new function is Pending, and writes meanwhile are a conflict', async () => {
    cloud.behave({ createMs: 600_000 })
    const { lambda } = clientsOf(cloud)
    const Role = await createRole(cloud)
    const input = { FunctionName, Role, Runtime: 'nodejs24.x', Handler: 'index.handler' } as const
    const { CreateFunctionCommand } = await import('@aws-sdk/client-lambda')
    const created = await lambda.send(new CreateFunctionCommand({ ...input, Code: { ZipFile: handler } }))
    expect(created).toMatchObject({ State: 'Pending', StateReasonCode: 'Creating', Version: '$LATEST' })
    await expect(updateCode()).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message:
        'The operation cannot be performed at this time. The function is currently in the following state: Pending',
      $metadata: { httpStatusCode: 409 },
    })
    await expect(publish()).rejects.toThrow('currently in the following state: Pending')
  })

  it('an update is InProgress, a second write meanwhile is a conflict, and then Successful', async () => {
    await createFunction(cloud)
    cloud.behave({ updateMs: 1500 })
    expect(await updateCode()).toMatchObject({ State: 'Active', LastUpdateStatus: 'InProgress' })
    await expect(
      lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, MemorySize: 256 })),
    ).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message: `The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-central-1:${cloud.account}:function:mymodel-dev`,
    })
    expect(await resting(cloud)).toMatchObject({ LastUpdateStatus: 'Successful' })
  })

  it('creation, update and publication fail with the reason that was chosen', async () => {
    cloud.behave({ createFails: { code: 'InvalidZipFileException', reason: 'broken' } })
    await createFunction(cloud)
    expect(await configuration()).toMatchObject({
      State: 'Failed',
      StateReasonCode: 'InvalidZipFileException',
      StateReason: 'broken',
    })
    await cloud.reset()
    cloud.behave({
      updateFails: { code: 'ImageDeleted', reason: 'gone' },
      publishFails: { code: 'FunctionError.InitTimeout', reason: 'slow' },
    })
    await createFunction(cloud)
    await updateCode()
    expect(await resting(cloud)).toMatchObject({
      LastUpdateStatus: 'Failed',
      LastUpdateStatusReasonCode: 'ImageDeleted',
    })
    const { Version } = await publish()
    await expect
      .poll(() => configuration(Version), patience)
      .toMatchObject({ State: 'Failed', StateReasonCode: 'FunctionError.InitTimeout' })
  })

  it('a published version is Pending for a while, and longer with SnapStart', async () => {
    await createFunction(cloud, {
      Runtime: 'python3.13',
      Handler: 'a.handler',
      SnapStart: { ApplyOn: 'PublishedVersions' },
    })
    cloud.behave({ publishMs: 0, snapStartMs: 1500 })
    expect(await publish()).toMatchObject({ State: 'Pending', SnapStart: { OptimizationStatus: 'On' } })
    expect(await configuration('1')).toMatchObject({ State: 'Pending' })
    await expect.poll(() => configuration('1'), patience).toMatchObject({ State: 'Active' })
    expect(await configuration()).toMatchObject({
      State: 'Active',
      SnapStart: { ApplyOn: 'PublishedVersions', OptimizationStatus: 'Off' },
    })
  })
})

describe('guards', () => {
  it('the revision changes with every write and every state; an old one is refused', async () => {
    const { RevisionId: created } = await createFunction(cloud)
    const { RevisionId: active } = await configuration()
    expect(active).not.toBe(created)
    await expect(updateCode({ RevisionId: created })).rejects.toMatchObject({
      name: 'PreconditionFailedException',
      $metadata: { httpStatusCode: 412 },
      message:
        'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
    })
    const { RevisionId: updated } = await updateCode({ RevisionId: active })
    expect(updated).not.toBe(active)
    const { RevisionId: rested } = await resting(cloud)
    expect(rested).not.toBe(updated)
    await expect(publish({ RevisionId: active })).rejects.toMatchObject({
      name: 'PreconditionFailedException',
    })
    await publish({ RevisionId: rested })
  })

  it('a version is published only of the code whose hash is named', async () => {
    const { CodeSha256 } = await createFunction(cloud)
    await expect(publish({ CodeSha256: 'bm90IHRoaXM=' })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: `CodeSHA256 (bm90IHRoaXM=) is different from current CodeSHA256 in $LATEST (${CodeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
    })
    expect(await publish({ CodeSha256 })).toMatchObject({ Version: '1', CodeSha256 })
  })

  it('somebody who creates the same function gets a conflict', async () => {
    const { Role } = await createFunction(cloud)
    await expect(createFunction(cloud, { Role })).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message: 'Function already exist: mymodel-dev',
    })
  })
})

describe('versions', () => {
  it('publishing without a change gives the same version again', async () => {
    await createFunction(cloud)
    expect((await publish({ Description: 'one' })).Version).toBe('1')
    expect(await publish({ Description: 'two' })).toMatchObject({ Version: '1', Description: 'one' })
    expect((await updateCode({ ZipFile: handler, Publish: true })).Version).toBe('1')
    await resting(cloud)
    expect((await updateCode({ Publish: true })).Version).toBe('2')
    await resting(cloud)
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 9 }))
    await resting(cloud)
    expect((await publish()).Version).toBe('3')
  })

  it('a version stays as it was published, with everything that was asked for', async () => {
    await createFunction(cloud, {
      Runtime: 'python3.13',
      Handler: 'a.handler',
      MemorySize: 512,
      EphemeralStorage: { Size: 512 },
      SnapStart: { ApplyOn: 'PublishedVersions' },
      LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'INFO' },
      Environment: { Variables: { STAGE: 'one' } },
    })
    await publish()
    await lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName,
        MemorySize: 1024,
        SnapStart: { ApplyOn: 'None' },
        EphemeralStorage: { Size: 2048 },
        Environment: { Variables: { STAGE: 'two' } },
      }),
    )
    expect(await configuration('1')).toMatchObject({
      FunctionArn: `arn:aws:lambda:eu-central-1:${cloud.account}:function:mymodel-dev:1`,
      MemorySize: 512,
      EphemeralStorage: { Size: 512 },
      SnapStart: { ApplyOn: 'PublishedVersions' },
      LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'INFO', LogGroup: '/aws/lambda/mymodel-dev' },
      Environment: { Variables: { STAGE: 'one' } },
    })
    expect(await configuration()).toMatchObject({ MemorySize: 1024, EphemeralStorage: { Size: 2048 } })
  })

  it('numbers are never given twice, and lists come in pages', async () => {
    await createFunction(cloud)
    await publish()
    await lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier: '1' }))
    expect((await publish()).Version).toBe('2')
    const first = await lambda.send(new ListVersionsByFunctionCommand({ FunctionName, MaxItems: 1 }))
    expect(first.Versions?.map(({ Version }) => Version)).toEqual(['$LATEST'])
    const rest = await lambda.send(
      new ListVersionsByFunctionCommand({ FunctionName, Marker: first.NextMarker as string }),
    )
    expect(rest.Versions?.map(({ Version, State }) => [Version, State])).toEqual([['2', undefined]])
    expect(rest.NextMarker).toBeUndefined()
    expect((await lambda.send(new ListFunctionsCommand())).Functions).toHaveLength(1)
  })

  it('a version that an alias points to cannot be deleted', async () => {
    await createFunction(cloud)
    await publish()
    await lambda.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }))
    await expect(
      lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier: '1' })),
    ).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message: 'Function was unable to be deleted due to the following aliases that reference it: [live]',
    })
  })

  it('a function gives its code back as it was uploaded', async () => {
    await createFunction(cloud)
    const { Code, Tags } = await lambda.send(new GetFunctionCommand({ FunctionName }))
    expect(Tags).toBeUndefined()
    const bytes = Buffer.from(await (await fetch(Code?.Location ?? '')).arrayBuffer())
    expect(bytes.equals(handler)).toBe(true)
  })
})

describe('aliases', () => {
  it('share traffic with one more version, which is another one and not $LATEST', async () => {
    await createFunction(cloud)
    await publish()
    await updateCode({ Publish: true })
    const make = (FunctionVersion: string, weights: Record<string, number>, Name = 'live') =>
      lambda.send(
        new CreateAliasCommand({
          FunctionName,
          Name,
          FunctionVersion,
          RoutingConfig: { AdditionalVersionWeights: weights },
        }),
      )
    await expect(make('$LATEST', { 1: 0.1 })).rejects.toThrow(
      '$LATEST is not supported for an alias pointing to more than 1 version',
    )
    await expect(make('1', { 1: 0.1 })).rejects.toThrow('already included in routing configuration')
    await expect(make('1', { 1: 0.1, 2: 0.1 })).rejects.toThrow('cannot be greater than 1')
    await expect(make('1', { 7: 0.1 })).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await expect(make('1', { 2: 1.5 })).rejects.toMatchObject({ name: 'ValidationException' })
    expect(await make('1', { 2: 0.1 })).toMatchObject({
      AliasArn: `arn:aws:lambda:eu-central-1:${cloud.account}:function:mymodel-dev:live`,
      RoutingConfig: { AdditionalVersionWeights: { 2: 0.1 } },
    })
    await expect(make('1', {})).rejects.toThrow('Alias already exists: arn:aws:lambda')
    expect(await configuration('live')).toMatchObject({
      Version: '1',
      FunctionArn: expect.stringMatching(/:live$/),
    })
  })

  it('keep their weights until an empty map is given, and refuse an old revision', async () => {
    await createFunction(cloud)
    await publish()
    await updateCode({ Publish: true })
    const { RevisionId } = await lambda.send(
      new CreateAliasCommand({
        FunctionName,
        Name: 'live',
        FunctionVersion: '1',
        RoutingConfig: { AdditionalVersionWeights: { 2: 0.1 } },
      }),
    )
    const update = (changes: object) =>
      lambda.send(new UpdateAliasCommand({ FunctionName, Name: 'live', ...changes }))
    await expect(update({ FunctionVersion: '2' })).rejects.toThrow('already included')
    const none = { AdditionalVersionWeights: {} }
    const routed = await update({ FunctionVersion: '2', RoutingConfig: none, RevisionId })
    expect([routed.FunctionVersion, routed.RoutingConfig]).toEqual(['2', undefined])
    await expect(update({ FunctionVersion: '1', RevisionId })).rejects.toMatchObject({
      name: 'PreconditionFailedException',
    })
    await expect(lambda.send(new GetAliasCommand({ FunctionName, Name: 'other' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringContaining('Cannot find alias arn: '),
    })
  })
})

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
