/** API Gateway v2 in front of moto: what moto lacks, addresses that lead to this machine, and the time it takes to be there. */
import { type Action, jsonOf, type Request } from './actions.ts'
import { Domains } from './domains.ts'
import { AwsError, jsonAnswer } from './errors.ts'
import type { Answer, Moto } from './moto.ts'

type Document = Readonly<Record<string, unknown>>

export class ApiGateway {
  readonly domains: Domains
  readonly #moto: Moto
  readonly #url: () => string
  /** What UpdateStage said, which moto does not know: by API and stage. */
  readonly #stages = new Map<string, Document>()
  /** API → ids of its authorizers: moto knows them one by one only. */
  readonly #authorizers = new Map<string, Set<string>>()
  readonly #changed = new Map<string, { readonly at: number; readonly region: string }>()

  constructor(moto: Moto, url: () => string) {
    this.#moto = moto
    this.domains = new Domains(moto)
    this.#url = url
  }

  async answer(action: Action, request: Request): Promise<Answer> {
    const [api = '', name = ''] = action.parameters
    const ofDomain = await this.domains.answer(action, request)
    if (ofDomain) return ofDomain
    if (action.action === 'GetAuthorizers') return this.#listAuthorizers(api)
    if (action.action === 'UpdateStage') return this.#updateStage(action, request)
    if (action.action === 'CreateRoute') await this.#checkRoute(api, request)
    if (action.action === 'CreateIntegration' || action.action === 'UpdateIntegration')
      checkIntegration(request)
    if (/^(Create|Update)Authorizer$/.test(action.action)) checkAuthorizer(request)
    if (action.action === 'DeleteAuthorizer') await this.#checkUnused(api, name)
    if (action.action === 'CreateStage') await this.#checkStage(api, request)
    const answer = await this.#moto.pass({ ...request, path: request.target })
    if (answer.status >= 300 || answer.body.length === 0) {
      if (action.action === 'DeleteStage') this.#stages.delete(`${api}/${name}`)
      return answer
    }
    const document = JSON.parse(answer.body.toString()) as Document
    if (action.writing) {
      const id = action.action === 'CreateApi' ? String(document.apiId) : api
      if (action.action === 'CreateAuthorizer') this.#noteAuthorizer(api, String(document.authorizerId))
      this.#changed.set(id, { at: performance.now(), region: action.region })
    }
    return jsonAnswer(answer.status, this.#asSeen(action.action, api, document))
  }

  /** The Region of an API, and how long ago it was changed the last time. */
  about(api: string): { readonly region: string; readonly ageMs: number } | undefined {
    const changed = this.#changed.get(api)
    return changed && { region: changed.region, ageMs: performance.now() - changed.at }
  }

  /** A part of an API as its owner would read it; undefined when it is not there. */
  async read<T>(api: string, path: string): Promise<T | undefined> {
    const region = this.#changed.get(api)?.region ?? 'us-east-1'
    const { status, body } = await this.#moto.ask('apigateway', region, {
      method: 'GET',
      path: `/v2/apis/${api}${path}`,
    })
    if (status !== 200) return undefined
    const document = JSON.parse(body.toString()) as Document
    const [, stage] = /^\/stages\/(.+)$/.exec(path) ?? []
    return { ...document, ...(stage && this.#stages.get(`${api}/${decodeURIComponent(stage)}`)) } as T
  }

  clear(): void {
    this.domains.clear()
    this.#stages.clear()
    this.#authorizers.clear()
    this.#changed.clear()
  }

  #asSeen(action: string, api: string, document: Document): Document {
    if (Array.isArray(document.items))
      return { ...document, items: document.items.map(item => this.#asSeen(action, api, item as Document)) }
    if (typeof document.apiId === 'string')
      return { ...document, apiEndpoint: `${this.#url()}/_api/${document.apiId}` }
    if (typeof document.stageName === 'string')
      return { ...document, ...this.#stages.get(`${api}/${document.stageName}`) }
    return document
  }

  #noteAuthorizer(api: string, id: string): void {
    this.#authorizers.set(api, (this.#authorizers.get(api) ?? new Set()).add(id))
  }

  async #listAuthorizers(api: string): Promise<Answer> {
    if (!(await this.read(api, '')))
      throw new AwsError(404, 'NotFoundException', `Unable to find API by identifier ${api}`)
    const ids = [...(this.#authorizers.get(api) ?? [])]
    const found = await Promise.all(ids.map(id => this.read<Document>(api, `/authorizers/${id}`)))
    return jsonAnswer(200, { items: found.filter(authorizer => authorizer !== undefined) })
  }

  async #updateStage({ parameters: [api = '', name = ''] }: Action, request: Request): Promise<Answer> {
    const stage = await this.read<Document>(api, `/stages/${encodeURIComponent(name)}`)
    if (!stage) throw new AwsError(404, 'NotFoundException', 'Invalid stage identifier specified')
    const key = `${api}/${name}`
    const patch = { ...this.#stages.get(key), ...(jsonOf(request) as Document) }
    this.#stages.set(key, patch)
    return jsonAnswer(200, { ...stage, ...patch })
  }

  async #checkRoute(api: string, request: Request): Promise<void> {
    const { routeKey } = jsonOf(request) as { routeKey?: string }
    const routes = await this.read<{ items: { routeKey: string }[] }>(api, '/routes')
    if (routes?.items.some(route => route.routeKey === routeKey))
      throw new AwsError(409, 'ConflictException', `Route with key ${routeKey} already exists for this API`)
  }

  async #checkUnused(api: string, authorizer: string): Promise<void> {
    const routes = await this.read<{ items: { authorizerId?: string; authorizationType?: string }[] }>(
      api,
      '/routes',
    )
    const uses = ({
      authorizerId,
      authorizationType = '',
    }: {
      authorizerId?: string
      authorizationType?: string
    }) => authorizerId === authorizer && ['JWT', 'CUSTOM'].includes(authorizationType)
    if (routes?.items.some(uses))
      throw new AwsError(
        409,
        'ConflictException',
        `Authorizer ${authorizer} is in use by a route of this API`,
      )
  }

  async #checkStage(api: string, request: Request): Promise<void> {
    const { stageName = '' } = jsonOf(request) as { stageName?: string }
    if (!/^([a-zA-Z0-9_-]{1,128}|\$default)$/.test(stageName))
      throw new AwsError(
        400,
        'BadRequestException',
        'Stage name only allows a-zA-Z0-9_- and $default as input values.',
      )
    if (await this.read(api, `/stages/${encodeURIComponent(stageName)}`))
      throw new AwsError(409, 'ConflictException', 'Stage already exists')
  }
}

function checkAuthorizer(request: Request): void {
  const { jwtConfiguration } = jsonOf(request) as { jwtConfiguration?: { issuer?: string } }
  if (jwtConfiguration && !/^https:\/\//.test(jwtConfiguration.issuer ?? ''))
    throw new AwsError(400, 'BadRequestException', 'Invalid issuer: it must be a valid https URL.')
}

function checkIntegration(request: Request): void {
  const { timeoutInMillis: ms } = jsonOf(request) as { timeoutInMillis?: number }
  if (ms !== undefined && (ms < 50 || ms > 30_000))
    throw new AwsError(400, 'BadRequestException', 'Timeout should be between 50 ms and 30000 ms')
}
