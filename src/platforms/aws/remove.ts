/** A stage ends: everything that was made for it goes, and what stays is named. */
import type { Stage } from '../../settings/stage.ts'
import type { Removal, RemoveOptions } from '../platform.ts'
import type { Corner } from './account.ts'
import { removeDomain } from './addresses/ensure-domain.ts'
import { removeFronts } from './addresses/front.ts'
import { hasBucket } from './bucket/ensure-bucket.ts'
import { readState } from './bucket/records.ts'
import { ifThere } from './client/trouble.ts'
import { removeUnused } from './collect.ts'
import { removeCurrent } from './function/current-copy.ts'
import { hasLogs, removeLogs } from './function/ensure-logs.ts'
import { removeSchedule } from './function/ensure-schedule.ts'
import { findFunction } from './function/find-function.ts'
import { Turn } from './lease.ts'
import { ownRole, type RoleName, type RoleRemoval, removeRole, roleOf } from './permissions/ensure-role.ts'
import { awsSettings } from './settings/aws-settings.ts'

/** From the outside in: callers first, so that nothing is asked of what is half gone. Again after an interruption: the rest. */
export async function remove(corner: Corner, stage: Stage, options: RemoveOptions): Promise<Removal> {
  // Nobody deploys where there is no bucket to take a turn in.
  if (!(await hasBucket(corner))) return removeAll(corner, stage, options, false)
  const turn = new Turn(corner.store, corner.names.leaseKey, stage.name)
  try {
    await turn.take()
    return await removeAll(corner, stage, options, true)
  } finally {
    await turn.end()
  }
}

async function removeAll(
  corner: Corner,
  stage: Stage,
  options: RemoveOptions,
  bucketIsThere: boolean,
): Promise<Removal> {
  const { cloud, names, store, system } = corner
  const found = await findFunction(corner)
  const hadSchedule = await removeSchedule(corner)
  const domain = await domainMade(corner, stage, bucketIsThere)
  const domainLeft = domain === undefined ? [] : await removeDomain(corner, domain)
  const hadApi = await removeFronts(corner, stage, bucketIsThere ? await readState(corner) : {})
  if (hadApi) system.tell('API removed')
  const lambda = await cloud.lambda()
  if (found !== undefined) {
    await ifThere(lambda.deleteFunction({ FunctionName: names.function }))
    system.tell(`Function ${names.function} removed, with every version`)
  }
  const settings = awsSettings(stage)
  const { foreignRole } = settings
  const roles = foreignRole === undefined ? await removeRoles(corner, roleOf(corner, settings)) : []
  const hadRole = roles.some(([, became]) => became === 'removed')
  const shared = bucketIsThere ? await removeObjects(corner) : []
  const hadLogs = options.removeLogs ? await removeLogs(corner) : false
  const left = [
    ...(options.removeLogs || !(await hasLogs(corner))
      ? []
      : [`its log, ${names.logGroup} (--remove-logs deletes it too)`]),
    ...domainLeft,
    ...shared.map(used => `${used}, which another stage uses as well`),
    ...(bucketIsThere ? await leftInBucket(corner) : []),
    ...roles.flatMap(([name, became]) =>
      became === 'kept'
        ? [`the role ${name}, which others use or have made; what it was allowed for this stage is gone`]
        : [],
    ),
    ...(foreignRole === undefined
      ? []
      : [
          `its role, ${'arn' in foreignRole ? foreignRole.arn : foreignRole.name}, which was made by somebody else`,
        ]),
  ]
  const removed = found !== undefined || hadApi || hadRole || hadSchedule || hadLogs
  return { removed, left: removed ? left : left.filter(thing => !thing.startsWith(`s3://${store.bucket}`)) }
}

/** Also the one with the stage's own name, from before the settings named another. */
async function removeRoles(corner: Corner, named: RoleName): Promise<[string, RoleRemoval][]> {
  const own = ownRole(corner.names.role)
  const roles = named.name === own.name ? [own] : [named, own]
  const removals: [string, RoleRemoval][] = []
  for (const role of roles) removals.push([role.name, await removeRole(corner, role)])
  return removals
}

/** What was noted when it was made counts; where that is lost, what the settings say. */
async function domainMade(corner: Corner, stage: Stage, bucketIsThere: boolean): Promise<string | undefined> {
  const noted = bucketIsThere ? (await readState(corner)).domain : undefined
  return noted ?? awsSettings(stage).access.domain?.name
}

/** Only what we have written. The state goes last: what is to be removed is read from it. */
async function removeObjects(corner: Corner): Promise<readonly string[]> {
  const { store, names } = corner
  const { uses } = await readState(corner)
  const shared = await removeUnused(corner, uses)
  for (const key of await store.list(`${names.prefix}versions/`)) await store.remove(key)
  await removeCurrent(corner)
  await store.remove(names.stateKey)
  return shared
}

/** The bucket stays: it may hold other things, and its name would be free for anybody. */
async function leftInBucket({ store, names }: Corner): Promise<string[]> {
  const others = (await store.list(names.prefix)).filter(key => key !== names.leaseKey)
  return [
    `s3://${store.bucket}, its bucket, for you to delete when it is empty`,
    ...others.map(key => `s3://${store.bucket}/${key}, which was there before`),
  ]
}
