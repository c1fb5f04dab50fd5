/** The log of a stage, made before the function so that it never grows for ever. */
import type { Corner } from '../account.ts'
import { ifThere, isAws } from '../client/trouble.ts'
import { ownTags } from '../names.ts'

/** How long lines are kept; the settings of 2018 have no key for it. */
export const retentionDays = 30

/** `isFirst`: there is no function yet, so a log that is there is one whose making was cut off. */
export async function ensureLogs(
  corner: Corner,
  tags: Readonly<Record<string, string>>,
  isFirst: boolean,
): Promise<void> {
  const { cloud, names, key } = corner
  const logs = await cloud.logs()
  const isNew =
    !(await hasLogs(corner)) &&
    (await logs
      .createLogGroup({ logGroupName: names.logGroup, tags: { ...tags, ...ownTags(key) } })
      .then(() => true)
      .catch(error => {
        // Somebody was quicker, or an earlier try whose answer was lost.
        if (isAws(error, 'ResourceAlreadyExists')) return false
        throw error
      }))
  // Whoever changed the retention of a log that is in use had a reason.
  if (isNew || isFirst)
    await logs.putRetentionPolicy({ logGroupName: names.logGroup, retentionInDays: retentionDays })
}

/** False when it was not there. */
export async function removeLogs({ cloud, names }: Corner): Promise<boolean> {
  const logs = await cloud.logs()
  return (await ifThere(logs.deleteLogGroup({ logGroupName: names.logGroup }))) !== undefined
}

export async function hasLogs({ cloud, names }: Corner): Promise<boolean> {
  const logs = await cloud.logs()
  const found = await ifThere(
    logs.filterLogEvents({ logGroupName: names.logGroup, limit: 1, startTime: Date.now() }),
  )
  return found !== undefined
}
