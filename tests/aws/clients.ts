/** What tests of the cloud itself have in common: a cloud, clients that do not repeat calls, roles and zips to upload. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import type { Cloud } from './cloud.ts'
import { python } from './moto.ts'

/** One attempt: what a test counts is what it asked. */
export function clientsOf({ client }: Cloud): { lambda: LambdaClient; iam: IAMClient; s3: S3Client } {
  const once = { ...client, maxAttempts: 1 }
  return { lambda: new LambdaClient(once), iam: new IAMClient(once), s3: new S3Client(once) }
}

/** Gives the ARN. Functions of this role may write their logs, and `more`. */
export async function createRole(
  cloud: Cloud,
  name = 'mymodel-role',
  service = 'lambda.amazonaws.com',
  more: readonly string[] = [],
): Promise<string> {
  const statement = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }
  const trust = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  const { iam } = clientsOf(cloud)
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trust }))
  const allow = { Effect: 'Allow', Action: ['logs:*', ...more], Resource: '*' }
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [allow] })
  await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: 'own', PolicyDocument }))
  return Role?.Arn ?? ''
}

/** A zip with these files; a number is a file of that many zeros. */
export function zipOf(files: Readonly<Record<string, string | number>>): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'thampi-zip-'))
  const source = [
    'import json, sys, zipfile',
    'z = zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED)',
    'for path, content in json.loads(sys.argv[2]).items():',
    '    z.writestr(zipfile.ZipInfo(path), content if isinstance(content, str) else bytes(content), zipfile.ZIP_DEFLATED)',
    'z.close()',
  ]
  try {
    const file = join(dir, 'it.zip')
    execFileSync(python, ['-c', source.join('\n'), file, JSON.stringify(files)])
    return readFileSync(file)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

export const handler: Buffer = zipOf({
  'index.mjs': 'export const handler = async event => ({ got: event })\n',
})

/** A function of Node that echoes, unless told otherwise; Active when this returns. */
export async function createFunction(
  cloud: Cloud,
  changes: Partial<CreateFunctionCommandInput> = {},
): Promise<FunctionConfiguration> {
  const { lambda } = clientsOf(cloud)
  const created = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'mymodel-dev',
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: changes.Role ?? (await createRole(cloud)),
      Code: { ZipFile: handler },
      ...changes,
    }),
  )
  await resting(cloud, created.FunctionName)
  return created
}

/** Waits until the next write is allowed. */
export async function resting(cloud: Cloud, FunctionName = 'mymodel-dev'): Promise<FunctionConfiguration> {
  const { lambda } = clientsOf(cloud)
  let now: FunctionConfiguration = {}
  await expect
    .poll(
      async () => {
        now = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))
        return [now.State === 'Pending', now.LastUpdateStatus === 'InProgress']
      },
      { interval: 10, timeout: 20_000 },
    )
    .toEqual([false, false])
  return now
}

/** A bucket in the cloud's Region with one object in it. */
export async function putObject(cloud: Cloud, Bucket: string, Key: string, Body: Buffer): Promise<void> {
  const { s3 } = clientsOf(cloud)
  const LocationConstraint = cloud.region as 'eu-central-1'
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }))
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }))
}
