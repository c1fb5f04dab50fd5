/** S3 of the cloud of the tests is as strict as S3: owners, Regions, names, checksums, conditions. Asked by the real SDK. */
import {
  CreateBucketCommand,
  HeadBucketCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientsOf, putObject } from './clients.ts'
import { type Cloud, startCloud } from './cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
beforeEach(() => cloud.reset())
afterAll(() => cloud?.close())

const inRegion = (region: string) => new S3Client({ ...cloud.client, region, maxAttempts: 1 })
const create = (Bucket: string, region: string, constraint?: string) =>
  inRegion(region).send(
    new CreateBucketCommand({
      Bucket,
      ...(constraint && { CreateBucketConfiguration: { LocationConstraint: constraint as 'eu-west-1' } }),
    }),
  )

const authorization =
  'AWS4-HMAC-SHA256 Credential=AKIATESTCLOUD/20261123/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0'

describe('buckets', () => {
  it('need a location constraint, except in us-east-1, where it must not be', async () => {
    // The SDK adds a constraint where none is given; others do not.
    const bare = await fetch(`${cloud.url}/bucket`, { method: 'PUT', headers: { authorization } })
    expect(bare.status).toBe(400)
    expect(await bare.text()).toContain(
      '<Code>IllegalLocationConstraintException</Code><Message>The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.</Message>',
    )
    await expect(create('bucket', 'eu-central-1', 'eu-west-1')).rejects.toThrow(
      'The eu-west-1 location constraint is incompatible',
    )
    await expect(create('bucket', 'us-east-1', 'us-east-1')).rejects.toMatchObject({
      name: 'InvalidLocationConstraint',
    })
    await create('bucket', 'us-east-1')
    await create('bucket', 'us-east-1')
    await create('other', 'eu-central-1', 'eu-central-1')
    await expect(create('other', 'eu-central-1', 'eu-central-1')).rejects.toMatchObject({
      name: 'BucketAlreadyOwnedByYou',
    })
  })

  it.each(['ab', 'Upper', 'under_score', '-dash', 'a..b', '192.168.1.1'])(
    'cannot be called %s',
    async name => {
      await expect(create(name, 'eu-central-1', 'eu-central-1')).rejects.toMatchObject({
        name: 'InvalidBucketName',
      })
    },
  )

  it('are reached in their own Region', async () => {
    await create('bucket', 'eu-west-1', 'eu-west-1')
    await expect(
      clientsOf(cloud).s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a', Body: 'a' })),
    ).rejects.toMatchObject({ name: 'PermanentRedirect', $metadata: { httpStatusCode: 301 } })
    const { BucketRegion } = await inRegion('eu-west-1').send(new HeadBucketCommand({ Bucket: 'bucket' }))
    expect(BucketRegion).toBe('eu-west-1')
  })

  it('of somebody else are neither made nor used', async () => {
    await putObject(cloud, 'bucket', 'a', Buffer.from('a'))
    const { s3 } = clientsOf(cloud)
    const owned = (ExpectedBucketOwner: string) =>
      s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a', Body: 'b', ExpectedBucketOwner }))
    await owned(cloud.account)
    await expect(owned('210987654321')).rejects.toMatchObject({ name: 'AccessDenied' })
    cloud.takeAway('bucket')
    await expect(create('bucket', 'eu-central-1', 'eu-central-1')).rejects.toMatchObject({
      name: 'BucketAlreadyExists',
    })
    await expect(s3.send(new HeadBucketCommand({ Bucket: 'bucket' }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    })
    await expect(owned(cloud.account)).rejects.toMatchObject({ name: 'AccessDenied' })
  })
})

describe('objects', () => {
  const wrong = Buffer.alloc(32).toString('base64')

  it('arrive as they were sent, or not at all', async () => {
    await create('bucket', 'eu-central-1', 'eu-central-1')
    const { s3 } = clientsOf(cloud)
    const put = (changes: object) =>
      s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a', Body: 'a', ...changes }))
    await expect(put({ ChecksumSHA256: wrong })).rejects.toMatchObject({ name: 'BadDigest' })
    await expect(put({ ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' })).rejects.toMatchObject({ name: 'BadDigest' })
    await expect(
      s3.send(
        new UploadPartCommand({
          Bucket: 'bucket',
          Key: 'a',
          UploadId: 'x',
          PartNumber: 1,
          Body: 'a',
          ChecksumSHA256: wrong,
        }),
      ),
    ).rejects.toMatchObject({ name: 'BadDigest' })
    expect(await cloud.resources()).toEqual(['s3 bucket bucket'])
    await put({ ChecksumAlgorithm: 'SHA256' })
  })

  it('in parts with sums of their own are one object', async () => {
    await create('bucket', 'eu-central-1', 'eu-central-1')
    const Body = Buffer.alloc(6 * 1024 * 1024, 'x')
    const params = { Bucket: 'bucket', Key: 'thampi/large', Body, ChecksumAlgorithm: 'SHA256' as const }
    await new Upload({ client: clientsOf(cloud).s3, params }).done()
    expect(cloud.bytesTo('s3')).toBeGreaterThanOrEqual(Body.length)
    expect(await cloud.resources()).toContain('s3 object bucket/thampi/large')
  })

  it('are created once and replaced knowingly, when conditions say so', async () => {
    await create('bucket', 'eu-central-1', 'eu-central-1')
    const { s3 } = clientsOf(cloud)
    const put = (changes: object) =>
      s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'state', Body: '1', ...changes }))
    const { ETag } = await put({ IfNoneMatch: '*' })
    await expect(put({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' })
    await put({ IfMatch: ETag, Body: '2' })
    await expect(put({ IfMatch: ETag, Body: '3' })).rejects.toMatchObject({ name: 'PreconditionFailed' })
  })

  it('are created by one, however many want to at the same moment', async () => {
    await create('bucket', 'eu-central-1', 'eu-central-1')
    const { s3 } = clientsOf(cloud)
    const create20 = Array.from({ length: 20 }, (_, number) =>
      s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'turn', Body: `${number}`, IfNoneMatch: '*' })),
    )
    const ends = await Promise.allSettled(create20)
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})
