/** What would be there after changes that were not made: reads find it as if it were, and everything else where AWS has it. */
import { createHash } from 'node:crypto'
import type { AliasConfiguration, FunctionConfiguration } from '@aws-sdk/client-lambda'
import { AwsError, isMissing } from '../client/trouble.ts'

/** What a call is given, by the names of the reference. */
export type Input = Readonly<Record<string, unknown>>

/** Asks AWS itself; only ever of a read. */
export type Ask = () => Promise<unknown>

interface Stored {
  readonly bytes: number
  readonly text: string
}

/** One stage's corner of an account, as far as a command that only pretends to change it needs to see its own changes. */
export class Imagined {
  readonly #region: string
  #account = ''
  #hasBucket = false
  /** Key → object; undefined: deleted. */
  readonly #objects = new Map<string, Stored | undefined>()
  readonly #parts = new Map<string, number>()
  #latest: FunctionConfiguration | undefined
  readonly #versions: FunctionConfiguration[] = []
  readonly #provisioned: Input[] = []
  #alias: AliasConfiguration | undefined
  /** Of a REST API, as its document says. */
  #resources: unknown
  #highest = 0
  #things = 0

  constructor(region: string) {
    this.#region = region
  }

  /** The answer to a read. */
  async read(call: string, input: Input, ask: Ask): Promise<unknown> {
    // Of a thing that is only imagined AWS knows nothing: lists about it are empty.
    if (Object.values(input).some(value => typeof value === 'string' && value.startsWith(mark))) {
      if (call === 'GetResources') return this.#resources
      if (call.endsWith('s')) return {}
      throw missing()
    }
    const own = this.#reads[call]
    const answer = await (own ? own(input, ask) : ask())
    this.#learn(call, input, answer)
    return answer
  }

  /** The answer to a change, which is not made. */
  write(call: string, input: Input): unknown {
    const own = this.#writes[call]
    if (own) return own(input)
    const noun = /^(?:Create|Put|Import)([A-Z]\w*)$/.exec(call)?.[1]
    const id = noun === undefined ? {} : { [`${noun}Id`]: this.#name(), id: this.#name() }
    return { ...input, ...id }
  }

  readonly #reads: Readonly<Record<string, (input: Input, ask: Ask) => Promise<unknown>>> = {
    HeadBucket: async (_, ask) => (this.#hasBucket ? { BucketRegion: this.#region } : ask()),
    GetObject: async (input, ask) => {
      if (!this.#knows(input)) return ask()
      const { text } = this.#object(input)
      return { Body: { transformToString: async () => text }, ETag: mark, LastModified: new Date() }
    },
    HeadObject: async (input, ask) =>
      this.#knows(input) ? { ContentLength: this.#object(input).bytes } : ask(),
    ListObjectsV2: async (input, ask) => {
      const page = (this.#hasBucket ? {} : await ask()) as { Contents?: { Key?: string }[] }
      const ours = [...this.#objects].flatMap(([Key, object]) =>
        object !== undefined && Key.startsWith(String(input.Prefix ?? '')) ? { Key } : [],
      )
      const theirs = (page.Contents ?? []).filter(({ Key = '' }) => !this.#objects.has(Key))
      // What is imagined is shown on the first page.
      return { ...page, Contents: input.ContinuationToken === undefined ? [...theirs, ...ours] : theirs }
    },
    GetFunctionConfiguration: async ({ Qualifier }, ask) => {
      const found =
        Qualifier === undefined ? this.#latest : this.#versions.find(({ Version }) => Version === Qualifier)
      return found ?? ask()
    },
    ListVersionsByFunction: async (input, ask) => {
      const page = (await ask().catch(error => {
        if (isMissing(error) && this.#versions.length > 0) return {}
        throw error
      })) as { Versions?: FunctionConfiguration[] }
      return input.Marker === undefined
        ? { ...page, Versions: [...(page.Versions ?? []), ...this.#versions] }
        : page
    },
    ListProvisionedConcurrencyConfigs: async (_, ask) => {
      const found = (await ask().catch(() => ({}))) as { ProvisionedConcurrencyConfigs?: Input[] }
      return {
        ProvisionedConcurrencyConfigs: [...(found.ProvisionedConcurrencyConfigs ?? []), ...this.#provisioned],
      }
    },
    GetAlias: async (_, ask) => this.#alias ?? ask(),
    GetResources: async (_, ask) => this.#resources ?? ask(),
    // A version that is not there would have loaded its model.
    Invoke: async () => ({ StatusCode: 200, Payload: Buffer.from('{"ready":true}') }),
  }

  readonly #writes: Readonly<Record<string, (input: Input) => unknown>> = {
    CreateBucket: () => {
      this.#hasBucket = true
      return {}
    },
    PutObject: input => {
      const text = typeof input.Body === 'string' ? input.Body : ''
      this.#objects.set(String(input.Key), { text, bytes: bytesOf(input) })
      return { ETag: mark }
    },
    CreateMultipartUpload: () => ({ UploadId: mark }),
    UploadPart: input => {
      const key = String(input.Key)
      this.#parts.set(key, (this.#parts.get(key) ?? 0) + bytesOf(input))
      return { ETag: mark }
    },
    CompleteMultipartUpload: ({ Key, Bucket }) => {
      this.#objects.set(String(Key), { text: '', bytes: this.#parts.get(String(Key)) ?? 0 })
      return { ETag: mark, Location: `s3://${Bucket}/${Key}` }
    },
    DeleteObject: ({ Key }) => {
      this.#objects.set(String(Key), undefined)
      return {}
    },
    CreateRole: ({ RoleName }) => ({ Role: { Arn: `arn:aws:iam::${this.#account}:role/${RoleName}` } }),
    PublishLayerVersion: ({ LayerName }) => ({
      LayerVersionArn: `arn:aws:lambda:${this.#region}:${this.#account}:layer:${LayerName}:1`,
      Version: 1,
    }),
    CreateFunction: input => {
      const { Code, ...configuration } = input
      this.#latest = { ...settledAt(configuration), ...codeOf((Code ?? {}) as Input), Version: '$LATEST' }
      return this.#latest
    },
    UpdateFunctionConfiguration: input => {
      this.#latest = { ...this.#latest, ...settledAt(input) }
      return this.#latest
    },
    UpdateFunctionCode: input => {
      const { Architectures } = input as FunctionConfiguration
      this.#latest = { ...this.#latest, ...codeOf(input), ...(Architectures ? { Architectures } : {}) }
      return this.#latest
    },
    PublishVersion: ({ Description }) => {
      this.#highest += 1
      const version = {
        ...this.#latest,
        Description: String(Description ?? ''),
        Version: String(this.#highest),
      }
      this.#versions.push(version)
      return version
    },
    PutProvisionedConcurrencyConfig: ({ FunctionName, Qualifier, ProvisionedConcurrentExecutions }) => {
      const FunctionArn = `arn:aws:lambda:${this.#region}:${this.#account}:function:${FunctionName}:${Qualifier}`
      const Requested = { RequestedProvisionedConcurrentExecutions: ProvisionedConcurrentExecutions }
      this.#provisioned.push({ FunctionArn, ...Requested, Status: 'READY' })
      return {}
    },
    CreateAlias: input => this.#moved(input),
    UpdateAlias: input => this.#moved(input),
    AddPermission: ({ StatementId, Action, SourceArn }) => ({
      Statement: JSON.stringify({
        Sid: StatementId,
        Action,
        ...(SourceArn === undefined ? {} : { Condition: { ArnLike: { 'AWS:SourceArn': SourceArn } } }),
      }),
    }),
    CreateDomainName: input => ({
      ...input,
      DomainNameConfigurations: [{ ApiGatewayDomainName: newAddress, HostedZoneId: mark }],
    }),
    CreateFunctionUrlConfig: input => ({ ...input, FunctionUrl: `https://${newAddress}/` }),
    PutRestApi: input => {
      this.#resources = resourcesIn(String(input.body))
      return input
    },
    CreateApi: input => ({ ...input, ApiId: this.#name(), ApiEndpoint: `https://${newAddress}` }),
  }

  /** What is there already is what changes build on. */
  #learn(call: string, { Qualifier }: Input, answer: unknown): void {
    if (call === 'GetFunctionConfiguration' && Qualifier === undefined)
      this.#latest ??= answer as FunctionConfiguration
    if (call === 'GetCallerIdentity') this.#account = String((answer as Input).Account)
    if (call !== 'ListVersionsByFunction') return
    for (const { Version } of (answer as { Versions?: FunctionConfiguration[] }).Versions ?? [])
      this.#highest = Math.max(this.#highest, Number(Version) || 0)
  }

  #knows({ Key }: Input): boolean {
    return this.#hasBucket || this.#objects.has(String(Key))
  }

  #object({ Key }: Input): Stored {
    const found = this.#objects.get(String(Key))
    if (found === undefined) throw missing()
    return found
  }

  #moved(input: Input): AliasConfiguration {
    this.#alias = { ...input, RevisionId: mark }
    return this.#alias
  }

  #name(): string {
    this.#things += 1
    return `${mark}-${this.#things}`
  }
}

/** Begins what stands for a name that only AWS can give. */
export const mark = 'imagined'

/** Stands in the address of an API that is not there yet. */
export const newAddress = 'NEW'

/** Of what a call carries: an object, a part of it, or a zip. */
export function bytesOf({ Body, ZipFile, Code }: Input): number {
  const carried = Body ?? ZipFile ?? (Code as Input | undefined)?.ZipFile
  if (typeof carried === 'string') return Buffer.byteLength(carried)
  return carried instanceof Uint8Array ? carried.byteLength : 0
}

/** As Lambda shows a configuration that it was given, when it has taken it. */
function settledAt(input: Input): FunctionConfiguration {
  const { Layers, ...rest } = input as Input & { Layers?: readonly string[] }
  const settled = { State: 'Active', LastUpdateStatus: 'Successful', RevisionId: mark } as const
  return { ...rest, ...settled, ...(Layers ? { Layers: Layers.map(Arn => ({ Arn })) } : {}) }
}

/** The digest of the code: of the bytes themselves, or in the name of the object that has them. */
function codeOf({ ZipFile, S3Key }: Input): FunctionConfiguration {
  if (ZipFile instanceof Uint8Array)
    return { CodeSha256: createHash('sha256').update(ZipFile).digest('base64') }
  const hex = String(S3Key ?? '')
    .split('/')
    .at(-1)
  return { CodeSha256: Buffer.from(hex ?? '', 'hex').toString('base64') }
}

/** What AWS would make of the document of a REST API, as far as it is looked at afterwards. */
function resourcesIn(document: string): unknown {
  const { paths } = JSON.parse(document) as { paths: Readonly<Record<string, Input>> }
  const items = Object.entries(paths).map(([path, methods]) => {
    const any = methods['x-amazon-apigateway-any-method'] as { security?: readonly Input[] }
    const needed = Object.keys(any.security?.[0] ?? {})
    const authorizationType = needed.includes('sigv4') ? 'AWS_IAM' : 'NONE'
    return {
      path,
      resourceMethods: { ANY: { authorizationType, apiKeyRequired: needed.includes('api_key') } },
    }
  })
  return { items }
}

function missing(): AwsError {
  const parts = { message: 'It would be there only after the changes that are rehearsed.' }
  return new AwsError('AWS_REFUSED', parts, { awsCode: 'NoSuchKey', isLost: false })
}
