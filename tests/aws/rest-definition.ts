/** Reads the OpenAPI document of a REST API as API Gateway documents it; what it does not know it refuses, as with `failonwarnings`. */
import { AwsError } from './errors.ts'

export interface RestMethod {
  /** `ANY`, `OPTIONS`. */
  readonly httpMethod: string
  readonly path: string
  readonly authorizationType: 'NONE' | 'AWS_IAM'
  readonly apiKeyRequired: boolean
  readonly integration: Readonly<Record<string, unknown>>
  /** Of a mock: what it answers. */
  readonly mock?: { readonly status: number; readonly headers: Readonly<Record<string, string>> }
}

export interface RestDefinition {
  readonly title: string
  readonly description: string
  readonly methods: readonly RestMethod[]
  readonly policy?: Json
  readonly compressFrom?: number
  /** Headers of the answers that the API itself gives: for statuses from 400 and from 500. */
  readonly refusals: { readonly client: Headers; readonly server: Headers }
}

type Json = Readonly<Record<string, unknown>>
type Headers = Readonly<Record<string, string>>

const known = {
  document: [
    'openapi',
    'info',
    'paths',
    'components',
    'policy',
    'minimum-compression-size',
    'gateway-responses',
  ],
  method: ['parameters', 'responses', 'security', 'integration'],
  integration: [
    'type',
    'httpMethod',
    'uri',
    'passthroughBehavior',
    'timeoutInMillis',
    'requestTemplates',
    'responses',
  ],
}

export function readDefinition(body: Buffer): RestDefinition {
  const document = parsed(body)
  only(document, known.document, 'the document')
  if (!/^3\.0\./.test(String(document.openapi))) throw warning('only OpenAPI 3.0 is read here')
  const { title = '', description = '' } = document.info as Record<string, string>
  const schemes = (document.components as { securitySchemes?: Record<string, Json> })?.securitySchemes ?? {}
  const size = extension(document, 'minimum-compression-size')
  const policy = extension(document, 'policy')
  return {
    title,
    description,
    methods: Object.entries(document.paths as Record<string, Json>).flatMap(([path, methods]) =>
      Object.entries(methods).map(([name, method]) => methodOf(path, name, method as Json, schemes)),
    ),
    ...(policy === undefined ? {} : { policy: policy as Json }),
    ...(size === undefined ? {} : { compressFrom: Number(size) }),
    refusals: refusalsOf(extension(document, 'gateway-responses') as Json | undefined),
  }
}

function methodOf(
  path: string,
  name: string,
  method: Json,
  schemes: Readonly<Record<string, Json>>,
): RestMethod {
  only(method, known.method, `${name} ${path}`)
  const integration = extension(method, 'integration') as Json | undefined
  if (integration === undefined) throw warning(`${name} ${path} has no integration`)
  only(integration, known.integration, `the integration of ${path}`)
  const required = ((method.security as Json[] | undefined) ?? []).flatMap(one => Object.keys(one))
  for (const scheme of required) if (!schemes[scheme]) throw warning(`no security scheme ${scheme}`)
  const isSigned = required.some(scheme => extension(schemes[scheme] as Json, 'authtype') === 'awsSigv4')
  const hasKey = required.some(scheme => {
    const { type, in: where, name: header } = schemes[scheme] as Json
    return type === 'apiKey' && where === 'header' && String(header).toLowerCase() === 'x-api-key'
  })
  if (required.length !== Number(isSigned) + Number(hasKey))
    throw warning(`security of ${path} is not understood`)
  const mock = integration.type === 'mock' ? mockOf(integration, method) : undefined
  if (!mock && integration.type !== 'aws_proxy') throw warning(`integration ${integration.type} is not known`)
  return {
    httpMethod: name === 'x-amazon-apigateway-any-method' ? 'ANY' : name.toUpperCase(),
    path,
    authorizationType: isSigned ? 'AWS_IAM' : 'NONE',
    apiKeyRequired: hasKey,
    integration,
    ...(mock ? { mock } : {}),
  }
}

/** A mock answers with the status of its template, and with headers that its method declares. */
function mockOf(integration: Json, method: Json): NonNullable<RestMethod['mock']> {
  const template =
    (integration.requestTemplates as Record<string, string> | undefined)?.['application/json'] ?? '{}'
  const { statusCode } = JSON.parse(template) as { statusCode?: number }
  const { statusCode: status, responseParameters = {} } = (integration.responses as Record<string, Json>)
    .default as { statusCode?: string; responseParameters?: Record<string, string> }
  if (String(statusCode) !== status)
    throw warning('the template of the mock says another status than its answer')
  const declared = (method.responses as Record<string, { headers?: Json }>)[status ?? '']?.headers ?? {}
  const headers = literals(responseParameters, 'method.response.header.')
  for (const header of Object.keys(headers))
    if (!(header in declared)) throw warning(`${header} is not declared by the method`)
  return { status: Number(status), headers }
}

function refusalsOf(responses: Json = {}): RestDefinition['refusals'] {
  const of = (kind: string): Headers => {
    const { responseParameters = {} } = (responses[kind] ?? {}) as {
      responseParameters?: Record<string, string>
    }
    return literals(responseParameters, 'gatewayresponse.header.')
  }
  return { client: of('DEFAULT_4XX'), server: of('DEFAULT_5XX') }
}

/** `'*'` in quotes is the text itself; nothing else is written by us. */
function literals(parameters: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      const [, text] = /^'([^']*)'$/.exec(value) ?? []
      if (text === undefined || !name.startsWith(prefix)) throw warning(`${name}: ${value} is not understood`)
      return [name.slice(prefix.length), text]
    }),
  )
}

function only(object: Json, names: readonly string[], where: string): void {
  const odd = Object.keys(object).find(name => !names.includes(name.replace('x-amazon-apigateway-', '')))
  if (odd !== undefined) throw warning(`${odd} in ${where} is not known`)
}

function extension(object: Json, name: string): unknown {
  return object[`x-amazon-apigateway-${name}`]
}

function parsed(body: Buffer): Json {
  try {
    return JSON.parse(body.toString()) as Json
  } catch {
    throw new AwsError(400, 'BadRequestException', 'Invalid OpenAPI input.')
  }
}

function warning(what: string): AwsError {
  return new AwsError(400, 'BadRequestException', `Warnings found during import:\n\t${what}`)
}
