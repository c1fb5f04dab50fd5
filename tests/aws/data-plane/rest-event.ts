/** HTTP as functions behind a REST API see it: events of payload format 1.0. */
import { randomUUID } from 'node:crypto'
import { account, type Request } from '../actions.ts'

export interface RestPlace {
  readonly id: string
  readonly region: string
  readonly stage: string
  /** Below the stage. */
  readonly path: string
  /** `/{proxy+}` */
  readonly resource: string
  readonly parameters: Readonly<Record<string, string>>
}

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html */
export function restEventOf(request: Request, place: RestPlace): Buffer {
  const headers = Object.entries(request.headers).map(([name, value]): [string, string[]] => [
    name,
    Array.isArray(value) ? value : [value ?? ''],
  ])
  const query = new Map<string, string[]>()
  for (const [name, value] of request.query) query.set(name, [...(query.get(name) ?? []), value])
  const several = [...query]
  const requestId = randomUUID()
  return Buffer.from(
    JSON.stringify({
      resource: place.resource,
      path: place.path,
      httpMethod: request.method,
      headers: lastOf(headers),
      multiValueHeaders: Object.fromEntries(headers),
      queryStringParameters: several.length > 0 ? lastOf(several) : null,
      multiValueQueryStringParameters: several.length > 0 ? Object.fromEntries(several) : null,
      pathParameters: place.parameters,
      stageVariables: null,
      requestContext: {
        accountId: account,
        apiId: place.id,
        domainName: `${place.id}.execute-api.${place.region}.amazonaws.com`,
        domainPrefix: place.id,
        extendedRequestId: requestId,
        httpMethod: request.method,
        identity: { sourceIp: '127.0.0.1', userAgent: request.headers['user-agent'] ?? null },
        path: `/${place.stage}${place.path}`,
        protocol: 'HTTP/1.1',
        requestId,
        requestTimeEpoch: Date.now(),
        resourcePath: place.resource,
        stage: place.stage,
      },
      // No media type is binary unless the API says so, and ours does not.
      body: request.body.length > 0 ? request.body.toString() : null,
      isBase64Encoded: false,
    }),
  )
}

function lastOf(several: readonly (readonly [string, readonly string[]])[]): Record<string, string> {
  return Object.fromEntries(several.map(([name, values]) => [name, values.at(-1) ?? '']))
}
