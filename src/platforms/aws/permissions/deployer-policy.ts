/** Permissions of who deploys: what `thampi iam print` gives. Nothing in them is wider than its use. */
import type { Ground, Policy, Statement } from './policy.ts'

export interface DeployerNeeds {
  /** What the names of the functions begin with: the slug of the project. */
  readonly prefix: string
  readonly bucket: string
  /** Of a role that is not named like the functions. */
  readonly roleName?: string | undefined
  readonly keepsWarm: boolean
  /** A stage whose callers sign: the owner is one of them. */
  readonly signsFor?: string | undefined
  readonly hasFunctionUrl?: boolean
  readonly domain?: { readonly name: string; readonly hasRecord: boolean } | undefined
  /** A function that decides about callers: it has to let the API ask it. */
  readonly authorizer?: string | undefined
  /** Undefined: the stage has an HTTP API. */
  readonly rest?: { readonly keys: boolean; readonly policy: boolean } | undefined
}

/**
 * What somebody needs who serves, looks at and removes the stages of one project. Give it to a user or a role.
 *
 * @example
 * deployerPolicy({ prefix: 'mymodel', bucket: 'my-store', keepsWarm: true }, { partition: 'aws', region, account })
 */
export function deployerPolicy(
  { prefix, bucket, roleName, keepsWarm, signsFor, hasFunctionUrl, domain, authorizer, rest }: DeployerNeeds,
  { partition, region, account }: Ground,
): Policy {
  const arn = (service: string, rest: string): string =>
    `arn:${partition}:${service}:${region}:${account}:${rest}`
  const roles = [`${prefix}-*`, ...(roleName === undefined ? [] : [roleName])]
  const arns = roles.map(name => `arn:${partition}:iam::${account}:role/${name}`)
  const role = arns.length > 1 ? arns : (arns[0] ?? '')
  const api = `arn:${partition}:apigateway:${region}::`
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'Who', Effect: 'Allow', Action: deployerActions.who, Resource: '*' },
      // Counts, which know no resources; without it `thampi status` leaves them out.
      { Sid: 'Metrics', Effect: 'Allow', Action: deployerActions.metrics, Resource: '*' },
      {
        Sid: 'Function',
        Effect: 'Allow',
        Action: [...deployerActions.function, ...(hasFunctionUrl ? deployerActions.url : [])],
        Resource: arn('lambda', `function:${prefix}-*`),
      },
      {
        Sid: 'Layers',
        Effect: 'Allow',
        Action: deployerActions.layers,
        Resource: [arn('lambda', 'layer:thampi-*'), arn('lambda', 'layer:thampi-*:*')],
      },
      { Sid: 'Role', Effect: 'Allow', Action: deployerActions.role, Resource: role },
      {
        Sid: 'Pass',
        Effect: 'Allow',
        Action: 'iam:PassRole',
        Resource: role,
        Condition: {
          StringEquals: {
            'iam:PassedToService': [
              'lambda.amazonaws.com',
              ...(keepsWarm ? ['scheduler.amazonaws.com'] : []),
            ],
          },
        },
      },
      {
        Sid: 'Bucket',
        Effect: 'Allow',
        Action: deployerActions.bucket,
        Resource: `arn:${partition}:s3:::${bucket}`,
      },
      {
        Sid: 'Objects',
        Effect: 'Allow',
        Action: deployerActions.objects,
        Resource: `arn:${partition}:s3:::${bucket}/thampi/*`,
      },
      {
        Sid: 'Api',
        Effect: 'Allow',
        Action: deployerActions.api,
        Resource: [
          `${api}/apis`,
          `${api}/apis/*`,
          `${api}/tags/*`,
          ...(domain === undefined
            ? []
            : ['', `/${domain.name}`, `/${domain.name}/*`].map(rest => `${api}/domainnames${rest}`)),
        ],
      },
      ...(rest === undefined ? [] : [restStatement(api, rest)]),
      {
        Sid: 'Logs',
        Effect: 'Allow',
        Action: deployerActions.logs,
        Resource: [
          arn('logs', `log-group:/aws/lambda/${prefix}-*`),
          arn('logs', `log-group:/aws/lambda/${prefix}-*:*`),
        ],
      },
      // An API has no name that could be known before it is made; its stage has.
      ...(signsFor === undefined
        ? []
        : [
            {
              Sid: 'Call',
              Effect: 'Allow',
              Action: deployerActions.call,
              Resource: arn('execute-api', `*/${signsFor}/*`),
            } as const,
          ]),
      ...(domain?.hasRecord ? recordStatements(domain.name, partition) : []),
      ...(authorizer === undefined
        ? []
        : [
            {
              Sid: 'Authorizer',
              Effect: 'Allow',
              Action: ['lambda:AddPermission', 'lambda:GetPolicy', 'lambda:RemovePermission'],
              Resource: authorizer,
            } as const,
          ]),
      ...(keepsWarm
        ? [
            {
              Sid: 'Warm',
              Effect: 'Allow',
              Action: deployerActions.warm,
              Resource: arn('scheduler', `schedule/default/${prefix}-*`),
            } as const,
          ]
        : []),
    ],
  }
}

/** Neither APIs nor keys have names that could be known before they are made. */
function restStatement(api: string, { keys, policy }: NonNullable<DeployerNeeds['rest']>): Statement {
  const both = (kind: string): string[] => [`${api}/${kind}`, `${api}/${kind}/*`]
  return {
    Sid: 'RestApi',
    Effect: 'Allow',
    Action: [...deployerActions.rest, ...(policy ? deployerActions.restPolicy : [])],
    Resource: [
      ...both('restapis'),
      ...(keys ? [...both('apikeys'), ...both('usageplans')] : []),
      `${api}/tags/*`,
    ],
  }
}

/** A zone has no name in its ARN; what may be changed in it is one record. */
function recordStatements(name: string, partition: string): Statement[] {
  const Resource = `arn:${partition}:route53:::hostedzone/*`
  return [
    { Sid: 'Zones', Effect: 'Allow', Action: deployerActions.zones, Resource: '*' },
    { Sid: 'Records', Effect: 'Allow', Action: deployerActions.records, Resource },
    {
      Sid: 'Record',
      Effect: 'Allow',
      Action: deployerActions.record,
      Resource,
      Condition: {
        'ForAllValues:StringEquals': { 'route53:ChangeResourceRecordSetsNormalizedRecordNames': [name] },
      },
    },
  ]
}

type Part =
  | 'zones'
  | 'records'
  | 'record'
  | 'who'
  | 'metrics'
  | 'function'
  | 'url'
  | 'layers'
  | 'role'
  | 'bucket'
  | 'objects'
  | 'api'
  | 'rest'
  | 'restPolicy'
  | 'call'
  | 'logs'
  | 'warm'

/** Every action that the platform's calls need; a test compares them with the calls there are. */
export const deployerActions: Readonly<Record<Part, readonly string[]>> = {
  who: ['sts:GetCallerIdentity'],
  metrics: ['cloudwatch:GetMetricData'],
  function: [
    'lambda:AddPermission',
    'lambda:CreateAlias',
    'lambda:CreateFunction',
    'lambda:DeleteFunction',
    'lambda:DeleteFunctionConcurrency',
    'lambda:DeleteProvisionedConcurrencyConfig',
    'lambda:DeleteFunctionUrlConfig',
    'lambda:GetAlias',
    'lambda:GetFunction',
    'lambda:GetFunctionConcurrency',
    'lambda:GetFunctionConfiguration',
    'lambda:GetFunctionUrlConfig',
    'lambda:GetPolicy',
    'lambda:InvokeFunction',
    'lambda:ListProvisionedConcurrencyConfigs',
    'lambda:ListVersionsByFunction',
    'lambda:PublishVersion',
    'lambda:PutFunctionConcurrency',
    'lambda:PutProvisionedConcurrencyConfig',
    'lambda:RemovePermission',
    'lambda:TagResource',
    'lambda:UpdateAlias',
    'lambda:UpdateFunctionCode',
    'lambda:UpdateFunctionConfiguration',
  ],
  // Whether there is one is always looked at: an address that nobody wants any more does not stay open.
  url: ['lambda:CreateFunctionUrlConfig', 'lambda:InvokeFunctionUrl', 'lambda:UpdateFunctionUrlConfig'],
  layers: [
    'lambda:DeleteLayerVersion',
    'lambda:GetLayerVersion',
    'lambda:ListLayerVersions',
    'lambda:PublishLayerVersion',
  ],
  role: [
    'iam:CreateRole',
    'iam:DeleteRole',
    'iam:DeleteRolePolicy',
    'iam:GetRole',
    'iam:GetRolePolicy',
    'iam:ListRolePolicies',
    'iam:PutRolePolicy',
    'iam:TagRole',
    'iam:UpdateAssumeRolePolicy',
  ],
  bucket: [
    's3:CreateBucket',
    's3:ListBucket',
    's3:PutBucketPublicAccessBlock',
    's3:PutLifecycleConfiguration',
  ],
  objects: ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject'],
  api: [
    'apigateway:DELETE',
    'apigateway:GET',
    'apigateway:PATCH',
    'apigateway:POST',
    'apigateway:TagResource',
  ],
  call: ['execute-api:Invoke'],
  rest: [
    'apigateway:DELETE',
    'apigateway:GET',
    'apigateway:PATCH',
    'apigateway:POST',
    'apigateway:PUT',
    'apigateway:TagResource',
  ],
  restPolicy: ['apigateway:UpdateRestApiPolicy'],
  zones: ['route53:ListHostedZonesByName'],
  records: ['route53:ListResourceRecordSets'],
  record: ['route53:ChangeResourceRecordSets'],
  logs: [
    'logs:CreateLogGroup',
    'logs:DeleteLogGroup',
    'logs:FilterLogEvents',
    'logs:PutRetentionPolicy',
    'logs:TagResource',
  ],
  warm: [
    'scheduler:CreateSchedule',
    'scheduler:DeleteSchedule',
    'scheduler:GetSchedule',
    'scheduler:UpdateSchedule',
  ],
}
