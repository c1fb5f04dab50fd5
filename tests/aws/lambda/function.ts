/** A function as Lambda keeps it: `$LATEST`, versions, aliases, and what hangs on their names. */
import { randomUUID } from 'node:crypto'
import type { CreateFunctionRequest, FunctionUrlConfig } from '@aws-sdk/client-lambda'
import { Progress, type Reason } from '../behaviour.ts'
import { conflict, notFound } from '../errors.ts'
import type { Code } from './code.ts'

/** What an answer says, in the words of the wire. */
export type Document = Readonly<Record<string, unknown>>

export interface LayerVersion {
  readonly arn: string
  readonly code: Code
}

/** What a version is made of. */
export type Settings = Omit<
  CreateFunctionRequest,
  'FunctionName' | 'Code' | 'Publish' | 'Tags' | 'Layers'
> & {
  readonly code: Code
  readonly layers: readonly LayerVersion[]
}

export interface State {
  readonly State: 'Pending' | 'Active' | 'Inactive' | 'Failed'
  readonly StateReason?: string
  readonly StateReasonCode?: string
}

export interface Update {
  readonly LastUpdateStatus?: 'InProgress' | 'Successful' | 'Failed'
  readonly LastUpdateStatusReason?: string
  readonly LastUpdateStatusReasonCode?: string
}

export class Version {
  readonly number: string
  readonly arn: string
  settings: Settings
  revision: string = randomUUID()
  modified: string = lambdaTime()
  readonly state: Progress<State> = new Progress<State>({ State: 'Active' }, () => this.touch())
  readonly update: Progress<Update> = new Progress<Update>({}, () => this.touch())

  constructor(arn: string, number: string, settings: Settings) {
    this.arn = arn
    this.number = number
    this.settings = settings
  }

  /** Also when a state changes by itself: whoever waited has to read the revision again. */
  touch(): void {
    this.revision = randomUUID()
  }

  changed(): void {
    this.touch()
    this.modified = lambdaTime()
  }

  becomeActive(ms: number, fails?: Reason): void {
    const first: State = {
      State: 'Pending',
      StateReason: 'The function is being created.',
      StateReasonCode: 'Creating',
    }
    this.state.move(first, ms, fails ? failed(fails) : { State: 'Active' })
    this.update.move({}, ms, fails ? {} : { LastUpdateStatus: 'Successful' })
  }

  /** Its first invocation fails and brings it back. */
  putAway(): void {
    const idle: State = { State: 'Inactive', StateReason: 'The function is idle.', StateReasonCode: 'Idle' }
    this.state.move(idle, Infinity, idle)
  }

  restore(ms: number): void {
    const first: State = {
      State: 'Pending',
      StateReason: 'The function is being restored.',
      StateReasonCode: 'Restoring',
    }
    this.state.move(first, ms, { State: 'Active' })
  }

  beUpdated(ms: number, fails?: Reason): void {
    const first: Update = {
      LastUpdateStatus: 'InProgress',
      LastUpdateStatusReason: 'The function is being created.',
      LastUpdateStatusReasonCode: 'Creating',
    }
    const last: Update = fails
      ? {
          LastUpdateStatus: 'Failed',
          LastUpdateStatusReason: fails.reason,
          LastUpdateStatusReasonCode: fails.code,
        }
      : { LastUpdateStatus: 'Successful' }
    this.update.move(first, ms, last)
  }
}

function failed({ code, reason }: Reason): State {
  return { State: 'Failed', StateReason: reason, StateReasonCode: code }
}

export interface Alias {
  readonly name: string
  readonly arn: string
  version: string
  description: string
  routing: ReadonlyMap<string, number>
  revision: string
}

export interface Provisioned {
  readonly count: number
  readonly status: Progress<'IN_PROGRESS' | 'READY' | 'FAILED'>
  readonly modified: string
}

/** A document of a policy; only what a call can put into it. */
export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Principal: unknown
  readonly Action: string
  readonly Resource: string
  readonly Condition?: unknown
}

export class Fn {
  readonly name: string
  readonly arn: string
  readonly latest: Version
  readonly versions: Map<string, Version> = new Map()
  readonly aliases: Map<string, Alias> = new Map()
  /** By qualifier; the empty one is the function itself. */
  readonly policies: Map<string, Statement[]> = new Map()
  readonly urls: Map<string, FunctionUrlConfig> = new Map()
  readonly provisioned: Map<string, Provisioned> = new Map()
  readonly tags: Map<string, string>
  reserved: number | undefined
  /** Numbers are never given twice. */
  #published = 0

  constructor(arn: string, name: string, settings: Settings, tags: Readonly<Record<string, string>>) {
    this.name = name
    this.arn = arn
    this.latest = new Version(arn, '$LATEST', settings)
    this.tags = new Map(Object.entries(tags))
  }

  /** Keeps `$LATEST` as a version with the next number. */
  publish(description: string | undefined): Version {
    this.#published += 1
    const number = String(this.#published)
    const { settings } = this.latest
    const version = new Version(
      `${this.arn}:${number}`,
      number,
      description === undefined ? settings : { ...settings, Description: description },
    )
    this.versions.set(number, version)
    return version
  }

  /** The newest version, when `$LATEST` is still the same. */
  get unchanged(): Version | undefined {
    const newest = this.versions.get(String(this.#published))
    return newest && fingerprint(newest.settings) === fingerprint(this.latest.settings) ? newest : undefined
  }

  putAway(): void {
    for (const version of [this.latest, ...this.versions.values()]) version.putAway()
  }

  /** What a qualifier stands for; an alias stands for its first version. */
  at(qualifier: string | undefined): { readonly version: Version; readonly arn: string } {
    if (qualifier === undefined) return { version: this.latest, arn: this.arn }
    const arn = `${this.arn}:${qualifier}`
    const name = this.aliases.get(qualifier)?.version ?? qualifier
    const version = name === '$LATEST' ? this.latest : this.versions.get(name)
    if (!version) throw notFound(`Function not found: ${arn}`)
    return { version, arn }
  }

  alias(name: string): Alias {
    const alias = this.aliases.get(name)
    if (!alias) throw notFound(`Cannot find alias arn: ${this.arn}:${name}`)
    return alias
  }

  /** Two writes in a row: the second has to wait. */
  mustRest(): void {
    const { State } = this.latest.state.now
    const sentence = 'The operation cannot be performed at this time.'
    if (State === 'Pending')
      throw conflict(`${sentence} The function is currently in the following state: ${State}`)
    if (this.latest.update.now.LastUpdateStatus === 'InProgress')
      throw conflict(`${sentence} An update is in progress for resource: ${this.arn}`)
  }
}

/** What makes a new version. A description of its own does not. */
function fingerprint({ code, layers, Description: _, ...rest }: Settings): string {
  return JSON.stringify([code.sha256, layers.map(({ arn }) => arn), Object.entries(rest).sort()])
}

export function configurationOf(fn: Fn, version: Version, arn: string): Document {
  const { code, layers, SnapStart, EphemeralStorage, LoggingConfig, TracingConfig, ...rest } =
    version.settings
  const { PackageType = 'Zip', Architectures = ['x86_64'], Environment, ...plain } = rest
  const applyOn = SnapStart?.ApplyOn ?? 'None'
  const isOn = applyOn === 'PublishedVersions' && version.number !== '$LATEST'
  return {
    Description: '',
    Timeout: 3,
    MemorySize: 128,
    ...plain,
    FunctionName: fn.name,
    FunctionArn: arn,
    CodeSize: code.bytes,
    CodeSha256: code.sha256,
    LastModified: version.modified,
    Version: version.number,
    RevisionId: version.revision,
    PackageType,
    Architectures,
    ...(Environment && { Environment }),
    ...(layers.length > 0 && { Layers: layers.map(({ arn, code }) => ({ Arn: arn, CodeSize: code.bytes })) }),
    TracingConfig: { Mode: TracingConfig?.Mode ?? 'PassThrough' },
    EphemeralStorage: { Size: EphemeralStorage?.Size ?? 512 },
    SnapStart: { ApplyOn: applyOn, OptimizationStatus: isOn ? 'On' : 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: `/aws/lambda/${fn.name}`, ...LoggingConfig },
  }
}

/** With the states, which lists leave out. */
export function wholeConfigurationOf(fn: Fn, version: Version, arn: string): Document {
  const [state, update] = [version.state.now, version.update.now]
  return { ...configurationOf(fn, version, arn), ...state, ...update }
}

export function aliasOf(alias: Alias): Document {
  return {
    AliasArn: alias.arn,
    Name: alias.name,
    FunctionVersion: alias.version,
    Description: alias.description,
    ...(alias.routing.size > 0 && {
      RoutingConfig: { AdditionalVersionWeights: Object.fromEntries(alias.routing) },
    }),
    RevisionId: alias.revision,
  }
}

/** `2026-11-23T06:54:00.123+0000`, the only service that writes it so. */
export function lambdaTime(): string {
  return new Date().toISOString().replace('Z', '+0000')
}
