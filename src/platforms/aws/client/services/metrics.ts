/** The calls to CloudWatch that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  type CloudWatch,
  CloudWatchClient,
  type CloudWatchClientConfig,
  GetMetricDataCommand,
} from '@aws-sdk/client-cloudwatch'
import { type AnyClient, callsOf } from '../calls.ts'

export type MetricsCalls = Pick<CloudWatch, 'getMetricData'>

export function metricsCalls(
  config: CloudWatchClientConfig,
  prepare: (client: AnyClient) => void,
): MetricsCalls {
  return callsOf<MetricsCalls>(new CloudWatchClient(config), prepare, {
    getMetricData: GetMetricDataCommand,
  })
}
