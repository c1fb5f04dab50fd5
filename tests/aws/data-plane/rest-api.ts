/**
 * REST APIs as their callers see them, at the same address as HTTP APIs: `/_api/<id>/<stage>/<path>`. What a stage answers
 * by is its deployment; what was imported since changes nothing.
 */
import { gzipSync } from 'node:zlib'
import { account, type Request } from '../actions.ts'
import { jsonAnswer } from '../errors.ts'
import type { Answer } from '../moto.ts'
import type { RestApis } from '../rest-api.ts'
import type { RestDefinition, RestMethod } from '../rest-definition.ts'
import { isGranted } from './grants.ts'
import { type HttpApisOptions, routeFor } from './http-api.ts'
import { restEventOf } from './rest-event.ts'
import { isLetIn } from './rest-policy.ts'
import { answerWithin, type NoAnswer } from './within.ts'

const maxBodyBytes = 10 * 1024 * 1024

/** One request on its way through an API. */
interface Passage {
  readonly id: string
  readonly region: string
  readonly stage: string
  /** Below the stage. */
  readonly path: string
  readonly deployed: RestDefinition
  readonly request: Request
}

export interface RestApiCallersOptions extends Omit<HttpApisOptions, 'apis' | 'authorizers'> {
  readonly apis: RestApis
}

export class RestApiCallers {
  readonly #given: RestApiCallersOptions

  constructor(given: RestApiCallersOptions) {
    this.#given = given
  }

  /** Undefined: no REST API has this address. */
  async answer(request: Request): Promise<Answer | undefined> {
    const [, , id = '', stage = '', ...rest] = request.path.split('/')
    const about = this.#given.apis.about(id)
    if (!about) return undefined
    const deployed =
      about.ageMs < this.#given.settleMs() ? undefined : await this.#given.apis.deployedAt(id, stage)
    // A stage that is not there and a caller without a key are told the same.
    if (!deployed) return says(403, 'Forbidden')
    const passage = { id, region: about.region, stage, path: `/${rest.join('/')}`, deployed, request }
    return withHeaders(await this.#pass(passage), passage)
  }

  async #pass(passage: Passage): Promise<Passed> {
    const { id, region, stage, path, deployed, request } = passage
    const arn = `arn:aws:execute-api:${region}:${account}:${id}/${stage}/${request.method}${path}`
    if (deployed.policy && !isLetIn(deployed.policy, arn)) {
      const Message = `User: anonymous is not authorized to perform: execute-api:Invoke on resource: ${arn.replace(account, '********'.concat(account.slice(-4)))}`
      return { refused: jsonAnswer(403, { Message }) }
    }
    const routes = deployed.methods.map(method => ({
      ...method,
      routeKey: `${method.httpMethod} ${method.path}`,
    }))
    const found = routeFor(routes, request.method, path)
    const { route: method, parameters } = found ?? {}
    const asked = {
      service: 'execute-api',
      region,
      needs: [{ permission: 'execute-api:Invoke', resource: arn }],
    }
    // A path that is not there and a caller who does not sign are told the same, too.
    if (!method || (method.authorizationType === 'AWS_IAM' && !this.#given.permits(request, asked)))
      return { refused: says(403, 'Missing Authentication Token') }
    const key = request.headers['x-api-key']
    if (method.apiKeyRequired && !(typeof key === 'string' && (await this.#given.apis.opens(key, id, stage))))
      return { refused: says(403, 'Forbidden') }
    if (request.body.length > maxBodyBytes) return { refused: says(413, 'Request Too Long') }
    if (method.mock) {
      const { status, headers } = method.mock
      return { answered: { status, headers: lowered(headers), body: Buffer.alloc(0) } }
    }
    return this.#ask(passage, method, parameters)
  }

  async #ask(
    passage: Passage,
    method: RestMethod,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<Passed> {
    const { id, region, stage, path, request } = passage
    const [, uri = ''] = /functions\/(arn:[^/]+)\/invocations/.exec(String(method.integration.uri)) ?? []
    const [, , , home = '', , , name = '', qualifier] = uri.split(':')
    const lambda = this.#given.lambdaIn(home)
    const isAllowed = isGranted(lambda.functions.get(name)?.policies.get(qualifier ?? ''), {
      action: 'lambda:InvokeFunction',
      principal: 'apigateway.amazonaws.com',
      sourceArn: `arn:aws:execute-api:${region}:${account}:${id}/${stage}/${request.method}${method.path}`,
    })
    if (!isAllowed) return { refused: says(500, 'Internal server error') }
    const event = restEventOf(request, { id, region, stage, path, resource: method.path, parameters })
    const run = this.#given.executions.run(lambda, name, qualifier, event)
    const said = await answerWithin(Number(method.integration.timeoutInMillis ?? 29_000), run)
    return typeof said === 'string' ? { refused: says(...withoutAnswer[said]) } : { answered: said }
  }
}

/** What the function said, or what the API says instead. */
type Passed = { readonly answered: Answer } | { readonly refused: Answer }

const withoutAnswer: Readonly<Record<NoAnswer, readonly [status: number, text: string]>> = {
  late: [504, 'Endpoint request timed out'],
  failed: [502, 'Internal server error'],
  'too long': [413, 'Request Too Long'],
  throttled: [500, 'Internal server error'],
  refused: [500, 'Internal server error'],
}

/** Refusals get the headers that the API has for them; answers are compressed for whoever takes that. */
function withHeaders(passed: Passed, { deployed, request }: Passage): Answer {
  if ('refused' in passed) {
    const { refused } = passed
    const headers = refused.status < 500 ? deployed.refusals.client : deployed.refusals.server
    return { ...refused, headers: { ...refused.headers, ...lowered(headers) } }
  }
  const { answered } = passed
  const takesGzip = String(request.headers['accept-encoding'] ?? '').includes('gzip')
  const { compressFrom = Number.POSITIVE_INFINITY } = deployed
  if (!takesGzip || answered.body.length === 0 || answered.body.length < compressFrom) return answered
  return {
    ...answered,
    headers: { ...answered.headers, 'content-encoding': 'gzip' },
    body: gzipSync(answered.body),
  }
}

function lowered(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function says(status: number, message: string): Answer {
  return jsonAnswer(status, { message })
}
