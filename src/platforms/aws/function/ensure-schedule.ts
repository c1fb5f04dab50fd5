/** A call every few minutes that asks the model nothing, so that Lambda keeps one process that has it loaded. */
import type { Corner } from '../account.ts'
import { ifThere, isAws } from '../client/trouble.ts'
import { ensureRole, ownRole, removeRole } from '../permissions/ensure-role.ts'
import { onceTheRoleIsKnown } from '../permissions/new-role.ts'
import { warmPolicy } from '../permissions/policy.ts'
import type { AwsSettings } from '../settings/aws-settings.ts'
import { converge } from '../steps/converge.ts'

/** `expression` is `rate(4 minutes)`; undefined: the stage is not kept warm any more. */
export async function ensureSchedule(
  corner: Corner,
  aliasArn: string,
  expression: string | undefined,
  settings: AwsSettings,
): Promise<void> {
  if (expression === undefined) {
    await removeSchedule(corner)
    return
  }
  const { cloud, names, system } = corner
  const role = await ensureRole(corner, {
    ...ownRole(names.warmRole),
    service: 'scheduler',
    policy: warmPolicy(aliasArn),
    tags: settings.tags,
  })
  const scheduler = await cloud.scheduler()
  const wanted = {
    Name: names.warm,
    ScheduleExpression: expression,
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: {
      Arn: aliasArn,
      RoleArn: role,
      Input: '{"thampi":"warm"}',
      // A call that failed is made up for by the next one.
      RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
    },
  } as const
  await converge({
    describe: () => ifThere(scheduler.getSchedule({ Name: names.warm })),
    isWanted: ({ ScheduleExpression, Target }) =>
      ScheduleExpression === expression && Target?.Arn === aliasArn && Target.RoleArn === role,
    change: async found => {
      const change = (): Promise<unknown> =>
        found === undefined ? scheduler.createSchedule(wanted) : scheduler.updateSchedule(wanted)
      await onceTheRoleIsKnown(change)
      system.tell(`Kept warm: ${expression}`)
      return { ...wanted, $metadata: {} }
    },
  })
}

/** False when nothing was there. */
export async function removeSchedule(corner: Corner): Promise<boolean> {
  const { cloud, names } = corner
  const scheduler = await cloud.scheduler()
  const removed = await ifThere(scheduler.deleteSchedule({ Name: names.warm })).catch(async error => {
    if (!isAws(error, 'AccessDenied')) throw error
    // Somebody who may do everything but schedules has none to take away; where there is one, there is its role.
    const iam = await cloud.iam()
    if ((await ifThere(iam.getRole({ RoleName: names.warmRole }))) !== undefined) throw error
    return undefined
  })
  const role = await removeRole(corner, ownRole(names.warmRole))
  return role !== 'missing' || removed !== undefined
}
