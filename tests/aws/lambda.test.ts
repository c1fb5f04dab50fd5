import {
  CreateAliasCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ListFunctionsCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientsOf, createFunction, createRole, handler, resting, zipOf } from './clients.ts'
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
