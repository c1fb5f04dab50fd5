/** Traffic moves, and what a deployment leaves to its end is done: its addresses, keeping warm, limits, clearing up. */
import type { Stage } from '../../settings/stage.ts'
import type { Digest } from '../../system/files.ts'
import type { Deployment, Weights } from '../platform.ts'
import type { Corner } from './account.ts'
import { type Addresses, ensureAddresses, findAddresses } from './addresses/addresses.ts'
import { changeState, describedBy } from './bucket/records.ts'
import { ifThere } from './client/trouble.ts'
import { collect } from './collect.ts'
import { aliasArn, movePointer, readPointer } from './function/alias.ts'
import { copyCurrent } from './function/current-copy.ts'
import { ensureSchedule } from './function/ensure-schedule.ts'
import { provisionAhead, provisionRouted, unprovisionOthers } from './function/provisioned.ts'
import type { Turn } from './lease.ts'
import type { Released } from './release.ts'
import { awsSettings } from './settings/aws-settings.ts'
import { withPolicy } from './settings/rest.ts'
import { allOf } from './steps/all-of.ts'

/** The end of a deployment that was made in this run; undefined when only traffic is moved. */
export type Ending = Pick<Released, 'key' | 'keepWarm' | 'settings'> | undefined

/** Moving traffic to versions that had some before is one changing call and nothing else. */
export async function route(
  corner: Corner,
  stage: Stage,
  weights: Weights,
  ending: Ending,
  turn: Turn | undefined,
): Promise<Deployment> {
  const before = turn?.pointer === undefined ? await readPointer(corner) : turn.pointer.seen
  if (ending !== undefined) {
    await turn?.take()
    await provisionAhead(corner, ending.settings.provisioned, weights)
  }
  const after = await movePointer(corner, before, weights)
  if (turn !== undefined) turn.pointer = { seen: after }
  const numbers = [...(before?.weights.keys() ?? []), ...weights.keys()]
  return deploymentOf(corner, await finish(corner, stage, ending, { numbers, weights }), weights)
}

/** Gives where it is called. `numbers` are versions that have or had traffic, `weights` what they have now. */
export async function finish(
  corner: Corner,
  stage: Stage,
  ending: Ending,
  { numbers, weights }: { readonly numbers: readonly number[]; readonly weights: Weights },
): Promise<Addresses> {
  const { provisioned } = ending?.settings ?? awsSettings(stage)
  // Before `lambda_concurrency` is lowered, which is the most that all of them may have.
  await unprovisionOthers(corner, provisioned, weights)
  const addresses =
    (ending === undefined ? await findAddresses(corner, stage) : undefined) ??
    (await openToCallers(corner, stage, ending))
  await provisionRouted(corner, provisioned, weights)
  await copyCurrent(corner, weights)
  await remember(corner, numbers, ending?.key)
  if (ending !== undefined) await collect(corner, ending.settings.retainedVersions)
  return addresses
}

async function openToCallers(corner: Corner, stage: Stage, ending: Ending): Promise<Addresses> {
  const settings = ending?.settings ?? (await withPolicy(awsSettings(stage), stage, corner.system))
  const [addresses] = await allOf([
    ensureAddresses(corner, settings),
    ending === undefined ? undefined : ensureSchedule(corner, aliasArn(corner), ending.keepWarm, settings),
    ensureConcurrency(corner, settings.concurrency),
  ])
  return addresses
}

async function remember(
  corner: Corner,
  numbers: readonly number[],
  finished: Digest | undefined,
): Promise<void> {
  await changeState(corner, state => ({
    ...state,
    routed: [...new Set([...state.routed, ...numbers])].sort((a, b) => a - b),
    ...(finished === undefined ? {} : { finished }),
  }))
}

/** Undefined when nothing is served. */
export async function find(corner: Corner, stage: Stage): Promise<Deployment | undefined> {
  const [pointer, addresses] = await Promise.all([readPointer(corner), findAddresses(corner, stage)])
  if (pointer === undefined || addresses === undefined) return undefined
  return deploymentOf(corner, addresses, pointer.weights)
}

async function deploymentOf(
  corner: Corner,
  [{ url, callers }, ...otherAddresses]: Addresses,
  weights: Weights,
): Promise<Deployment> {
  const servedTimeUtc = await servedTime(corner, weights)
  return { ...corner.key, url, callers, otherAddresses, weights, servedTimeUtc }
}

/** Of the newest version that has traffic. */
async function servedTime({ cloud, names }: Corner, weights: Weights): Promise<string> {
  const lambda = await cloud.lambda()
  const newest = String(Math.max(...weights.keys()))
  const found = await ifThere(
    lambda.getFunctionConfiguration({ FunctionName: names.function, Qualifier: newest }),
  )
  return (found && describedBy(found)?.servedTimeUtc) ?? ''
}

async function ensureConcurrency({ cloud, names }: Corner, wanted: number | undefined): Promise<void> {
  const lambda = await cloud.lambda()
  const about = { FunctionName: names.function }
  const found = await ifThere(lambda.getFunctionConcurrency(about))
  if (found?.ReservedConcurrentExecutions === wanted) return
  if (wanted === undefined) await lambda.deleteFunctionConcurrency(about)
  else await lambda.putFunctionConcurrency({ ...about, ReservedConcurrentExecutions: wanted })
}
