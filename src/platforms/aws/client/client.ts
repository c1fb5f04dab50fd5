/** The only door to AWS: credentials, retries, our own pace and errors in plain words, for every call of the platform. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ThampiError } from '../../../errors.ts'
import { type Network, openNetwork } from '../../../system/network.ts'
import type { System } from '../../../system/system.ts'
import type { Outgoing } from '../../platform.ts'
import type { Place } from '../settings/place.ts'
import type { Between, Visit } from './between.ts'
import type { AnyClient } from './calls.ts'
import { isRead } from './calls.ts'
import { paceOf } from './pace.ts'
import { permissionFor } from './refusals.ts'
import type { ApiCalls } from './services/api.ts'
import type { IamCalls } from './services/iam.ts'
import type { LambdaCalls } from './services/lambda.ts'
import type { LogsCalls } from './services/logs.ts'
import type { MetricsCalls } from './services/metrics.ts'
import type { RestApiCalls } from './services/rest-api.ts'
import type { Route53Calls } from './services/route53.ts'
import type { S3Calls } from './services/s3.ts'
import type { SchedulerCalls } from './services/scheduler.ts'
import type { StsCalls } from './services/sts.ts'
import { explained, failureOf, isBusy, isSkewed, isThrottled, isUnknown, isUnreached } from './trouble.ts'

export interface Identity {
  /** Twelve digits. */
  readonly account: string
  /** Of the user or the role that calls. */
  readonly arn: string
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string
}

/** AWS as one stage's credentials reach it. The SDK's clients are loaded when they are first asked for. */
export interface Cloud {
  readonly region: string
  readonly profile: string | undefined
  /** Where REST APIs are called, with `{id}` for the API's; undefined: where AWS has them. */
  readonly executeApi: string | undefined
  /** Who calls; asked once. */
  identity(): Promise<Identity>
  lambda(): Promise<LambdaCalls>
  s3(): Promise<S3Calls>
  iam(): Promise<IamCalls>
  api(): Promise<ApiCalls>
  rest(): Promise<RestApiCalls>
  logs(): Promise<LogsCalls>
  scheduler(): Promise<SchedulerCalls>
  route53(): Promise<Route53Calls>
  metrics(): Promise<MetricsCalls>
  /** The headers of a request that a service other than those lets through by its signature. */
  sign(request: Outgoing, service: string): Promise<Record<string, string>>
  /** The status with which an address of the stage answers; undefined when it does not. What is only imagined is not asked. */
  visit(url: string): Promise<Visit>
  /** The clock of the service that answered last, in milliseconds since the epoch; it is S3's that leases go by. */
  readonly serverTime: () => number
}

/** To one service at a time. */
const connections = 50

/** Changes a second, whatever is being done. */
const writesPerSecond = 5

/** An answer that takes longer is taken for lost; only a prediction may take more, and says so. */
const answerWithinMs = 60_000

/**
 * `between` is told of everything, and may answer in AWS's place.
 *
 * @example
 * const cloud = openCloud(place, system)
 * const { account } = await cloud.identity()
 */
export function openCloud(place: Place, system: System, between?: Between): Cloud {
  const { region, profile } = place
  // Until January 2027 the SDK runs on Node 20 and says so on each run; `thampi doctor` says it once.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const pace = paceOf(writesPerSecond)
  const network = openNetwork({ env: system.env, silentMs: answerWithinMs, connections })
  let serverTime: number | undefined
  const credentials = lazily(() => credentialsOf(place, system, network))
  const open = <Calls>(
    service: string,
    load: (config: ReturnType<typeof configOf>, prepare: (client: AnyClient) => void) => Promise<Calls>,
  ): (() => Promise<Calls>) =>
    lazily(async () => {
      const config = configOf(place, service, await credentials(), network)
      return load(config, client => {
        watchTime(client, time => {
          serverTime = time
        })
        persist(client, { service, pace, region, profile })
        between?.stand(client, actionPrefix(service))
      })
    })
  const sts = open<StsCalls>('sts', async (...given) =>
    (await import('./services/sts.ts')).stsCalls(...given),
  )
  return {
    region,
    profile,
    executeApi: place.endpoints['execute-api'],
    identity: lazily(async () => {
      const { Account = '', Arn = '' } = await (await sts()).getCallerIdentity({})
      return { account: Account, arn: Arn, partition: Arn.split(':')[1] ?? 'aws' }
    }),
    lambda: open('lambda', async (...given) => (await import('./services/lambda.ts')).lambdaCalls(...given)),
    s3: open('s3', async (...given) => (await import('./services/s3.ts')).s3Calls(...given)),
    iam: open('iam', async (...given) => (await import('./services/iam.ts')).iamCalls(...given)),
    api: open('apigatewayv2', async (...given) => (await import('./services/api.ts')).apiCalls(...given)),
    rest: open('apigateway', async (...given) =>
      (await import('./services/rest-api.ts')).restApiCalls(...given),
    ),
    logs: open('logs', async (...given) => (await import('./services/logs.ts')).logsCalls(...given)),
    route53: open('route53', async (...given) =>
      (await import('./services/route53.ts')).route53Calls(...given),
    ),
    scheduler: open('scheduler', async (...given) =>
      (await import('./services/scheduler.ts')).schedulerCalls(...given),
    ),
    metrics: open('cloudwatch', async (...given) =>
      (await import('./services/metrics.ts')).metricsCalls(...given),
    ),
    sign: async (request, service) => {
      const { signedHeaders } = await import('./services/signer.ts')
      // By AWS's own clock where it has been heard: a signature of a wrong time is refused.
      const now = new Date(serverTime ?? system.now().getTime())
      return signedHeaders(request, { service, region, credentials: await credentials(), now })
    },
    visit: async url => {
      const ask = (): Promise<number | undefined> => statusOf(url, network)
      return between === undefined ? ask() : between.visit(url, ask)
    },
    serverTime: () => serverTime ?? system.now().getTime(),
  }
}

/** Asks once; an attempt that failed is made again. */
function lazily<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined
  return () => {
    asked ??= ask().catch(error => {
      asked = undefined
      throw error
    })
    return asked
  }
}

interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Keys stay in memory: they are written nowhere, and no program that we start is given them. */
async function credentialsOf(
  { profile }: Place,
  { env }: System,
  network: Network,
): Promise<Keys | (() => Promise<Keys>)> {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env
  if (profile === undefined && id && secret)
    return { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) }
  const { fromNodeProviderChain } = await import('./services/credentials.ts')
  const clientConfig = { requestHandler: handlerOf(network) }
  return fromNodeProviderChain(profile === undefined ? { clientConfig } : { profile, clientConfig })
}

/** Proxies and certificates of this machine count for AWS as they do for packages. Endpoints without TLS are reached directly. */
function handlerOf({ agent }: Network) {
  return {
    connectionTimeout: 5_000,
    requestTimeout: answerWithinMs,
    throwOnRequestTimeout: true,
    httpsAgent: agent,
  }
}

function configOf(
  { region, endpoints }: Place,
  service: string,
  credentials: Keys | (() => Promise<Keys>),
  network: Network,
) {
  const endpoint = endpoints[service]
  return {
    region,
    credentials,
    // What is tried again and how often is decided below, where it is known what may be repeated.
    maxAttempts: 1,
    requestHandler: handlerOf(network),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  }
}

type Handler = (args: { input: Record<string, unknown> }) => Promise<unknown>

interface Persistence {
  readonly service: string
  readonly pace: () => Promise<void>
  readonly region: string
  readonly profile: string | undefined
}

const mostTries = 5
const throttledForMs = 90_000

/**
 * Tries again what may be tried again. What was refused because too much was asked, or because something else is under
 * way, always may; a call whose answer was lost may have taken effect, so only one that does no harm twice is repeated.
 * The others end in an error that says `isLost`, and whoever made the call looks before deciding.
 */
function persist(client: AnyClient, { service, pace, region, profile }: Persistence): void {
  const middleware =
    (next: Handler, { commandName = '' }: { commandName?: string }): Handler =>
    async args => {
      const call = commandName.replace(/Command$/, '')
      const began = performance.now()
      for (let tries = 1; ; tries++) {
        if (service !== 's3' && !isRead(call)) await pace()
        try {
          return await next({ ...args, input: { ...args.input } })
        } catch (error) {
          // A proxy or a certificate of this machine: said already, and not AWS's matter.
          if (error instanceof ThampiError) throw error
          const failure = failureOf(error)
          const mayTry =
            isThrottled(failure) || (isBusy(failure) && !isRead(call))
              ? performance.now() - began < throttledForMs
              : tries < mostTries &&
                (isUnreached(failure) ||
                  (isUnknown(failure) && isRepeatable(call, args.input)) ||
                  (isSkewed(failure) && tries === 1))
          if (!mayTry) throw explained(failure, { action: permissionFor(service, call), region, profile })
          await sleep(Math.min(5_000, 100 * 2 ** tries) * (0.5 + Math.random() / 2))
        }
      }
    }
  client.middlewareStack.add(middleware as never, { step: 'initialize', name: 'thampiPersistence' } as never)
}

/** Whether a call does no harm when it is made twice: reads, and writes that say what shall be, unconditionally. */
function isRepeatable(call: string, input: Readonly<Record<string, unknown>>): boolean {
  if (input.IfMatch !== undefined || input.IfNoneMatch !== undefined || input.RevisionId !== undefined)
    return false
  // A second log group of a name is refused, and nothing else comes of it.
  return /^(Get|List|Head|Describe|Filter|Put|Copy|Delete|Tag|Untag|Upload|Abort|CreateLogGroup)/.test(call)
}

function actionPrefix(service: string): string {
  return service === 'apigatewayv2' ? 'apigateway' : service
}

/** It is not a prediction, so the model is not asked. */
async function statusOf(url: string, network: Network): Promise<number | undefined> {
  const response = await network.get(new URL(url), {}, AbortSignal.timeout(10_000)).catch(() => undefined)
  response?.resume()
  return response?.statusCode
}

/** Every answer tells its service's time. */
function watchTime(client: AnyClient, tell: (time: number) => void): void {
  const middleware = (next: Handler) => async (args: never) => {
    const result = (await next(args)) as { response?: { headers?: Record<string, string> } }
    const time = Date.parse(result.response?.headers?.date ?? '')
    if (Number.isFinite(time)) tell(time)
    return result
  }
  client.middlewareStack.add(
    middleware as never,
    { step: 'deserialize', name: 'thampiTime', priority: 'low' } as never,
  )
}
