/**
 * AWS for tests: one server on this machine to which the AWS SDK, the command line and the functions are pointed.
 *
 *     const cloud = await startCloud()
 *     const lambda = new LambdaClient({ ...cloud.client, maxAttempts: 3 })
 *     …
 *     expect(await cloud.resources()).toEqual([])
 *     await cloud.close()
 */
import { type Action, account, actionOf, type Request, type Service } from './actions.ts'
import { ApiGateway } from './api-gateway.ts'
import { type Behaviour, usualBehaviour } from './behaviour.ts'
import { type Call, Calls } from './calls.ts'
import { Executions } from './data-plane/executions.ts'
import { FunctionLogs } from './data-plane/function-logs.ts'
import { FunctionUrls } from './data-plane/function-urls.ts'
import { HttpApis } from './data-plane/http-api.ts'
import { invokeWith } from './data-plane/invoke.ts'
import { type Broken, openDoor } from './door.ts'
import { AwsError, errorAnswer, jsonAnswer } from './errors.ts'
import { denied, errorOf, type Fault, type FaultOptions, Faults, type How, type When } from './faults.ts'
import { Lambda } from './lambda/lambda.ts'
import { type Answer, startMoto } from './moto.ts'
import { deployer, isAllowed, needsOf, type Policy } from './permissions.ts'
import { resourcesOf } from './resources.ts'
import { Roles } from './roles.ts'
import { Redirect, S3 } from './s3.ts'

export interface CloudOptions {
  /** Where the clients of `client` and `env` work. Not us-east-1, which has rules of its own for buckets. */
  readonly region?: string
  readonly port?: number
  /** What differs from `usualBehaviour`, also after a reset. */
  readonly behaviour?: Partial<Behaviour>
}

export interface Cloud {
  readonly url: string
  readonly region: string
  readonly account: string
  /** For the constructor of any client of the SDK. */
  readonly client: {
    readonly region: string
    readonly endpoint: string
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  }
  /** For a process that knows nothing of tests: the variables that every AWS client reads. */
  readonly env: Readonly<Record<string, string>>
  /** Every call of the deployer since the start, `forget` or `reset`, in order. */
  calls(service?: Service): readonly Call[]
  /** What running functions asked for themselves, with the credentials of their roles. */
  callsOfFunctions(service?: Service): readonly Call[]
  /** Those that change something. */
  writing(service?: Service): readonly Call[]
  /** Bytes of bodies that were sent to a service. */
  bytesTo(service: Service): number
  /** Starts the record anew. */
  forget(): void
  /** What is left in every service, one line each, sorted: `lambda function mymodel-dev`. */
  resources(): Promise<readonly string[]>
  /** Changes how long things take, what fails in the end, what the account may have. */
  behave(behaviour: Partial<Behaviour>): void
  /** Plans a fault; of several that fit a call the first is it. */
  fail(when: When, how: How, options?: FaultOptions): Fault
  /** From now on the deployer may do what these policies allow and nothing else. */
  allowOnly(...policies: readonly Policy[]): void
  /** The bucket is somebody else's from now on. */
  takeAway(bucket: string): void
  /** An idle function is put away: its first invocation fails and brings it back. */
  putAway(functionName: string): void
  /** Everything as at the start, within milliseconds. */
  reset(): Promise<void>
  close(): Promise<void>
}

export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { region = 'eu-central-1', port = 0 } = options
  const moto = await startMoto()
  const calls = new Calls()
  const faults = new Faults()
  const usual = { ...usualBehaviour, ...options.behaviour }
  let behaviour: Behaviour = usual
  let url = ''

  const s3 = new S3(moto)
  const roles = new Roles(moto, () => behaviour.roleMs)
  const apis = new ApiGateway(moto, () => url)
  const lambdas = new Map<string, Lambda>()
  const may = async (role: string, permission: string, resource: string): Promise<boolean> =>
    isAllowed(await roles.policiesOf(role), { permission, resource })
  /** Key of a running function → the role it took, and who it is then. */
  const taken = new Map<string, { readonly role: string; readonly user: string }>()
  const executions = new Executions(new FunctionLogs(moto, may), (role, name) => {
    const key = `ASIA${taken.size}`
    taken.set(key, { role, user: `arn:aws:sts::${account}:assumed-role/${role.split('/').at(-1)}/${name}` })
    return key
  })
  let allowed: readonly Policy[] | undefined
  /** The error for a caller who may not do this. */
  const refusal = async (action: Action, request: Request): Promise<AwsError | undefined> => {
    const role = taken.get(action.accessKeyId)
    const policies = role ? await roles.policiesOf(role.role) : allowed
    const missing = policies && needsOf(action, request).find(need => !isAllowed(policies, need))
    return missing && denied(action.service, role?.user ?? deployer, missing)
  }
  const invoke = invokeWith(executions)
  const lambdaIn = (where: string): Lambda => {
    const known = lambdas.get(where)
    if (known) return known
    const lambda = new Lambda({
      region: where,
      account,
      behaviour: () => behaviour,
      url: () => url,
      readObject: (bucket, key) => s3.read(bucket, key, where),
      canAssume: (role, service) => roles.canAssume(role, service),
      invoke,
    })
    lambdas.set(where, lambda)
    return lambda
  }
  const pass = (_: Action, request: Request): Promise<Answer> =>
    moto.pass({ ...request, path: request.target })
  const services: Record<Service, (action: Action, request: Request) => Promise<Answer>> = {
    lambda: (action, request) => lambdaIn(action.region).answer(action, request),
    s3: (action, request) => s3.answer(action, request),
    iam: (action, request) => roles.answer(action, request),
    sts: pass,
    apigateway: (action, request) => apis.answer(action, request),
    logs: pass,
    scheduler: async (action, request) => {
      if (/^(Create|Update)Schedule$/.test(action.action)) await checkSchedule(request, roles)
      return pass(action, request)
    },
  }

  const httpApis = new HttpApis(apis, lambdaIn, executions, () => behaviour.apiMs)
  const functionUrls = new FunctionUrls(lambdas, executions, () => behaviour.urlMs)
  const handle = async (request: Request): Promise<Answer | Broken> => {
    if (request.path.startsWith('/_api/')) return httpApis.answer(request)
    if (request.path.startsWith('/_url/')) return functionUrls.answer(request)
    if (request.path.startsWith('/_code/')) return download(request, lambdas)
    const action = actionOf(request)
    if (!action) return unknown(request)
    const call = calls.begin(action, request.body.length)
    const how = faults.take(action)
    if (how === 'stalled') return 'stall'
    if (how === 'reset') return 'reset'
    if (how && typeof how === 'object' && 'before' in how) {
      await how.before()
      return 'reset'
    }
    const refused = (how && errorOf(how, action)) ?? (await refusal(action, request))
    if (refused) {
      call.end({ status: refused.status, executed: false })
      return errorAnswer(action.service, refused)
    }
    const answer = await services[action.service](
      action,
      how === 'truncated' ? truncated(request) : request,
    ).catch((error: unknown) => {
      if (!(error instanceof AwsError)) throw error
      const answer = errorAnswer(action.service, error)
      if (!(error instanceof Redirect)) return answer
      return { ...answer, headers: { ...answer.headers, 'x-amz-bucket-region': error.region } }
    })
    if (how && typeof how === 'object' && 'after' in how) await how.after()
    const isLost = how === 'lost' || typeof how === 'object'
    call.end(isLost ? { executed: true } : { status: answer.status, executed: true })
    return isLost ? 'reset' : answer
  }

  const door = await openDoor(handle, port)
  url = `http://127.0.0.1:${door.port}`
  const credentials = { accessKeyId: 'AKIATESTCLOUD', secretAccessKey: 'not-a-secret' }
  const some = (service?: Service, by: Call['by'] = 'deployer'): readonly Call[] =>
    calls.all().filter(call => call.by === by && (service === undefined || call.service === service))
  return {
    url,
    region,
    account,
    client: { region, endpoint: url, credentials },
    env: {
      AWS_ENDPOINT_URL: url,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    },
    calls: service => some(service),
    callsOfFunctions: service => some(service, 'function'),
    writing: service => some(service).filter(call => call.writing),
    bytesTo: service => some(service).reduce((sum, { bytes }) => sum + bytes, 0),
    forget: () => calls.clear(),
    resources: async () => {
      const regions = [...new Set([region, ...calls.all().map(call => call.region)])]
      const ours = [...lambdas.values()].flatMap(lambda => lambda.resources())
      return [...ours, ...(await resourcesOf(moto, regions))].sort()
    },
    behave: patch => {
      behaviour = { ...behaviour, ...patch }
    },
    fail: (when, how, options) => faults.plan(when, how, options),
    allowOnly: (...policies) => {
      allowed = policies
    },
    takeAway: bucket => s3.takeAway(bucket),
    putAway: name => lambdaIn(region).function(name).latest.putAway(),
    reset: async () => {
      behaviour = usual
      await executions.clear()
      allowed = undefined
      for (const part of [calls, faults, s3, roles, apis, lambdas, taken]) part.clear()
      await moto.reset()
    },
    close: async () => {
      await executions.clear()
      await door.close()
      await moto.close()
    },
  }
}

/** What `Code.Location` and `Content.Location` lead to. */
function download({ path }: Request, lambdas: ReadonlyMap<string, Lambda>): Answer {
  const sha256 = decodeURIComponent(path.slice('/_code/'.length))
  const body = [...lambdas.values()].map(lambda => lambda.downloads.get(sha256)).find(Boolean)
  return { status: body ? 200 : 404, headers: {}, body: body ?? Buffer.alloc(0) }
}

/** Half of it arrives, and nobody looks at its sum. */
function truncated(request: Request): Request {
  const headers = Object.entries(request.headers).filter(([name]) => !/checksum|md5|sha256/.test(name))
  return {
    ...request,
    headers: Object.fromEntries(headers),
    body: request.body.subarray(0, Math.floor(request.body.length / 2)),
  }
}

async function checkSchedule(request: Request, roles: Roles): Promise<void> {
  const { Target } = JSON.parse(request.body.toString()) as { Target?: { RoleArn?: string } }
  if (await roles.canAssume(Target?.RoleArn ?? '', 'scheduler.amazonaws.com')) return
  throw new AwsError(
    400,
    'ValidationException',
    'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.',
  )
}

function unknown({ method, path }: Request): Answer {
  return jsonAnswer(403, { message: `The cloud of the tests does not know ${method} ${path}.` })
}
