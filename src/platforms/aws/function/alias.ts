/** The pointer of a stage: one alias, whose change is one call and takes effect as a whole. */
import type { AliasConfiguration } from '@aws-sdk/client-lambda'
import { ThampiError } from '../../../errors.ts'
import type { Weights } from '../../platform.ts'
import { type Corner, functionArn } from '../account.ts'
import { ifThere, isAws, isMissing } from '../client/trouble.ts'
import { liveAlias } from '../names.ts'
import { converge } from '../steps/converge.ts'

export interface Pointer {
  readonly weights: Weights
  /** Changes with each change: whoever moves the pointer says which state it was moved from. */
  readonly revision: string | undefined
}

/** Undefined when nothing was ever routed. */
export async function readPointer({ cloud, names }: Corner): Promise<Pointer | undefined> {
  const lambda = await cloud.lambda()
  const found = await ifThere(lambda.getAlias({ FunctionName: names.function, Name: liveAlias }))
  return found && { weights: weightsOf(found), revision: found.RevisionId }
}

export function aliasArn(corner: Corner): string {
  return `${functionArn(corner)}:${liveAlias}`
}

function weightsOf({ FunctionVersion, RoutingConfig }: AliasConfiguration): Weights {
  const others = Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {}).map(
    ([number, share]): [number, number] => [Number(number), Math.round(share * 100)],
  )
  const rest = 100 - others.reduce((sum, [, percent]) => sum + percent, 0)
  return new Map([[Number(FunctionVersion), rest], ...others])
}

/**
 * Moves the pointer, if it is still where `before` saw it; gives where it is now.
 *
 * @throws ThampiError VERSION_UNKNOWN, USAGE for more than two versions, DEPLOY_IN_PROGRESS when somebody else moved it
 */
export async function movePointer(
  corner: Corner,
  before: Pointer | undefined,
  weights: Weights,
): Promise<Pointer> {
  const { cloud, names, key } = corner
  const lambda = await cloud.lambda()
  const wanted = { FunctionName: names.function, Name: liveAlias, ...targetOf(weights) }
  return converge<Pointer>({
    describe: () => readPointer(corner),
    seen: before,
    isWanted: found => sameWeights(found.weights, weights),
    change: async found => {
      if (found?.revision !== before?.revision) throw moved(key.stage)
      const change =
        found === undefined
          ? lambda.createAlias(wanted)
          : lambda.updateAlias({ ...wanted, ...(found.revision ? { RevisionId: found.revision } : {}) })
      const made = await change.catch(async error => {
        if (isAws(error, 'PreconditionFailed')) throw moved(key.stage, error)
        if (!isMissing(error)) throw error
        // Whoever moved the traffic meanwhile may have cleared the version away that was to get it.
        const now = await readPointer(corner)
        if (now?.revision !== before?.revision) throw moved(key.stage, error)
        throw unknown([...weights.keys()], key.stage, error)
      })
      return { weights: weightsOf(made), revision: made.RevisionId }
    },
  })
}

function targetOf(weights: Weights): Required<Pick<AliasConfiguration, 'FunctionVersion' | 'RoutingConfig'>> {
  const [main, ...others] = [...weights].filter(([, percent]) => percent > 0).sort(([, a], [, b]) => b - a)
  if (others.length > 1) {
    throw new ThampiError('USAGE', {
      message: 'Lambda divides traffic between two versions, not more.',
      fix: 'thampi route staging 12=90 13=10',
    })
  }
  return {
    FunctionVersion: String(main?.[0]),
    RoutingConfig: {
      AdditionalVersionWeights: Object.fromEntries(
        others.map(([number, percent]) => [number, percent / 100]),
      ),
    },
  }
}

export function sameWeights(a: Weights, b: Weights): boolean {
  const text = (weights: Weights): string =>
    JSON.stringify([...weights].filter(([, percent]) => percent > 0).sort(([x], [y]) => x - y))
  return text(a) === text(b)
}

function unknown(numbers: readonly number[], stage: string, cause: unknown): ThampiError {
  return new ThampiError('VERSION_UNKNOWN', {
    message: `${stage} has no version ${numbers.join(' or ')} on AWS.`,
    fix: `thampi versions ${stage}`,
    cause,
  })
}

function moved(stage: string, cause?: unknown): ThampiError {
  return new ThampiError('DEPLOY_IN_PROGRESS', {
    message: `Somebody else moved the traffic of ${stage} while this command ran; nothing was moved by it.`,
    fix: `thampi versions ${stage}   # then decide again`,
    cause,
  })
}
