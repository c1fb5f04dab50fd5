/** The verb `lock`: exactly which wheels a model takes to Lambda, as a `pylock.toml`. */
import { resolve } from 'node:path'
import { lambdaTarget } from './bundle/lambda/target.ts'
import type { Lock } from './bundle/lock/lock.ts'
import { lockOf } from './bundle/packed.ts'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { chosenModel, stageFor } from './serve.ts'
import { type SourceOptions, sourceOf } from './source.ts'
import { forPeople, readIfThere, writeWhole } from './system/files.ts'

export interface LockOptions extends Pick<SourceOptions, 'dependencyFile' | 'python' | 'excludeNewer'> {
  readonly modelDir?: string | undefined
  /** Resolve although the same was resolved before: newer versions are taken, and used from then on. */
  readonly upgrade?: boolean | undefined
  /** Where the lock is written; undefined: nowhere. */
  readonly output?: string | undefined
}

export interface Locked {
  readonly lock: Lock
  /** Where it was written, as its user would write it. */
  readonly written: string | undefined
  readonly notices: readonly string[]
}

/** How every lock of ours begins: such a file may be written again. */
const OURS = '# Made by thampi'

/**
 * @throws ThampiError REQUIREMENTS_INVALID, INSTALL_FAILED, WHEEL_PLATFORM, NETWORK; USAGE for a model that has no packages;
 * OUTPUT_EXISTS when somebody else's file is in the way
 * @example
 * const { lock } = await lockFor('staging', { dependencyFile: 'requirements.txt' }, engine)
 * lock.wheels.length // 7
 */
export async function lockStage(
  stageName: string | undefined,
  options: LockOptions,
  engine: Engine,
): Promise<Locked> {
  const { system } = engine
  const stage = stageFor(stageName, engine)
  const model = await chosenModel(options.modelDir, system)
  const output = options.output === undefined ? undefined : resolve(system.cwd, options.output)
  if (output !== undefined) await refuseForeign(output, options.output ?? '')
  const source = await sourceOf(model, stage, lambdaTarget(model, stage), options, system)
  if (source.language !== 'packed') {
    throw new ThampiError('USAGE', {
      message: `${model.name} runs on Node and brings all it needs: there are no packages to lock.`,
    })
  }
  const { lock, requirements } = await lockOf(model, { ...source, again: options.upgrade }, system)
  if (output !== undefined) await writeWhole(output, lock.text, 0o644)
  return {
    lock,
    written: output === undefined ? undefined : forPeople(output, system.cwd),
    notices: [...requirements.notices, ...lock.notices],
  }
}

async function refuseForeign(path: string, shown: string): Promise<void> {
  const text = await readIfThere(path)
  if (text === undefined || text.startsWith(OURS)) return
  throw new ThampiError('OUTPUT_EXISTS', {
    message: `"${shown}" is there already, and Thampi did not write it.`,
    fix: 'name another file, or move this one away',
  })
}
