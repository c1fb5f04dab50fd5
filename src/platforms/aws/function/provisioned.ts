/**
 * Provisioned concurrency: processes that have the model loaded before anybody asks, paid by the hour whether somebody asks
 * or not. It stands at versions, not at the alias: so a new version has it before it gets traffic, and the old one loses it
 * as soon as it has none.
 */
import type { ProvisionedConcurrencyConfigListItem } from '@aws-sdk/client-lambda'
import { ThampiError } from '../../../errors.ts'
import type { Weights } from '../../platform.ts'
import type { Corner } from '../account.ts'
import { changeState, readState } from '../bucket/records.ts'
import { ifThere } from '../client/trouble.ts'
import { timed } from '../steps/progress.ts'
import { until } from '../steps/wait.ts'

/** Loading a model that many times at once; a big image or a full Region takes minutes. */
const readyWithinMs = 900_000

interface Provisioned {
  readonly wanted: number
  readonly status: string
  readonly reason: string | undefined
}

/**
 * Before a new version gets traffic: it is given its processes, and waited for. Not when the function has no room for them
 * beside those of the version that still has the traffic; then they are exchanged afterwards.
 *
 * @throws ThampiError AWS_REFUSED when Lambda cannot bring them up; they are taken back
 */
export async function provisionAhead(
  corner: Corner,
  wanted: number | undefined,
  weights: Weights,
): Promise<void> {
  if (wanted === undefined) return
  const there = await notedVersions(corner)
  const missing = withTraffic(weights).filter(number => there.get(number)?.wanted !== wanted)
  if (!(await hasRoom(corner, there, wanted * missing.length))) return
  for (const number of missing) {
    await provision(corner, number, wanted).catch(async (error: unknown) => {
      await unprovision(corner, number).catch(() => undefined)
      throw error
    })
  }
}

/** Once traffic has moved: nobody pays for a version that has none. Asks nothing where there never were any. */
export async function unprovisionOthers(
  corner: Corner,
  wanted: number | undefined,
  weights: Weights,
): Promise<void> {
  if ((await readState(corner)).provisions !== true) return
  const keep = wanted === undefined ? [] : withTraffic(weights)
  for (const number of (await provisionedVersions(corner)).keys())
    if (!keep.includes(number)) await unprovision(corner, number)
  if (wanted === undefined) await changeState(corner, ({ provisions, ...state }) => state)
}

/** Who has traffic has its processes, also after a rollback, which does not wait for them before it moves the traffic. */
export async function provisionRouted(
  corner: Corner,
  wanted: number | undefined,
  weights: Weights,
): Promise<void> {
  if (wanted === undefined) return
  const there = await notedVersions(corner)
  for (const number of withTraffic(weights)) {
    if (there.get(number)?.wanted === wanted && there.get(number)?.status === 'READY') continue
    // Traffic is where it was asked to be: what is missing now is speed.
    await provision(corner, number, wanted).catch((error: unknown) => {
      if (!(error instanceof ThampiError)) throw error
      corner.system.tell(`Version ${number} has no provisioned concurrency: ${error.message}`)
    })
  }
}

/** It is noted first, so that what is given now is taken back one day, whoever ends in between. */
async function notedVersions(corner: Corner): Promise<Map<number, Provisioned>> {
  await changeState(corner, state => ({ ...state, provisions: true }))
  return provisionedVersions(corner)
}

function withTraffic(weights: Weights): number[] {
  return [...weights].filter(([, percent]) => percent > 0).map(([number]) => number)
}

async function provision(corner: Corner, number: number, wanted: number): Promise<void> {
  const { cloud, names, system } = corner
  const lambda = await cloud.lambda()
  const processes = wanted === 1 ? '1 process' : `${wanted} processes`
  await timed(`Version ${number} has ${processes} waiting, paid by the hour`, system, async () => {
    await lambda.putProvisionedConcurrencyConfig({
      FunctionName: names.function,
      Qualifier: String(number),
      ProvisionedConcurrentExecutions: wanted,
    })
    await until(
      async () => {
        const { status, reason } = (await provisionedVersions(corner)).get(number) ?? {}
        if (status === 'FAILED') throw failed(number, reason)
        return status === 'READY' ? true : undefined
      },
      { what: `provisioned concurrency of version ${number}`, withinMs: readyWithinMs },
    )
  })
}

function failed(number: number, reason: string | undefined): ThampiError {
  return new ThampiError('AWS_REFUSED', {
    message: `Lambda cannot keep processes of version ${number} waiting: ${reason ?? 'it says no more than that'}.`,
    why: '"thampi": {"provisioned_concurrency"} asks for them.',
    fix: 'ask for fewer, or see: thampi logs STAGE --since=10m',
  })
}

async function unprovision({ cloud, names, system }: Corner, number: number): Promise<void> {
  const lambda = await cloud.lambda()
  await ifThere(
    lambda.deleteProvisionedConcurrencyConfig({ FunctionName: names.function, Qualifier: String(number) }),
  )
  system.tell(`Version ${number} has no processes waiting any more`)
}

async function provisionedVersions({ cloud, names }: Corner): Promise<Map<number, Provisioned>> {
  const lambda = await cloud.lambda()
  const found = new Map<number, Provisioned>()
  let marker: string | undefined
  do {
    const page = await ifThere(
      lambda.listProvisionedConcurrencyConfigs({
        FunctionName: names.function,
        ...(marker ? { Marker: marker } : {}),
      }),
    )
    for (const item of page?.ProvisionedConcurrencyConfigs ?? []) {
      const number = versionOf(item)
      if (number !== undefined) found.set(number, about(item))
    }
    marker = page?.NextMarker
  } while (marker)
  return found
}

/** Undefined for what somebody set at an alias of their own. */
function versionOf({ FunctionArn = '' }: ProvisionedConcurrencyConfigListItem): number | undefined {
  const qualifier = FunctionArn.split(':')[7] ?? ''
  return /^\d+$/.test(qualifier) ? Number(qualifier) : undefined
}

function about(item: ProvisionedConcurrencyConfigListItem): Provisioned {
  const { RequestedProvisionedConcurrentExecutions: wanted = 0, Status: status = '', StatusReason } = item
  return { wanted, status, reason: StatusReason }
}

/** `lambda_concurrency` is the most that all versions together may have. */
async function hasRoom(
  { cloud, names }: Corner,
  there: ReadonlyMap<number, Provisioned>,
  more: number,
): Promise<boolean> {
  const lambda = await cloud.lambda()
  const found = await ifThere(lambda.getFunctionConcurrency({ FunctionName: names.function }))
  const used = [...there.values()].reduce((sum, { wanted }) => sum + wanted, 0)
  return used + more <= (found?.ReservedConcurrentExecutions ?? Number.POSITIVE_INFINITY)
}
