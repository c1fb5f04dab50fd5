/** How a stage does: what Lambda says of its function, and what CloudWatch counted. */
import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import { ThampiError } from '../../errors.ts'
import type { Stage } from '../../settings/stage.ts'
import type { FunctionStatus } from '../platform.ts'
import type { Corner } from './account.ts'
import { findAddresses } from './addresses/addresses.ts'
import { describedVersions } from './bucket/records.ts'
import { AwsError, ifThere } from './client/trouble.ts'
import { readPointer } from './function/alias.ts'

/** @throws ThampiError NOT_DEPLOYED, in the words that Zappa's users know */
export async function statusOf(corner: Corner, stage: Stage): Promise<FunctionStatus> {
  const { cloud, names, key } = corner
  const lambda = await cloud.lambda()
  const found = await ifThere(lambda.getFunctionConfiguration({ FunctionName: names.function }))
  if (found === undefined) {
    throw new ThampiError('NOT_DEPLOYED', {
      message: `No Lambda ${names.function} detected in ${cloud.region} - have you deployed yet?`,
      fix: `thampi serve ${key.stage}`,
    })
  }
  const [pointer, versions, addresses, counts, schedules] = await Promise.all([
    readPointer(corner),
    describedVersions(corner),
    findAddresses(corner, stage),
    countsOf(corner),
    schedulesOf(corner, stage),
  ])
  const live = Math.max(0, ...(pointer?.weights.keys() ?? []))
  const routed = await ifThere(
    lambda.getFunctionConfiguration({ FunctionName: names.function, Qualifier: String(live) }),
  )
  return {
    kind: 'function',
    stage: key.stage,
    model: key.model,
    region: cloud.region,
    url: addresses?.[0].url,
    domain: addresses?.find(({ url }) => new URL(url).hostname === stage.aws.domain)?.url,
    versions: versions.map(({ number }) => ({ number, weight: pointer?.weights.get(number) ?? 0 })),
    // What has the traffic is what counts; `$LATEST` is a place to work in.
    function: functionOf(routed ?? found, names.function),
    ...counts,
    schedules,
  }
}

function functionOf(found: FunctionConfiguration, name: string): FunctionStatus['function'] {
  return {
    name,
    arn: found.FunctionArn ?? '',
    role: found.Role ?? '',
    codeBytes: found.CodeSize ?? 0,
    version: found.Version ?? '',
    lastModified: found.LastModified ?? '',
    memoryMb: found.MemorySize ?? 0,
    timeoutSeconds: found.Timeout ?? 0,
    handler: found.Handler ?? '',
    runtime: found.Runtime ?? '',
    vpc: found.VpcConfig?.VpcId || undefined,
    state: found.State ?? '',
  }
}

const dayMs = 24 * 60 * 60 * 1000

/** Of the last 24 hours, in one call. Who may not see them is told which permission it takes, and sees the rest. */
async function countsOf({
  cloud,
  names,
  system,
}: Corner): Promise<Pick<FunctionStatus, 'traffic' | 'missing'>> {
  const metrics = await cloud.metrics()
  const sumOf = (Id: string, MetricName: string) => ({
    Id,
    MetricStat: {
      Metric: {
        Namespace: 'AWS/Lambda',
        MetricName,
        Dimensions: [{ Name: 'FunctionName', Value: names.function }],
      },
      Period: 3600,
      Stat: 'Sum',
    },
  })
  const now = system.now()
  try {
    const { MetricDataResults = [] } = await metrics.getMetricData({
      StartTime: new Date(now.getTime() - dayMs),
      EndTime: now,
      MetricDataQueries: [sumOf('invocations', 'Invocations'), sumOf('errors', 'Errors')],
    })
    const total = (id: string): number =>
      (MetricDataResults.find(({ Id }) => Id === id)?.Values ?? []).reduce((sum, value) => sum + value, 0)
    return { traffic: { invocations: total('invocations'), errors: total('errors') }, missing: undefined }
  } catch (error) {
    if (error instanceof AwsError && error.code === 'AWS_DENIED')
      return { traffic: undefined, missing: 'cloudwatch:GetMetricData' }
    throw error
  }
}

/** A stage that is not kept warm needs no permission for schedules. */
async function schedulesOf({ cloud, names }: Corner, { keepWarm }: Stage): Promise<number> {
  if (!keepWarm) return 0
  const scheduler = await cloud.scheduler()
  return (await ifThere(scheduler.getSchedule({ Name: names.warm }))) === undefined ? 0 : 1
}
