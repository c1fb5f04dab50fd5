/** The verbs `route` and `rollback`: move a stage's traffic between versions that are released already. */
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import type { Deployment, Version, Weights } from './platforms/platform.ts'

/**
 * Divides the traffic of a stage: version number → percent, together 100.
 *
 * @example
 * await route('staging', new Map([[12, 90], [13, 10]]), engine)
 * @throws ThampiError `NOT_DEPLOYED`, `VERSION_UNKNOWN`, `USAGE`
 */
export async function route(
  stageName: string | undefined,
  weights: Weights,
  engine: Engine,
): Promise<Deployment> {
  const total = [...weights.values()].reduce((sum, percent) => sum + percent, 0)
  if (total !== 100) {
    throw new ThampiError('USAGE', {
      message: `The shares add up to ${total} percent, not to 100.`,
      fix: 'thampi route staging 12=90 13=10',
    })
  }
  return move(stageName, engine, versions => {
    for (const number of weights.keys()) known(number, versions)
    return weights
  })
}

export interface RollbackOptions {
  /** How many releases back; 1 unless said. */
  readonly steps?: number
  /** The version to go back to; beats `steps`. */
  readonly to?: number | undefined
}

/**
 * Gives all traffic to an earlier version: code, model, dependencies and settings move together.
 *
 * @throws ThampiError `NOT_DEPLOYED`, `VERSION_UNKNOWN` when there is none that early
 */
export async function rollback(
  stageName: string | undefined,
  { steps = 1, to }: RollbackOptions,
  engine: Engine,
): Promise<Deployment> {
  return move(stageName, engine, (versions, { weights }) => {
    if (to !== undefined) return new Map([[known(to, versions).number, 100]])
    const current = Math.max(...weights.keys())
    const earlier = versions.filter(({ number, wasRouted }) => number < current && wasRouted)
    const target = earlier.at(-steps)
    if (!target) throw tooFewVersions(current, earlier, steps)
    return new Map([[target.number, 100]])
  })
}

async function move(
  stageName: string | undefined,
  engine: Engine,
  choose: (versions: readonly Version[], deployment: Deployment) => Weights,
): Promise<Deployment> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  const deployment = await platform.find(stage)
  if (!deployment) {
    throw new ThampiError('NOT_DEPLOYED', {
      message: `${stage.name} is not deployed.`,
      fix: `thampi serve ${stage.name}`,
    })
  }
  return platform.exclusively(
    stage,
    async () => platform.route(stage, choose(await platform.versions(stage), deployment)),
    'route',
  )
}

function known(number: number, versions: readonly Version[]): Version {
  const version = versions.find(candidate => candidate.number === number)
  if (version) return version
  throw new ThampiError('VERSION_UNKNOWN', {
    message: `There is no version ${number}.`,
    why: `There are: ${numbers(versions)}.`,
    fix: 'thampi versions',
  })
}

function tooFewVersions(current: number, earlier: readonly Version[], steps: number): ThampiError {
  const there =
    earlier.length === 0 ? 'there is none before it' : `before it there are only ${numbers(earlier)}`
  return new ThampiError('VERSION_UNKNOWN', {
    message: `Version ${current} cannot be rolled back ${steps === 1 ? 'one step' : `${steps} steps`}: ${there}.`,
    fix: 'thampi versions',
  })
}

function numbers(versions: readonly Version[]): string {
  return versions.map(({ number }) => number).join(', ')
}
