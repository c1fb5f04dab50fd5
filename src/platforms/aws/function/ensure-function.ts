/** The function of a stage. Its `$LATEST` is only a place to work in: traffic goes to versions, which never change. */
import { readFile } from 'node:fs/promises'
import type { FunctionCode, FunctionConfiguration } from '@aws-sdk/client-lambda'
import { maxDirectUploadBytes } from '../../../bundle/lambda/limits.ts'
import type { LambdaPackage } from '../../../bundle/lambda/package.ts'
import { ThampiError } from '../../../errors.ts'
import type { Corner } from '../account.ts'
import { blobKey } from '../bucket/store.ts'
import type { LambdaCalls } from '../client/services/lambda.ts'
import { AwsError, ifThere, isAws } from '../client/trouble.ts'
import { ownTags } from '../names.ts'
import { onceTheRoleIsKnown } from '../permissions/new-role.ts'
import { converge } from '../steps/converge.ts'
import { megabytes, timed } from '../steps/progress.ts'
import { until } from '../steps/wait.ts'
import { type Configuration, isConfigured } from './configuration.ts'
import { base64Of, ensureBlob } from './ensure-layer.ts'

/** Bringing up a function takes seconds; one in a network of its own, minutes. */
const readyWithinMs = 600_000

export interface FunctionWanted {
  readonly configuration: Configuration
  readonly lambdaPackage: LambdaPackage
  readonly tags: Readonly<Record<string, string>>
}

/** Creates the function or brings `$LATEST` to this code and configuration; ready when it returns. */
export async function ensureFunction(corner: Corner, wanted: FunctionWanted): Promise<FunctionConfiguration> {
  const { configuration, lambdaPackage } = wanted
  const { names, system } = corner
  const lambda = await corner.cloud.lambda()
  const describe = (): Promise<FunctionConfiguration | undefined> => ready(corner, lambda)
  const code = await uploaded(corner, lambdaPackage)
  const size = megabytes(lambdaPackage.functionZip.bytes)
  const configured = await converge({
    describe,
    isWanted: found => isConfigured(found, configuration),
    change: found => {
      const what = found === undefined ? `created, ${size}` : 'configured'
      return timed(`Function ${names.function} ${what}`, system, async () => {
        await onceTheRoleIsKnown(() =>
          found === undefined
            ? create(corner, lambda, wanted, code)
            : lambda.updateFunctionConfiguration({
                ...configuration,
                FunctionName: names.function,
                RevisionId: found.RevisionId,
              }),
        )
        return describe()
      })
    },
  })
  const updated = await converge({
    describe,
    seen: configured,
    isWanted: found => hasCode(found, lambdaPackage),
    change: found =>
      timed(`Code updated, ${size}`, system, async () => {
        await lambda.updateFunctionCode({
          FunctionName: names.function,
          RevisionId: found?.RevisionId,
          Architectures: [lambdaPackage.architecture],
          ...code,
        })
        return describe()
      }),
  })
  if (hasCode(updated, lambdaPackage)) return updated
  throw new ThampiError('INTEGRITY', {
    message: `${names.function} does not hold the code that was uploaded.`,
    why: 'Somebody else changes the function or its zip in the bucket at the same time.',
    fix: 'run the same command again',
  })
}

function create(
  { names, key }: Corner,
  lambda: LambdaCalls,
  { configuration, lambdaPackage, tags }: FunctionWanted,
  code: FunctionCode,
): Promise<unknown> {
  return lambda.createFunction({
    ...configuration,
    FunctionName: names.function,
    Code: code,
    Architectures: [lambdaPackage.architecture],
    Tags: { ...tags, ...ownTags(key) },
  })
}

function hasCode(
  { CodeSha256, Architectures }: FunctionConfiguration,
  lambdaPackage: LambdaPackage,
): boolean {
  const wanted = base64Of(lambdaPackage.functionZip.digest)
  return CodeSha256 === wanted && (Architectures?.[0] ?? 'x86_64') === lambdaPackage.architecture
}

/** Small zips go with the call, bigger ones through the bucket. */
async function uploaded(corner: Corner, { functionZip }: LambdaPackage): Promise<FunctionCode> {
  const { file, bytes, digest } = functionZip
  if (bytes <= maxDirectUploadBytes) return { ZipFile: await readFile(file) }
  await ensureBlob(corner, digest, bytes, file, 'Function')
  return { S3Bucket: corner.store.bucket, S3Key: blobKey(digest) }
}

/** `$LATEST` when nothing is being done to it; undefined where there is no function. */
async function ready(corner: Corner, lambda: LambdaCalls): Promise<FunctionConfiguration | undefined> {
  const { names } = corner
  const look = async (): Promise<FunctionConfiguration | 'missing' | undefined> => {
    const found = await ifThere(lambda.getFunctionConfiguration({ FunctionName: names.function }))
    return found === undefined ? 'missing' : settled(found, names.function)
  }
  const found = await until(look, { what: `function ${names.function}`, withinMs: readyWithinMs })
  return found === 'missing' ? undefined : found
}

/** Undefined while something is being done to it. @throws ThampiError AWS_REFUSED when that failed */
export function settled(found: FunctionConfiguration, name: string): FunctionConfiguration | undefined {
  const { State, LastUpdateStatus } = found
  if (State === 'Failed') throw failed(name, found.StateReasonCode, found.StateReason)
  // A failed update leaves the function as it was: the next one may well succeed.
  if (State === 'Pending' || LastUpdateStatus === 'InProgress') return undefined
  return found
}

function failed(name: string, code: string | undefined, reason: string | undefined): ThampiError {
  return new ThampiError('AWS_REFUSED', {
    message: `Lambda could not bring up ${name}: ${reason ?? code ?? 'it does not say why'}.`,
    why: code === undefined ? undefined : (reasons[code] ?? `Lambda calls that ${code}.`),
  })
}

/** What Lambda's own codes mean here. */
const reasons: Readonly<Record<string, string>> = {
  InvalidZipFileException: 'The zip that was uploaded cannot be read.',
  InsufficientRolePermissions: 'The role of the function may not do what its network or its key needs.',
  'FunctionError.InitTimeout': 'Loading the model took longer than a start may take.',
  'FunctionError.InitResourceExhausted':
    'Loading the model took more memory or disk than it has ("memory_size").',
  'FunctionError.InvalidEntryPoint': 'The module that Lambda starts was not found.',
  EniLimitExceeded: 'The network has no address left for the function.',
  SubnetOutOfIPAddresses: 'The network has no address left for the function.',
}

/**
 * A version of what `$LATEST` is now, and of nothing else: somebody who changes it meanwhile is noticed.
 *
 * @throws ThampiError DEPLOY_IN_PROGRESS
 */
export async function publish(
  { cloud, names, key }: Corner,
  latest: FunctionConfiguration,
  description: string,
): Promise<FunctionConfiguration> {
  const lambda = await cloud.lambda()
  const call = (): Promise<FunctionConfiguration> =>
    lambda.publishVersion({
      FunctionName: names.function,
      Description: description,
      ...(latest.CodeSha256 === undefined ? {} : { CodeSha256: latest.CodeSha256 }),
    })
  const published = await call().catch(async error => {
    if (
      isAws(error, 'PreconditionFailed', 'InvalidParameterValue') &&
      /CodeSha|Revision/i.test(error.message)
    ) {
      throw new ThampiError('DEPLOY_IN_PROGRESS', {
        message: `Somebody else changed the function of ${key.stage} while it was being deployed.`,
        fix: 'run the same command again',
        cause: error,
      })
    }
    // The same code twice is the same version, so this is the one create that may be repeated.
    if (error instanceof AwsError && error.isLost) return call()
    throw error
  })
  const what = `version ${published.Version} of ${names.function}`
  return (
    settled(published, what) ??
    until(
      async () => {
        const about = { FunctionName: names.function, Qualifier: published.Version }
        return settled(await lambda.getFunctionConfiguration(about), what)
      },
      // A snapshot of a loaded model takes minutes.
      { what, withinMs: readyWithinMs },
    )
  )
}
