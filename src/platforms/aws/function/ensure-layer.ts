/** What a function needs beside its zip: dependencies as layers, big models as objects. All of it is named by content. */
import type { LambdaLayer, ModelBlob } from '../../../bundle/lambda/package.ts'
import { ThampiError } from '../../../errors.ts'
import type { Digest } from '../../../system/files.ts'
import type { Account } from '../account.ts'
import { blobKey } from '../bucket/store.ts'
import { ifThere } from '../client/trouble.ts'
import { converge } from '../steps/converge.ts'
import { megabytes, timed } from '../steps/progress.ts'

/** Gives the ARN of the layer's version. A layer of that name holds these bytes, whoever published it. */
export async function ensureLayer(
  account: Account,
  { name, archive }: LambdaLayer,
  fit: { readonly runtime: string; readonly architecture: string },
): Promise<string> {
  const lambda = await account.cloud.lambda()
  return converge({
    describe: async () => {
      const found = await ifThere(lambda.listLayerVersions({ LayerName: name }))
      return found?.LayerVersions?.[0]?.LayerVersionArn
    },
    isWanted: () => true,
    change: async () => {
      await ensureBlob(account, archive.digest, archive.bytes, archive.file, 'Dependencies')
      return timed(`Layer ${name} published`, account.system, async () => {
        const made = await lambda.publishLayerVersion({
          LayerName: name,
          Description: `thampi ${archive.digest}`,
          Content: { S3Bucket: account.store.bucket, S3Key: blobKey(archive.digest) },
          CompatibleRuntimes: [fit.runtime as never],
          CompatibleArchitectures: [fit.architecture as never],
        })
        const { CodeSha256 } = made.Content ?? {}
        if (CodeSha256 !== undefined && CodeSha256 !== base64Of(archive.digest)) {
          await lambda.deleteLayerVersion({ LayerName: name, VersionNumber: made.Version })
          throw new ThampiError('INTEGRITY', {
            message: `What Lambda published as ${name} is not what was uploaded.`,
            why: `s3://${account.store.bucket}/${blobKey(archive.digest)} holds other bytes than its name says.`,
            fix: 'find out who else writes into the bucket, delete that object and run the same command again',
          })
        }
        return made.LayerVersionArn
      })
    },
  })
}

/** A file of a model, as it goes to the bucket. */
export type Blob = Pick<ModelBlob, 'path' | 'digest' | 'source' | 'bytes'>

export async function ensureModel(account: Account, blobs: readonly Blob[]): Promise<void> {
  for (const { digest, bytes, source, path } of blobs) await ensureBlob(account, digest, bytes, source, path)
}

/** Uploads what is not there yet, and believes in it only when S3 has all of it. */
export async function ensureBlob(
  { store, system }: Account,
  digest: Digest,
  bytes: number,
  file: string,
  what: string,
): Promise<void> {
  if (await store.hasBlob(digest, bytes)) return
  await timed(`${what}: ${megabytes(bytes)} uploaded`, system, () => store.putBlob(digest, file))
  if (await store.hasBlob(digest, bytes)) return
  throw new ThampiError('INTEGRITY', {
    message: `${what} did not arrive whole in s3://${store.bucket}/${blobKey(digest)}.`,
    fix: 'run the same command again; it is uploaded anew',
  })
}

/** A digest as Lambda writes it. */
export function base64Of(digest: Digest): string {
  return Buffer.from(digest.slice('sha256:'.length), 'hex').toString('base64')
}

/** Takes every version of a layer away. Functions that have it keep it. */
export async function removeLayer({ cloud }: Account, name: string): Promise<void> {
  const lambda = await cloud.lambda()
  const found = await ifThere(lambda.listLayerVersions({ LayerName: name }))
  for (const { Version } of found?.LayerVersions ?? [])
    if (Version !== undefined) await lambda.deleteLayerVersion({ LayerName: name, VersionNumber: Version })
}
