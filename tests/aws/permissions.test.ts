/** The cloud of the tests holds callers to their policies: the deployer when a test says so, functions always. */
import { CreateRoleCommand } from '@aws-sdk/client-iam'
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  GetFunctionCommand,
  InvokeCommand,
} from '@aws-sdk/client-lambda'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientsOf, createFunction, createRole, handler, putObject, zipOf } from './clients.ts'
import { type Cloud, startCloud } from './cloud.ts'
import type { Conditions, Policy } from './permissions.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
beforeEach(() => cloud.reset())
afterAll(() => cloud?.close())

const FunctionName = 'mymodel-dev'
const arn = 'arn:aws:lambda:eu-central-1:123456789012:function:mymodel-dev'
const allow = (Action: string, Resource: string, Condition?: Conditions): Policy => ({
  Statement: [{ Effect: 'Allow', Action, Resource, ...(Condition && { Condition }) }],
})

describe('the deployer', () => {
  const create = (changes: Partial<CreateFunctionCommandInput> = {}) =>
    clientsOf(cloud).lambda.send(
      new CreateFunctionCommand({
        FunctionName,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: 'arn:aws:iam::123456789012:role/mymodel-role',
        Code: { ZipFile: handler },
        ...changes,
      }),
    )

  it('may do everything until a test says what', async () => {
    await createFunction(cloud)
    cloud.allowOnly(allow('lambda:Get*', 'arn:aws:lambda:*:*:function:mymodel-*'))
    const get = (FunctionName: string) =>
      clientsOf(cloud).lambda.send(new GetFunctionCommand({ FunctionName }))
    await get(FunctionName)
    await expect(get('other')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('is not authorized to perform: lambda:GetFunction on resource'),
    })
    const put = new PutObjectCommand({ Bucket: 'bucket', Key: 'a', Body: 'a' })
    await expect(clientsOf(cloud).s3.send(put)).rejects.toMatchObject({ name: 'AccessDenied' })
  })

  it('who creates a function hands a role on, reads the code, the layers, and tags it', async () => {
    await createRole(cloud)
    await putObject(cloud, 'bucket', 'code.zip', handler)
    const rights = [allow('lambda:CreateFunction', '*')]
    const denied = async (changes: Partial<CreateFunctionCommandInput>, permission: string) => {
      cloud.allowOnly(...rights)
      await expect(create(changes)).rejects.toThrow(`is not authorized to perform: ${permission} on`)
    }
    await denied({}, 'iam:PassRole')
    const role = 'arn:aws:iam::123456789012:role/mymodel-*'
    const toLambda = { StringEquals: { 'iam:PassedToService': ['lambda.amazonaws.com'] } }
    rights.push(allow('iam:PassRole', role, toLambda))
    const fromS3 = { Code: { S3Bucket: 'bucket', S3Key: 'code.zip' } }
    await denied(fromS3, 's3:GetObject')
    rights.push(allow('s3:GetObject', 'arn:aws:s3:::bucket/*'))
    await denied({ Tags: { 'thampi:stage': 'dev' } }, 'lambda:TagResource')
    await denied({ Layers: ['arn:aws:lambda:eu-central-1:123456789012:layer:x:1'] }, 'lambda:GetLayerVersion')
    cloud.allowOnly(...rights)
    expect((await create(fromS3)).FunctionArn).toBe(arn)
  })

  it('a denial wins over everything', async () => {
    await createFunction(cloud)
    const all = allow('*', '*')
    cloud.allowOnly(all, { Statement: { Effect: 'Deny', Action: 'lambda:get*', Resource: arn } })
    await expect(clientsOf(cloud).lambda.send(new GetFunctionCommand({ FunctionName }))).rejects.toThrow(
      'not authorized',
    )
  })
})

describe('a function', () => {
  const source = [
    'import { createRequire } from "node:module"',
    'const { S3Client, GetObjectCommand } = createRequire(import.meta.url)("@aws-sdk/client-s3")',
    'export const handler = async () => {',
    '  const s3 = new S3Client({ forcePathStyle: true })',
    '  const { Body } = await s3.send(new GetObjectCommand({ Bucket: "blobs", Key: "thampi/x" }))',
    '  return await Body.transformToString()',
    '}',
  ]
  const Code = { ZipFile: zipOf({ 'index.mjs': `${source.join('\n')}\n` }) }
  const invoke = async () => {
    const { Payload } = await clientsOf(cloud).lambda.send(new InvokeCommand({ FunctionName }))
    return JSON.parse(Buffer.from(Payload ?? []).toString())
  }

  it('may do what its role allows', async () => {
    await putObject(cloud, 'blobs', 'thampi/x', Buffer.from('bytes'))
    const Role = await createRole(cloud, 'reader', 'lambda.amazonaws.com', ['s3:GetObject'])
    await createFunction(cloud, { Role, Code, Timeout: 30 })
    expect(await invoke()).toBe('bytes')
  })

  it('is denied the rest, and writes no log that it may not write', async () => {
    await putObject(cloud, 'blobs', 'thampi/x', Buffer.from('bytes'))
    const Service = 'lambda.amazonaws.com'
    const statement = { Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' }
    const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    const { Role } = await clientsOf(cloud).iam.send(
      new CreateRoleCommand({ RoleName: 'bare', AssumeRolePolicyDocument }),
    )
    await createFunction(cloud, { Role: Role?.Arn, Code, Timeout: 30 })
    expect(await invoke()).toMatchObject({
      errorType: 'AccessDenied',
      errorMessage:
        'User: arn:aws:sts::123456789012:assumed-role/bare/mymodel-dev is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::blobs/thampi/x because no identity-based policy allows the s3:GetObject action',
    })
    expect((await cloud.resources()).filter(line => line.startsWith('logs'))).toEqual([])
  })
})
