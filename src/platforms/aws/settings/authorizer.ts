/** Who decides about the callers of an API, as `authorizer` of the settings says it: an issuer of tokens, or a function. */
import { ThampiError } from '../../../errors.ts'
import type { Stage } from '../../../settings/stage.ts'

export type Authorizer = TokenAuthorizer | FunctionAuthorizer

/** Tokens (JWT) of one issuer, which API Gateway checks by itself. */
export interface TokenAuthorizer {
  readonly by: 'issuer'
  readonly header: string
  readonly issuer: string
  /** A token has to be for one of these: `aud`, or `client_id` where it has no `aud`. */
  readonly audience: readonly string[]
}

/** A function that is asked about each caller, or about each kind of token for a while. */
export interface FunctionAuthorizer {
  readonly by: 'function'
  readonly header: string
  readonly arn: string
  /** Seconds for which an answer counts; 0: it is asked each time. */
  readonly ttlSeconds: number
}

/**
 * Undefined where none is wanted; `iam_authorization` wins over it. What is not understood is refused, because the API would
 * be open without it.
 *
 * @throws ThampiError SETTINGS_INVALID
 * @example
 * authorizerOf(stage) // for {"issuer": "https://login.example", "audience": ["iris"]}
 */
export function authorizerOf({ aws, name }: Stage): Authorizer | undefined {
  if (aws.authorizer === undefined || aws.iam_authorization === true) return undefined
  const given = aws.authorizer as Readonly<Record<string, unknown>>
  const header = text(given.token_header) ?? text(given.token_source) ?? 'Authorization'
  const arn = text(given.arn)
  if (arn !== undefined)
    return { by: 'function', header, arn: functionArn(arn, name), ttlSeconds: ttlOf(given, name) }
  const pools = list(given.provider_arns)
  const issuer = text(given.issuer) ?? (pools.length === 1 ? issuerOfPool(pools[0] ?? '', name) : undefined)
  if (issuer === undefined) {
    const why =
      pools.length > 1
        ? 'An HTTP API believes one issuer, and `provider_arns` names several pools.'
        : 'function' in given
          ? 'A `function` of the project is not deployed by Thampi.'
          : 'It names neither a function by its `arn`, nor an `issuer`, nor a pool in `provider_arns`.'
    throw invalid(name, 'does not say who decides about callers', why)
  }
  if (!issuer.startsWith('https://'))
    throw invalid(name, `has the issuer ${issuer}`, 'API Gateway wants https.')
  const audience = list(given.audience)
  if (audience.length === 0)
    throw invalid(
      name,
      'has no `audience`',
      'Tokens that the issuer made for other applications would count, too.',
    )
  return { by: 'issuer', header, issuer, audience }
}

/** `arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEf` */
function issuerOfPool(arn: string, stage: string): string {
  const [, partition, region, pool] =
    /^arn:(aws[a-z-]*):cognito-idp:([a-z0-9-]+):\d{12}:userpool\/([\w-]+)$/.exec(arn) ?? []
  if (pool === undefined)
    throw invalid(stage, `names ${JSON.stringify(arn)}`, 'That is no ARN of a user pool of Cognito.')
  return `https://cognito-idp.${region}.${partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'}/${pool}`
}

function functionArn(arn: string, stage: string): string {
  if (/^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/.test(arn)) return arn
  throw invalid(stage, `names ${JSON.stringify(arn)}`, 'That is no ARN of a function of Lambda.')
}

function ttlOf({ result_ttl: ttl = 300 }: Readonly<Record<string, unknown>>, stage: string): number {
  if (typeof ttl === 'number' && Number.isInteger(ttl) && ttl >= 0 && ttl <= 3600) return ttl
  throw invalid(
    stage,
    `has the \`result_ttl\` ${JSON.stringify(ttl)}`,
    'It is a number of seconds from 0 to 3600.',
  )
}

function invalid(stage: string, what: string, why: string): ThampiError {
  return new ThampiError('SETTINGS_INVALID', {
    message: `\`authorizer\` of stage \`${stage}\` ${what}.`,
    why,
    fix: 'write {"issuer": "https://…", "audience": ["…"]} or {"arn": "arn:aws:lambda:…:function:…"}; docs/aws.md has an example of each',
  })
}

function list(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.map(String) : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
