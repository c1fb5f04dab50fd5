/** Whether a stage asks for a REST API, and what it asks of it: all that an HTTP API cannot do. */
import { ThampiError } from '../../../errors.ts'
import type { Stage } from '../../../settings/stage.ts'
import type { System } from '../../../system/system.ts'
import { type PolicyDocument, policyIn } from './policy-file.ts'

export interface RestSettings {
  readonly keyRequired: boolean
  /** `api_key`: the id of a key that somebody else made; undefined: the stage has keys of its own. */
  readonly keyId: string | undefined
  /** `apigateway_policy`: a file, from where the command runs. */
  readonly policyFile: string | undefined
  /** What stands in it. It decides beside keys and signatures who may call, and from where. */
  readonly policy?: PolicyDocument
  readonly endpoint: Endpoint
  /** Answers of so many bytes and more are compressed for who asks; undefined: none. */
  readonly compressFrom: number | undefined
  readonly logLevel: 'OFF' | 'ERROR' | 'INFO'
  /** Whole requests and answers stand in the log. */
  readonly dataTrace: boolean
  readonly metrics: boolean
}

export type Endpoint = 'REGIONAL' | 'EDGE' | 'PRIVATE'

/** Unless said: callers in the Region are answered without a way around, and the time limit can be raised. */
const usualEndpoint = 'REGIONAL'

/**
 * HTTP APIs are what a stage gets that does not ask. `"apigateway_version": "v1"` asks, and so does every key that says
 * who may call and that only a REST API honours. What is only about logs or compression does not: it would change the URL.
 *
 * @example
 * asksForRest(stage) // 'api_key_required'
 */
export function asksForRest({ apiKeyRequired, aws }: Stage): string | undefined {
  if (aws.apigateway_version === 'v1' && hasApi(aws)) return 'apigateway_version'
  if (apiKeyRequired) return 'api_key_required'
  if (aws.apigateway_policy !== undefined) return 'apigateway_policy'
  return endpointsOf(aws.endpoint_configuration).some(kind => kind !== usualEndpoint)
    ? 'endpoint_configuration'
    : undefined
}

/**
 * Undefined: the stage has an HTTP API.
 *
 * @throws ThampiError SETTINGS_INVALID
 */
export function restSettings(stage: Stage): RestSettings | undefined {
  const { aws, name } = stage
  const reason = asksForRest(stage)
  if (reason === undefined) return undefined
  if (aws.apigateway_version === 'v2') {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `Stage \`${name}\` says "apigateway_version": "v2", and \`${reason}\` is what only a REST API can do.`,
      fix: 'write "apigateway_version": "v1", or leave the key out',
    })
  }
  if (!hasApi(aws)) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `Stage \`${name}\` has no API, and \`${reason}\` is about one.`,
      why: 'A Function URL knows neither keys nor policies.',
      fix: 'take "apigateway_enabled" out, or that key',
    })
  }
  if (aws.authorizer !== undefined && aws.iam_authorization !== true) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `\`authorizer\` of stage \`${name}\` is not there before REST APIs yet, and \`${reason}\` asks for one.`,
      why: 'Without it the endpoint would be open to more callers than the settings say.',
      fix: 'take one of the two away, or write "iam_authorization": true instead',
    })
  }
  const policyFile = text(aws.apigateway_policy)
  return {
    keyRequired: stage.apiKeyRequired,
    keyId: text(aws.api_key),
    policyFile,
    endpoint: endpointOf(stage, policyFile !== undefined),
    compressFrom:
      aws.payload_compression === false ? undefined : wholeNumber(aws.payload_minimum_compression_size),
    logLevel: logLevels.find(level => level === aws.cloudwatch_log_level) ?? 'OFF',
    dataTrace: aws.cloudwatch_data_trace === true,
    metrics: aws.cloudwatch_metrics_enabled === true,
  }
}

function hasApi({ apigateway_enabled, use_apigateway }: Stage['aws']): boolean {
  return (apigateway_enabled ?? use_apigateway) !== false
}

const logLevels = ['OFF', 'ERROR', 'INFO'] as const

const endpoints = ['REGIONAL', 'EDGE', 'PRIVATE'] as const

function endpointsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.map(String) : []
}

function endpointOf({ name, aws }: Stage, hasPolicy: boolean): Endpoint {
  const [first, ...others] = endpointsOf(aws.endpoint_configuration)
  if (first === undefined) return usualEndpoint
  const endpoint = endpoints.find(kind => kind === first)
  if (endpoint === undefined || others.length > 0) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `\`endpoint_configuration\` of stage \`${name}\` is ${JSON.stringify([first, ...others])}.`,
      why: `It must be one of ${endpoints.join(', ')}.`,
    })
  }
  if (endpoint === 'PRIVATE' && !hasPolicy) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `\`endpoint_configuration\` of stage \`${name}\` is PRIVATE, and no policy says which network may call.`,
      why: 'AWS deploys no private API without a resource policy.',
      fix: 'name a file with one in "apigateway_policy"',
    })
  }
  return endpoint
}

function wholeNumber(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * The settings with what stands in the file that they name.
 *
 * @throws ThampiError SETTINGS_INVALID
 */
export async function withPolicy<Settings extends { readonly rest: RestSettings | undefined }>(
  settings: Settings,
  { aws, name }: Stage,
  system: System,
): Promise<Settings> {
  const { rest } = settings
  if (rest === undefined) return settings
  const found = await policyIn('apigateway_policy', aws.apigateway_policy, name, system)
  return found === undefined ? settings : { ...settings, rest: { ...rest, policy: found.document } }
}
