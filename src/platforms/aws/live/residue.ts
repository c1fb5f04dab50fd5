/** What is left of a stage in every service: the proof that a removal removed. */
import type { Corner } from '../account.ts'
import { findUrl } from '../addresses/ensure-api.ts'
import { hasBucket } from '../bucket/ensure-bucket.ts'
import { ifThere } from '../client/trouble.ts'
import { hasLogs } from '../function/ensure-logs.ts'

/** One line each. `layer` and `objects` are what the stage used beside what is named after it. */
export async function residueOf(
  corner: Corner,
  used: {
    readonly layers: readonly string[]
    readonly objects: readonly string[]
    readonly schedule: boolean
  },
): Promise<string[]> {
  const { cloud, names, store } = corner
  const [lambda, iam] = await Promise.all([cloud.lambda(), cloud.iam()])
  const isThere = async (asked: Promise<unknown>): Promise<boolean> => (await ifThere(asked)) !== undefined
  const role = (RoleName: string): Promise<boolean> => isThere(iam.getRole({ RoleName }))
  const hasLayer = async (LayerName: string): Promise<boolean> =>
    ((await ifThere(lambda.listLayerVersions({ LayerName })))?.LayerVersions ?? []).length > 0
  const keys = (await hasBucket(corner)) ? await store.list('thampi/') : []
  const objects = keys.filter(key => key.startsWith(names.prefix) || used.objects.includes(key))
  const looked: [string, boolean][] = [
    [
      `function ${names.function}`,
      await isThere(lambda.getFunctionConfiguration({ FunctionName: names.function })),
    ],
    [`HTTP API ${names.function}`, (await findUrl(corner)) !== undefined],
    [`role ${names.role}`, await role(names.role)],
    [`role ${names.warmRole}`, await role(names.warmRole)],
    [`log ${names.logGroup}`, await hasLogs(corner)],
    ...objects.map((key): [string, boolean] => [`s3://${store.bucket}/${key}`, true]),
  ]
  for (const name of used.layers) looked.push([`layer ${name}`, await hasLayer(name)])
  if (used.schedule) {
    const scheduler = await cloud.scheduler()
    looked.push([`schedule ${names.warm}`, await isThere(scheduler.getSchedule({ Name: names.warm }))])
  }
  return looked.flatMap(([what, isLeft]) => (isLeft ? [what] : []))
}
