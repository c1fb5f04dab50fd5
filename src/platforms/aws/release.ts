/** A bundle becomes a version without traffic. Each step looks before it changes anything, so it can be cut off anywhere. */
import { readFile } from 'node:fs/promises'
import type { Bundle, FileEntry } from '../../bundle/bundle.ts'
import { maxDirectUploadBytes } from '../../bundle/lambda/limits.ts'
import { lambdaPackage } from '../../bundle/lambda/pack.ts'
import type { LambdaPackage } from '../../bundle/lambda/package.ts'
import { parseSchema, SCHEMA_FILE } from '../../model/schema.ts'
import type { Stage } from '../../settings/stage.ts'
import { type Digest, digestOf } from '../../system/files.ts'
import type { System } from '../../system/system.ts'
import { naiveUtc } from '../../system/time.ts'
import type { ReleaseOptions, Version } from '../platform.ts'
import type { Corner } from './account.ts'
import { checkDomain } from './addresses/ensure-domain.ts'
import { loadVersion } from './ask.ts'
import {
  changeState,
  type Described,
  describedBy,
  describedVersions,
  description,
  readRecord,
  readState,
  type StageState,
  type VersionRecord,
  writeRecord,
} from './bucket/records.ts'
import { blobKey } from './bucket/store.ts'
import { AwsError, ifThere } from './client/trouble.ts'
import { type Pointer, readPointer } from './function/alias.ts'
import { configurationOf } from './function/configuration.ts'
import { pickleOf } from './function/current-copy.ts'
import { ensureFunction, publish } from './function/ensure-function.ts'
import { type Blob, ensureLayer, ensureModel } from './function/ensure-layer.ts'
import { ensureLogs } from './function/ensure-logs.ts'
import { findFunction } from './function/find-function.ts'
import { openApiOf } from './function/openapi.ts'
import type { Turn } from './lease.ts'
import { blobPrefix } from './names.ts'
import { ensureRole, foreignRole, groundOf, roleOf } from './permissions/ensure-role.ts'
import { functionPolicy, objectAlone } from './permissions/policy.ts'
import { type AwsSettings, awsSettings, notHonoured } from './settings/aws-settings.ts'
import type { PolicyDocument } from './settings/policy-file.ts'
import { withPolicy } from './settings/rest.ts'
import { roleFiles } from './settings/role-files.ts'
import { allOf } from './steps/all-of.ts'
import { timed } from './steps/progress.ts'

/** A version, and what is left to do when it gets its traffic. */
export interface Released {
  readonly version: Version
  readonly key: Digest
  readonly keepWarm: string | undefined
  readonly settings: AwsSettings
  /** It has all the traffic already, but its deployment was cut off before its end. */
  readonly isUnfinished: boolean
}

/** @throws ThampiError PACKAGE_TOO_BIG, SETTINGS_INVALID, NAME_TAKEN, MODEL_RAISED, MODEL_LOAD_FAILED and those of AWS */
export async function release(
  corner: Corner,
  bundle: Bundle,
  stage: Stage,
  options: ReleaseOptions,
  turn: Turn | undefined,
): Promise<Released> {
  const { system, store } = corner
  const settings = await settingsWithFiles(stage, system)
  checkDomain(settings.access.domain, corner)
  const servedTimeUtc = options.servedTimeUtc ?? naiveUtc(system.now())
  const schema = await schemaOf(bundle)
  const openapi = await openApiOf(bundle, stage, { servedTimeUtc, schema })
  const [found, pointer, state, made] = await Promise.all([
    findFunction(corner),
    readPointer(corner),
    readState(corner),
    lambdaPackage(
      bundle,
      stage,
      { servedTimeUtc, openapi, blobs: { bucket: store.bucket, prefix: blobPrefix } },
      system,
    ),
  ])
  if (turn !== undefined) turn.pointer ??= { seen: pointer }
  const key = keyOf(made, settings, options.servedTimeUtc)
  const plan = { key, keepWarm: made.keepWarm, settings }
  const versions = found === undefined ? [] : await describedVersions(corner)
  const live = versions.find(({ number }) => number === [...(pointer?.weights.keys() ?? [])][0])
  if (live?.key === key) {
    const version = (await readRecord(corner, live.number))?.version
    if (version !== undefined) return { ...plan, version, isUnfinished: state.finished !== key }
  }
  await turn?.take()
  tellNotices(made, stage, corner)
  const record = recordOf(made, bundle, stage, { ...options, servedTimeUtc }, schema)
  const left = leftOver(versions, key, pointer, state)
  // What an earlier run published and did not finish: the same bytes, so the same version.
  if (left !== undefined) return { ...plan, version: await loaded(corner, record, left), isUnfinished: false }
  const words = description({ key, bundle: bundle.digest, servedTimeUtc })
  const published = await publishVersion(corner, made, record, settings, {
    words,
    isFirst: found === undefined,
    pickle: pickleOf(bundle),
  })
  return { ...plan, version: await loaded(corner, record, published), isUnfinished: false }
}

/** What the settings say, and what the files say that they name. */
export interface ReleaseSettings extends AwsSettings {
  readonly trust: PolicyDocument | undefined
}

async function settingsWithFiles(stage: Stage, system: System): Promise<ReleaseSettings> {
  const settings = await withPolicy(awsSettings(stage), stage, system)
  if (settings.foreignRole !== undefined) return { ...settings, trust: undefined }
  const { statements, trust } = await roleFiles(stage, system)
  return { ...settings, extraPermissions: [...statements, ...settings.extraPermissions], trust }
}

/** Everything that a serve would change is in it, so that equal keys mean that there is nothing to do. */
function keyOf(
  { key, keepWarm }: LambdaPackage,
  settings: AwsSettings,
  chosenTime: string | undefined,
): Digest {
  return digestOf(JSON.stringify(['deployment 1', key, keepWarm ?? null, settings, chosenTime ?? null]))
}

/** Published, never routed, newer than all that has traffic. */
function leftOver(
  versions: readonly Described[],
  key: Digest,
  pointer: Pointer | undefined,
  { routed }: StageState,
): Described | undefined {
  const newest = Math.max(0, ...(pointer?.weights.keys() ?? []))
  return versions.findLast(it => it.key === key && it.number > newest && !routed.includes(it.number))
}

function tellNotices({ notices, layerArns }: LambdaPackage, stage: Stage, { system }: Corner): void {
  for (const notice of notices) system.tell(notice)
  const unused = notHonoured(stage)
  if (unused.length > 0) system.tell(`Without effect on the platform aws so far: ${unused.join(', ')}`)
  if (layerArns.length > 0) system.tell(`Layers of yours: ${layerArns.length}`)
}

interface Publication {
  readonly words: string
  /** Of the stage. */
  readonly isFirst: boolean
  readonly pickle: Blob | undefined
}

async function publishVersion(
  corner: Corner,
  made: LambdaPackage,
  { uses, reads = [] }: VersionDraft,
  settings: ReleaseSettings,
  { words, isFirst, pickle }: Publication,
): Promise<Described> {
  const noted = await changeState(corner, state => ({
    ...state,
    uses: merged(state.uses, uses),
    ...(reads.length > 0 || state.reads ? { reads: merged(state.reads ?? [], reads) } : {}),
  }))
  const [role, layers] = await allOf([
    roleFor(corner, noted, settings),
    layersFor(corner, made),
    ensureLogs(corner, settings.tags, isFirst),
    ensureModel(corner, blobsOf(made, pickle)),
  ])
  const { model, stage } = corner.key
  const title = settings.description ?? `${model}, stage ${stage}, served by thampi`
  const configuration = configurationOf({ lambdaPackage: made, role, layers, settings, title })
  const latest = await ensureFunction(corner, { configuration, lambdaPackage: made, tags: settings.tags })
  const published = await timed('Version published', corner.system, () => publish(corner, latest, words))
  return describedBy(published) as Described
}

function blobsOf({ model }: LambdaPackage, pickle: Blob | undefined): readonly Blob[] {
  const blobs = model.in === 's3' ? model.blobs : []
  return pickle === undefined || blobs.some(({ digest }) => digest === pickle.digest)
    ? blobs
    : [...blobs, pickle]
}

function merged(known: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...known, ...more])].sort()
}

function roleFor(corner: Corner, { reads = [] }: StageState, settings: ReleaseSettings): Promise<string> {
  if (settings.foreignRole !== undefined) return foreignRole(corner, settings.foreignRole)
  return ensureRole(corner, {
    ...roleOf(corner, settings),
    trust: settings.trust,
    service: 'lambda',
    tags: settings.tags,
    policy: functionPolicy({ logGroup: corner.names.logGroup, reads, settings }, groundOf(corner)),
  })
}

async function layersFor(
  corner: Corner,
  { layers, layerArns, runtime, architecture }: LambdaPackage,
): Promise<string[]> {
  const arns: string[] = []
  for (const layer of layers) arns.push(await ensureLayer(corner, layer, { runtime, architecture }))
  return [...arns, ...layerArns]
}

/** A record without what only Lambda gives: the number. */
type VersionDraft = Omit<VersionRecord, 'version' | 'schemaVersion'> & {
  readonly version: Omit<Version, 'number'>
}

function recordOf(
  made: LambdaPackage,
  bundle: Bundle,
  stage: Stage,
  { by, commit, servedTimeUtc }: ReleaseOptions & { readonly servedTimeUtc: string },
  schema: VersionRecord['contents']['schema'],
): VersionDraft {
  const { properties, language, environment } = bundle
  const pickle = pickleOf(bundle)
  return {
    version: {
      stage: stage.name,
      model: stage.model,
      bundle: bundle.digest,
      servedTimeUtc,
      instanceId: properties.instance_id,
      properties,
      by,
      commit,
    },
    contents: {
      properties,
      language,
      packages: environment.lock,
      code: Object.fromEntries(filesOf(bundle, 'code').map(({ path, digest }) => [path, digest])),
      schema,
    },
    uses: [...usesOf(made), ...(pickle === undefined ? [] : [blobKey(pickle.digest)])],
    pickle: pickle?.digest,
    reads: readsOf(made, stage),
  }
}

function usesOf({ layers, model, functionZip }: LambdaPackage): string[] {
  return [
    ...layers.flatMap(({ name, archive }) => [name, blobKey(archive.digest)]),
    ...(model.in === 's3' ? model.blobs.map(({ key }) => key) : []),
    ...(functionZip.bytes > maxDirectUploadBytes ? [blobKey(functionZip.digest)] : []),
  ]
}

/** Models by their prefix: which of them is the matter of the version. */
function readsOf({ model }: LambdaPackage, { remoteEnvironment }: Stage): string[] {
  return [
    ...(model.in === 's3' ? [`${model.bucket}/${blobPrefix}*`] : []),
    ...(remoteEnvironment === undefined ? [] : [objectAlone(remoteEnvironment)]),
  ]
}

async function schemaOf(bundle: Bundle): Promise<VersionRecord['contents']['schema']> {
  const file = filesOf(bundle, 'model').find(({ path }) => path === SCHEMA_FILE)
  return file && parseSchema(await readFile(file.source, 'utf8'), file.source)
}

function filesOf({ layers }: Bundle, kind: 'code' | 'model'): readonly FileEntry[] {
  return layers.find(layer => layer.kind === kind)?.files ?? []
}

/** Asks the version once; one whose model cannot be loaded is taken back at once. */
async function loaded(
  corner: Corner,
  draft: VersionDraft,
  { number, servedTimeUtc }: Described,
): Promise<Version> {
  const { cloud, names, system } = corner
  try {
    await timed(`Version ${number} has loaded the model`, system, () => loadVersion(corner, number))
  } catch (error) {
    // Where AWS did not answer, the model is not to blame: the next run asks the same version again.
    if (error instanceof AwsError) throw error
    const lambda = await cloud.lambda()
    await ifThere(lambda.deleteFunction({ FunctionName: names.function, Qualifier: String(number) }))
    throw error
  }
  const version = { ...draft.version, number, servedTimeUtc }
  await writeRecord(corner, { schemaVersion: 1, ...draft, version })
  return version
}
