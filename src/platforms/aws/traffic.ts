/** Traffic moves, and what a deployment leaves to its end is done: the API, keeping warm, limits, clearing up. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stage } from '../../settings/stage.ts'
import type { Digest } from '../../system/files.ts'
import type { Callers, Deployment, Weights } from '../platform.ts'
import type { Corner } from './account.ts'
import { aliasArn, movePointer, readPointer } from './alias.ts'
import { collect } from './collect.ts'
import { ensureApi, findUrl } from './ensure-api.ts'
import { ensureSchedule } from './ensure-schedule.ts'
import type { Turn } from './lease.ts'
import { changeState, describedBy } from './records.ts'
import type { Released } from './release.ts'
import { awsSettings } from './settings.ts'
import { ifThere } from './trouble.ts'

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
  if (ending !== undefined) await turn?.take()
  const after = await movePointer(corner, before, weights)
  if (turn !== undefined) turn.pointer = { seen: after }
  const url = await finish(corner, stage, ending, [...(before?.weights.keys() ?? []), ...weights.keys()])
  return deploymentOf(corner, stage, url, weights)
}

/** Gives the URL. `numbers` are versions that have or had traffic. */
export async function finish(
  corner: Corner,
  stage: Stage,
  ending: Ending,
  numbers: readonly number[],
): Promise<string> {
  const url =
    (ending === undefined ? await findUrl(corner) : undefined) ?? (await openToCallers(corner, stage, ending))
  await remember(corner, numbers, ending?.key)
  if (ending !== undefined) await collect(corner, ending.settings.retainedVersions)
  return url
}

async function openToCallers(corner: Corner, stage: Stage, ending: Ending): Promise<string> {
  const settings = ending?.settings ?? awsSettings(stage)
  const arn = aliasArn(corner)
  const [{ url, isNew }] = await Promise.all([
    ensureApi(corner, arn, settings),
    ending === undefined ? undefined : ensureSchedule(corner, arn, ending.keepWarm, settings),
    ensureConcurrency(corner, settings.concurrency),
  ])
  if (isNew) await reachable(url, corner)
  if (!settings.iamAuthorization)
    corner.system.tell('Everybody who knows the URL may call it; "iam_authorization": true changes that')
  return url
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
  const [pointer, url] = await Promise.all([readPointer(corner), findUrl(corner)])
  if (pointer === undefined || url === undefined) return undefined
  const { weights } = pointer
  return deploymentOf(corner, stage, url, weights)
}

async function deploymentOf(
  corner: Corner,
  stage: Stage,
  url: string,
  weights: Weights,
): Promise<Deployment> {
  const servedTimeUtc = await servedTime(corner, weights)
  return { ...corner.key, url, callers: callersOf(corner, stage), weights, servedTimeUtc }
}

/** As the settings say it: they are what the API was made of. */
function callersOf({ cloud }: Corner, stage: Stage): Callers {
  if (!awsSettings(stage).iamAuthorization) return { bring: 'nothing' }
  return { bring: 'signature', service: 'execute-api', region: cloud.region }
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

/** An API that was just made answers 404 or 500 for seconds. */
const reachableWithinMs = 30_000

async function reachable(url: string, { cloud, system }: Corner): Promise<void> {
  const end = performance.now() + reachableWithinMs
  while (performance.now() < end) {
    // Whatever our runtime or a guard before it says, it is there.
    const status = await cloud.visit(url)
    if (status !== undefined && status !== 404 && status < 500) return
    await sleep(500)
  }
  system.tell(`${url} does not answer yet; names of new APIs take a while to be known`)
}
