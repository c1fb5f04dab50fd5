/** The local platform: a small, honest cloud on one machine. Commands speak to its host through the private door. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { userInfo } from 'node:os'
import type { Bundle, Target } from '../../bundle/bundle.ts'
import type { Evidence } from '../../model/proof.ts'
import type { SavedModel } from '../../model/saved-model.ts'
import type { Stage } from '../../settings/stage.ts'
import type { System } from '../../system/system.ts'
import type {
  Answer,
  ApiKey,
  ApiKeys,
  Deployment,
  LogLine,
  LogOptions,
  Platform,
  ReleaseOptions,
  Removal,
  RemoveOptions,
  StageStatus,
  Version,
  VersionContents,
  Weights,
} from '../platform.ts'
import type { DeploymentDocument } from './commands.ts'
import { hold, knock } from './door.ts'
import { type Layout, layout } from './layout.ts'
import { readLog } from './log-file.ts'
import { readRecorded } from './recorder.ts'
import { stagesOnDisk } from './records.ts'
import { rehearse } from './rehearsal.ts'
import { keyOf, releaseInput, storedArchive, storedLayers } from './release-input.ts'
import { ensureHost, runningHost } from './start-host.ts'
import { putArchive, putLayer } from './store.ts'

/** @example const platform = openLocal(realSystem()) */
export function openLocal(system: System): Platform {
  const at = layout(system.places.state)
  const platform: Platform = {
    name: 'local',
    target: (model, stage) => targetOf(model, stage, system),
    exclusively: (stage, work) => exclusively(at, stage, system, work),
    release: (bundle, stage, options) => release(at, bundle, stage, options ?? {}, system),
    send: (version, body) => send(at, version, body, system),
    route: (stage, weights) => route(at, stage, weights, system),
    find: stage => find(at, stage, system),
    discard: version => discard(at, version),
    keepEvidence: (version, evidence) => keepEvidence(at, version, evidence, system),
    recorded: (stage, requestId) => readRecorded(at, keyOf(stage), requestId),
    contents: version => contents(at, version, system),
    versions: stage => versions(at, stage, system),
    remove: (stage, options) => remove(at, stage, options, system),
    logs: (stage, options) => logs(at, stage, options),
    page: stage => page(at, stage, system),
    status: stage => status(at, stage, system),
    keys: keysOn(at, system),
    rehearsal: () => rehearse(platform, at, system),
  }
  return platform
}

/** This machine, and the Python that saved the model unless the stage names another. */
function targetOf(model: SavedModel, stage: Stage, { os, arch }: System): Target {
  const python = stage.python ?? model.made.python?.split('.').slice(0, 2).join('.')
  return { os, arch, ...(python === undefined ? {} : { python }) }
}

async function exclusively<T>(at: Layout, stage: Stage, system: System, work: () => Promise<T>): Promise<T> {
  await ensureHost(at, system)
  const holder = `${userInfo().username}, process ${process.pid}`
  const letGo = await hold(at.door, 'POST /turn', { ...keyOf(stage), holder })
  try {
    return await work()
  } finally {
    letGo()
  }
}

async function release(
  at: Layout,
  bundle: Bundle,
  stage: Stage,
  options: ReleaseOptions,
  system: System,
): Promise<Version> {
  const input = releaseInput(bundle, stage, options, system)
  if (stage.remoteEnvironment !== undefined) {
    system.tell(
      `"remote_env" is read on AWS only: to have its variables here, name them in "environment_variables" of ${stage.name}`,
    )
  }
  await ensureHost(at, system)
  for (const layer of storedLayers(bundle)) await putLayer(at, layer)
  const packages = storedArchive(bundle)
  if (packages) await putArchive(at, packages.digest, packages.archive, system)
  return knock<Version>(at.door, 'POST /versions', input)
}

async function send(at: Layout, version: Version, body: Uint8Array, system: System): Promise<Answer> {
  await ensureHost(at, system)
  const { stage, model, number } = version
  const input = { stage, model, number, body: Buffer.from(body).toString('base64') }
  const answer = await knock<{ status: number; body: string }>(at.door, 'POST /send', input)
  return { status: answer.status, body: Buffer.from(answer.body, 'base64') }
}

async function route(at: Layout, stage: Stage, weights: Weights, system: System): Promise<Deployment> {
  await ensureHost(at, system)
  const input = { ...keyOf(stage), weights: [...weights], retained: stage.retainedVersions }
  return revive(await knock<DeploymentDocument>(at.door, 'PUT /route', input))
}

async function find(at: Layout, stage: Stage, system: System): Promise<Deployment | undefined> {
  if (!(await isWanted(at, stage, system))) return undefined
  const document = await knock<DeploymentDocument | null>(at.door, 'POST /find', keyOf(stage))
  return document ? revive(document) : undefined
}

async function page(at: Layout, stage: Stage, system: System): Promise<string | undefined> {
  if (!(await isWanted(at, stage, system))) return undefined
  return (await knock<string | null>(at.door, 'POST /page', keyOf(stage))) ?? undefined
}

async function discard(at: Layout, { stage, model, number }: Version): Promise<void> {
  await knock(at.door, 'POST /discard', { stage, model, number })
}

async function keepEvidence(
  at: Layout,
  { stage, model, number }: Version,
  evidence: Evidence,
  system: System,
): Promise<void> {
  await ensureHost(at, system)
  await knock(at.door, 'POST /evidence', { stage, model, number, evidence })
}

async function contents(
  at: Layout,
  { stage, model, number }: Version,
  system: System,
): Promise<VersionContents> {
  await ensureHost(at, system)
  return knock<VersionContents>(at.door, 'POST /contents', { stage, model, number })
}

async function versions(at: Layout, stage: Stage, system: System): Promise<readonly Version[]> {
  if (!(await isWanted(at, stage, system))) return []
  return knock<readonly Version[]>(at.door, 'POST /list', keyOf(stage))
}

async function remove(
  at: Layout,
  stage: Stage,
  { removeLogs }: RemoveOptions,
  system: System,
): Promise<Removal> {
  const key = keyOf(stage)
  const removed = (await isWanted(at, stage, system)) && (await knock<boolean>(at.door, 'POST /remove', key))
  const log = at.log(key)
  if (removeLogs) await rm(at.stageDir(key), { recursive: true, force: true })
  return { removed, left: existsSync(log) ? [`its log, ${log} (--remove-logs deletes it too)`] : [] }
}

/** Asking about a stage brings a host back that died while the stage was served, and starts none for nothing. */
async function isWanted(at: Layout, stage: Stage, system: System): Promise<boolean> {
  if (await runningHost(at)) return true
  const known = await stagesOnDisk(at)
  if (!known.some(key => key.stage === stage.name && key.model === stage.model)) return false
  system.tell('The local platform was not running; it is started again.')
  await ensureHost(at, system)
  return true
}

async function status(at: Layout, stage: Stage, system: System): Promise<StageStatus | undefined> {
  if (!(await isWanted(at, stage, system))) return undefined
  return (await knock<StageStatus | null>(at.door, 'POST /status', keyOf(stage))) ?? undefined
}

/** Keys may be made before the stage is first served, so that it is never open in between. */
function keysOn(at: Layout, system: System): ApiKeys {
  /** Starts no host where there can be no keys. */
  const hasKeys = async (stage: Stage): Promise<boolean> => {
    if (!existsSync(at.keys(keyOf(stage)))) return false
    await ensureHost(at, system)
    return true
  }
  return {
    create: async (stage, name) => {
      await ensureHost(at, system)
      return knock<string>(at.door, 'POST /keys', { ...keyOf(stage), name })
    },
    list: async stage =>
      (await hasKeys(stage)) ? knock<readonly ApiKey[]>(at.door, 'POST /keys/list', keyOf(stage)) : [],
    revoke: async (stage, name) =>
      (await hasKeys(stage)) && knock<boolean>(at.door, 'POST /keys/revoke', { ...keyOf(stage), name }),
    own: async () => ((await runningHost(at)) ? knock<string>(at.door, 'POST /keys/own') : undefined),
  }
}

function logs(at: Layout, stage: Stage, options: LogOptions): AsyncIterable<LogLine> {
  return readLog(at.log(keyOf(stage)), options)
}

function revive(document: DeploymentDocument): Deployment {
  return { ...document, weights: new Map(document.weights) }
}
