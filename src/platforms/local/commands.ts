/** What the host does for commands that come through the private door. */

import { sentenceOf } from '../../bundle/likeness.ts'
import { type ErrorCode, errorCodes, ThampiError } from '../../errors.ts'
import type { Endpoint, GatewayAnswer, GatewayRequest } from '../../gateway/gateway.ts'
import { problemAnswer } from '../../gateway/problem.ts'
import type { Evidence } from '../../model/proof.ts'
import { SandboxFailed } from '../../sandbox/ending.ts'
import { version as thampiVersion } from '../../system/version.ts'
import type { Deployment, StageStatus, Version } from '../platform.ts'
import type { DoorRoutes } from './door.ts'
import { contentsOf, keepEvidence, readProof } from './evidence.ts'
import type { Host } from './host.ts'
import type { StageKey } from './layout.ts'
import { proofPrefix } from './recorder.ts'
import type { CurrentRecord, VersionRecord } from './records.ts'
import { type Release, sameRelease } from './same-release.ts'
import type { ServedStage } from './served-stage.ts'
import { statusOf as stageStatusOf } from './stage-report.ts'
import { collectLayers } from './store.ts'

export interface HostStatus {
  readonly version: string
  readonly pid: number
  readonly url: string
  readonly stages: readonly {
    readonly stage: string
    readonly model: string
    readonly pids: readonly number[]
  }[]
}

export interface RouteInput extends StageKey {
  readonly weights: CurrentRecord['weights']
  readonly retained?: number
}

export interface ReleaseInput extends Release {
  /** True when a person chose `servedTimeUtc`: then it distinguishes releases. */
  readonly isTimeChosen: boolean
}

export interface SendInput extends StageKey {
  readonly number: number
  /** Base64 of the request's body. */
  readonly body: string
}

/** Commands under way, so that a host which nobody uses can tell. */
export interface Activity {
  began(): void
  ended(): void
}

/** `onStop` is told that the host shall go. */
export function hostCommands(host: Host, activity: Activity, onStop: () => void): DoorRoutes {
  const counted = Object.entries(routesOf(host, onStop)).map(([route, act]): [string, DoorRoutes[string]] => [
    route,
    async (input, connection) => {
      activity.began()
      try {
        return await act(input, connection)
      } finally {
        activity.ended()
      }
    },
  ])
  return Object.fromEntries(counted)
}

function routesOf(host: Host, onStop: () => void): DoorRoutes {
  const { turns } = host
  return {
    'GET /host': async () => statusOf(host),

    'POST /stop': async () => {
      onStop()
    },

    /** One deployer at a time; the turn ends with the deployer's connection, so a killed one blocks nobody. */
    'POST /turn': (input, connection) => {
      const { stage, model, holder } = input as StageKey & { holder: string }
      const name = `${stage}/${model}`
      const other = turns.get(name)
      if (other) {
        throw new ThampiError('DEPLOY_IN_PROGRESS', {
          message: `${stage} is being deployed by ${other}.`,
          fix: 'wait until that command has ended and run yours again',
        })
      }
      turns.set(name, holder)
      return new Promise(resolve => {
        connection.onGone(() => {
          turns.delete(name)
          resolve(undefined)
        })
        connection.accept()
      })
    },

    'POST /versions': async input => versionOf(await release(host, input as ReleaseInput)),

    'POST /send': async input => {
      const { number, body, ...key } = input as SendInput
      const requestId = `${proofPrefix}${key.stage}-${number}`
      const endpoint = host.find(key)?.pinned(number)
      const answer = endpoint
        ? await answerOf(endpoint, {
            requestId,
            body: Buffer.from(body, 'base64'),
            pretty: false,
            traceparent: undefined,
            isAbandoned: false,
          })
        : problemAnswer('no-such-stage', requestId, { detail: `No stage "${key.stage}" is served here.` })
      return { status: answer.status, body: answer.body.toString('base64') }
    },

    'PUT /route': async input => {
      const { weights, retained, ...key } = input as RouteInput
      const stage = host.find(key)
      if (!stage) throw new ThampiError('NOT_DEPLOYED', { message: `Nothing was released on ${key.stage}.` })
      await stage.route(weights, retained).catch(error => {
        throw error instanceof SandboxFailed ? loadError(error, key) : error
      })
      await collect(host, turns.size)
      return deploymentOf(host, stage)
    },

    'POST /page': async input => pageOf(host, input as StageKey),

    'POST /find': async input => {
      const stage = host.find(input as StageKey)
      return stage?.isServed ? deploymentOf(host, stage) : null
    },

    'POST /discard': async input => {
      const { number, ...key } = input as StageKey & { number: number }
      await host.find(key)?.discard(number)
      await collect(host, turns.size)
    },

    'POST /evidence': async input => {
      const { number, evidence, ...key } = input as StageKey & { number: number; evidence: Evidence }
      await keepEvidence(host.at, key, number, evidence)
    },

    'POST /contents': async input => {
      const { number, ...key } = input as StageKey & { number: number }
      const record = await host.find(key)?.version(number)
      if (record) return contentsOf(host.at, record)
      throw new ThampiError('VERSION_UNKNOWN', {
        message: `${key.stage} has no version ${number} of ${key.model}.`,
        fix: `thampi versions ${key.stage}`,
      })
    },

    'POST /list': async input => {
      const stage = host.find(input as StageKey)
      const records = await Promise.all(
        ((await stage?.numbers()) ?? []).map(number => stage?.version(number)),
      )
      const listed = records.map(async (record): Promise<Version[]> => {
        if (!record) return []
        const proof = await readProof(host.at, record, record.number)
        const { number } = record
        const wasRouted = stage?.wasRouted(number) === true
        const hasFailed = stage?.hasFailed(number) === true
        return [{ ...versionOf(record), wasRouted, hasFailed, proof }]
      })
      return (await Promise.all(listed)).flat()
    },

    'POST /status': async (input): Promise<StageStatus | null> => {
      const stage = host.find(input as StageKey)
      if (!stage?.isServed) return null
      return stageStatusOf(stage.key, host.urlOf(stage.key), stage.running(), host.readUsage)
    },

    'POST /keys': async input => {
      const { name, ...key } = input as StageKey & { name: string }
      const stage = await host.open(key)
      return stage.apiKeys.create(name, host.system.now())
    },

    'POST /keys/list': async input => (await host.open(input as StageKey)).apiKeys.list(),

    'POST /keys/revoke': async input => {
      const { name, ...key } = input as StageKey & { name: string }
      return (await host.open(key)).apiKeys.revoke(name)
    },

    /** For who has come this far: the owner. */
    'POST /keys/own': async () => host.ownKey,

    'POST /remove': async input => {
      const wasServed = await host.remove(input as StageKey)
      await collect(host, turns.size)
      return wasServed
    },
  }
}

/** The page of a model, with the token that makes its reader the owner; fragments are sent to nobody. */
function pageOf(host: Host, key: StageKey): string | null {
  if (!host.find(key)?.isServed) return null
  return `${host.url}/${key.stage}/${key.model}/#token=${host.token}`
}

function statusOf(host: Host): HostStatus {
  return {
    version: thampiVersion,
    pid: process.pid,
    url: host.url,
    stages: host.stages.filter(stage => stage.isServed).map(({ key, pids }) => ({ ...key, pids })),
  }
}

function answerOf(endpoint: Endpoint, request: GatewayRequest): Promise<GatewayAnswer> {
  return new Promise(resolve => endpoint.answer(request, resolve))
}

/** The same bundle with the same settings is the same version: serving it again changes nothing. */
async function release(host: Host, { isTimeChosen, ...wanted }: ReleaseInput): Promise<VersionRecord> {
  const stage = await host.open({ stage: wanted.stage, model: wanted.model })
  const same = await sameRelease(stage, wanted, isTimeChosen)
  if (same) return same
  const record: VersionRecord = { ...wanted, number: await stage.nextNumber() }
  try {
    await stage.release(record)
  } catch (error) {
    if (error instanceof SandboxFailed) throw loadError(error, record)
    throw error
  }
  const { likeness, number: version } = record
  if (likeness) {
    const message = `version ${version}: ${sentenceOf(likeness)}`
    stage.log.write({ timeMs: Date.now(), level: 'INFO', source: 'host', version, message })
  }
  return record
}

function loadError({ failed }: SandboxFailed, { stage }: StageKey): ThampiError {
  const code = (failed.code in errorCodes ? failed.code : 'MODEL_LOAD_FAILED') as ErrorCode
  return new ThampiError(code, {
    message: failed.message,
    why: failed.why ?? undefined,
    fix: failed.fix ?? `thampi logs ${stage} --since=3m`,
    problem: failed.trace ? { trace: failed.trace } : undefined,
  })
}

function versionOf(record: VersionRecord): Version {
  const { stage, model, number, bundle, servedTimeUtc, properties, by, commit, likeness } = record
  return {
    stage,
    model,
    number,
    bundle,
    servedTimeUtc,
    instanceId: properties.instance_id,
    properties,
    by,
    commit,
    likeness,
  }
}

/** A deployment as it travels through the door: weights as pairs, because JSON has no maps. */
export type DeploymentDocument = Omit<Deployment, 'weights'> & { readonly weights: CurrentRecord['weights'] }

async function deploymentOf(host: Host, stage: ServedStage): Promise<DeploymentDocument> {
  const weights = [...stage.weights]
  const newest = await stage.version(Math.max(...stage.weights.keys()))
  return { ...stage.key, url: host.urlOf(stage.key), weights, servedTimeUtc: newest?.servedTimeUtc ?? '' }
}

/**
 * Layers that no version of any stage uses are removed. While another deployer has its turn nothing is: the layers
 * it has just put into the store belong to no version yet. The next collection finds what this one left.
 */
async function collect(host: Host, turns: number): Promise<void> {
  if (turns > 1) return
  const used = new Set<string>()
  for (const stage of host.stages) {
    for (const number of await stage.numbers()) {
      const record = await stage.version(number)
      for (const digest of Object.values(record?.layers ?? {})) used.add(digest)
    }
  }
  await collectLayers(host.at, used)
}
