/** The keys of a stage that only AWS knows, read once; and those that are not honoured yet, said aloud. */
import { ThampiError } from '../../../errors.ts'
import { readCors } from '../../../settings/cors.ts'
import { provisionedKey, type Stage } from '../../../settings/stage.ts'
import { type Access, accessOf } from './access.ts'
import { asksForRest, type RestSettings, restSettings } from './rest.ts'

export interface AwsSettings {
  /** `cors` as API Gateway takes it; undefined: no pages of other origins. */
  readonly cors: CorsRules | undefined
  readonly access: Access
  /** Callers sign their requests. */
  readonly iamAuthorization: boolean
  readonly apiDescription: string | undefined
  /** What stands before the function instead of an HTTP API; undefined: an HTTP API. */
  readonly rest: RestSettings | undefined
  /** A role made by somebody else: its ARN or its name. */
  readonly foreignRole: { readonly arn: string } | { readonly name: string } | undefined
  /** Of the role that we make; undefined: made of the stage's. */
  readonly roleName: string | undefined
  readonly extraPermissions: readonly Readonly<Record<string, unknown>>[]
  readonly description: string | undefined
  readonly kmsKeyArn: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly deadLetterArn: string | undefined
  readonly tracing: boolean
  readonly vpc: { readonly subnets: readonly string[]; readonly groups: readonly string[] } | undefined
  /** `lambda_concurrency`: at most so many requests at a time. */
  readonly concurrency: number | undefined
  /** So many processes of each version with traffic wait for callers. */
  readonly provisioned: number | undefined
  readonly retainedVersions: number
}

export interface CorsRules {
  readonly AllowOrigins: string[]
  readonly AllowMethods: string[]
  readonly AllowHeaders: string[]
  readonly ExposeHeaders: string[]
  /** Seconds. */
  readonly MaxAge: number
}

/** Versions that are kept unless the settings say another number. */
const usuallyRetained = 5

/** @throws ThampiError SETTINGS_INVALID for what would be less safe than it was meant */
export function awsSettings(stage: Stage): AwsSettings {
  const { aws } = stage
  const name = text(aws.role_name)
  const arn = text(aws.role_arn)
  return {
    access: accessOf(stage),
    cors: corsRules(stage.cors),
    iamAuthorization: aws.iam_authorization === true,
    apiDescription: text(aws.apigateway_description),
    rest: restSettings(stage),
    foreignRole:
      arn !== undefined ? { arn } : name !== undefined && aws.manage_roles === false ? { name } : undefined,
    roleName: managedRoleName(stage),
    extraPermissions: Array.isArray(aws.extra_permissions) ? aws.extra_permissions : [],
    description: text(aws.lambda_description),
    kmsKeyArn: text(aws.aws_kms_key_arn),
    tags: textByName(aws.tags),
    deadLetterArn: text(aws.dead_letter_arn),
    tracing: aws.xray_tracing === true,
    vpc: vpcOf(aws.vpc_config),
    concurrency: stage.maxSandboxes,
    provisioned: provisionedOf(stage),
    retainedVersions: Math.max(2, stage.retainedVersions ?? usuallyRetained),
  }
}

function provisionedOf({ aws, maxSandboxes, name }: Stage): number | undefined {
  const wanted = aws[provisionedKey]
  if (typeof wanted !== 'number') return undefined
  if (maxSandboxes !== undefined && wanted > maxSandboxes) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `\`${provisionedKey}\` of stage \`${name}\` is ${wanted}, more than the ${maxSandboxes} of \`lambda_concurrency\` that the function may have at all.`,
      fix: `"lambda_concurrency": ${wanted}, or twice that, so that a new version can have its processes before it gets traffic`,
    })
  }
  return wanted
}

/** `role_name` where the role is ours to make. */
export function managedRoleName({ aws }: Stage): string | undefined {
  return aws.role_arn === undefined && aws.manage_roles !== false ? text(aws.role_name) : undefined
}

/** Of a role that somebody else made: it is used as it is. */
const ofOurRole = ['assume_policy', 'attach_policy', 'extra_permissions']

/** Counts for REST APIs, and a stage with an HTTP API has none. */
const ofRest = [
  'payload_minimum_compression_size',
  'cloudwatch_log_level',
  'cloudwatch_data_trace',
  'cloudwatch_metrics_enabled',
  'api_key',
]

/**
 * Keys of the stage that have no effect yet, for one line of warning.
 *
 * @example
 * notHonoured(stage) // ['api_key', 'record']
 */
export function notHonoured(stage: Stage): string[] {
  const { aws, record } = stage
  const isForeign = aws.role_arn !== undefined || aws.manage_roles === false
  const { validation_expression } = (aws.authorizer ?? {}) as Readonly<Record<string, unknown>>
  const within = validation_expression === undefined ? [] : ['authorizer.validation_expression']
  const without = asksForRest(stage) === undefined ? ofRest : []
  const keys = [...(isForeign ? ofOurRole : []), ...without].filter(key => {
    const value = aws[key]
    return value !== undefined && value !== false && value !== 'OFF'
  })
  return [...keys, ...within, ...(record === 'off' ? [] : ['record'])]
}

function corsRules(setting: Stage['cors']): CorsRules | undefined {
  const cors = readCors(setting)
  if (cors === undefined) return undefined
  const items = (text: string): string[] => text.split(',').map(item => item.trim())
  return {
    AllowOrigins: [cors.origin],
    AllowMethods: items(cors.methods),
    // API Gateway compares them in lower case.
    AllowHeaders: items(cors.headers.toLowerCase()),
    ExposeHeaders: ['x-request-id', 'thampi-version', 'retry-after'],
    MaxAge: 600,
  }
}

function vpcOf(value: unknown): AwsSettings['vpc'] {
  const { SubnetIds, SecurityGroupIds } = (value ?? {}) as Record<string, unknown>
  if (SubnetIds === undefined && SecurityGroupIds === undefined) return undefined
  return { subnets: list(SubnetIds), groups: list(SecurityGroupIds) }
}

function list(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.map(String) : []
}

function textByName(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries((value ?? {}) as object).map(([name, item]) => [name, String(item)]),
  )
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
