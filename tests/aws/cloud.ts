/**
 * AWS for tests: one server on this machine to which the AWS SDK, the command line and the functions are pointed.
 *
 *     const cloud = await startCloud()
 *     const lambda = new LambdaClient({ ...cloud.client, maxAttempts: 3 })
 *     …
 *     expect(await cloud.resources()).toEqual([])
 *     await cloud.close()
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Action, account, actionOf, type Request, type Service } from './actions.ts'
import { type Behaviour, usualBehaviour } from './behaviour.ts'
import { type Call, Calls } from './calls.ts'
import type { Fired } from './data-plane/schedules.ts'
import { type Broken, openDoor } from './door.ts'
import { AwsError, errorAnswer, jsonAnswer } from './errors.ts'
import { denied, errorOf, type Fault, type FaultOptions, Faults, type How, type When } from './faults.ts'
import { type Answer, startMoto } from './moto.ts'
import { deployer, isAllowed, needsOf, type Policy } from './permissions.ts'
import { Redirect } from './s3.ts'
import { Services } from './services.ts'

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
  /** An idle function is put away with all its versions: the first invocation of each fails and brings it back. */
  putAway(functionName: string): void
  /** Issuers of tokens are elsewhere in the world: this one's keys are found at this address. */
  publish(issuer: string, address: string): void
  /** Every schedule asks its target once, now; what each got. */
  fire(): Promise<readonly Fired[]>
  /** Everything as at the start, within milliseconds. */
  reset(): Promise<void>
  close(): Promise<void>
}

const credentials = { accessKeyId: 'AKIATESTCLOUD', secretAccessKey: 'not-a-secret' }

export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { region = 'eu-central-1', port = 0 } = options
  const usual = { ...usualBehaviour, ...options.behaviour }
  let behaviour: Behaviour = usual
  let allowed: readonly Policy[] | undefined
  let url = ''
  const services = new Services({
    moto: await startMoto(),
    behaviour: () => behaviour,
    url: () => url,
    deployer: { ...credentials, policies: () => allowed },
  })
  const calls = new Calls()
  const faults = new Faults()

  const handle = async (request: Request): Promise<Answer | Broken> => {
    const page = await services.page(request)
    if (page) return page
    const action = actionOf(request)
    if (!action) return unknown(request)
    const call = calls.begin(action, request.body.length)
    const how = faults.take(action)
    if (how === 'stalled') return 'stall'
    if (how === 'reset') return 'reset'
    if (isObject(how) && 'before' in how) {
      await how.before()
      return 'reset'
    }
    if (isObject(how) && 'delayMs' in how) await sleep(how.delayMs)
    if (isObject(how) && 'meanwhile' in how) await how.meanwhile()
    const refused = (how && errorOf(how, action)) ?? (await refusal(action, request, services, allowed))
    if (refused) {
      call.end({ status: refused.status, executed: false })
      return errorAnswer(action.service, refused)
    }
    const given = await services
      .answer(action, how === 'truncated' ? truncated(request) : request)
      .catch((error: unknown) => asAnswer(action, error))
    const answer = (await concealed(action, given, services, allowed)) ?? given
    if (isObject(how) && 'after' in how) await how.after()
    const isLost = how === 'lost' || (isObject(how) && 'after' in how)
    call.end(isLost ? { executed: true } : { status: answer.status, executed: true })
    return isLost ? 'reset' : answer
  }

  const door = await openDoor(handle, port)
  url = `http://127.0.0.1:${door.port}`
  const some = (service?: Service, by: Call['by'] = 'deployer'): readonly Call[] =>
    calls.all().filter(call => call.by === by && (service === undefined || call.service === service))
  return {
    url,
    region,
    account,
    client: { region, endpoint: url, credentials },
    env: {
      AWS_ENDPOINT_URL: url,
      // REST APIs do not say their address.
      AWS_ENDPOINT_URL_EXECUTE_API: `${url}/_api/{id}`,
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
    resources: () => services.resources([...new Set([region, ...calls.all().map(call => call.region)])]),
    behave: patch => {
      behaviour = { ...behaviour, ...patch }
    },
    fail: (when, how, options) => faults.plan(when, how, options),
    allowOnly: (...policies) => {
      allowed = policies
    },
    takeAway: bucket => services.s3.takeAway(bucket),
    putAway: name => services.lambdaIn(region).function(name).putAway(),
    publish: (issuer, address) => void services.issuers.set(issuer, address),
    fire: () => services.fire(region),
    reset: async () => {
      behaviour = usual
      allowed = undefined
      calls.clear()
      faults.clear()
      await services.clear()
    },
    close: async () => {
      await door.close()
      await services.close()
    },
  }
}

/** The error for a caller who may not do this. */
async function refusal(
  action: Action,
  request: Request,
  services: Services,
  allowed: readonly Policy[] | undefined,
): Promise<AwsError | undefined> {
  const fn = await services.functionWith(action.accessKeyId)
  const policies = fn?.policies ?? allowed
  const missing = policies && needsOf(action, request).find(need => !isAllowed(policies, need))
  return missing && denied(action.service, fn?.user ?? deployer, missing)
}

/** That an object is not there is told only to those who may list its bucket. */
async function concealed(
  { service, action, accessKeyId, parameters: [bucket = ''] }: Action,
  { status }: Answer,
  services: Services,
  allowed: readonly Policy[] | undefined,
): Promise<Answer | undefined> {
  if (service !== 's3' || status !== 404 || !/^(Get|Head)Object$/.test(action)) return undefined
  const fn = await services.functionWith(accessKeyId)
  const policies = fn?.policies ?? allowed
  const listing = { permission: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}` }
  if (!policies || isAllowed(policies, listing)) return undefined
  return errorAnswer('s3', denied('s3', fn?.user ?? deployer, listing))
}

function asAnswer({ service }: Action, error: unknown): Answer {
  if (!(error instanceof AwsError)) throw error
  const answer = errorAnswer(service, error)
  if (!(error instanceof Redirect)) return answer
  return { ...answer, headers: { ...answer.headers, 'x-amz-bucket-region': error.region } }
}

function isObject(how: How | undefined): how is Exclude<How, string | AwsError> {
  return typeof how === 'object' && !(how instanceof AwsError)
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

function unknown({ method, path }: Request): Answer {
  return jsonAnswer(403, { message: `The cloud of the tests does not know ${method} ${path}.` })
}
