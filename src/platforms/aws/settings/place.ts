/** Where a stage of the platform `aws` lives: whose credentials, which region, which bucket. */
import { ThampiError } from '../../../errors.ts'
import { awsProfiles } from '../../../settings/profiles.ts'
import type { Stage } from '../../../settings/stage.ts'
import type { Environment } from '../../../system/places.ts'
import type { System } from '../../../system/system.ts'

export interface Place {
  /** `profile_name`; undefined: whatever the usual chain of credentials finds. */
  readonly profile: string | undefined
  readonly region: string
  /** `s3_bucket`; undefined: one that is named after account and region. */
  readonly bucket: string | undefined
  /** Service, as boto3 names it → URL (`aws_endpoint_urls`). */
  readonly endpoints: Readonly<Record<string, string>>
}

/**
 * The profile is checked before anything is asked of AWS, and so is the region.
 *
 * @throws ThampiError NO_AWS_PROFILE, NO_REGION
 */
export async function placeOf({ aws, name }: Stage, system: System): Promise<Place> {
  const { env } = system
  const profile = text(aws.profile_name) ?? (env.AWS_PROFILE || undefined)
  const profiles = await awsProfiles(env)
  const known = profiles.find(candidate => candidate.name === profile)
  // Keys in the environment belong to no profile, and are taken when the settings name none.
  if (profile !== undefined && known === undefined) throw noProfile(profile, profiles, name)
  const own = known ?? profiles.find(candidate => candidate.name === 'default')
  const region = text(aws.aws_region) ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || own?.region)
  if (region === undefined) throw noRegion(name, profile)
  return { profile, region, bucket: text(aws.s3_bucket), endpoints: endpointsOf(aws.aws_endpoint_urls, env) }
}

function noProfile(
  profile: string,
  profiles: readonly { readonly name: string }[],
  stage: string,
): ThampiError {
  const names = profiles.map(({ name }) => name).join(', ')
  return new ThampiError('NO_AWS_PROFILE', {
    message: `${stage} is served with the AWS profile "${profile}", which this machine does not have.`,
    why: names === '' ? 'It has none at all.' : `It has: ${names}.`,
    fix: `aws configure --profile ${profile}   # or serve it here: --platform local`,
  })
}

function noRegion(stage: string, profile: string | undefined): ThampiError {
  const flag = profile === undefined ? '' : ` --profile ${profile}`
  return new ThampiError('NO_REGION', {
    message: `Nothing says in which AWS region ${stage} is to be served.`,
    why: 'Neither `aws_region` in the settings, nor AWS_REGION, nor the profile names one.',
    fix: `aws configure set region eu-central-1${flag}   # or serve it here: --platform local`,
  })
}

/** Service, as boto3 names it → how the name of its variable ends. */
const services: Readonly<Record<string, string>> = {
  lambda: 'LAMBDA',
  s3: 'S3',
  iam: 'IAM',
  apigateway: 'API_GATEWAY',
  apigatewayv2: 'APIGATEWAYV2',
  logs: 'LOGS',
  sts: 'STS',
  scheduler: 'SCHEDULER',
  cloudwatch: 'CLOUDWATCH',
  route53: 'ROUTE_53',
}

/** Also those of the environment, as every tool of AWS reads them; the settings win. */
function endpointsOf(setting: unknown, env: Environment): Record<string, string> {
  const found: Record<string, string> = {}
  const isIgnored = env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true'
  for (const [service, variable] of Object.entries(services)) {
    const url = env[`AWS_ENDPOINT_URL_${variable}`] ?? env.AWS_ENDPOINT_URL
    if (url && !isIgnored) found[service] = url
  }
  // Not where a service is asked but where its APIs are called, so the endpoint of all services is not it.
  const executeApi = env.AWS_ENDPOINT_URL_EXECUTE_API
  if (executeApi && !isIgnored) found['execute-api'] = executeApi
  const own = typeof setting === 'object' && setting !== null ? { ...setting } : {}
  for (const [service, url] of Object.entries(own)) if (typeof url === 'string') found[service] = url
  // Zappa's files know one service of API Gateway.
  if ('apigateway' in own && !('apigatewayv2' in own)) found.apigatewayv2 = String(own.apigateway)
  return found
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
