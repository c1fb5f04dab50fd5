/** The calls to S3 that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutPublicAccessBlockCommand,
  type S3,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { type AnyClient, callsOf } from '../calls.ts'

type Single = Pick<
  S3,
  | 'copyObject'
  | 'createBucket'
  | 'deleteObject'
  | 'getObject'
  | 'headBucket'
  | 'headObject'
  | 'listObjectsV2'
  | 'putBucketLifecycleConfiguration'
  | 'putObject'
  | 'putPublicAccessBlock'
>

export interface S3Calls extends Single {
  /** Sends a stream of any size, in parts and several at a time; each part carries its SHA-256. */
  upload(params: PutObjectCommandInput): Promise<void>
}

export function s3Calls(config: S3ClientConfig, prepare: (client: AnyClient) => void): S3Calls {
  const client = new S3Client(config)
  const calls = callsOf<Single>(client, prepare, {
    copyObject: CopyObjectCommand,
    createBucket: CreateBucketCommand,
    deleteObject: DeleteObjectCommand,
    getObject: GetObjectCommand,
    headBucket: HeadBucketCommand,
    headObject: HeadObjectCommand,
    listObjectsV2: ListObjectsV2Command,
    putBucketLifecycleConfiguration: PutBucketLifecycleConfigurationCommand,
    putObject: PutObjectCommand,
    putPublicAccessBlock: PutPublicAccessBlockCommand,
  })
  return {
    ...calls,
    upload: async params => {
      const parts = { ...params, ChecksumAlgorithm: 'SHA256' as const }
      await new Upload({ client, params: parts, queueSize: 4, partSize: 8 * 1024 * 1024 }).done()
    },
  }
}
