/** Domains of API Gateway in front of moto: where they are answered, what leads from them to APIs, and what is refused. */
import { createHash } from 'node:crypto'
import { type Action, jsonOf, type Request } from './actions.ts'
import { AwsError, jsonAnswer } from './errors.ts'
import type { Answer, Moto } from './moto.ts'

interface Mapping {
  readonly apiId: string
  readonly apiMappingKey?: string
  readonly stage: string
}

type Configuration = Readonly<Record<string, unknown>>

interface Domain {
  readonly domainName: string
  readonly domainNameConfigurations: readonly Configuration[]
}

export class Domains {
  readonly #moto: Moto
  /** Domain → the Region it is in. */
  readonly #regions = new Map<string, string>()
  /** What UpdateDomainName said, which moto does not know. */
  readonly #updated = new Map<string, readonly Configuration[]>()

  constructor(moto: Moto) {
    this.#moto = moto
  }

  /** Undefined for calls that are not about domains. */
  async answer(action: Action, request: Request): Promise<Answer | undefined> {
    if (action.action === 'DeleteApi') return this.#checkUnmapped(action)
    if (!/Domain|ApiMapping/.test(action.action)) return undefined
    const document = jsonOf(request) as Partial<Domain & Mapping>
    const name = action.parameters[0] ?? document.domainName ?? ''
    if (/^(Create|Update)DomainName$/.test(action.action)) checkCertificates(document, action.region)
    if (action.action === 'UpdateDomainName') return this.#update(name, document, action)
    if (action.action === 'CreateApiMapping')
      await this.#checkFree(name, document.apiMappingKey ?? '', action.region)
    const answer = await this.#moto.pass({ ...request, path: request.target })
    if (answer.status >= 300) return answer
    if (action.action === 'CreateDomainName') this.#regions.set(name, action.region)
    if (action.action === 'DeleteDomainName') this.#forget(name)
    if (!/^(Create|Get)DomainName$/.test(action.action)) return answer
    return jsonAnswer(answer.status, this.#asSeen(JSON.parse(answer.body.toString()), action.region))
  }

  /** Where a request to this host is led: to a stage of an API, and the path that is left. Undefined: to no domain. */
  async at(host: string, path: string): Promise<{ api: string; stage: string; path: string } | undefined> {
    const name = host.replace(/:\d+$/, '')
    const region = this.#regions.get(name)
    if (region === undefined) return undefined
    const fitting = (await this.#mappings(name, region)).filter(({ apiMappingKey: key = '' }) =>
      key === '' ? true : path === `/${key}` || path.startsWith(`/${key}/`),
    )
    const longest = fitting.sort((a, b) => (b.apiMappingKey ?? '').length - (a.apiMappingKey ?? '').length)[0]
    if (longest === undefined) return undefined
    const { apiId, stage, apiMappingKey: key = '' } = longest
    return { api: apiId, stage, path: key === '' ? path : path.slice(key.length + 1) }
  }

  clear(): void {
    this.#regions.clear()
    this.#updated.clear()
  }

  #forget(name: string): void {
    this.#regions.delete(name)
    this.#updated.delete(name)
  }

  #asSeen(domain: Domain, region: string): Domain {
    const configurations = this.#updated.get(domain.domainName) ?? domain.domainNameConfigurations
    const id = createHash('sha256').update(domain.domainName).digest('hex').slice(0, 10)
    const added = {
      apiGatewayDomainName: `d-${id}.execute-api.${region}.amazonaws.com`,
      hostedZoneId: 'Z1U9ULNL0V5AJ3',
      domainNameStatus: 'AVAILABLE',
    }
    return { ...domain, domainNameConfigurations: configurations.map(one => ({ ...one, ...added })) }
  }

  async #update(
    name: string,
    { domainNameConfigurations }: Partial<Domain>,
    action: Action,
  ): Promise<Answer> {
    const found = await this.#moto.ask('apigateway', action.region, {
      method: 'GET',
      path: `/v2/domainnames/${name}`,
    })
    if (found.status !== 200) return found
    this.#updated.set(name, domainNameConfigurations ?? [])
    return jsonAnswer(200, this.#asSeen(JSON.parse(found.body.toString()), action.region))
  }

  async #mappings(name: string, region: string): Promise<readonly Mapping[]> {
    const { status, body } = await this.#moto.ask('apigateway', region, {
      method: 'GET',
      path: `/v2/domainnames/${name}/apimappings`,
    })
    return status === 200 ? (JSON.parse(body.toString()) as { items: Mapping[] }).items : []
  }

  async #checkFree(name: string, key: string, region: string): Promise<void> {
    if ((await this.#mappings(name, region)).some(({ apiMappingKey = '' }) => apiMappingKey === key))
      throw new AwsError(409, 'ConflictException', 'ApiMapping key already exists for this domain name')
  }

  /** What a domain leads to does not go. */
  async #checkUnmapped({ parameters: [api], region }: Action): Promise<undefined> {
    for (const name of this.#regions.keys())
      if ((await this.#mappings(name, region)).some(({ apiId }) => apiId === api))
        throw new AwsError(
          400,
          'BadRequestException',
          `Deleting API ${api} is not allowed while the domain ${name} is mapped to it`,
        )
    return undefined
  }
}

function checkCertificates({ domainNameConfigurations = [] }: Partial<Domain>, region: string): void {
  for (const { certificateArn, endpointType } of domainNameConfigurations)
    if (endpointType === 'REGIONAL' && String(certificateArn).split(':')[3] !== region)
      throw new AwsError(
        400,
        'BadRequestException',
        `Invalid certificate ARN: ${certificateArn}. Certificate must be in '${region}'.`,
      )
}
