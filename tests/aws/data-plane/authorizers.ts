/** Who decides about callers of an HTTP API: tokens are verified as their issuer's keys say, functions are really asked. */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { account, type Request } from '../actions.ts'
import type { Lambda } from '../lambda/lambda.ts'
import { isAllowed, type Policy } from '../permissions.ts'
import type { Executions } from './executions.ts'
import { isGranted } from './grants.ts'

/** As API Gateway shows it. */
export interface Authorizer {
  readonly authorizerId: string
  readonly authorizerType: 'JWT' | 'REQUEST'
  readonly identitySource?: readonly string[]
  readonly jwtConfiguration?: { readonly issuer: string; readonly audience?: readonly string[] }
  readonly authorizerUri?: string
  readonly authorizerPayloadFormatVersion?: string
  readonly authorizerResultTtlInSeconds?: number
}

/** What the function is told about who was let in; or the status with which somebody was not. */
export type Decision = { readonly context: object } | { readonly refused: 401 | 403 | 500 }

export interface Asked {
  readonly request: Request
  readonly authorizer: Authorizer
  /** `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH` */
  readonly methodArn: string
}

export interface AuthorizersOptions {
  readonly lambdaIn: (region: string) => Lambda
  readonly executions: Executions
  /** Where on this machine an issuer's address leads to. */
  readonly addressOf: (issuer: string) => string
}

export class Authorizers {
  readonly #options: AuthorizersOptions
  /** By authorizer and what the caller brought. */
  readonly #remembered = new Map<string, { readonly until: number; readonly said: Said }>()

  constructor(options: AuthorizersOptions) {
    this.#options = options
  }

  async decide(asked: Asked): Promise<Decision> {
    const { request, authorizer } = asked
    const brought = (authorizer.identitySource ?? []).map(source => broughtIn(source, request))
    // Nobody is asked about a caller who brings nothing.
    if (brought.some(value => value === undefined || value === '')) return { refused: 401 }
    const identity = brought.join(',')
    return authorizer.authorizerType === 'JWT'
      ? this.#verify(identity, authorizer)
      : this.#ask(identity, asked)
  }

  clear(): void {
    this.#remembered.clear()
  }

  /** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html */
  async #verify(identity: string, { jwtConfiguration }: Authorizer): Promise<Decision> {
    const { issuer = '', audience = [] } = jwtConfiguration ?? {}
    const [head = '', body = '', signature = ''] = identity.replace(/^Bearer /, '').split('.')
    const [header, claims] = [documentOf(head), documentOf(body)]
    const key = header?.alg === 'RS256' ? await this.#keyOf(issuer, String(header.kid)) : undefined
    if (!claims || !key) return { refused: 401 }
    const isSigned = verify(
      'RSA-SHA256',
      Buffer.from(`${head}.${body}`),
      createPublicKey({ key, format: 'jwk' }),
      Buffer.from(signature, 'base64url'),
    )
    const now = Date.now() / 1000
    const intended = [claims.aud ?? claims.client_id].flat()
    const counts =
      isSigned &&
      claims.iss === issuer &&
      intended.some(one => audience.includes(String(one))) &&
      Number(claims.exp) > now &&
      !(Number(claims.nbf ?? 0) > now) &&
      !(Number(claims.iat ?? 0) > now + 60)
    return counts ? { context: { jwt: { claims, scopes: null } } } : { refused: 401 }
  }

  async #keyOf(issuer: string, kid: string): Promise<JsonWebKey | undefined> {
    const at = this.#options.addressOf(issuer)
    const found = (await documentAt(`${at}/.well-known/openid-configuration`)) as { jwks_uri?: string }
    const keysAt = (found?.jwks_uri ?? '').replace(issuer, at)
    const set = (await documentAt(keysAt)) as { keys?: readonly JsonWebKey[] } | undefined
    return set?.keys?.find(key => key.kid === kid && key.kty === 'RSA')
  }

  /** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html */
  async #ask(identity: string, asked: Asked): Promise<Decision> {
    const { authorizer, methodArn } = asked
    const key = `${authorizer.authorizerId} ${identity}`
    const known = this.#remembered.get(key)
    const isFresh = known !== undefined && known.until > Date.now()
    const said = isFresh ? known.said : await this.#answerOf(identity, asked)
    if (typeof said === 'number') return { refused: said }
    const until = Date.now() + (authorizer.authorizerResultTtlInSeconds ?? 0) * 1000
    if (!isFresh) this.#remembered.set(key, { until, said })
    const need = { permission: 'execute-api:Invoke', resource: methodArn }
    if (!isAllowed([said.policyDocument], need)) return { refused: 403 }
    return { context: { lambda: said.context ?? null } }
  }

  async #answerOf(identity: string, { request, authorizer, methodArn }: Asked): Promise<Said | 401 | 500> {
    const [, arn = ''] =
      /functions\/(arn:aws:lambda:[^/]+)\/invocations$/.exec(authorizer.authorizerUri ?? '') ?? []
    const [, , , region = '', , , name = '', qualifier] = arn.split(':')
    const lambda = this.#options.lambdaIn(region)
    const [api = ''] = methodArn.split(':').at(-1)?.split('/') ?? []
    const [, , , home] = methodArn.split(':')
    const mayAsk = isGranted(lambda.functions.get(name)?.policies.get(qualifier ?? ''), {
      action: 'lambda:InvokeFunction',
      principal: 'apigateway.amazonaws.com',
      sourceArn: `arn:aws:execute-api:${home}:${account}:${api}/authorizers/${authorizer.authorizerId}`,
    })
    if (!mayAsk || authorizer.authorizerPayloadFormatVersion !== '1.0') return 500
    const { method, path, headers } = request
    const event = {
      version: '1.0',
      type: 'REQUEST',
      methodArn,
      identitySource: identity,
      authorizationToken: identity,
      httpMethod: method,
      path,
      headers,
    }
    const { payload, functionError } = await this.#options.executions.run(
      lambda,
      name,
      qualifier,
      Buffer.from(JSON.stringify(event)),
    )
    const answer = documentIn(payload.toString()) as Partial<Said> & { errorMessage?: string }
    if (functionError) return answer?.errorMessage === 'Unauthorized' ? 401 : 500
    return answer?.policyDocument ? { ...answer, policyDocument: answer.policyDocument } : 500
  }
}

interface Said {
  readonly policyDocument: Policy
  readonly context?: object
}

function broughtIn(source: string, { headers }: Request): string | undefined {
  const [, header = ''] = /^\$request\.header\.(.+)$/.exec(source) ?? []
  const value = headers[header.toLowerCase()]
  return Array.isArray(value) ? value.join(',') : value
}

type Document = Readonly<Record<string, unknown>>

function documentOf(part: string): Document | undefined {
  return documentIn(Buffer.from(part, 'base64url').toString())
}

function documentIn(text: string): Document | undefined {
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' && found !== null ? { ...found } : undefined
  } catch {
    return undefined
  }
}

async function documentAt(url: string): Promise<unknown> {
  const response = await fetch(url).catch(() => undefined)
  return response?.ok ? response.json() : undefined
}
