/** Permissions of what is made: what a function may do, and what keeps it warm. Nothing in them is wider than its use. */
import type { AwsSettings } from '../settings/aws-settings.ts'

export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow'
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: Readonly<Record<string, unknown>>
}

export interface Policy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly (Statement | Readonly<Record<string, unknown>>)[]
}

/** Where a policy holds. */
export interface Ground {
  readonly partition: string
  readonly region: string
  readonly account: string
}

/** Who may take on a role: one service, for resources of this account only. */
export function trustPolicy(
  service: 'lambda' | 'scheduler',
  { account }: Ground,
): Readonly<Record<string, unknown>> {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: `${service}.amazonaws.com` },
        Action: 'sts:AssumeRole',
        ...(service === 'scheduler' ? { Condition: { StringEquals: { 'aws:SourceAccount': account } } } : {}),
      },
    ],
  }
}

export interface FunctionNeeds {
  readonly logGroup: string
  /** Objects that its versions read, as IAM writes them behind `arn:aws:s3:::`. */
  readonly reads: readonly string[]
  readonly settings: Pick<AwsSettings, 'tracing' | 'vpc' | 'deadLetterArn' | 'extraPermissions' | 'kmsKeyArn'>
}

/** Its own log, its own model, and what the settings ask for besides. */
export function functionPolicy(
  { logGroup, reads, settings }: FunctionNeeds,
  { partition, region, account }: Ground,
): Policy {
  const { tracing, vpc, deadLetterArn, kmsKeyArn, extraPermissions } = settings
  const allow = (Action: readonly string[], Resource: string): Statement => ({
    Effect: 'Allow',
    Action,
    Resource,
  })
  return {
    Version: '2012-10-17',
    Statement: [
      allow(
        ['logs:CreateLogStream', 'logs:PutLogEvents'],
        `arn:${partition}:logs:${region}:${account}:log-group:${logGroup}:*`,
      ),
      ...reads.map(objects => allow(['s3:GetObject'], `arn:${partition}:s3:::${objects}`)),
      // Neither of these two knows resources.
      ...(tracing ? [allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], '*')] : []),
      ...(vpc === undefined
        ? []
        : [
            allow(
              [
                'ec2:CreateNetworkInterface',
                'ec2:DescribeNetworkInterfaces',
                'ec2:DeleteNetworkInterface',
                'ec2:DescribeSubnets',
              ],
              '*',
            ),
          ]),
      ...(deadLetterArn === undefined
        ? []
        : [allow([deadLetterArn.includes(':sqs:') ? 'sqs:SendMessage' : 'sns:Publish'], deadLetterArn)]),
      ...(kmsKeyArn === undefined ? [] : [allow(['kms:Decrypt'], kmsKeyArn)]),
      ...extraPermissions,
    ],
  }
}

/** One object: IAM reads `*` and `?` in its name as any text, and `$` as the beginning of a variable. */
export function objectAlone({ bucket, key }: { readonly bucket: string; readonly key: string }): string {
  return `${bucket}/${key.replace(/[*?$]/g, sign => `\${${sign}}`)}`
}

/** What keeps a function warm may do nothing but call it. */
export function warmPolicy(aliasArn: string): Policy {
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: aliasArn }],
  }
}
