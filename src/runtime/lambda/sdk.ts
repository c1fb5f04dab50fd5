/** The AWS SDK as Lambda's Node brings it along: nothing of it travels with a function. */
import { createRequire } from 'node:module'
import type { Readable } from 'node:stream'
import { LoadFailure } from '../failure.ts'

/** What is used of the AWS SDK, which the managed runtime brings along. */
export interface Sdk {
  readonly S3Client: new (options: object) => Client
  readonly GetObjectCommand: new (input: object) => object
}

export interface Client {
  send(
    command: object,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<{ readonly Body: Readable; readonly ContentRange?: string }>
  destroy(): void
}

/** `what` is in S3. In Lambda the SDK is found through NODE_PATH, which counts for `require` only. Throws `LoadFailure`. */
export function sdkFor(what: string): Sdk {
  try {
    return createRequire(import.meta.url)('@aws-sdk/client-s3') as Sdk
  } catch (cause) {
    throw new LoadFailure('MODULE_MISSING', {
      message: `${what} is in S3, and @aws-sdk/client-s3, which gets it, is not here.`,
      fix: 'npm install @aws-sdk/client-s3',
      cause,
    })
  }
}
