/**
 * REST APIs, keys and usage plans in front of moto: documents that are imported, deployments that never change, and the
 * refusals that moto does not know.
 */
import { type Action, jsonOf, type Request } from './actions.ts'
import { AwsError, jsonAnswer } from './errors.ts'
import type { Answer, Moto } from './moto.ts'
import { type RestDefinition, readDefinition } from './rest-definition.ts'

type Document = Readonly<Record<string, unknown>>

export interface UsagePlan {
  readonly id: string
  readonly apiStages?: readonly { readonly apiId: string; readonly stage: string }[]
}

interface Patch {
  readonly op: string
  readonly path: string
  readonly value?: string
}

export class RestApis {
  readonly #moto: Moto
  /** What was imported last, by API: what the next deployment is made of. */
  readonly #definitions = new Map<string, RestDefinition>()
  /** What was deployed, by API and deployment. */
  readonly #deployed = new Map<string, RestDefinition>()
  readonly #changed = new Map<string, { readonly at: number; readonly region: string }>()

  constructor(moto: Moto) {
    this.#moto = moto
  }

  async answer(action: Action, request: Request): Promise<Answer> {
    const [first = ''] = action.parameters
    const { region } = action
    await this.#check(action, request)
    if (action.action === 'PutRestApi') return this.#import(region, first, request)
    const answer = await this.#moto.pass({ ...request, path: request.target })
    if (answer.status >= 300) return answer
    if (action.action === 'DeleteRestApi') this.#forget(first)
    if (action.action === 'DeleteApiKey') await this.#leavePlans(region, first)
    if (answer.body.length === 0) return answer
    const document = JSON.parse(answer.body.toString()) as Document
    const id = action.action === 'CreateRestApi' ? String(document.id) : first
    if (action.action === 'CreateDeployment')
      this.#deployed.set(`${id}/${document.id}`, this.#definitions.get(id) as RestDefinition)
    if (action.writing && /RestApi|Deployment|Stage/.test(action.action))
      this.#changed.set(id, { at: performance.now(), region })
    return answer
  }

  /** The Region of an API, and how long ago it was changed the last time; undefined for what is no REST API. */
  about(id: string): { readonly region: string; readonly ageMs: number } | undefined {
    const changed = this.#changed.get(id)
    return changed && { region: changed.region, ageMs: performance.now() - changed.at }
  }

  /** What a stage answers by: its deployment, whatever was imported since. */
  async deployedAt(id: string, stage: string): Promise<RestDefinition | undefined> {
    const { region = '' } = this.about(id) ?? {}
    const found = await this.#read<{ deploymentId: string }>(
      region,
      `/restapis/${id}/stages/${encodeURIComponent(stage)}`,
    )
    return found && this.#deployed.get(`${id}/${found.deploymentId}`)
  }

  /** Whether this key opens this stage: it is enabled, and in a plan that names the stage. */
  async opens(value: string, id: string, stage: string): Promise<boolean> {
    const { region = '' } = this.about(id) ?? {}
    const keys = await this.#list<{ id: string; value: string; enabled: boolean }>(
      region,
      '/apikeys?includeValues=true',
    )
    const key = keys.find(known => known.value === value)
    if (!key?.enabled) return false
    for (const plan of await this.#list<UsagePlan>(region, '/usageplans')) {
      if (!plan.apiStages?.some(it => it.apiId === id && it.stage === stage)) continue
      if ((await this.#membersOf(region, plan.id)).includes(key.id)) return true
    }
    return false
  }

  clear(): void {
    for (const part of [this.#definitions, this.#deployed, this.#changed]) part.clear()
  }

  async #import(region: string, id: string, request: Request): Promise<Answer> {
    if (request.query.get('mode') !== 'overwrite') throw bad('the cloud of the tests only overwrites')
    const definition = readDefinition(request.body)
    const api = await this.#read<Document>(region, `/restapis/${id}`)
    if (!api) throw missing('Invalid API identifier specified')
    const put = async (method: string, path: string, document: unknown): Promise<Document> => {
      const body = JSON.stringify(document)
      const headers = { 'content-type': 'application/json' }
      const answer = await this.#moto.ask('apigateway', region, { method, path, headers, body })
      if (answer.status >= 300)
        throw new AwsError(answer.status, 'BadRequestException', answer.body.toString())
      return JSON.parse(answer.body.toString()) as Document
    }
    const empty = { openapi: '3.0.1', info: { title: definition.title, version: '1' }, paths: {} }
    await put('PUT', `/restapis/${id}?mode=overwrite`, empty)
    const [root] = await this.#list<{ id: string }>(region, `/restapis/${id}/resources`)
    const resources = new Map<string, string>()
    for (const { httpMethod, path, authorizationType, apiKeyRequired, integration } of definition.methods) {
      const known = resources.get(path)
      const resource =
        known ??
        String((await put('POST', `/restapis/${id}/resources/${root?.id}`, { pathPart: path.slice(1) })).id)
      resources.set(path, resource)
      const at = `/restapis/${id}/resources/${resource}/methods/${httpMethod}`
      await put('PUT', at, { authorizationType, apiKeyRequired })
      const { type, uri, httpMethod: verb, timeoutInMillis, requestTemplates } = integration
      await put('PUT', `${at}/integration`, {
        type: String(type).toUpperCase(),
        uri,
        httpMethod: verb,
        timeoutInMillis,
        requestTemplates,
      })
    }
    this.#definitions.set(id, definition)
    this.#changed.set(id, { at: performance.now(), region })
    return jsonAnswer(200, { ...api, name: definition.title, description: definition.description })
  }

  async #check({ action, parameters, region }: Action, request: Request): Promise<void> {
    const [first = '', second = ''] = parameters
    const patches = (): readonly Patch[] =>
      (jsonOf(request) as { patchOperations?: readonly Patch[] }).patchOperations ?? []
    const checks: Readonly<Record<string, () => Promise<void>>> = {
      CreateDeployment: async () => this.#checkDeployment(region, first),
      GetDeployment: async () => this.#mustBeDeployed(first, second),
      DeleteDeployment: async () => {
        const stages = await this.#stagesOf(region, first)
        if (stages.some(stage => stage.deploymentId === second))
          throw bad('Active stages pointing to this deployment must be moved or deleted')
      },
      CreateStage: async () => {
        const { deploymentId = '' } = jsonOf(request) as { deploymentId?: string }
        this.#mustBeDeployed(first, deploymentId)
      },
      UpdateStage: async () => this.#checkStage(region, first, second, patches()),
      UpdateRestApi: async () => {
        const api = await this.#read<{ endpointConfiguration: { types: string[] } }>(
          region,
          `/restapis/${first}`,
        )
        const [type] = api?.endpointConfiguration.types ?? []
        for (const { op, path } of patches())
          if (op !== 'replace' || path !== `/endpointConfiguration/types/${type}`)
            throw bad(`Invalid patch path ${path}`)
      },
      CreateUsagePlanKey: async () => {
        const { keyId = '' } = jsonOf(request) as { keyId?: string }
        if (!(await this.#read(region, `/apikeys/${keyId}`)))
          throw missing('Invalid API Key identifier specified')
        if ((await this.#membersOf(region, first)).includes(keyId))
          throw new AwsError(409, 'ConflictException', 'API Key is already in this Usage Plan')
      },
      UpdateUsagePlan: async () => {
        for (const { op, path, value = '' } of patches()) {
          if (op !== 'add' || path !== '/apiStages') continue
          const [api = '', stage] = value.split(':')
          if (!(await this.#stagesOf(region, api)).some(it => it.stageName === stage))
            throw missing('Invalid API Stage specified')
        }
      },
      DeleteUsagePlan: async () => {
        const plan = await this.#read<UsagePlan>(region, `/usageplans/${first}`)
        if (!plan) throw missing('Invalid Usage Plan ID specified')
        if (plan.apiStages?.length)
          throw bad(`Cannot delete Usage Plan ${first} because there are API Stages associated with it`)
      },
    }
    await checks[action]?.()
  }

  async #checkDeployment(region: string, id: string): Promise<void> {
    const definition = this.#definitions.get(id)
    if (!definition) throw bad('The REST API doesn’t contain any methods')
    const api = await this.#read<{ endpointConfiguration: { types: string[] } }>(region, `/restapis/${id}`)
    if (api?.endpointConfiguration.types.includes('PRIVATE') && !definition.policy)
      throw bad("Private REST API doesn't have a resource policy attached to it")
  }

  async #checkStage(region: string, id: string, name: string, patches: readonly Patch[]): Promise<void> {
    const stages = await this.#stagesOf(region, id)
    if (!stages.some(({ stageName }) => stageName === name))
      throw missing('Invalid stage identifier specified')
    for (const { path, value = '' } of patches) {
      if (path === '/deploymentId') this.#mustBeDeployed(id, value)
      if (!path.endsWith('/logging/loglevel') || value === 'OFF') continue
      const account = await this.#read<{ cloudwatchRoleArn?: string }>(region, '/account')
      if (!account?.cloudwatchRoleArn)
        throw bad('CloudWatch Logs role ARN must be set in account settings to enable logging')
    }
  }

  #mustBeDeployed(id: string, deployment: string): void {
    if (!this.#deployed.has(`${id}/${deployment}`)) throw missing('Invalid Deployment identifier specified')
  }

  async #leavePlans(region: string, keyId: string): Promise<void> {
    for (const { id } of await this.#list<UsagePlan>(region, '/usageplans')) {
      if ((await this.#membersOf(region, id)).includes(keyId))
        await this.#moto.ask('apigateway', region, {
          method: 'DELETE',
          path: `/usageplans/${id}/keys/${keyId}`,
        })
    }
  }

  #forget(id: string): void {
    this.#definitions.delete(id)
    this.#changed.delete(id)
    for (const key of this.#deployed.keys()) if (key.startsWith(`${id}/`)) this.#deployed.delete(key)
  }

  async #membersOf(region: string, plan: string): Promise<string[]> {
    return (await this.#list<{ id: string }>(region, `/usageplans/${plan}/keys`)).map(({ id }) => id)
  }

  /** Their list has another name than all others. */
  async #stagesOf(
    region: string,
    id: string,
  ): Promise<readonly { stageName: string; deploymentId: string }[]> {
    const found = await this.#read<{ item?: { stageName: string; deploymentId: string }[] }>(
      region,
      `/restapis/${id}/stages`,
    )
    return found?.item ?? []
  }

  async #list<T>(region: string, path: string): Promise<readonly T[]> {
    return (await this.#read<{ item?: T[] }>(region, path))?.item ?? []
  }

  async #read<T>(region: string, path: string): Promise<T | undefined> {
    const { status, body } = await this.#moto.ask('apigateway', region, { method: 'GET', path })
    return status === 200 ? (JSON.parse(body.toString()) as T) : undefined
  }
}

function bad(message: string): AwsError {
  return new AwsError(400, 'BadRequestException', message)
}

function missing(message: string): AwsError {
  return new AwsError(404, 'NotFoundException', message)
}
