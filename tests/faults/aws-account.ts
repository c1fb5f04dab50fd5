/** What an account says about the stage of an `AwsWorld`: read with clients of its own, not through the product. */
import { GetAliasCommand, GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describedBy, type StageState, type VersionRecord } from '../../src/platforms/aws/bucket/records.ts'
import { liveAlias, namesOf } from '../../src/platforms/aws/names.ts'
import type { Cloud } from '../aws/cloud.ts'
import { awsKey, bucket } from './aws-world.ts'

const names = namesOf(awsKey)

/** Where the traffic goes. */
export async function liveVersion({ client }: Cloud): Promise<number> {
  const lambda = new LambdaClient(client)
  const asked = new GetAliasCommand({ FunctionName: names.function, Name: liveAlias })
  return Number((await lambda.send(asked)).FunctionVersion)
}

/**
 * Alias, function, records, API and turn where they do not all say that this version is served, and nothing is under way.
 * `isLatest`: it was made just now, not taken up from a deployment that was cut off; then the function holds its code.
 */
export async function twoMinds(cloud: Cloud, version: number, isLatest: boolean): Promise<string[]> {
  const lambda = new LambdaClient(cloud.client)
  const about = { FunctionName: names.function }
  const latest = await lambda.send(new GetFunctionConfigurationCommand(about))
  const made = await lambda.send(
    new GetFunctionConfigurationCommand({ ...about, Qualifier: String(version) }),
  )
  const described = describedBy(made)
  const alias = await liveVersion(cloud)
  const record = await read<VersionRecord>(cloud, names.versionKey(version))
  const state = await read<StageState>(cloud, names.stateKey)
  const lease = await read(cloud, names.leaseKey)
  const apis = (await cloud.resources()).filter(it => it.startsWith('apigateway api '))
  const isRecorded = record?.version.number === version && record.version.bundle === described?.bundle
  const isFinished = state?.finished === described?.key && state?.routed.includes(version)
  return [
    ...(alias === version ? [] : [`the alias is at ${alias}`]),
    ...(!isLatest || latest.CodeSha256 === made.CodeSha256 ? [] : ['the function holds other code']),
    ...(isRecorded ? [] : [`the record is ${JSON.stringify(record?.version)}`]),
    ...(isFinished ? [] : [`the state is ${JSON.stringify(state)}`]),
    ...(lease === undefined ? [] : ['the turn was not given back']),
    ...(apis.length === 1 ? [] : [`${apis.length} APIs`]),
  ]
}

/** Two minutes pass for whoever holds the turn, without anybody waiting for them. */
export async function runOutOfTurn(cloud: Cloud): Promise<void> {
  const lease = await read<object>(cloud, names.leaseKey)
  const Body = JSON.stringify({ ...lease, seconds: 0 })
  await s3Of(cloud).send(new PutObjectCommand({ Bucket: bucket, Key: names.leaseKey, Body }))
}

async function read<T>(cloud: Cloud, Key: string): Promise<T | undefined> {
  const s3 = s3Of(cloud)
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: Key }))
  if (Contents.length === 0) return undefined
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
  return JSON.parse((await Body?.transformToString()) ?? 'null') as T
}

function s3Of({ client }: Cloud): S3Client {
  return new S3Client({ ...client, forcePathStyle: true })
}
