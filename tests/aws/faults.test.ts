/** Faults of the cloud of the tests: each is what it says, also about whether the call was executed. Asked by the real SDK. */
import { GetRoleCommand } from '@aws-sdk/client-iam'
import { GetFunctionCommand, PublishVersionCommand } from '@aws-sdk/client-lambda'
import { GetObjectCommand, HeadBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientsOf, createFunction, createRole, handler, putObject } from './clients.ts'
import { type Cloud, startCloud } from './cloud.ts'
import type { How } from './faults.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
beforeEach(() => cloud.reset())
afterAll(() => cloud?.close())

const getFunction = () =>
  clientsOf(cloud).lambda.send(new GetFunctionCommand({ FunctionName: 'mymodel-dev' }))
const publish = () => clientsOf(cloud).lambda.send(new PublishVersionCommand({ FunctionName: 'mymodel-dev' }))

describe('an answer instead of an execution', () => {
  it.each<[How, string, number]>([
    ['throttled', 'TooManyRequestsException', 429],
    ['unavailable', 'ServiceUnavailable', 503],
    ['failed', 'ServiceException', 500],
    ['expired', 'ExpiredTokenException', 403],
    ['denied', 'AccessDeniedException', 403],
  ])('%s, by Lambda', async (how, name, httpStatusCode) => {
    await createFunction(cloud)
    cloud.forget()
    const fault = cloud.fail({ service: 'lambda', action: 'PublishVersion' }, how)
    await expect(publish()).rejects.toMatchObject({ name, $metadata: { httpStatusCode } })
    expect(cloud.calls()).toMatchObject([
      { action: 'PublishVersion', executed: false, status: httpStatusCode },
    ])
    expect(fault.hits).toBe(1)
    expect((await publish()).Version).toBe('1')
  })

  it.each<[How, string, number]>([
    ['throttled', 'SlowDown', 503],
    ['expired', 'ExpiredToken', 403],
    ['denied', 'AccessDenied', 403],
    ['conflict', 'ConditionalRequestConflict', 409],
  ])('%s, by S3', async (how, name, httpStatusCode) => {
    await putObject(cloud, 'bucket', 'thampi/a', Buffer.from('a'))
    cloud.fail({ service: 's3' }, how)
    const put = new PutObjectCommand({ Bucket: 'bucket', Key: 'thampi/b', Body: 'b' })
    await expect(clientsOf(cloud).s3.send(put)).rejects.toMatchObject({ name, $metadata: { httpStatusCode } })
    expect(await cloud.resources()).toEqual(['s3 bucket bucket', 's3 object bucket/thampi/a'])
  })

  it('throttled, by IAM', async () => {
    const role = await createRole(cloud)
    cloud.fail({ service: 'iam' }, 'throttled')
    const get = () => clientsOf(cloud).iam.send(new GetRoleCommand({ RoleName: 'mymodel-role' }))
    await expect(get()).rejects.toMatchObject({ name: 'Throttling' })
    expect((await get()).Role?.Arn).toBe(role)
  })

  it('a denial names caller, action and resource', async () => {
    cloud.fail({ service: 'lambda' }, 'denied')
    await expect(getFunction()).rejects.toThrow(
      'User: arn:aws:iam::123456789012:user/deployer is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda:eu-central-1:123456789012:function:mymodel-dev because no identity-based policy allows the lambda:GetFunction action',
    )
  })
})

describe('a broken connection', () => {
  it('reset: nothing was executed', async () => {
    await createFunction(cloud)
    cloud.forget()
    cloud.fail(1, 'reset')
    await expect(publish()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(cloud.calls()).toMatchObject([{ action: 'PublishVersion', executed: false }])
    expect(await cloud.resources()).not.toContain('lambda version mymodel-dev:1')
  })

  it('lost: it was executed', async () => {
    await createFunction(cloud)
    cloud.forget()
    cloud.fail(1, 'lost')
    await expect(publish()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(cloud.calls()).toMatchObject([{ action: 'PublishVersion', executed: true }])
    expect(cloud.calls()[0]?.status).toBeUndefined()
    expect(await cloud.resources()).toContain('lambda version mymodel-dev:1')
  })

  it('stalled: no answer ever', async () => {
    cloud.fail(1, 'stalled')
    const impatient = { abortSignal: AbortSignal.timeout(300) }
    await expect(
      clientsOf(cloud).s3.send(new HeadBucketCommand({ Bucket: 'bucket' }), impatient),
    ).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('before and after a call something can be done, such as ending the process that asks', async () => {
    const seen: string[] = []
    await createFunction(cloud)
    const versions = async () => (await cloud.resources()).filter(line => line.includes('version')).length
    cloud.fail(1, { before: async () => seen.push(`before: ${await versions()}`) })
    await expect(publish()).rejects.toMatchObject({ code: 'ECONNRESET' })
    cloud.fail(1, { after: async () => seen.push(`after: ${await versions()}`) })
    await expect(publish()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(seen).toEqual(['before: 0', 'after: 1'])
  })
})

it('an upload that arrives in half is accepted, and shorter', async () => {
  await putObject(cloud, 'bucket', 'thampi/a', Buffer.from('a'))
  cloud.fail({ service: 's3', action: 'PutObject' }, 'truncated')
  const { s3 } = clientsOf(cloud)
  await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'thampi/b', Body: 'twelve bytes' }))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'thampi/b' }))
  expect(await Body?.transformToString()).toBe('twelve')
})

it('an answer can come late, and faults of functions do not meet the deployer', async () => {
  await putObject(cloud, 'bucket', 'thampi/a', Buffer.from('a'))
  const get = () => clientsOf(cloud).s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'thampi/a' }))
  cloud.fail({ action: 'GetObject', by: 'function' }, 'denied')
  cloud.fail({ action: 'GetObject' }, { delayMs: 300 })
  const started = performance.now()
  await get()
  expect(performance.now() - started).toBeGreaterThanOrEqual(299)
})

it('somebody else can be faster than a call that then goes well', async () => {
  await createFunction(cloud)
  const versions = async () => (await cloud.resources()).filter(line => line.includes('version')).length
  let before: number | undefined
  const meanwhile = async (): Promise<void> => {
    before = await versions()
    await publish()
  }
  cloud.fail({ action: 'PublishVersion' }, { meanwhile })
  expect((await publish()).Version).toBe('1')
  expect({ before, after: await versions() }).toEqual({ before: 0, after: 1 })
})

describe('which call it is', () => {
  it('the n-th from now', async () => {
    await createFunction(cloud)
    cloud.fail(3, 'throttled')
    await getFunction()
    await getFunction()
    await expect(getFunction()).rejects.toThrow('Rate exceeded')
    await getFunction()
  })

  it('some of those that fit, after others were let through, until it ends', async () => {
    await createFunction(cloud)
    const fault = cloud.fail({ action: 'GetFunction' }, 'throttled', {
      after: 1,
      times: Number.POSITIVE_INFINITY,
    })
    await getFunction()
    await expect(getFunction()).rejects.toThrow()
    await expect(getFunction()).rejects.toThrow()
    fault.end()
    await getFunction()
    expect(fault.hits).toBe(2)
    cloud.fail(({ action, resource }) => action === 'GetFunction' && resource.endsWith('x'), 'throttled')
    await getFunction()
  })

  it('the retries of the SDK are calls as well', async () => {
    await putObject(cloud, 'bucket', 'thampi/a', handler)
    cloud.forget()
    cloud.fail({ action: 'GetObject' }, 'unavailable', { times: 2 })
    await new S3Client(cloud.client).send(new GetObjectCommand({ Bucket: 'bucket', Key: 'thampi/a' }))
    expect(cloud.calls().map(({ status }) => status)).toEqual([503, 503, 200])
  })
})
