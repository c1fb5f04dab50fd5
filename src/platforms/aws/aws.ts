/** The platform `aws`: versions of a function in AWS Lambda, an alias that points at them, an HTTP API before it. */
import type { Bundle } from '../../bundle/bundle.ts'
import { lambdaTarget } from '../../bundle/lambda/target.ts'
import { ThampiError } from '../../errors.ts'
import type { Evidence } from '../../model/proof.ts'
import { slug } from '../../settings/names.ts'
import type { Stage } from '../../settings/stage.ts'
import type { System } from '../../system/system.ts'
import type {
  Answer,
  Deployment,
  Platform,
  ReleaseOptions,
  Version,
  VersionContents,
  Weights,
} from '../platform.ts'
import type { Account, Corner } from './account.ts'
import { keysOn } from './addresses/keys.ts'
import { askVersion } from './ask.ts'
import { ensureBucket } from './bucket/ensure-bucket.ts'
import { bareVersion, describedVersions, readRecord, readState, writeRecord } from './bucket/records.ts'
import { storeIn } from './bucket/store.ts'
import type { Between } from './client/between.ts'
import { openCloud } from './client/client.ts'
import { removeVersion } from './collect.ts'
import { readPointer } from './function/alias.ts'
import { Turn } from './lease.ts'
import { Live } from './live/live.ts'
import { Observer } from './live/observer.ts'
import { logLines } from './log-lines.ts'
import { bucketFor, namesOf, type StageKey } from './names.ts'
import { deployerPolicy } from './permissions/deployer-policy.ts'
import type { Policy } from './permissions/policy.ts'
import { Rehearsal } from './rehearsal/rehearsal.ts'
import { type Released, release } from './release.ts'
import { remove } from './remove.ts'
import { authorizerOf } from './settings/authorizer.ts'
import { managedRoleName } from './settings/aws-settings.ts'
import { domainOf } from './settings/domain.ts'
import { type Place, placeOf } from './settings/place.ts'
import { asksForRest } from './settings/rest.ts'
import { statusOf } from './status.ts'
import { find, finish, route } from './traffic.ts'

/**
 * The platform as the credentials, the region and the bucket of one stage reach it.
 *
 * @throws ThampiError NO_AWS_PROFILE, NO_REGION
 * @example
 * const platform = await openAws(stage, realSystem())
 */
export async function openAws(stage: Stage, system: System): Promise<Platform> {
  return platformAt(await placeOf(stage, system), system)
}

/**
 * The platform with a record of every call, for a stage that is made to be looked at.
 *
 * @throws ThampiError NO_AWS_PROFILE, NO_REGION, AWS_CREDENTIALS
 */
export async function openLive(stage: Stage, system: System): Promise<Live> {
  const place = await placeOf(stage, system)
  const observer = new Observer()
  const key = { stage: stage.name, model: stage.model }
  const corner = { ...(await accountAt(place, system, observer)), key, names: namesOf(key) }
  const platform = platformAt(place, system, observer)
  const opened = { platform, corner, isElsewhere: Object.keys(place.endpoints).length > 0 }
  return new Live(opened, stage, observer)
}

function platformAt(place: Place, system: System, between?: Between): Platform {
  const account = once(() => accountAt(place, system, between))
  const cornerOf = async (key: StageKey): Promise<Corner> => ({
    ...(await account()),
    key: { stage: key.stage, model: key.model },
    names: namesOf(key),
  })
  const cornerFor = ({ name, model }: Stage): Promise<Corner> => cornerOf({ stage: name, model })
  const withBucket = once(async (stage: Stage) => ensureBucket(await cornerFor(stage), stage.name))
  /** Function → the turn that this process has on it. */
  const turns = new Map<string, Turn>()
  /** Releases of this run whose deployment is not at its end. */
  const begun = new Map<string, Released>()
  const nameOf = ({ stage, model }: StageKey, number: number): string => `${stage}/${model}@${number}`

  return {
    name: 'aws',
    target: lambdaTarget,

    exclusively: async (stage, work, purpose = 'release') => {
      const { store, names, key } = await cornerFor(stage)
      if (turns.has(names.function)) throw inThisProcess(stage)
      // The bucket is where turns are taken; moving traffic takes none, for the alias says from where it was moved.
      if (purpose === 'release') await withBucket(stage)
      const turn = new Turn(store, names.leaseKey, key.stage)
      turns.set(names.function, turn)
      try {
        await turn.look()
        return await work()
      } finally {
        turns.delete(names.function)
        await turn.end()
      }
    },

    release: async (bundle: Bundle, stage: Stage, options: ReleaseOptions = {}): Promise<Version> => {
      await withBucket(stage)
      const corner = await cornerFor(stage)
      const turn = turns.get(corner.names.function)
      const released = await release(corner, bundle, stage, options, turn)
      const { version, isUnfinished } = released
      if (isUnfinished) {
        await turn?.take()
        const { number } = version
        await finish(corner, stage, released, { numbers: [number], weights: new Map([[number, 100]]) })
      }
      begun.set(nameOf(corner.key, version.number), released)
      return version
    },

    send: async (version, body): Promise<Answer> => askVersion(await cornerOf(version), version.number, body),

    route: async (stage, weights: Weights): Promise<Deployment> => {
      const corner = await cornerFor(stage)
      const newest = nameOf(corner.key, Math.max(...weights.keys()))
      const turn = turns.get(corner.names.function)
      const deployment = await route(corner, stage, weights, begun.get(newest), turn)
      begun.delete(newest)
      return deployment
    },

    find: async stage => find(await cornerFor(stage), stage),

    sign: async (_, request, service) => (await account()).cloud.sign(request, service),

    discard: async version => {
      const corner = await cornerOf(version)
      const pointer = await readPointer(corner)
      if (pointer?.weights.has(version.number)) return
      await removeVersion(corner, version.number)
    },

    keepEvidence: async (version, evidence: Evidence) => {
      const corner = await cornerOf(version)
      const record = await readRecord(corner, version.number)
      if (record === undefined) throw unknownVersion(version)
      await writeRecord(corner, { ...record, evidence })
    },

    recorded: async (stage, requestId) => {
      throw notKept(stage, requestId)
    },

    contents: async (version): Promise<VersionContents> => {
      const record = await readRecord(await cornerOf(version), version.number)
      if (record === undefined) throw unknownVersion(version)
      return { ...record.contents, evidence: record.evidence }
    },

    versions: async stage => versionsOf(await cornerFor(stage)),

    remove: async (stage, options) => remove(await cornerFor(stage), stage, options),

    logs: async function* (stage, options) {
      yield* logLines(await cornerFor(stage), options)
    },

    status: async stage => statusOf(await cornerFor(stage), stage),
    keys: keysOn(cornerFor),

    permissions: stage => permissionsFor(stage, place, account, system),

    rehearsal: () => {
      const noted = new Rehearsal(place.region)
      return { platform: platformAt(place, { ...system, tell: () => {} }, noted), changes: noted.changes }
    },
  }
}

async function accountAt(place: Place, system: System, between?: Between): Promise<Account> {
  const cloud = openCloud(place, system, between)
  const identity = await cloud.identity()
  const bucket = place.bucket ?? bucketFor(identity.account, place.region)
  return { cloud, identity, system, store: storeIn(bucket, identity.account, cloud) }
}

/** Without credentials that work the account stands as a word to be filled in: who has none yet asks for this policy. */
async function permissionsFor(
  stage: Stage,
  place: Place,
  account: () => Promise<Account>,
  system: System,
): Promise<Policy> {
  const identity = await account().then(
    it => it.identity,
    () => {
      system.tell('There are no credentials that work: ACCOUNT stands for the number of your account.')
      return { account: 'ACCOUNT', partition: 'aws' }
    },
  )
  const bucket = place.bucket ?? bucketFor(identity.account, place.region)
  const needs = {
    prefix: slug(stage.model),
    bucket,
    roleName: managedRoleName(stage),
    keepsWarm: stage.keepWarm,
    signsFor: stage.aws.iam_authorization === true ? stage.name : undefined,
    hasFunctionUrl: stage.aws.function_url_enabled === true,
    authorizer: functionThatDecides(stage),
    rest:
      asksForRest(stage) === undefined
        ? undefined
        : { keys: true, policy: stage.aws.apigateway_policy !== undefined },
    domain: domainOf(stage, true),
  }
  return deployerPolicy(needs, { ...identity, region: place.region })
}

function functionThatDecides(stage: Stage): string | undefined {
  const authorizer = authorizerOf(stage)
  return authorizer?.by === 'function' ? authorizer.arn : undefined
}

async function versionsOf(corner: Corner): Promise<readonly Version[]> {
  const [described, pointer, { routed }] = await Promise.all([
    describedVersions(corner),
    readPointer(corner),
    readState(corner),
  ])
  return Promise.all(
    described.map(async known => {
      const record = await readRecord(corner, known.number)
      const wasRouted = routed.includes(known.number) || pointer?.weights.has(known.number) === true
      return { ...(record?.version ?? bareVersion(known, corner)), wasRouted, proof: record?.evidence?.proof }
    }),
  )
}

function inThisProcess({ name }: Stage): ThampiError {
  return new ThampiError('DEPLOY_IN_PROGRESS', {
    message: `${name} is being deployed by this very process (${process.pid}).`,
    fix: 'wait until that has ended',
  })
}

/** A function that writes down what it was sent would need the right to, and what callers send would lie in the bucket. */
function notKept({ name, record }: Stage, requestId: string): ThampiError {
  return new ThampiError('PLATFORM_UNAVAILABLE', {
    message: `Requests are not kept on AWS, so ${requestId} of ${name} cannot be asked again.`,
    why: `${record === 'off' ? '' : `"record": "${record}" counts on the local platform only. `}The function of ${name} may not write down what its callers send. Its log says why the request failed; what was sent, the caller knows.`,
    fix: `thampi logs ${name} --since=7d --request-id ${requestId}   # then: thampi predict ${name} --data=@request.json`,
  })
}

function unknownVersion({ stage, model, number }: Version): ThampiError {
  return new ThampiError('VERSION_UNKNOWN', {
    message: `${stage} has no version ${number} of ${model}.`,
    fix: `thampi versions ${stage}`,
  })
}

/** Runs once; what failed is tried again by the next caller. */
function once<Given extends readonly unknown[], T>(
  work: (...given: Given) => Promise<T>,
): (...given: Given) => Promise<T> {
  let running: Promise<T> | undefined
  return (...given) => {
    running ??= work(...given).catch(error => {
      running = undefined
      throw error
    })
    return running
  }
}
