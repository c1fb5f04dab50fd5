/**
 * AWS for tests: one server on this machine to which the AWS SDK, the command line and the functions are pointed.
 *
 *     const cloud = await startCloud()
 *     const lambda = new LambdaClient({ ...cloud.client, maxAttempts: 3 })
 *     …
 *     expect(await cloud.resources()).toEqual([])
 *     await cloud.close()
 */
import { actionOf, type Request, type Service } from './actions.ts'
import { type Call, Calls } from './calls.ts'
import { type Broken, openDoor } from './door.ts'
import { type Answer, startMoto } from './moto.ts'
import { resourcesOf } from './resources.ts'

export interface CloudOptions {
  /** Where the clients of `client` and `env` work. Not us-east-1, which has rules of its own for buckets. */
  readonly region?: string
  readonly port?: number
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
  /** Every call since the start, `forget` or `reset`, in order. */
  calls(service?: Service): readonly Call[]
  /** Those that change something. */
  writing(service?: Service): readonly Call[]
  /** Bytes of bodies that were sent to a service. */
  bytesTo(service: Service): number
  /** Starts the record anew. */
  forget(): void
  /** What is left in every service, one line each, sorted: `lambda function mymodel-dev`. */
  resources(): Promise<readonly string[]>
  /** Everything as at the start, within milliseconds. */
  reset(): Promise<void>
  close(): Promise<void>
}

export async function startCloud({ region = 'eu-central-1', port = 0 }: CloudOptions = {}): Promise<Cloud> {
  const moto = await startMoto()
  const calls = new Calls()

  const handle = async (request: Request): Promise<Answer | Broken> => {
    const action = actionOf(request)
    if (!action) return unknown(request)
    const call = calls.begin(action, request.body.length)
    const answer = await moto.pass({
      method: request.method,
      path: request.target,
      headers: request.headers,
      body: request.body,
    })
    call.end({ status: answer.status, executed: true })
    return answer
  }

  const door = await openDoor(handle, port)
  const url = `http://127.0.0.1:${door.port}`
  const credentials = { accessKeyId: 'AKIATESTCLOUD', secretAccessKey: 'not-a-secret' }
  const some = (service?: Service): readonly Call[] =>
    calls.all().filter(call => service === undefined || call.service === service)
  return {
    url,
    region,
    account: '123456789012',
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
    calls: some,
    writing: service => some(service).filter(call => call.writing),
    bytesTo: service => some(service).reduce((sum, { bytes }) => sum + bytes, 0),
    forget: () => calls.clear(),
    resources: () => resourcesOf(moto, [...new Set([region, ...calls.all().map(call => call.region)])]),
    reset: async () => {
      calls.clear()
      await moto.reset()
    },
    close: async () => {
      await door.close()
      await moto.close()
    },
  }
}

function unknown({ method, path }: Request): Answer {
  const body = Buffer.from(
    JSON.stringify({ message: `The cloud of the tests does not know ${method} ${path}.` }),
  )
  return { status: 403, headers: { 'content-type': 'application/json' }, body }
}
