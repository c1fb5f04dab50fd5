/**
 * What is known about the versions of a stage. Lambda's own list is the truth: each version's description names what it
 * is. Beside it the bucket has what Lambda has no place for; where that is lost, versions still answer and can be routed.
 */
import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import type { Evidence } from '../../../model/proof.ts'
import type { Digest } from '../../../system/files.ts'
import type { Version, VersionContents } from '../../platform.ts'
import type { Corner } from '../account.ts'
import { AwsError, ifThere, isAws } from '../client/trouble.ts'

/** `thampi/STAGE/MODEL/versions/7.json` */
export interface VersionRecord {
  readonly schemaVersion: 1
  readonly version: Version
  readonly contents: Omit<VersionContents, 'evidence' | 'here'>
  /** Layers by name and objects by key that it was made of. */
  readonly uses: readonly string[]
  /** Objects that it reads when it starts, as its role's policy names them. */
  readonly reads?: readonly string[]
  /** Its `model.pkl`, which also lies in the bucket as a blob. */
  readonly pickle?: Digest | undefined
  readonly evidence?: Evidence
}

/** `thampi/STAGE/MODEL/state.json` */
export interface StageState {
  readonly schemaVersion: 1
  /** Layers and keys of blobs that versions of this stage may need: noted before they are made, so that nobody else's clearing takes them away. */
  readonly uses: readonly string[]
  /** What the versions of this stage read: the role allows all of it, or a version that is gone back to could not start. */
  readonly reads?: readonly string[]
  /** Versions of this stage may have provisioned concurrency: noted before the first one gets it. */
  readonly provisions?: boolean
  /** Key of the release whose deployment was carried to its end, so that nothing is left to be done for it. */
  readonly finished?: Digest | undefined
  /** The domain that was made for it, or is being made. */
  readonly domain?: string | undefined
  /** Versions that ever had traffic, sorted. */
  readonly routed: readonly number[]
  /** Whether there may be a REST API: noted before it is made, so that it goes when the settings ask for none. */
  readonly hasRest?: boolean
}

const empty: StageState = { schemaVersion: 1, uses: [], routed: [] }

export async function readState({ store, names }: Corner): Promise<StageState> {
  const found = await store.get<StageState>(names.stateKey)
  // A newer thampi may have written it in a way that this one would destroy.
  return found?.value.schemaVersion === 1 ? found.value : empty
}

/** Changes the state, however many others do the same at that moment. Nothing is written when `change` changes nothing. */
export async function changeState(
  corner: Corner,
  change: (state: StageState) => StageState,
): Promise<StageState> {
  const { store, names } = corner
  for (let tries = 1; ; tries++) {
    const found = await store.get<StageState>(names.stateKey)
    const before = found?.value.schemaVersion === 1 ? found.value : empty
    const after = change(before)
    if (JSON.stringify(after) === JSON.stringify(before)) return before
    try {
      await store.put(
        names.stateKey,
        after,
        found === undefined ? { ifNoneMatch: true } : { ifMatch: found.etag },
      )
      return after
    } catch (error) {
      // Lost or overtaken: the next look shows which, and an equal state is not written again.
      if (tries >= 5 || !(isAws(error, 'PreconditionFailed') || (error instanceof AwsError && error.isLost)))
        throw error
    }
  }
}

export async function readRecord(
  { store, names }: Corner,
  number: number,
): Promise<VersionRecord | undefined> {
  return (await store.get<VersionRecord>(names.versionKey(number)))?.value
}

export async function writeRecord({ store, names }: Corner, record: VersionRecord): Promise<void> {
  await store.put(names.versionKey(record.version.number), record)
}

/** What a version's description says; Lambda takes 256 characters. */
export interface Described {
  readonly number: number
  /** Of the deployment: equal keys are the same bundle with the same settings. */
  readonly key: Digest
  readonly bundle: Digest
  readonly servedTimeUtc: string
}

export function description({ key, bundle, servedTimeUtc }: Omit<Described, 'number'>): string {
  return `thampi key=${hex(key)} bundle=${hex(bundle)} served=${servedTimeUtc}`
}

/** Undefined for `$LATEST` and for versions that others made. */
export function describedBy({ Version: number, Description }: FunctionConfiguration): Described | undefined {
  const found = /^thampi key=([0-9a-f]{64}) bundle=([0-9a-f]{64}) served=(\S+)$/.exec(Description ?? '')
  if (!found || !/^\d+$/.test(number ?? '')) return undefined
  const [, key, bundle, servedTimeUtc = ''] = found
  return { number: Number(number), key: `sha256:${key}`, bundle: `sha256:${bundle}`, servedTimeUtc }
}

function hex(digest: Digest): string {
  return digest.slice('sha256:'.length)
}

/** Every version of ours that Lambda has, oldest first. */
export async function describedVersions({ cloud, names }: Corner): Promise<readonly Described[]> {
  const lambda = await cloud.lambda()
  const found: Described[] = []
  let marker: string | undefined
  do {
    const page = await ifThere(
      lambda.listVersionsByFunction({ FunctionName: names.function, ...(marker ? { Marker: marker } : {}) }),
    )
    found.push(...(page?.Versions ?? []).flatMap(version => describedBy(version) ?? []))
    marker = page?.NextMarker
  } while (marker)
  return found.sort((a, b) => a.number - b.number)
}

/** A version as far as its description tells: when the bucket has nothing about it. */
export function bareVersion(
  { number, bundle, servedTimeUtc }: Described,
  { key: { stage, model } }: Corner,
): Version {
  return { stage, model, number, bundle, servedTimeUtc, instanceId: '' }
}
