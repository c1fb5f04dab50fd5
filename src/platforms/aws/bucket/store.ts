/** Objects of a stage's bucket: small JSON documents that are changed under a condition, and files named by content. */
import { createReadStream } from 'node:fs'
import type { Digest } from '../../../system/files.ts'
import type { Cloud } from '../client/client.ts'
import { ifThere } from '../client/trouble.ts'
import { blobPrefix } from '../names.ts'

export interface Stored<T> {
  readonly value: T
  readonly etag: string
  /** By the clock of S3. */
  readonly modifiedMs: number
}

export type Condition = { readonly ifMatch: string } | { readonly ifNoneMatch: true }

/** Every call names the account that must own the bucket, so that nobody else's is ever written to or read. */
export interface Store {
  readonly bucket: string
  /** Undefined where there is none. */
  get<T>(key: string): Promise<Stored<T> | undefined>
  /** Gives the etag. With a condition that does not hold: AWS's `PreconditionFailed`. */
  put(key: string, value: unknown, condition?: Condition): Promise<string>
  remove(key: string): Promise<void>
  /** Keys below a prefix. */
  list(prefix: string): Promise<readonly string[]>
  /** Whether the blob is there, whole. */
  hasBlob(digest: Digest, bytes: number): Promise<boolean>
  putBlob(digest: Digest, file: string): Promise<void>
  copyBlob(digest: Digest, key: string): Promise<void>
  readonly serverTime: () => number
}

/** `thampi/blobs/sha256/<64 digits>` */
export function blobKey(digest: Digest): string {
  return blobPrefix + digest.slice('sha256:'.length)
}

export function storeIn(bucket: string, account: string, cloud: Cloud): Store {
  const at = { Bucket: bucket, ExpectedBucketOwner: account }
  return {
    bucket,
    serverTime: cloud.serverTime,
    get: async <T>(key: string) => {
      const s3 = await cloud.s3()
      const found = await ifThere(s3.getObject({ ...at, Key: key }))
      if (found?.Body === undefined) return undefined
      const value = JSON.parse(await found.Body.transformToString()) as T
      return { value, etag: found.ETag ?? '', modifiedMs: found.LastModified?.getTime() ?? 0 }
    },
    put: async (key, value, condition) => {
      const s3 = await cloud.s3()
      const { ETag = '' } = await s3.putObject({
        ...at,
        Key: key,
        Body: JSON.stringify(value),
        ContentType: 'application/json',
        ...(condition === undefined
          ? {}
          : 'ifMatch' in condition
            ? { IfMatch: condition.ifMatch }
            : { IfNoneMatch: '*' }),
      })
      return ETag
    },
    remove: async key => {
      const s3 = await cloud.s3()
      await s3.deleteObject({ ...at, Key: key })
    },
    list: async prefix => {
      const s3 = await cloud.s3()
      const keys: string[] = []
      let token: string | undefined
      do {
        const page = await s3.listObjectsV2({
          ...at,
          Prefix: prefix,
          ...(token ? { ContinuationToken: token } : {}),
        })
        keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []))
        token = page.NextContinuationToken
      } while (token !== undefined)
      return keys
    },
    hasBlob: async (digest, bytes) => {
      const s3 = await cloud.s3()
      const found = await ifThere(s3.headObject({ ...at, Key: blobKey(digest) }))
      // Named by content; only an upload that was cut off could be shorter.
      return found?.ContentLength === bytes
    },
    copyBlob: async (digest, key) => {
      const s3 = await cloud.s3()
      const CopySource = `${bucket}/${blobKey(digest)}`
      await s3.copyObject({ ...at, ExpectedSourceBucketOwner: account, CopySource, Key: key })
    },
    putBlob: async (digest, file) => {
      const s3 = await cloud.s3()
      await s3.upload({ ...at, Key: blobKey(digest), Body: createReadStream(file) })
    },
  }
}
