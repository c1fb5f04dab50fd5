/** By which addresses a stage is called and what its callers bring, as its settings say it. */
import { ThampiError } from '../../../errors.ts'
import type { Stage } from '../../../settings/stage.ts'
import { type Authorizer, authorizerOf } from './authorizer.ts'
import { type DomainSettings, domainOf } from './domain.ts'

export interface Access {
  readonly hasApi: boolean
  /** Of the API; undefined: callers sign, or bring nothing. */
  readonly authorizer: Authorizer | undefined
  readonly domain: DomainSettings | undefined
  /** Undefined: none. */
  readonly functionUrl: FunctionUrlSettings | undefined
}

export interface FunctionUrlSettings {
  readonly AuthType: 'NONE' | 'AWS_IAM'
  /** As Lambda takes it; empty: no pages of other origins, but for what `cors` of the stage lets the function say. */
  readonly Cors: Readonly<Record<string, unknown>>
}

/** @throws ThampiError SETTINGS_INVALID for a stage without an address, or with one that is more open than another key says */
export function accessOf(stage: Stage): Access {
  const { aws, name } = stage
  const hasApi = (aws.apigateway_enabled ?? aws.use_apigateway) !== false
  const functionUrl = aws.function_url_enabled === true ? functionUrlOf(stage) : undefined
  if (!hasApi && functionUrl === undefined) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `Nobody could call stage \`${name}\`: \`apigateway_enabled\` is false, and there is no Function URL.`,
      fix: 'write "function_url_enabled": true, or take "apigateway_enabled" out',
    })
  }
  return { hasApi, authorizer: authorizerOf(stage), domain: domainOf(stage, hasApi), functionUrl }
}

/** Signed unless the settings say otherwise: what is open to everybody is never open by default. */
function functionUrlOf({ aws, apiKeyRequired, cors, name }: Stage): FunctionUrlSettings {
  const config = (aws.function_url_config ?? {}) as Readonly<Record<string, unknown>>
  const AuthType = config.authorizer ?? config.auth_type ?? 'AWS_IAM'
  if (AuthType !== 'NONE' && AuthType !== 'AWS_IAM') {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `\`function_url_config.authorizer\` of stage \`${name}\` is ${JSON.stringify(AuthType)}.`,
      why: 'A Function URL knows "AWS_IAM", for callers who sign, and "NONE", for everybody.',
      fix: 'write "AWS_IAM"',
    })
  }
  const closing = [
    aws.iam_authorization === true ? 'iam_authorization' : undefined,
    apiKeyRequired ? 'api_key_required' : undefined,
    aws.authorizer === undefined ? undefined : 'authorizer',
    aws.apigateway_policy === undefined ? undefined : 'apigateway_policy',
  ].find(key => key !== undefined)
  if (AuthType === 'NONE' && closing !== undefined) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `\`function_url_config\` of stage \`${name}\` lets everybody call, and \`${closing}\` does not.`,
      why: 'A Function URL goes past the API, and past whatever the API asks of callers.',
      fix: 'write "authorizer": "AWS_IAM" in function_url_config, or leave the Function URL out',
    })
  }
  const Cors = urlCors(config.cors)
  if (Object.keys(Cors).length > 0 && cors !== false) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `Stage \`${name}\` has \`cors\` and \`function_url_config.cors\`.`,
      why: 'The function and its URL would both answer pages of other origins, and browsers take no header twice.',
      fix: 'keep one of them',
    })
  }
  return { AuthType, Cors }
}

/** Zappa's words → Lambda's. */
const corsWords: Readonly<Record<string, string>> = {
  allowedOrigins: 'AllowOrigins',
  allowedMethods: 'AllowMethods',
  allowedHeaders: 'AllowHeaders',
  exposedResponseHeaders: 'ExposeHeaders',
  allowCredentials: 'AllowCredentials',
  maxAge: 'MaxAge',
}

function urlCors(given: unknown): Readonly<Record<string, unknown>> {
  const found = Object.entries((given ?? {}) as object)
  return Object.fromEntries(
    found.flatMap(([word, value]) => (corsWords[word] ? [[corsWords[word], value]] : [])),
  )
}
