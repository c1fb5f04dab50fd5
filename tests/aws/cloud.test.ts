/** The cloud of the tests itself: that it starts, records, lists what is left, forgets. Asked by the real SDK. */
import { ApiGatewayV2Client, CreateApiCommand } from '@aws-sdk/client-apigatewayv2'
import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRole } from './clients.ts'
import { type Cloud, startCloud } from './cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
beforeEach(() => cloud.reset())
afterAll(() => cloud?.close())

describe('the record', () => {
  it('has each call with service, action, permission, resource, bytes and whether it writes', async () => {
    const s3 = new S3Client(cloud.client)
    await new STSClient(cloud.client).send(new GetCallerIdentityCommand())
    await s3.send(
      new CreateBucketCommand({
        Bucket: 'thampi-test',
        CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
      }),
    )
    await s3.send(new PutObjectCommand({ Bucket: 'thampi-test', Key: 'thampi/a b', Body: 'four' }))
    expect(cloud.calls()).toMatchObject([
      { number: 1, service: 'sts', action: 'GetCallerIdentity', writing: false, status: 200, executed: true },
      { number: 2, service: 's3', action: 'CreateBucket', resource: 'arn:aws:s3:::thampi-test' },
      {
        number: 3,
        permission: 's3:PutObject',
        resource: 'arn:aws:s3:::thampi-test/thampi/a b',
        bytes: 4,
        writing: true,
      },
    ])
    expect(cloud.writing().map(({ action }) => action)).toEqual(['CreateBucket', 'PutObject'])
    expect(cloud.bytesTo('sts')).toBeGreaterThan(0)
    cloud.forget()
    expect([cloud.calls(), cloud.bytesTo('s3')]).toEqual([[], 0])
  })
})

describe('what is left', () => {
  it('is listed for every service, and gone after a reset', async () => {
    const s3 = new S3Client(cloud.client)
    const LocationConstraint = 'eu-central-1'
    await s3.send(
      new CreateBucketCommand({ Bucket: 'left', CreateBucketConfiguration: { LocationConstraint } }),
    )
    await s3.send(new PutObjectCommand({ Bucket: 'left', Key: 'thampi/x', Body: 'x' }))
    const RoleArn = await createRole(cloud, 'left', 'scheduler.amazonaws.com')
    await new ApiGatewayV2Client(cloud.client).send(
      new CreateApiCommand({ Name: 'left', ProtocolType: 'HTTP' }),
    )
    await new CloudWatchLogsClient(cloud.client).send(
      new CreateLogGroupCommand({ logGroupName: '/aws/lambda/left' }),
    )
    await new SchedulerClient(cloud.client).send(
      new CreateScheduleCommand({
        Name: 'left',
        ScheduleExpression: 'rate(4 minutes)',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: { Arn: `arn:aws:lambda:eu-central-1:${cloud.account}:function:x`, RoleArn },
      }),
    )
    expect(await cloud.resources()).toEqual([
      'apigateway api left',
      'iam role left',
      'logs group /aws/lambda/left',
      's3 bucket left',
      's3 object left/thampi/x',
      'scheduler schedule left',
    ])
    await cloud.reset()
    expect(await cloud.resources()).toEqual([])
    expect(cloud.calls()).toEqual([])
  })
})
