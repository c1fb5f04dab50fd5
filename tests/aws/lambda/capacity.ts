/** How much of it there is: concurrency, reserved and provisioned, what the account may have; and tags. */
import { Progress } from '../behaviour.ts'
import { AwsError, invalid, jsonAnswer, malformed } from '../errors.ts'
import { unzippedLimit } from './code.ts'
import { type Document, type Fn, lambdaTime, type Provisioned } from './function.ts'
import { bodyOf, type Handle, type Lambda, type LambdaCall } from './lambda.ts'

/** Always kept for functions that reserved nothing. */
const unreservedMinimum = 100

export const capacityCalls: Readonly<Record<string, Handle>> = {
  PutFunctionConcurrency: (lambda, call) => {
    const { ReservedConcurrentExecutions: count } = bodyOf<{ ReservedConcurrentExecutions: number }>(call)
    const fn = lambda.function(call.name)
    if (count < [...fn.provisioned.values()].reduce((sum, { count }) => sum + count, 0))
      throw invalid(
        'Requested ReservedConcurrentExecutions should not be less than the provisioned concurrency of the function',
      )
    const others = reservedOf(lambda) - (fn.reserved ?? 0)
    const { concurrencyQuota } = lambda.around.behaviour()
    if (count > 0 && concurrencyQuota - others - count < unreservedMinimum)
      throw invalid(
        `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${unreservedMinimum}].`,
      )
    fn.reserved = count
    return jsonAnswer(200, { ReservedConcurrentExecutions: count })
  },

  GetFunctionConcurrency: (lambda, { name }) => {
    const { reserved } = lambda.function(name)
    return jsonAnswer(200, reserved === undefined ? {} : { ReservedConcurrentExecutions: reserved })
  },

  DeleteFunctionConcurrency: (lambda, { name }) => {
    lambda.function(name).reserved = undefined
    return jsonAnswer(204)
  },

  PutProvisionedConcurrencyConfig: (lambda, call) => {
    const { ProvisionedConcurrentExecutions: count } = bodyOf<{ ProvisionedConcurrentExecutions: number }>(
      call,
    )
    const { fn, key } = publishedOf(lambda, call)
    if (!(count >= 1))
      throw malformed(
        'provisionedConcurrentExecutions',
        count,
        'Member must have value greater than or equal to 1',
      )
    if (fn.at(key).version.settings.SnapStart?.ApplyOn === 'PublishedVersions')
      throw invalid('Provisioned Concurrency is not supported for SnapStart enabled functions.')
    const others = [...fn.provisioned].filter(([other]) => other !== key)
    if (others.reduce((sum, [, { count }]) => sum + count, count) > (fn.reserved ?? Infinity))
      throw invalid(
        'Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function',
      )
    const { provisionedMs, provisionedFails } = lambda.around.behaviour()
    const status = new Progress<'IN_PROGRESS' | 'READY' | 'FAILED'>('READY')
    status.move('IN_PROGRESS', provisionedMs, provisionedFails ? 'FAILED' : 'READY')
    const provisioned = { count, status, modified: lambdaTime() }
    fn.provisioned.set(key, provisioned)
    return jsonAnswer(202, documentOf(provisioned, lambda))
  },

  GetProvisionedConcurrencyConfig: (lambda, call) => {
    const { fn, key } = publishedOf(lambda, call)
    return jsonAnswer(200, documentOf(provisionedOf(fn, key), lambda))
  },

  ListProvisionedConcurrencyConfigs: (lambda, { name }) => {
    const fn = lambda.function(name)
    const all = [...fn.provisioned.entries()]
    return jsonAnswer(200, {
      ProvisionedConcurrencyConfigs: all.map(([key, provisioned]) => ({
        FunctionArn: `${fn.arn}:${key}`,
        ...documentOf(provisioned, lambda),
      })),
    })
  },

  DeleteProvisionedConcurrencyConfig: (lambda, call) => {
    const { fn, key } = publishedOf(lambda, call)
    fn.provisioned.delete(key)
    return jsonAnswer(204)
  },

  GetAccountSettings: lambda => {
    const { concurrencyQuota, codeStorageBytes } = lambda.around.behaviour()
    return jsonAnswer(200, {
      AccountLimit: {
        TotalCodeSize: codeStorageBytes,
        CodeSizeUnzipped: unzippedLimit,
        CodeSizeZipped: 52_428_800,
        ConcurrentExecutions: concurrencyQuota,
        UnreservedConcurrentExecutions: concurrencyQuota - reservedOf(lambda),
      },
      AccountUsage: { TotalCodeSize: lambda.storedBytes, FunctionCount: lambda.functions.size },
    })
  },

  ListTags: (lambda, call) => jsonAnswer(200, { Tags: Object.fromEntries(taggedOf(lambda, call).tags) }),

  TagResource: (lambda, call) => {
    const { tags } = taggedOf(lambda, call)
    const { Tags } = bodyOf<{ Tags: Record<string, string> }>(call)
    for (const [key, value] of Object.entries(Tags)) tags.set(key, value)
    return jsonAnswer(204)
  },

  UntagResource: (lambda, call) => {
    const { tags } = taggedOf(lambda, call)
    for (const key of call.query.getAll('tagKeys')) tags.delete(key)
    return jsonAnswer(204)
  },
}

function reservedOf({ functions }: Lambda): number {
  return [...functions.values()].reduce((sum, { reserved = 0 }) => sum + reserved, 0)
}

function publishedOf(lambda: Lambda, { name, qualifier }: LambdaCall): { fn: Fn; key: string } {
  const fn = lambda.function(name)
  fn.at(qualifier)
  if (qualifier === undefined || qualifier === '$LATEST')
    throw invalid('Provisioned Concurrency Configs cannot be applied to unpublished function versions.')
  return { fn, key: qualifier }
}

function provisionedOf(fn: Fn, key: string): Provisioned {
  const provisioned = fn.provisioned.get(key)
  if (provisioned) return provisioned
  const text = 'No Provisioned Concurrency Config found for this function'
  throw new AwsError(404, 'ProvisionedConcurrencyConfigNotFoundException', text)
}

function documentOf({ count, status, modified }: Provisioned, { around }: Lambda): Document {
  const failed = status.now === 'FAILED' ? { StatusReason: around.behaviour().provisionedFails } : {}
  const ready = status.now === 'READY' ? count : 0
  return {
    RequestedProvisionedConcurrentExecutions: count,
    AvailableProvisionedConcurrentExecutions: ready,
    AllocatedProvisionedConcurrentExecutions: ready,
    Status: status.now,
    ...failed,
    LastModified: modified,
  }
}

function taggedOf(lambda: Lambda, { parameters: [arn = ''] }: LambdaCall): Fn {
  const [, , , , , , name = '', qualifier] = arn.split(':')
  if (qualifier !== undefined)
    throw invalid('Tags on function aliases and versions are not supported. Please specify a function ARN.')
  return lambda.function(name)
}
