/** The calls to EventBridge Scheduler that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  type Scheduler,
  SchedulerClient,
  type SchedulerClientConfig,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler'
import { type AnyClient, callsOf } from '../calls.ts'

export type SchedulerCalls = Pick<
  Scheduler,
  'createSchedule' | 'deleteSchedule' | 'getSchedule' | 'updateSchedule'
>

export function schedulerCalls(
  config: SchedulerClientConfig,
  prepare: (client: AnyClient) => void,
): SchedulerCalls {
  return callsOf<SchedulerCalls>(new SchedulerClient(config), prepare, {
    createSchedule: CreateScheduleCommand,
    deleteSchedule: DeleteScheduleCommand,
    getSchedule: GetScheduleCommand,
    updateSchedule: UpdateScheduleCommand,
  })
}
