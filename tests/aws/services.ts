/** The services behind the door: moto where storing is enough, parts of our own where behaving is what matters. */
import { type Action, account, jsonOf, type Request, type Service } from './actions.ts'
import { ApiGateway } from './api-gateway.ts'
import type { Behaviour } from './behaviour.ts'
import { Authorizers } from './data-plane/authorizers.ts'
import { Executions } from './data-plane/executions.ts'
import { FunctionLogs } from './data-plane/function-logs.ts'
import { FunctionUrls } from './data-plane/function-urls.ts'
import { HttpApis } from './data-plane/http-api.ts'
import { invokeWith } from './data-plane/invoke.ts'
import { RestApiCallers } from './data-plane/rest-api.ts'
import { type Fired, fireSchedules } from './data-plane/schedules.ts'
import { type Permits, signerOf } from './data-plane/signatures.ts'
import { AwsError } from './errors.ts'
import { Lambda } from './lambda/lambda.ts'
import { metricData } from './metrics.ts'
import type { Answer, Moto } from './moto.ts'
import { isAllowed, type MayDo, type Policy } from './permissions.ts'
import { resourcesOf } from './resources.ts'
import { RestApis } from './rest-api.ts'
import { Roles } from './roles.ts'
import { S3 } from './s3.ts'

export interface ServicesOptions {
  readonly moto: Moto
  readonly behaviour: () => Behaviour
  /** Of the door, without a slash at the end. */
  readonly url: () => string
  readonly deployer: Deployer
}

/** Who works with the cloud, and what that person may do; undefined: everything. */
export interface Deployer {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly policies: () => readonly Policy[] | undefined
}

/** Who a running function is. */
export interface Taken {
  readonly user: string
  readonly role: string
}

export class Services {
  readonly s3: S3
  /** Issuer of tokens → where on this machine its keys are. */
  readonly issuers: Map<string, string> = new Map()
  readonly #moto: Moto
  readonly #options: ServicesOptions
  readonly #roles: Roles
  readonly #apis: ApiGateway
  readonly #restApis: RestApis
  readonly #executions: Executions
  readonly #authorizers: Authorizers
  readonly #httpApis: HttpApis
  readonly #restApiCallers: RestApiCallers
  readonly #functionUrls: FunctionUrls
  /** By Region. */
  readonly #lambdas = new Map<string, Lambda>()
  /** By the access key of a running function. */
  readonly #taken = new Map<string, Taken>()

  constructor(options: ServicesOptions) {
    const { moto, behaviour, url } = options
    this.#moto = moto
    this.#options = options
    this.s3 = new S3(moto)
    this.#roles = new Roles(moto, () => behaviour().roleMs)
    this.#apis = new ApiGateway(moto, url)
    this.#restApis = new RestApis(moto)
    this.#executions = new Executions(new FunctionLogs(moto, this.#may), (role, name) =>
      this.#take(role, name),
    )
    const lambdaIn = (region: string): Lambda => this.lambdaIn(region)
    const permits = this.#permits
    this.#authorizers = new Authorizers({
      lambdaIn,
      executions: this.#executions,
      addressOf: issuer => this.issuers.get(issuer) ?? issuer,
    })
    this.#httpApis = new HttpApis({
      apis: this.#apis,
      lambdaIn,
      executions: this.#executions,
      settleMs: () => behaviour().apiMs,
      permits,
      authorizers: this.#authorizers,
    })
    this.#functionUrls = new FunctionUrls({
      lambdas: this.#lambdas,
      executions: this.#executions,
      settleMs: () => behaviour().urlMs,
      permits,
    })
    this.#restApiCallers = new RestApiCallers({
      apis: this.#restApis,
      lambdaIn,
      executions: this.#executions,
      settleMs: () => behaviour().apiMs,
      permits,
    })
  }

  /** One call that somebody signed. Throws `AwsError`. */
  answer(action: Action, request: Request): Promise<Answer> {
    return this.#handlers[action.service](action, request)
  }

  /** What needs no signature of a service: requests to APIs and Function URLs, downloads. Undefined for the rest. */
  async page(request: Request): Promise<Answer | undefined> {
    if (request.path.startsWith('/_api/'))
      return (await this.#restApiCallers.answer(request)) ?? this.#httpApis.answer(request)
    if (request.path.startsWith('/_url/')) return this.#functionUrls.answer(request)
    const ofDomain = await this.#httpApis.answerOfDomain(request)
    if (ofDomain) return ofDomain
    return request.path.startsWith('/_code/') ? this.#download(request) : undefined
  }

  lambdaIn(region: string): Lambda {
    const known = this.#lambdas.get(region)
    if (known) return known
    const { behaviour, url } = this.#options
    const lambda = new Lambda({
      region,
      account,
      behaviour,
      url,
      readObject: (bucket, key) => this.s3.read(bucket, key, region),
      canAssume: (role, service) => this.#roles.canAssume(role, service),
      invoke: invokeWith(this.#executions),
    })
    this.#lambdas.set(region, lambda)
    return lambda
  }

  /** Who asks with this key, when it is a function; and what its role allows. */
  async functionWith(key: string): Promise<{ user: string; policies: readonly Policy[] } | undefined> {
    const taken = this.#taken.get(key)
    return taken && { user: taken.user, policies: await this.#roles.policiesOf(taken.role) }
  }

  /** Every schedule of a Region asks its target once. */
  fire(region: string): Promise<readonly Fired[]> {
    return fireSchedules(this.#moto, this.lambdaIn(region), this.#executions, this.#may)
  }

  async resources(regions: readonly string[]): Promise<readonly string[]> {
    const ours = [...this.#lambdas.values()].flatMap(lambda => lambda.resources())
    return [...ours, ...(await resourcesOf(this.#moto, regions))].sort()
  }

  /** Everything as at the start; no function runs any more. */
  async clear(): Promise<void> {
    await this.#executions.clear()
    for (const part of [
      this.s3,
      this.#roles,
      this.#apis,
      this.#restApis,
      this.#lambdas,
      this.#taken,
      this.#authorizers,
      this.issuers,
    ])
      part.clear()
    await this.#moto.reset()
  }

  async close(): Promise<void> {
    await this.#executions.clear()
    await this.#moto.close()
  }

  readonly #handlers: Readonly<Record<Service, (action: Action, request: Request) => Promise<Answer>>> = {
    lambda: (action, request) => this.lambdaIn(action.region).answer(action, request),
    s3: (action, request) => this.s3.answer(action, request),
    iam: (action, request) => this.#roles.answer(action, request),
    sts: (_, request) => this.#pass(request),
    route53: (_, request) => this.#pass(request),
    apigateway: (action, request) =>
      (request.path.startsWith('/v2/') ? this.#apis : this.#restApis).answer(action, request),
    logs: (_, request) => this.#pass(request),
    monitoring: async ({ region }, request) => metricData(request, region, this.#executions),
    scheduler: async ({ action }, request) => {
      if (action === 'CreateSchedule' || action === 'UpdateSchedule') await this.#checkSchedule(request)
      return this.#pass(request)
    },
  }

  readonly #may: MayDo = async (role, permission, resource) =>
    isAllowed(await this.#roles.policiesOf(role), { permission, resource })

  /** Callers sign with the deployer's keys: the keys of functions are not for calling others. */
  readonly #permits: Permits = (request, { service, region, needs }) => {
    const { accessKeyId, secretAccessKey, policies } = this.#options.deployer
    const secretOf = (id: string): string | undefined => (id === accessKeyId ? secretAccessKey : undefined)
    if (signerOf(request, { service, region, secretOf }) === undefined) return false
    const allowed = policies()
    return allowed === undefined || needs.every(need => isAllowed(allowed, need))
  }

  #pass(request: Request): Promise<Answer> {
    return this.#moto.pass({ ...request, path: request.target })
  }

  async #checkSchedule(request: Request): Promise<void> {
    const { Target } = jsonOf(request) as { Target?: { RoleArn?: string } }
    if (await this.#roles.canAssume(Target?.RoleArn ?? '', 'scheduler.amazonaws.com')) return
    throw new AwsError(
      400,
      'ValidationException',
      'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.',
    )
  }

  #take(role: string, name: string): string {
    const key = `ASIA${this.#taken.size}`
    const user = `arn:aws:sts::${account}:assumed-role/${role.split('/').at(-1)}/${name}`
    this.#taken.set(key, { role, user })
    return key
  }

  /** What `Code.Location` and `Content.Location` lead to. */
  #download({ path }: Request): Answer {
    const sha256 = decodeURIComponent(path.slice('/_code/'.length))
    const body = [...this.#lambdas.values()].map(lambda => lambda.downloads.get(sha256)).find(Boolean)
    return { status: body ? 200 : 404, headers: {}, body: body ?? Buffer.alloc(0) }
  }
}
