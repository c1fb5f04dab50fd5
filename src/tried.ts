/** A bundle that will run elsewhere is tried here, mended when it lacks something, and what came of it is remembered. */
import { join } from 'node:path'
import type { Bundle } from './bundle/bundle.ts'
import { lambdaPackage } from './bundle/lambda/pack.ts'
import { archiveOf } from './bundle/lambda/sizes.ts'
import { type Interpreter, type Trial, TrialFailed, tryPackage } from './bundle/lambda/trial.ts'
import { broughtByLambda } from './bundle/lock/lock-for.ts'
import { normalName } from './bundle/requirement-lines.ts'
import { contentOf, readZip } from './bundle/zip/read.ts'
import type { SavedModel } from './model/saved-model.ts'
import type { Stage } from './settings/stage.ts'
import { digestOf, readIfThere, writeWhole } from './system/files.ts'
import type { System } from './system/system.ts'

/** What is tried, and with what. */
export interface Subject {
  readonly bundle: Bundle
  readonly model: SavedModel
  readonly stage: Stage
  readonly interpreter: Interpreter
  /** The same, with these packages whole. */
  readonly again: (keep: readonly string[]) => Promise<Bundle>
}

/** So many packages may turn out to need what was left out of them, one after the other. */
const mostRetreats = 8

/** The bundle after a trial: as it was, or with what it lacked. @throws TrialFailed */
export async function triedBundle(subject: Subject, system: System): Promise<Bundle> {
  const { model, stage, interpreter, again } = subject
  let { bundle } = subject
  const keep: string[] = []
  for (let attempt = 0; ; attempt++) {
    const made = await lambdaPackage(bundle, stage, releaseOf(model), system)
    try {
      const trial = await tryPackage(made, model, interpreter, system)
      await writeWhole(placeOf(subject, system), JSON.stringify({ schemaVersion: 1, ...trial, keep }))
      system.tell(sentenceOf(trial))
      return { ...bundle, startSeconds: trial.startSeconds }
    } catch (error) {
      if (!(error instanceof TrialFailed)) throw error
      if (broughtByLambda.includes(error.missing?.split('.')[0] ?? '')) {
        system.tell(`Not tried here: ${error.missing} comes with Lambda's Python, and not with this package.`)
        return bundle
      }
      const other = error.isOurMachine
        ? 'The C library of this machine is older than that of Lambda.'
        : (olderNode(bundle, error) ?? remoteOnly(stage, error))
      if (other !== undefined) {
        system.tell(`Not tried here: ${error.message} ${other}`)
        return bundle
      }
      const more = attempt < mostRetreats ? await slimmedAround(error.missing, bundle, keep) : []
      if (more.length === 0) throw error
      keep.push(...more)
      system.tell(`${more.join(', ')}: needs ${error.missing}, which was left out; packed whole.`)
      bundle = await again(keep)
    }
  }
}

/** A module may be written for a newer Node than this machine has; that it does not load here means nothing then. */
function olderNode({ target: { node } }: Bundle, { code }: TrialFailed): string | undefined {
  const here = process.versions.node.split('.')[0] ?? ''
  if (node === undefined || code !== 'MODEL_LOAD_FAILED' || Number(here) >= Number(node)) return undefined
  return `This machine has Node ${here}, Lambda has ${node}.`
}

/** A model that lacks what it will read from S3 may well fail here; the version that is released has to prove itself anyway. */
function remoteOnly({ remoteEnvironment }: Stage, { code, missing }: TrialFailed): string | undefined {
  const mayBe = ['MODEL_LOAD_FAILED', 'MODEL_RAISED', 'EXAMPLE_DIFFERS'].includes(code)
  if (remoteEnvironment === undefined || !mayBe || missing !== undefined) return undefined
  return 'The environment in `remote_env` is read in Lambda only.'
}

/** The bundle as an earlier trial left it; undefined when there was none. */
export async function knownBundle(subject: Subject, system: System): Promise<Bundle | undefined> {
  const record = await readRecord(placeOf(subject, system))
  if (!record) return undefined
  const bundle = record.keep.length > 0 ? await subject.again(record.keep) : subject.bundle
  return { ...bundle, startSeconds: record.startSeconds }
}

/** What a trial depends on: the bundle, and what the function is told by the settings. */
export function placeOf({ bundle, stage }: Pick<Subject, 'bundle' | 'stage'>, { places }: System): string {
  const { environment, errors, logLevel } = stage
  const digest = digestOf(
    JSON.stringify([bundle.digest, Object.entries(environment).sort(), errors, logLevel]),
  )
  return join(places.home, 'tried', `${digest.slice('sha256:'.length)}.json`)
}

interface TrialRecord extends Trial {
  readonly keep: readonly string[]
}

/** A record that cannot be read is none. */
async function readRecord(path: string): Promise<TrialRecord | undefined> {
  const text = await readIfThere(path)
  if (text === undefined) return undefined
  try {
    const { schemaVersion, startSeconds, examples, keep } = JSON.parse(text)
    const isWhole = schemaVersion === 1 && typeof startSeconds === 'number' && Array.isArray(keep)
    return isWhole ? { startSeconds, examples, keep: keep.map(String) } : undefined
  } catch {
    return undefined
  }
}

/** A release that nobody will see; a bucket that nobody asks. */
function releaseOf({ properties }: SavedModel): Parameters<typeof lambdaPackage>[2] {
  return {
    servedTimeUtc: properties.trained_time_utc,
    blobs: { bucket: 'thampi-trial', prefix: 'thampi/blobs/sha256/' },
  }
}

function sentenceOf({ startSeconds, examples }: Trial): string {
  const answered =
    examples === 0
      ? 'no recorded example to ask'
      : `${examples === 1 ? '1 example' : `${examples} examples`} answered as recorded`
  return `tried here: loads in ${startSeconds.toFixed(1)} s, ${answered}`
}

/** Slimmed packages that brought the module or file that is missing, or whose name it has. */
async function slimmedAround(
  missing: string | undefined,
  bundle: Bundle,
  keep: readonly string[],
): Promise<string[]> {
  const archive = archiveOf(bundle)
  if (missing === undefined || !archive) return []
  const top = missing.split(/[./]/)[0] ?? ''
  const names = await distributionsOf(top, archive.file)
  return archive.packages
    .filter(({ name, dropped }) => dropped.files > 0 && names.has(normalName(name)) && !keep.includes(name))
    .map(({ name }) => name)
}

/** Every wheel lists its files; the lists travel with the packages. */
async function distributionsOf(top: string, file: string): Promise<Set<string>> {
  const { entries, close } = await readZip(file)
  try {
    const names = new Set<string>()
    for (const entry of entries) {
      const distribution = /^(?:python\/)?([^/]+)-[^/-]+\.dist-info\/RECORD$/.exec(entry.path)?.[1]
      if (distribution === undefined) continue
      const lines = (await contentOf(entry)).toString('utf8').split('\n')
      if (lines.some(line => line.startsWith(`${top}/`) || line.startsWith(`${top}.py,`))) {
        names.add(normalName(distribution))
      }
    }
    return names
  } finally {
    await close()
  }
}
