/** The calls to CloudWatch Logs that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  type CloudWatchLogs,
  CloudWatchLogsClient,
  type CloudWatchLogsClientConfig,
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  FilterLogEventsCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { type AnyClient, callsOf } from '../calls.ts'

export type LogsCalls = Pick<
  CloudWatchLogs,
  'createLogGroup' | 'deleteLogGroup' | 'filterLogEvents' | 'putRetentionPolicy'
>

export function logsCalls(
  config: CloudWatchLogsClientConfig,
  prepare: (client: AnyClient) => void,
): LogsCalls {
  return callsOf<LogsCalls>(new CloudWatchLogsClient(config), prepare, {
    createLogGroup: CreateLogGroupCommand,
    deleteLogGroup: DeleteLogGroupCommand,
    filterLogEvents: FilterLogEventsCommand,
    putRetentionPolicy: PutRetentionPolicyCommand,
  })
}
