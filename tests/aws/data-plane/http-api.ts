/**
 * HTTP APIs as their callers see them. `https://<id>.execute-api.<region>.amazonaws.com/<path>` stands here under
 * `/_api/<id>/<path>`, and so does `ApiEndpoint` say: a stage's address is made of it in the same way.
 */
import { account, type Request } from '../actions.ts'
import type { ApiGateway } from '../api-gateway.ts'
import { jsonAnswer } from '../errors.ts'
import type { Lambda } from '../lambda/lambda.ts'
import type { Answer } from '../moto.ts'
import type { Authorizer, Authorizers, Decision } from './authorizers.ts'
import type { Executions } from './executions.ts'
import { isGranted } from './grants.ts'
import { eventOf } from './http-event.ts'
import type { Permits } from './signatures.ts'
import { answerWithin, type NoAnswer } from './within.ts'

const maxBodyBytes = 10 * 1024 * 1024
const maxWaitMs = 30_000

interface Api {
  readonly apiId: string
  readonly corsConfiguration?: {
    readonly allowOrigins?: readonly string[]
    readonly allowMethods?: readonly string[]
    readonly allowHeaders?: readonly string[]
  }
}

interface Stage {
  readonly stageName: string
  readonly autoDeploy?: boolean
  readonly deploymentId?: string
}

interface Route {
  readonly routeKey: string
  readonly target?: string
  readonly authorizationType?: string
  readonly authorizerId?: string
}

interface Integration {
  readonly integrationUri?: string
  readonly timeoutInMillis?: number
}

export interface HttpApisOptions {
  readonly apis: ApiGateway
  readonly lambdaIn: (region: string) => Lambda
  readonly executions: Executions
  readonly settleMs: () => number
  readonly permits: Permits
  readonly authorizers: Authorizers
}

export class HttpApis {
  readonly #apis: ApiGateway
  readonly #lambdaIn: (region: string) => Lambda
  readonly #executions: Executions
  readonly #settleMs: () => number
  readonly #permits: Permits
  readonly #authorizers: Authorizers

  constructor({ apis, lambdaIn, executions, settleMs, permits, authorizers }: HttpApisOptions) {
    this.#apis = apis
    this.#lambdaIn = lambdaIn
    this.#executions = executions
    this.#settleMs = settleMs
    this.#permits = permits
    this.#authorizers = authorizers
  }

  answer(request: Request): Promise<Answer> {
    const [, , id = '', ...rest] = request.path.split('/')
    return this.#answerAt(id, rest, request)
  }

  /** Of a domain that leads to an API; undefined where the host is none. */
  async answerOfDomain(request: Request): Promise<Answer | undefined> {
    const at = await this.#apis.domains.at(request.headers.host ?? '', request.path)
    return at && this.#answerAt(at.api, [at.stage, ...at.path.split('/').slice(1)], request)
  }

  /** `rest` is the path, with the stage. */
  async #answerAt(id: string, rest: readonly string[], request: Request): Promise<Answer> {
    const about = this.#apis.about(id)
    const api = about && about.ageMs >= this.#settleMs() ? await this.#apis.read<Api>(id, '') : undefined
    const stage = api && (await this.#stageOf(id, rest[0] ?? ''))
    if (!about || !api || !stage) return message(404, 'Not Found')
    const isNamed = stage.stageName !== '$default'
    const path = `/${(isNamed ? rest.slice(1) : rest).join('/')}`
    const cors = corsOf(api, request)
    if (cors && request.method === 'OPTIONS') return { status: 204, headers: cors, body: Buffer.alloc(0) }
    const answer = await this.#route(id, about.region, stage.stageName, path, `/${rest.join('/')}`, request)
    return { ...answer, headers: { ...answer.headers, ...cors } }
  }

  /** Of whoever else than IAM decides about callers of this route. */
  async #decide(api: string, route: Route, request: Request, methodArn: string): Promise<Decision> {
    if (route.authorizationType !== 'JWT' && route.authorizationType !== 'CUSTOM') return { context: {} }
    const authorizer = await this.#apis.read<Authorizer>(api, `/authorizers/${route.authorizerId}`)
    return authorizer ? this.#authorizers.decide({ request, authorizer, methodArn }) : { refused: 500 }
  }

  /** A stage that is deployed, by itself or by hand. */
  async #stageOf(id: string, name: string): Promise<Stage | undefined> {
    for (const candidate of [name, '$default']) {
      if (candidate === '') continue
      const stage = await this.#apis.read<Stage>(id, `/stages/${encodeURIComponent(candidate)}`)
      if (stage?.autoDeploy || stage?.deploymentId) return stage
    }
    return undefined
  }

  async #route(
    id: string,
    region: string,
    stage: string,
    path: string,
    rawPath: string,
    request: Request,
  ): Promise<Answer> {
    const routes = (await this.#apis.read<{ items: Route[] }>(id, '/routes'))?.items ?? []
    const found = routeFor(routes, request.method, path)
    if (!found) return message(404, 'Not Found')
    const { route, parameters } = found
    const sourceArn = `arn:aws:execute-api:${region}:${account}:${id}/${stage}/${request.method}${path}`
    if (route.authorizationType === 'AWS_IAM') {
      const needs = [{ permission: 'execute-api:Invoke', resource: sourceArn }]
      if (!this.#permits(request, { service: 'execute-api', region, needs })) return message(403, 'Forbidden')
    }
    const decision = await this.#decide(id, route, request, sourceArn)
    if ('refused' in decision) return message(decision.refused, refusals[decision.refused])
    if (request.body.length > maxBodyBytes) return message(413, 'Request Entity Too Large')
    const integration = await this.#apis.read<Integration>(
      id,
      `/integrations/${(route.target ?? '').replace('integrations/', '')}`,
    )
    const [, uri = ''] = /(arn:aws:lambda:[^/]+)/.exec(integration?.integrationUri ?? '') ?? []
    const [, , , home = '', , , name = '', qualifier] = uri.split(':')
    const lambda = this.#lambdaIn(home)
    const fn = lambda.functions.get(name)
    const isAllowed =
      fn &&
      isGranted(fn.policies.get(qualifier ?? ''), {
        action: 'lambda:InvokeFunction',
        principal: 'apigateway.amazonaws.com',
        sourceArn,
      })
    if (!isAllowed) return message(500, 'Internal Server Error')
    const event = eventOf(request, {
      id,
      domain: `${id}.execute-api.${region}.amazonaws.com`,
      stage,
      routeKey: route.routeKey,
      rawPath,
      pathParameters: parameters,
      authorizer: decision.context,
    })
    const run = this.#executions.run(lambda, name, qualifier, event)
    const said = await answerWithin(Math.min(integration?.timeoutInMillis ?? maxWaitMs, maxWaitMs), run)
    return typeof said === 'string' ? message(...withoutAnswer[said]) : said
  }
}

const refusals = { 401: 'Unauthorized', 403: 'Forbidden', 500: 'Internal Server Error' } as const

const withoutAnswer: Readonly<Record<NoAnswer, readonly [status: number, text: string]>> = {
  late: [503, 'Service Unavailable'],
  failed: [500, 'Internal Server Error'],
  'too long': [413, 'Request Too Long'],
  throttled: [503, 'Service Unavailable'],
  refused: [500, 'Internal Server Error'],
}

/** The most exact route wins: a method before ANY, words before `{parameters}`, those before `{proxy+}` and `$default`. */
export function routeFor<Found extends Pick<Route, 'routeKey'>>(
  routes: readonly Found[],
  method: string,
  path: string,
): { route: Found; parameters?: Record<string, string> } | undefined {
  const found = routes.flatMap(route => {
    const [verb, pattern = ''] = route.routeKey.split(' ')
    if (route.routeKey === '$default') return [{ route, rank: 1e9 }]
    if (verb !== method && verb !== 'ANY') return []
    const names = [...pattern.matchAll(/\{([^}]+)\}/g)].map(([, name]) => (name as string).replace('+', ''))
    const source = pattern
      .replace(/[.$()|]/g, '\\$&')
      .replace(/\{[^}]+\+\}/g, '(.+)')
      .replace(/\{[^}]+\}/g, '([^/]+)')
    const match = new RegExp(`^${source}/?$`).exec(path)
    if (!match) return []
    const rank = (pattern.includes('+}') ? 1000 : 0) + names.length * 10 + (verb === 'ANY' ? 1 : 0)
    const parameters = Object.fromEntries(
      names.map((name, i) => [name, decodeURIComponent(match[i + 1] ?? '')]),
    )
    return [names.length > 0 ? { route, rank, parameters } : { route, rank }]
  })
  return found.sort((one, other) => one.rank - other.rank)[0]
}

function corsOf({ corsConfiguration }: Api, { headers }: Request): Record<string, string> | undefined {
  const { origin } = headers
  if (!corsConfiguration || origin === undefined) return undefined
  const { allowOrigins = [], allowMethods = [], allowHeaders = [] } = corsConfiguration
  if (!allowOrigins.includes('*') && !allowOrigins.includes(origin)) return {}
  return {
    'access-control-allow-origin': allowOrigins.includes('*') ? '*' : origin,
    ...(allowMethods.length > 0 && { 'access-control-allow-methods': allowMethods.join(',') }),
    ...(allowHeaders.length > 0 && { 'access-control-allow-headers': allowHeaders.join(',') }),
  }
}

function message(status: number, text: string): Answer {
  return jsonAnswer(status, { message: text })
}
