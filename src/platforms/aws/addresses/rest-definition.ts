/** What a REST API is, as one OpenAPI document with Amazon's extensions: it is imported as a whole, never changed in parts. */
import type { Method } from '@aws-sdk/client-api-gateway'
import type { AwsSettings, CorsRules } from '../settings/aws-settings.ts'
import type { RestSettings } from '../settings/rest.ts'

/** A REST API gives up after 29 s unless the account has been given more. */
const timeoutMs = 29_000

/** All paths below the stage: those of predictions, and those of every other protocol that a model is asked by. */
export const resourcePath = '/{proxy+}'

export interface Defined {
  readonly title: string
  readonly description: string
  readonly region: string
  readonly partition: string
  /** Whom it asks. */
  readonly aliasArn: string
  readonly settings: Pick<AwsSettings, 'cors' | 'iamAuthorization' | 'tags'>
  readonly rest: RestSettings
}

/**
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
 */
export function restDefinition(defined: Defined): Readonly<Record<string, unknown>> {
  const { title, description, settings, rest } = defined
  const { cors } = settings
  return {
    openapi: '3.0.1',
    info: { title, description, version: '1' },
    paths: {
      [resourcePath]: {
        'x-amazon-apigateway-any-method': anyMethod(defined),
        ...(cors === undefined ? {} : { options: preflight(cors) }),
      },
    },
    components: {
      securitySchemes: {
        ...(settings.iamAuthorization ? { sigv4 } : {}),
        ...(rest.keyRequired ? { api_key } : {}),
      },
    },
    ...(cors === undefined ? {} : { 'x-amazon-apigateway-gateway-responses': readableRefusals(cors) }),
    ...(rest.policy === undefined ? {} : { 'x-amazon-apigateway-policy': rest.policy }),
    ...(rest.compressFrom === undefined
      ? {}
      : { 'x-amazon-apigateway-minimum-compression-size': rest.compressFrom }),
  }
}

/** Whether AWS read the document as it was meant: a closed method that was read as open one would be open to everybody. */
export function isAsClosed(
  found: Method | undefined,
  { settings, rest }: Pick<Defined, 'settings' | 'rest'>,
): boolean {
  return (
    found !== undefined &&
    (found.authorizationType ?? 'NONE') === (settings.iamAuthorization ? 'AWS_IAM' : 'NONE') &&
    (found.apiKeyRequired ?? false) === rest.keyRequired
  )
}

const sigv4 = {
  type: 'apiKey',
  name: 'Authorization',
  in: 'header',
  'x-amazon-apigateway-authtype': 'awsSigv4',
} as const

const api_key = { type: 'apiKey', name: 'x-api-key', in: 'header' } as const

const proxyParameter = { name: 'proxy', in: 'path', required: true, schema: { type: 'string' } } as const

function anyMethod({
  region,
  partition,
  aliasArn,
  settings,
  rest,
}: Defined): Readonly<Record<string, unknown>> {
  // Both in one requirement: whoever calls needs both.
  const needed = {
    ...(settings.iamAuthorization ? { sigv4: [] } : {}),
    ...(rest.keyRequired ? { api_key: [] } : {}),
  }
  return {
    parameters: [proxyParameter],
    responses: {},
    ...(Object.keys(needed).length === 0 ? {} : { security: [needed] }),
    'x-amazon-apigateway-integration': {
      type: 'aws_proxy',
      httpMethod: 'POST',
      uri: `arn:${partition}:apigateway:${region}:lambda:path/2015-03-31/functions/${aliasArn}/invocations`,
      passthroughBehavior: 'when_no_match',
      timeoutInMillis: timeoutMs,
    },
  }
}

/** Answered by the API itself: who may not call cannot keep the function busy with preflights either. */
function preflight(cors: CorsRules): Readonly<Record<string, unknown>> {
  const values = {
    'Access-Control-Allow-Origin': cors.AllowOrigins.join(','),
    'Access-Control-Allow-Methods': cors.AllowMethods.join(','),
    'Access-Control-Allow-Headers': cors.AllowHeaders.join(','),
    'Access-Control-Max-Age': String(cors.MaxAge),
  }
  const named = Object.entries(values)
  const header = { schema: { type: 'string' } }
  return {
    parameters: [proxyParameter],
    responses: {
      204: { description: 'Preflight', headers: Object.fromEntries(named.map(([name]) => [name, header])) },
    },
    'x-amazon-apigateway-integration': {
      type: 'mock',
      requestTemplates: { 'application/json': '{"statusCode": 204}' },
      passthroughBehavior: 'when_no_match',
      responses: {
        default: {
          statusCode: '204',
          responseParameters: Object.fromEntries(
            named.map(([name, value]) => [`method.response.header.${name}`, quoted(value)]),
          ),
        },
      },
    },
  }
}

/** Without it a page that is refused cannot read why. */
function readableRefusals({ AllowOrigins }: CorsRules): Readonly<Record<string, unknown>> {
  const responseParameters = {
    'gatewayresponse.header.Access-Control-Allow-Origin': quoted(AllowOrigins.join(',')),
  }
  return { DEFAULT_4XX: { responseParameters }, DEFAULT_5XX: { responseParameters } }
}

/** API Gateway's way to write a text that is no expression. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '')}'`
}
