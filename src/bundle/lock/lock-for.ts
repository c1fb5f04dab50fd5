/** Requirements → the wheels that satisfy them on a machine that is not this one. */
import type { AllowedSource } from '../../settings/stage.ts'
import { findPython, type PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import type { Target } from '../bundle.ts'
import type { Requirements } from '../requirements.ts'
import type { Question } from './ask.ts'
import { lineOf, wheelOfLocal } from './build.ts'
import { chooseWheels } from './choose.ts'
import { hintsFor } from './hints.ts'
import { indexesForUv } from './indexes.ts'
import { keepLock, placeOfLock, readKept } from './kept.ts'
import type { Lock } from './lock.ts'
import { digestOfWheels, sorted, writePylock } from './pylock.ts'
import { type Resolved, resolveWithUv } from './resolve.ts'
import { findUv } from './uv.ts'
import { wantedOf } from './wanted.ts'
import { lockWithPip } from './with-pip.ts'

export interface LockOptions {
  /** Only what was uploaded before this time: `2026-01-31`, or with a time of day and zone. */
  readonly excludeNewer?: string | undefined
  /** torch and its kin without CUDA, which Lambda does not have; true unless said. */
  readonly cpuTorch?: boolean | undefined
  /** Lines of a dependency file that are refused unless they are named here. */
  readonly allow?: readonly AllowedSource[] | undefined
  /** Where packages of this disk may lie; the working directory unless said. */
  readonly projectDir?: string | undefined
  /** boto3 and its kin are packed although Lambda brings them. */
  readonly keepBoto3?: boolean | undefined
  /** Whose pip and settings count; the usual one unless said. It need not be the Python of the target. */
  readonly python?: PythonFound | undefined
  /** Resolve although the same was resolved before: newer versions are taken. */
  readonly again?: boolean | undefined
}

/** In Lambda's managed runtimes of Python, 23 MB. */
export const broughtByLambda: readonly string[] = ['boto3', 'botocore', 's3transfer']

/**
 * Resolves for the target and never for the host: markers, tags of wheels and versions are those of the target. The same
 * question is answered from `<home>/locks` the second time, without starting a program.
 *
 * @throws ThampiError REQUIREMENTS_INVALID for a line that is not packed, INSTALL_FAILED, WHEEL_PLATFORM, NETWORK, INTEGRITY
 * @example
 * const lock = await lockFor(await readRequirements('requirements.txt', place), target, system)
 * lock.wheels[0]?.file // 'joblib-1.6.0-py3-none-any.whl'
 */
export async function lockFor(
  requirements: Requirements,
  target: Target,
  system: System,
  options: LockOptions = {},
): Promise<Lock> {
  const { env, cwd } = system
  const wanted = wantedOf(requirements, {
    allow: options.allow ?? [],
    projectDir: options.projectDir ?? cwd,
    brought: options.keepBoto3 ? [] : broughtByLambda,
    target,
    cwd,
    env,
  })
  const indexes = await indexesForUv(wanted.sources, options.python?.prefix ?? env.VIRTUAL_ENV, system)
  const { excludeNewer } = options
  // Who chose an index gets packages from there and from nowhere else.
  const cpuTorch = (options.cpuTorch ?? true) && !indexes.chosen && !env.UV_TORCH_BACKEND
  const { identity } = indexes
  const place = placeOfLock(system.places.home, {
    wanted,
    target,
    identity,
    excludeNewer,
    cpuTorch,
    local: requirements.local,
  })
  const kept = options.again ? undefined : await readKept(place)
  if (kept) return kept

  const python = options.python ?? (await findPython(system))
  const { shown } = requirements
  const question: Question = { wanted, target, indexes, excludeNewer, cpuTorch, shown }
  const { by, packages, notices } = await answer(question, python, system)
  const wheels = sorted(await chooseWheels(packages, wanted, target, shown)).filter(
    ({ name }) => options.keepBoto3 || !isBrought(name, packages),
  )
  const lock: Lock = {
    digest: digestOfWheels(wheels),
    wheels,
    text: writePylock(wheels, target.python ?? ''),
    by,
    notices: [...wanted.notices, ...notices, ...hintsFor(wheels)],
  }
  await keepLock(place, lock)
  return lock
}

/** aiobotocore replaces parts of one very botocore: the one that Lambda brings is another. */
function isBrought(name: string, packages: readonly { readonly name: string }[]): boolean {
  return broughtByLambda.includes(name) && !packages.some(({ name }) => name === 'aiobotocore')
}

async function answer(
  question: Question,
  python: PythonFound,
  system: System,
): Promise<Resolved & Pick<Lock, 'by'>> {
  const uv = await findUv(python, system)
  if ('why' in uv) {
    return { by: 'pip', packages: await lockWithPip(uv.why, question, python, system), notices: [] }
  }
  const asking = { question, uv, python, system }
  const built: string[] = []
  const notices: string[] = []
  for (const local of question.wanted.local) {
    const wheel = await wheelOfLocal(local, asking)
    built.push(lineOf(wheel, local.extras))
    notices.push(`${wheel.name} ${wheel.version} comes from ${local.shown}, as it is now.`)
  }
  const resolved = await resolveWithUv(asking, built)
  return { by: 'uv', packages: resolved.packages, notices: [...notices, ...resolved.notices] }
}
