/** What a serve would have on AWS, by its names: nobody is asked. */
import { maxDirectUploadBytes } from '../../bundle/lambda/limits.ts'
import type { LambdaPackage } from '../../bundle/lambda/package.ts'
import { provisionedKey, type Stage } from '../../settings/stage.ts'
import { blobPrefix, bucketFor, liveAlias, namesOf } from './names.ts'
import type { Access } from './settings/access.ts'
import { asksForRest } from './settings/rest.ts'

/** Something that `serve` would create, or use when it is there. */
export interface Resource {
  readonly kind: string
  readonly name: string
}

/** In the order in which they are made. Without an account nobody knows which of them are there. */
export function resourcesOf(stage: Stage, access: Access, made: LambdaPackage): Resource[] {
  const names = namesOf({ stage: stage.name, model: stage.model })
  const bucket = bucketOf(stage)
  const role =
    [stage.aws.role_arn, stage.aws.role_name].find(value => typeof value === 'string') ?? names.role
  const layers = made.layers.map(({ archive }) => archive)
  const zips = made.functionZip.bytes > maxDirectUploadBytes ? [...layers, made.functionZip] : layers
  const api = apiOf(stage, access)
  const provisioned = provisionedFor(stage)
  const objects = [
    ...zips.map(({ digest }) => `${blobPrefix}${digest.slice('sha256:'.length)}`),
    ...(made.model.in === 's3' ? made.model.blobs.map(({ key }) => key) : []),
  ]
  return [
    { kind: 'function', name: names.function },
    { kind: 'alias', name: `${names.function}:${liveAlias}` },
    ...made.layers.map(({ name }) => ({ kind: 'layer', name })),
    { kind: 'role', name: String(role) },
    { kind: 'log group', name: names.logGroup },
    ...(api === undefined ? [] : [{ kind: api, name: names.function }]),
    ...(access.functionUrl
      ? [{ kind: 'address', name: `Function URL of ${names.function}:${liveAlias}` }]
      : []),
    ...(provisioned > 0
      ? [{ kind: 'processes', name: `${provisioned} of ${names.function}, kept loaded` }]
      : []),
    { kind: 'bucket', name: bucket },
    ...objects.map(key => ({ kind: 'object', name: `s3://${bucket}/${key}` })),
    { kind: 'object', name: `s3://${bucket}/${names.prefix}…` },
    ...(made.keepWarm === undefined
      ? []
      : [
          { kind: 'schedule', name: `${names.warm} (${made.keepWarm})` },
          { kind: 'role', name: names.warmRole },
        ]),
  ]
}

/** As far as it is known without asking AWS who we are. */
export function bucketOf({ aws }: Stage): string {
  if (typeof aws.s3_bucket === 'string') return aws.s3_bucket
  return bucketFor('ACCOUNT', typeof aws.aws_region === 'string' ? aws.aws_region : 'REGION')
}

export function apiOf(stage: Stage, { hasApi }: Access): 'HTTP API' | 'REST API' | undefined {
  if (!hasApi) return undefined
  return asksForRest(stage) === undefined ? 'HTTP API' : 'REST API'
}

export function provisionedFor({ aws }: Stage): number {
  const wanted = aws[provisionedKey]
  return typeof wanted === 'number' ? wanted : 0
}
