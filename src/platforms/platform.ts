/** A platform keeps versions and answers requests. `local` and `aws` are two of them; both pass one behaviour suite. */
import type { Bundle, Language, Target } from '../bundle/bundle.ts'
import type { Likeness } from '../bundle/likeness.ts'
import type { State } from '../gateway/health.ts'
import type { Evidence, Proof } from '../model/proof.ts'
import type { Properties, SavedModel } from '../model/saved-model.ts'
import type { Schema } from '../model/schema.ts'
import type { Stage } from '../settings/stage.ts'
import type { Digest } from '../system/files.ts'

/** One release of a bundle on a stage; has its own address; never changes. */
export interface Version {
  readonly stage: string
  readonly model: string
  readonly number: number
  readonly bundle: string
  /** Naive UTC time, part of every answer this version gives. */
  readonly servedTimeUtc: string
  readonly instanceId: string
  /** Who released it, `user@machine`. */
  readonly by?: string | undefined
  /** Commit of the project it was released from, when the project is a git checkout. */
  readonly commit?: string | undefined
  /** Whether it ever had traffic: what never was proven is nothing to go back to. */
  readonly wasRouted?: boolean
  /** What it showed when its examples were replayed; undefined before that. */
  readonly proof?: Proof | undefined
  /** Whether its model could not be loaded the last time that was tried. */
  readonly hasFailed?: boolean
  /** What its answers say about it. */
  readonly properties?: Properties
  /** How it is related to what Lambda gets; undefined where the settings do not mean Lambda, and on Lambda. */
  readonly likeness?: Likeness | undefined
}

/** Version number → share of the traffic in percent; the shares add up to 100. */
export type Weights = ReadonlyMap<number, number>

/**
 * What callers of an address bring besides their data: a signature of AWS (Signature Version 4), made for `service` in
 * `region`; a token in a header, after the word `Bearer` or alone; or nothing.
 */
export type Callers =
  | { readonly bring: 'nothing' }
  | { readonly bring: 'signature'; readonly service: string; readonly region: string }
  | { readonly bring: 'token'; readonly header: string; readonly isBearer: boolean }

/** Where a stage is called. */
export interface Address {
  readonly url: string
  readonly callers: Callers
}

/** A request as it will be sent. */
export interface Outgoing {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a stage is now. */
export interface Deployment {
  readonly stage: string
  readonly model: string
  readonly url: string
  /** Of that URL; undefined: nothing, or an API key where the settings want one. */
  readonly callers?: Callers | undefined
  /** Others that lead to the same versions. */
  readonly otherAddresses?: readonly Address[] | undefined
  readonly weights: Weights
  readonly servedTimeUtc: string
}

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

export interface LogOptions {
  /** Nothing older than this, in milliseconds since the epoch. */
  readonly sinceMs: number
  readonly follow: boolean
  readonly signal?: AbortSignal
}

export interface LogLine {
  readonly timeMs: number
  readonly level: string
  readonly message: string
  readonly version?: number | undefined
  readonly requestId?: string | undefined
  /** Of the caller's `traceparent`, when it sent one. */
  readonly traceId?: string | undefined
  /** `model` for what the model printed, `host` for what the platform says about it, `http` for an access line. */
  readonly source: 'model' | 'host' | 'http'
}

export interface RemoveOptions {
  readonly removeLogs: boolean
}

export interface Removal {
  /** False when nothing was served. */
  readonly removed: boolean
  /** Things that stay behind, in words a person can act on. */
  readonly left: readonly string[]
}

export interface ReleaseOptions {
  /** Fixed by people who re-create a release; undefined: now. */
  readonly servedTimeUtc?: string | undefined
  readonly by?: string | undefined
  readonly commit?: string | undefined
}

/** Names an API key; the key itself is shown once, when it is made. */
export interface ApiKey {
  readonly name: string
  readonly createdTimeUtc: string
}

/** The keys that callers of a stage need when `api_key_required` is set. */
export interface ApiKeys {
  /** Gives the key, which nobody can show again. Throws `KEY_EXISTS`. */
  create(stage: Stage, name: string): Promise<string>
  list(stage: Stage): Promise<readonly ApiKey[]>
  /** False when there is no such key; otherwise it opens nothing any more. */
  revoke(stage: Stage, name: string): Promise<boolean>
  /** A key for the owner's own commands, which is kept nowhere; undefined when the platform gives none. */
  own(stage: Stage): Promise<string | undefined>
}

export interface SandboxStatus {
  readonly pid: number
  readonly state: 'STARTING' | 'READY' | 'BUSY'
  /** Resident memory; undefined where the system does not tell. */
  readonly memoryMb: number | undefined
}

/** A version as it runs now. Figures are about the last ten minutes. */
export interface VersionStatus {
  readonly number: number
  /** Percent of the traffic. */
  readonly weight: number
  readonly state: State
  readonly requests: number
  /** Answers with a status of 500 or more. */
  readonly errors: number
  /** Undefined when there were no requests. */
  readonly p50Ms?: number | undefined
  readonly p99Ms?: number | undefined
  /** Requests in each ten seconds, the oldest first. */
  readonly requestsBySlot: readonly number[]
  readonly inFlight: number
  readonly queued: number
  /** Processes that ended unasked since the platform was started. */
  readonly restarts: number
  /** Why the model could not be loaded the last time it was tried, when it could not. */
  readonly lastError?: string | undefined
  readonly sandboxes: readonly SandboxStatus[]
}

/** How a stage does: as processes that the platform itself runs, or as a function that somebody else runs. */
export type StageStatus = ProcessStatus | FunctionStatus

export interface FunctionStatus {
  readonly kind: 'function'
  readonly stage: string
  readonly model: string
  readonly region: string
  /** Undefined until it is served to its end. */
  readonly url: string | undefined
  /** Its address under a name of the user's own. */
  readonly domain?: string | undefined
  /** Those that are kept, oldest first; the weight is the percent of the traffic. */
  readonly versions: readonly { readonly number: number; readonly weight: number }[]
  /** As the newest version with traffic has it. */
  readonly function: {
    readonly name: string
    readonly arn: string
    readonly role: string
    readonly codeBytes: number
    readonly version: string
    readonly lastModified: string
    readonly memoryMb: number
    readonly timeoutSeconds: number
    readonly handler: string
    readonly runtime: string
    readonly vpc: string | undefined
    readonly state: string
  }
  /** Of the last 24 hours; undefined to whom may not see it. */
  readonly traffic: { readonly invocations: number; readonly errors: number } | undefined
  /** The permission that this takes. */
  readonly missing: string | undefined
  /** That call it by themselves, to keep it warm. */
  readonly schedules: number
}

export interface ProcessStatus {
  readonly kind: 'processes'
  readonly stage: string
  readonly model: string
  readonly url: string
  readonly state: State
  /** Those that have traffic or run all the same. */
  readonly versions: readonly VersionStatus[]
}

/** What a version is made of, as far as a comparison with another one needs it. */
export interface VersionContents {
  readonly properties: Properties
  readonly language: Language
  /** Sorted `name==version` lines; undefined in versions that were released before they were kept. */
  readonly packages: readonly string[] | undefined
  /** Files of the project → digest. */
  readonly code: Readonly<Record<string, Digest>>
  readonly schema?: Schema | undefined
  readonly evidence: Evidence | undefined
  /** Where it lies and what runs it, on platforms of this machine. */
  readonly here?:
    | {
        readonly modelDir: string
        readonly codeDir: string
        readonly program: string
        readonly packagesDir?: string
      }
    | undefined
}

/** A request that was kept because the settings of its stage say `record`. */
export interface RecordedRequest {
  readonly requestId: string
  readonly version: number
  readonly status: number
  readonly timeUtc: string
  /** The JSON document that was sent. */
  readonly body: string
  /** Whether something in it was hidden, as the settings said. */
  readonly hidden: boolean
}

/** What a change changes in a thing that is there already. */
export interface Difference {
  readonly field: string
  readonly from: string
  readonly to: string
}

/** One change that a platform would make. */
export interface Change {
  /** As the platform calls it: `lambda:UpdateAlias`. */
  readonly action: string
  /** What it is made to: `mymodel-staging:live`. */
  readonly resource: string
  /** Sent with it, or copied. */
  readonly bytes: number
  readonly differences: readonly Difference[]
}

/** A platform that makes no change and notes each, in order, so that whoever works with it can see what would happen. */
export interface Rehearsal {
  readonly platform: Platform
  readonly changes: readonly Change[]
}

export interface Platform {
  readonly name: string
  /** What a bundle for this stage must be made for. */
  target(model: SavedModel, stage: Stage): Target
  /**
   * Runs `work` while nobody else deploys this stage; the second deployer gets `DEPLOY_IN_PROGRESS` and the holder's name.
   * With the purpose `route` only traffic is moved, which is atomic by itself: a platform may then take no turn of its
   * own, but never lets it happen beside somebody else's.
   */
  exclusively<T>(stage: Stage, work: () => Promise<T>, purpose?: 'release' | 'route'): Promise<T>
  /** Immutable; takes no traffic; the model has been loaded once when this returns. Same bundle and settings: the same version again. */
  release(bundle: Bundle, stage: Stage, options?: ReleaseOptions): Promise<Version>
  /** Reaches one version, whatever the stage points at. `body` is the JSON document of a predict request. */
  send(version: Version, body: Uint8Array): Promise<Answer>
  /** Atomic; rollback and canary are this. */
  route(stage: Stage, weights: Weights): Promise<Deployment>
  find(stage: Stage): Promise<Deployment | undefined>
  /** Takes a version back that is not to get traffic, because its proof failed. One that has traffic stays. */
  discard(version: Version): Promise<void>
  /** Keeps with a version what it showed, and the examples it showed it with; again: instead of what was kept. */
  keepEvidence(version: Version, evidence: Evidence): Promise<void>
  /** Undefined when the request was not kept, or no longer is. */
  recorded(stage: Stage, requestId: string): Promise<RecordedRequest | undefined>
  /** What a version is made of. Throws `VERSION_UNKNOWN`. */
  contents(version: Version): Promise<VersionContents>
  /** The versions that can still be routed, oldest first. */
  versions(stage: Stage): Promise<readonly Version[]>
  /** Ends the stage: pointer, versions, processes. What stays is named. */
  remove(stage: Stage, options: RemoveOptions): Promise<Removal>
  logs(stage: Stage, options: LogOptions): AsyncIterable<LogLine>
  /** The address of a page where the stage's owner can try it and move its traffic; undefined when it is not served. */
  page?(stage: Stage): Promise<string | undefined>
  /** How a stage does; undefined when it is not served. A platform that cannot tell has no such member. */
  status?(stage: Stage): Promise<StageStatus | undefined>
  /** Its twin that changes nothing. */
  rehearsal(): Rehearsal
  /** What somebody has to be allowed who deploys this project, as its platform writes it. */
  permissions?(stage: Stage): Promise<unknown>
  /** Gives the headers of a request signed with the credentials that the stage is served with; undefined: nothing is signed here. */
  sign?(stage: Stage, request: Outgoing, service: string): Promise<Readonly<Record<string, string>>>
  /** Undefined when callers prove themselves in another way. */
  readonly keys?: ApiKeys | undefined
}
