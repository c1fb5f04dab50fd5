/** CloudWatch: what Lambda counts of its functions. Counted here, because here they run; nothing else is ever counted. */
import { jsonOf, type Request } from './actions.ts'
import type { Counted, Executions } from './data-plane/executions.ts'
import { AwsError, jsonAnswer } from './errors.ts'
import type { Answer } from './moto.ts'

interface Query {
  readonly Id?: string
  readonly MetricStat?: {
    readonly Metric?: {
      readonly Namespace?: string
      readonly MetricName?: string
      readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[]
    }
    readonly Period?: number
    readonly Stat?: string
  }
}

/** `GetMetricData`: sums by period, the newest first; a period in which nothing was counted has no value. */
export function metricData(request: Request, region: string, executions: Executions): Answer {
  const { StartTime, EndTime, MetricDataQueries } = jsonOf(request) as {
    StartTime?: number
    EndTime?: number
    MetricDataQueries?: readonly Query[]
  }
  if (StartTime === undefined || EndTime === undefined || MetricDataQueries === undefined)
    throw new AwsError(
      400,
      'MissingRequiredParameterException',
      'StartTime, EndTime and MetricDataQueries are required.',
    )
  if (StartTime >= EndTime)
    throw new AwsError(
      400,
      'ValidationError',
      'The parameter StartTime must be less than the parameter EndTime.',
    )
  const results = MetricDataQueries.map(({ Id, MetricStat: { Metric, Period = 60, Stat } = {} }) => {
    if (Stat !== 'Sum') throw new Error(`the cloud of the tests does not know the statistic ${Stat}`)
    const name = Metric?.Dimensions?.find(dimension => dimension.Name === 'FunctionName')?.Value ?? ''
    const counts = Metric?.Namespace === 'AWS/Lambda' ? executions.counted(region, name) : []
    const within = counts.filter(({ atMs }) => atMs / 1000 >= StartTime && atMs / 1000 < EndTime)
    const sums = sumsOf(within, Metric?.MetricName, Period)
    return {
      Id,
      Label: Metric?.MetricName,
      Timestamps: sums.map(([second]) => second),
      Values: sums.map(([, sum]) => sum),
      StatusCode: 'Complete',
    }
  })
  return jsonAnswer(200, { MetricDataResults: results, Messages: [] })
}

function sumsOf(counts: readonly Counted[], metric: string | undefined, period: number): [number, number][] {
  const sums = new Map<number, number>()
  for (const { atMs, hasFailed } of counts) {
    const second = Math.floor(atMs / 1000 / period) * period
    const value = metric === 'Invocations' ? 1 : metric === 'Errors' ? Number(hasFailed) : undefined
    if (value !== undefined) sums.set(second, (sums.get(second) ?? 0) + value)
  }
  return [...sums].sort(([a], [b]) => b - a)
}
