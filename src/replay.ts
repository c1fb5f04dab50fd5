/** The verb `replay`: a request that was kept because it failed, asked once more of the version that answered it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import type { Answer, Platform, RecordedRequest, Version } from './platforms/platform.ts'
import { foregroundArguments } from './sdk.ts'
import { runInForeground } from './system/programs.ts'

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

/**
 * Runs the model of that version in this terminal, with Python's debugger where it raises; gives the exit status.
 *
 * @throws ThampiError REQUEST_UNKNOWN, VERSION_UNKNOWN, NOT_DEPLOYED, USAGE for models that Python does not run
 */
export async function debug(
  requestId: string,
  stageName: string | undefined,
  engine: Engine,
): Promise<number> {
  const { recorded, platform, version } = await find(requestId, stageName, engine)
  const { here, language } = await platform.contents(version)
  if (!here || language !== 'python') {
    const reason = here ? 'is not run by Python' : 'is not on this machine'
    throw new ThampiError('USAGE', {
      message: `Version ${version.number} of ${version.stage} ${reason}, so --pdb has nothing to debug.`,
      fix: `thampi replay ${requestId} ${version.stage}`,
    })
  }
  const dir = await mkdtemp(join(tmpdir(), 'thampi-replay-'))
  try {
    const request = join(dir, 'request.json')
    await writeFile(request, recorded.body, { mode: 0o600 })
    const args = foregroundArguments('debugging', here.modelDir, here.codeDir, version.model, request)
    // The directories of a version never change, not even by what Python likes to leave beside its sources.
    const env = { ...engine.system.env, PYTHONDONTWRITEBYTECODE: '1' }
    return await runInForeground(here.program, args, { cwd: here.codeDir, env })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
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
