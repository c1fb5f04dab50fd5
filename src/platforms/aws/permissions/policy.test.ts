import { expect, it } from 'vitest'
import { apiCalls } from '../client/services/api.ts'
import { iamCalls } from '../client/services/iam.ts'
import { lambdaCalls } from '../client/services/lambda.ts'
import { logsCalls } from '../client/services/logs.ts'
import { metricsCalls } from '../client/services/metrics.ts'
import { restApiCalls } from '../client/services/rest-api.ts'
import { route53Calls } from '../client/services/route53.ts'
import { s3Calls } from '../client/services/s3.ts'
import { schedulerCalls } from '../client/services/scheduler.ts'
import { stsCalls } from '../client/services/sts.ts'
import { deployerActions, deployerPolicy } from './deployer-policy.ts'
import { functionPolicy, objectAlone } from './policy.ts'

const ground = { partition: 'aws', region: 'eu-central-1', account: '123456789012' }
const config = { region: ground.region }
const asIs = (): void => {}

/** Actions that are not called as their call is. */
const renamed: Readonly<Record<string, string>> = {
  'lambda:Invoke': 'lambda:InvokeFunction',
  's3:HeadBucket': 's3:ListBucket',
  's3:ListObjectsV2': 's3:ListBucket',
  's3:HeadObject': 's3:GetObject',
  's3:CopyObject': 's3:PutObject',
  's3:Upload': 's3:PutObject',
  's3:PutPublicAccessBlock': 's3:PutBucketPublicAccessBlock',
  's3:PutBucketLifecycleConfiguration': 's3:PutLifecycleConfiguration',
}

/** API Gateway knows its calls by their HTTP methods. */
const methods: Readonly<Record<string, string>> = {
  Get: 'GET',
  Create: 'POST',
  Update: 'PATCH',
  Delete: 'DELETE',
  Put: 'PUT',
}

it('lets who deploys make every call that the platform makes', () => {
  const made = {
    lambda: lambdaCalls(config, asIs),
    s3: s3Calls(config, asIs),
    iam: iamCalls(config, asIs),
    apigateway: { ...apiCalls(config, asIs), ...restApiCalls(config, asIs) },
    logs: logsCalls(config, asIs),
    sts: stsCalls(config, asIs),
    scheduler: schedulerCalls(config, asIs),
    route53: route53Calls(config, asIs),
    cloudwatch: metricsCalls(config, asIs),
  }
  const needed = Object.entries(made).flatMap(([service, calls]) =>
    Object.keys(calls).map(call => {
      const name = call.charAt(0).toUpperCase() + call.slice(1)
      if (service === 'apigateway') return `apigateway:${methods[/^[A-Z][a-z]+/.exec(name)?.[0] ?? '']}`
      return renamed[`${service}:${name}`] ?? `${service}:${name}`
    }),
  )
  expect(needed).toContain('lambda:CreateFunction')
  const allowed = Object.values(deployerActions).flat()
  expect(needed.filter(action => !allowed.includes(action))).toEqual([])
})

it('allows nothing wider than one project: only who one is and what was counted can be asked without a resource', () => {
  const policy = deployerPolicy({ prefix: 'mymodel', bucket: 'my-store', keepsWarm: true }, ground)
  const wide = policy.Statement.filter(({ Resource }) => Resource === '*').map(({ Sid }) => Sid)
  expect(wide).toEqual(['Who', 'Metrics'])
  expect(JSON.stringify(policy)).not.toMatch(/"[a-z0-9]+:\*"/)
  expect(policy.Statement.find(({ Sid }) => Sid === 'Function')).toMatchObject({
    Resource: 'arn:aws:lambda:eu-central-1:123456789012:function:mymodel-*',
  })
})

it('lets a function write its own log, read models, and do what the settings ask for', () => {
  const settings = {
    tracing: false,
    vpc: undefined,
    deadLetterArn: undefined,
    kmsKeyArn: undefined,
    extraPermissions: [],
  }
  const needs = {
    logGroup: '/aws/lambda/mymodel-dev',
    reads: [],
    settings,
  }
  const log = {
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: 'arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/mymodel-dev:*',
  }
  expect(functionPolicy(needs, ground).Statement).toEqual([log])
  const more = {
    ...needs,
    reads: ['my-store/thampi/blobs/sha256/*', objectAlone({ bucket: 'secrets', key: 'a*/$b?.json' })],
    settings: { ...settings, deadLetterArn: 'arn:aws:sqs:eu-central-1:123456789012:failed' },
  }
  expect(functionPolicy(more, ground).Statement.slice(1)).toEqual([
    { Effect: 'Allow', Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::my-store/thampi/blobs/sha256/*' },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how IAM writes signs that mean something
    { Effect: 'Allow', Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::secrets/a${*}/${$}b${?}.json' },
    {
      Effect: 'Allow',
      Action: ['sqs:SendMessage'],
      Resource: 'arn:aws:sqs:eu-central-1:123456789012:failed',
    },
  ])
})
