/** The verb `replay`: a request that was kept because it failed, asked once more of the version that answered it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { readModel } from './model/read.ts'
import type { Answer, Platform, RecordedRequest, Version, VersionContents } from './platforms/platform.ts'
import { foregroundArguments } from './sdk.ts'
import { installation } from './system/package.ts'
import { runInForeground } from './system/programs.ts'
import type { System } from './system/system.ts'
import { protocol, type Start } from './wire/messages.ts'

export interface Replayed {
  readonly recorded: RecordedRequest
  readonly answer: Answer
}

/**
 * Asks the version that answered then, whatever has the traffic now.
 *
 * @example
 * const { recorded, answer } = await replay('01JDQ4W8Z0V7N3C5T9K2M6P1XA', 'staging', engine)
 * console.log(recorded.status, answer.status)
 * @throws ThampiError REQUEST_UNKNOWN, VERSION_UNKNOWN, NOT_DEPLOYED
 */
export async function replay(
  requestId: string,
  stageName: string | undefined,
  engine: Engine,
): Promise<Replayed> {
  const { recorded, platform, version } = await find(requestId, stageName, engine)
  return { recorded, answer: await platform.send(version, Buffer.from(recorded.body)) }
}

/** Python's debugger in this terminal, or Node's for one that attaches. */
export type Debugger = 'pdb' | 'inspect'

const runs = { python: 'pdb', node: 'inspect' } as const

/**
 * Runs the model of that version in this terminal, with a debugger; gives the exit status.
 *
 * @throws ThampiError REQUEST_UNKNOWN, VERSION_UNKNOWN, NOT_DEPLOYED, USAGE for a debugger of another language
 */
export async function debug(
  requestId: string,
  stageName: string | undefined,
  wanted: Debugger,
  engine: Engine,
): Promise<number> {
  const { recorded, platform, version } = await find(requestId, stageName, engine)
  const { here, language } = await platform.contents(version)
  if (!here || runs[language] !== wanted) {
    const reason = here ? `is run by ${language === 'node' ? 'Node' : 'Python'}` : 'is not on this machine'
    const other = here ? ` --${runs[language]}` : ''
    throw new ThampiError('USAGE', {
      message: `Version ${version.number} of ${version.stage} ${reason}, so --${wanted} has nothing to debug.`,
      fix: `thampi replay ${requestId} ${version.stage}${other}`,
    })
  }
  const dir = await mkdtemp(join(tmpdir(), 'thampi-replay-'))
  try {
    const request = join(dir, 'request.json')
    const asked = wanted === 'pdb' ? recorded.body : await documentOf(recorded, version, here, engine.system)
    await writeFile(request, asked, { mode: 0o600 })
    const { packagesDir } = here
    const args =
      wanted === 'pdb'
        ? [
            // Packages of a layer are all there is, as where it was served.
            ...(packagesDir === undefined ? [] : ['-S']),
            ...foregroundArguments('debugging', here.modelDir, here.codeDir, version.model, request),
          ]
        : ['--enable-source-maps', installation().debugging, request]
    // The directories of a version never change, not even by what Python likes to leave beside its sources.
    const path = packagesDir === undefined ? {} : { PYTHONPATH: packagesDir }
    const env = { ...engine.system.env, ...path, PYTHONDONTWRITEBYTECODE: '1' }
    return await runInForeground(here.program, args, { cwd: here.codeDir, env })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** What the debugged program is told: the message that a sandbox begins with, and the request. */
async function documentOf(
  { body }: RecordedRequest,
  { stage, model, number, servedTimeUtc }: Version,
  { modelDir, codeDir }: NonNullable<VersionContents['here']>,
  { cwd }: System,
): Promise<string> {
  const { files } = await readModel(modelDir, cwd)
  const start: Start = {
    ...{ protocol, modelDir, codeDir, digests: files, stage, model, version: number, servedTimeUtc },
    ...{ errors: 'full', logLevel: 'DEBUG', maxResultBytes: 6 * 1024 * 1024, maxBatch: 1, maxConcurrency: 1 },
  }
  return JSON.stringify({ start, body })
}

interface Found {
  readonly recorded: RecordedRequest
  readonly platform: Platform
  readonly version: Version
}

async function find(requestId: string, stageName: string | undefined, engine: Engine): Promise<Found> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  const recorded = await platform.recorded(stage, requestId)
  if (!recorded) {
    throw new ThampiError('REQUEST_UNKNOWN', {
      message: `No request ${requestId} of ${stage.name} was kept.`,
      why:
        stage.record === 'off'
          ? 'Its settings do not say `record`, so none is.'
          : 'Only failed ones are, the last 200 for 7 days at most.',
      fix:
        stage.record === 'off' ? '"thampi": {"record": "errors"} in the stage, then thampi serve' : undefined,
    })
  }
  const versions = await platform.versions(stage)
  const version = versions.find(({ number }) => number === recorded.version)
  if (version) return { recorded, platform, version }
  throw new ThampiError('VERSION_UNKNOWN', {
    message: `Version ${recorded.version} of ${stage.name}, which answered this request, is no longer kept.`,
    why: `There are: ${versions.map(({ number }) => number).join(', ')}.`,
    fix: `thampi versions ${stage.name}`,
  })
}
