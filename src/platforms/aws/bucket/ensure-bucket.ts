/** The bucket of a stage: made private, recognised as ours by its owner, never taken over from somebody else. */
import { ThampiError } from '../../../errors.ts'
import type { Account, Corner } from '../account.ts'
import type { Cloud } from '../client/client.ts'
import { type AwsError, isAws, isMissing } from '../client/trouble.ts'
import { converge } from '../steps/converge.ts'

/** @throws ThampiError BUCKET_UNUSABLE when it belongs to another account or lies in another region */
export async function ensureBucket(
  { cloud, store, identity, system }: Account,
  stage: string,
): Promise<void> {
  const { bucket } = store
  const s3 = await cloud.s3()
  await converge({
    describe: () => regionOf(bucket, identity.account, cloud, stage),
    isWanted: region => region === cloud.region || refuseRegion(bucket, region, cloud.region, stage),
    change: async () => {
      await s3
        .createBucket({
          Bucket: bucket,
          // Only the oldest region must not be named, and every other has to be.
          ...(cloud.region === 'us-east-1'
            ? {}
            : { CreateBucketConfiguration: { LocationConstraint: cloud.region as never } }),
        })
        .catch(error => {
          if (isAws(error, 'BucketAlreadyOwnedByYou')) return
          throw isAws(error, 'BucketAlreadyExists', 'InvalidBucketName')
            ? unusable(bucket, stage, error)
            : error
        })
      await closeToEverybody(bucket, identity.account, cloud)
      system.tell(`Bucket ${bucket} created, closed to everybody else`)
      return undefined
    },
  })
}

/** Undefined where there is no bucket of that name. */
async function regionOf(
  bucket: string,
  account: string,
  cloud: Cloud,
  stage: string,
): Promise<string | undefined> {
  const s3 = await cloud.s3()
  try {
    const { BucketRegion } = await s3.headBucket({ Bucket: bucket, ExpectedBucketOwner: account })
    return BucketRegion ?? cloud.region
  } catch (error) {
    if (isMissing(error) || isAws(error, 'NoSuchBucket')) return undefined
    if (isAws(error, 'PermanentRedirect', '301', 'MovedPermanently')) return regionIn(error)
    // HEAD cannot say whether the bucket is somebody else's or a permission is missing; the owner is far more usual.
    throw isAws(error, '403', 'Forbidden', 'AccessDenied') ? unusable(bucket, stage, error) : error
  }
}

/** S3 sends whoever asks in the wrong region to the right one. */
function regionIn({ cause }: AwsError): string {
  const { $response } = cause as { $response?: { headers?: Readonly<Record<string, string>> } }
  return $response?.headers?.['x-amz-bucket-region'] ?? 'another region'
}

/** Also lets go of the parts of uploads that were cut off. */
async function closeToEverybody(bucket: string, account: string, cloud: Cloud): Promise<void> {
  const s3 = await cloud.s3()
  const at = { Bucket: bucket, ExpectedBucketOwner: account }
  await s3.putPublicAccessBlock({
    ...at,
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    },
  })
  await s3.putBucketLifecycleConfiguration({
    ...at,
    LifecycleConfiguration: {
      Rules: [
        {
          ID: 'thampi-unfinished-uploads',
          Status: 'Enabled',
          Filter: { Prefix: 'thampi/' },
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        },
      ],
    },
  })
}

function refuseRegion(bucket: string, found: string, wanted: string, stage: string): never {
  throw new ThampiError('BUCKET_UNUSABLE', {
    message: `The bucket "${bucket}" lies in ${found}, and ${stage} is served in ${wanted}.`,
    why: 'Lambda takes code only from a bucket of its own region.',
    fix: `choose another "s3_bucket" or "aws_region" in the settings of ${stage}`,
  })
}

function unusable(bucket: string, stage: string, cause: unknown): ThampiError {
  const isName = isAws(cause, 'InvalidBucketName')
  return new ThampiError('BUCKET_UNUSABLE', {
    message: isName
      ? `"${bucket}" cannot be the name of a bucket.`
      : `The bucket "${bucket}" belongs to another AWS account, or these credentials may not look at it.`,
    why: isName
      ? 'S3 takes 3 to 63 small letters, digits, dots and dashes.'
      : 'Names of buckets are shared by everybody. If it is yours, s3:ListBucket on it is missing: thampi iam print',
    fix: `choose another "s3_bucket" in the settings of ${stage}`,
    cause,
  })
}

/** Whether there is a bucket that these credentials may use. */
export async function hasBucket({ cloud, store, identity, key }: Corner): Promise<boolean> {
  return (await regionOf(store.bucket, identity.account, cloud, key.stage)) !== undefined
}
