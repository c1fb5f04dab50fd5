/** What the platform takes for granted about AWS, as a list that can be held against it. Documentation says so; nobody here has seen it. */
import { text } from 'node:stream/consumers'
import type { Corner } from '../account.ts'
import { isRead } from '../client/calls.ts'
import { isAws } from '../client/trouble.ts'
import { base64Of } from '../function/ensure-layer.ts'
import { liveAlias } from '../names.ts'
import type { Observer } from './observer.ts'

/** A stage that was served for the occasion, and what is known of how that went. */
export interface Scene {
  readonly corner: Corner
  readonly observer: Observer
  readonly url: string
  /** Not AWS's own addresses, but others that the settings or the environment name. */
  readonly isElsewhere: boolean
  /** Two versions that were released, of which the first has the traffic. */
  readonly versions: readonly [number, number]
  readonly layer: { readonly digest: `sha256:${string}`; readonly key: string }
  /** Answers of each version while the traffic was divided equally. */
  readonly divided: ReadonlyMap<string, number>
  /** Actions of a serve of what was served already. */
  readonly again: readonly string[]
  /** Access lines of the log. */
  readonly accessLines: readonly string[]
}

export interface Found {
  /** Undefined: it could not be looked at. */
  readonly asAssumed: boolean | undefined
  /** What was seen, for people. */
  readonly seen: string
}

export interface Assumption {
  readonly id: string
  readonly assumed: string
  readonly look: (scene: Scene) => Found | Promise<Found>
}

/** The list. `docs/aws.md` names each of them. */
export const assumptions: readonly Assumption[] = [
  {
    id: 'permissions',
    assumed: 'These credentials may do everything that serving, looking and undeploying takes.',
    look: ({ observer }) => {
      const denied = observer.calls.filter(({ awsCode }) =>
        /^(AccessDenied|Forbidden|403)$/.test(awsCode ?? ''),
      )
      const names = [...new Set(denied.map(({ action }) => action))]
      return found(
        names.length === 0,
        names.length === 0 ? 'nothing was denied' : `denied: ${names.join(', ')}`,
      )
    },
  },
  {
    id: 'bucket-region',
    assumed: 'HeadBucket says in which region a bucket lies.',
    look: ({ observer, corner }) => {
      const region = observer.done('s3:HeadBucket').at(-1)?.output?.BucketRegion
      return found(region === corner.cloud.region, String(region ?? 'it does not'))
    },
  },
  {
    id: 'new-role',
    assumed:
      'A role that Lambda does not know yet is refused with InvalidParameterValue, and with nothing else.',
    look: ({ observer }) => {
      const codes = observer.calls.flatMap(({ action, awsCode }) =>
        action === 'lambda:CreateFunction' && awsCode !== undefined ? [awsCode] : [],
      )
      if (codes.length === 0) return found(true, 'it was known at once')
      return found(
        codes.every(code => code === 'InvalidParameterValue'),
        `${codes.length} × ${[...new Set(codes)].join(', ')}`,
      )
    },
  },
  {
    id: 'layer-digest',
    assumed: 'Lambda says of a layer the SHA-256 of the zip that was uploaded.',
    look: ({ observer, layer }) => {
      const content = observer.done('lambda:PublishLayerVersion').at(-1)?.output?.Content
      const { CodeSha256 } = (content ?? {}) as { CodeSha256?: string }
      return found(CodeSha256 === base64Of(layer.digest), CodeSha256 ?? 'it says none')
    },
  },
  {
    id: 'object-checksum',
    assumed: 'S3 keeps the SHA-256 that an upload came with, and shows it.',
    look: async ({ corner, layer }) => {
      const s3 = await corner.cloud.s3()
      const at = { Bucket: corner.store.bucket, ExpectedBucketOwner: corner.identity.account, Key: layer.key }
      const head = await s3.headObject({ ...at, ChecksumMode: 'ENABLED' })
      const kinds = Object.keys(head).filter(name => /^Checksum/.test(name))
      return found(head.ChecksumSHA256 !== undefined, kinds.join(', ') || 'it shows none')
    },
  },
  {
    id: 'object-once',
    assumed: 'An object that shall be new is refused with PreconditionFailed where there is one already.',
    look: scene => refusedPut(scene, { ifNoneMatch: true }),
  },
  {
    id: 'object-unchanged',
    assumed: 'An object that shall be unchanged is refused with PreconditionFailed where it was changed.',
    look: scene => refusedPut(scene, { ifMatch: '"00000000000000000000000000000000"' }),
  },
  {
    id: 'same-version',
    assumed: 'Publishing what has not changed gives the version that is there.',
    look: async ({ corner, versions: [, newest] }) => {
      const lambda = await corner.cloud.lambda()
      const FunctionName = corner.names.function
      const { Description } = await lambda.getFunctionConfiguration({
        FunctionName,
        Qualifier: String(newest),
      })
      const { Version } = await lambda.publishVersion({ FunctionName, Description })
      return found(Version === String(newest), `version ${newest}, then version ${Version}`)
    },
  },
  {
    id: 'guarded-alias',
    assumed: 'An alias that was changed meanwhile is not moved: PreconditionFailed.',
    look: async ({ corner, versions: [first] }) => {
      const lambda = await corner.cloud.lambda()
      const about = { FunctionName: corner.names.function, Name: liveAlias, FunctionVersion: String(first) }
      const stale = '00000000-0000-4000-8000-000000000000'
      return refusal(lambda.updateAlias({ ...about, RevisionId: stale }))
    },
  },
  {
    id: 'address',
    assumed: 'An HTTP API answers at https://ID.execute-api.REGION.amazonaws.com/STAGE/.',
    look: ({ url, corner: { cloud, key }, isElsewhere }) => {
      if (isElsewhere) return { asAssumed: undefined, seen: `other addresses of AWS are set: ${url}` }
      const { hostname, pathname } = new URL(url)
      const isSo = new RegExp(`^[a-z0-9]+\\.execute-api\\.${cloud.region}\\.amazonaws\\.com(\\.cn)?$`).test(
        hostname,
      )
      return found(isSo && pathname === `/${key.stage}/${key.model}/predict`, url)
    },
  },
  {
    id: 'new-address',
    assumed: 'Until an API is there it answers with 404, with 5xx or not at all.',
    look: ({ observer }) => {
      const early = observer.visits.slice(0, -1)
      const isSo = early.every(status => status === undefined || status === 404 || status >= 500)
      return found(
        isSo,
        early.length === 0 ? 'it was there at once' : early.map(it => it ?? 'nothing').join(', '),
      )
    },
  },
  {
    id: 'open',
    assumed: 'Whoever knows the URL of an open stage is answered.',
    look: async ({ url }) => {
      const { status } = await ask(url, 'POST')
      return found(status === 200, `HTTP ${status}`)
    },
  },
  {
    id: 'stage-in-path',
    assumed: 'The path that a function is told begins with the stage of the API.',
    look: ({ accessLines, corner: { key } }) => {
      const line = accessLines.find(one => one.includes('/predict'))
      if (line === undefined) return { asAssumed: undefined, seen: 'no line of the log came in time' }
      return found(line.includes(` /${key.stage}/${key.model}/predict`), line)
    },
  },
  {
    id: 'headers',
    assumed: 'Headers of ours come through in both directions.',
    look: async ({ url }) => {
      const { headers } = await ask(url, 'POST')
      const seen = `x-request-id ${headers.get('x-request-id')}, thampi-version ${headers.get('thampi-version')}`
      return found(headers.get('x-request-id') === requestId && headers.has('thampi-version'), seen)
    },
  },
  {
    id: 'all-paths',
    assumed: 'Every path below the stage leads to the function, which says itself what it does not know.',
    look: async ({ url }) => {
      const { status, headers, body } = await ask(url.replace(/[^/]+$/, 'nothing/here'), 'GET')
      const type = headers.get('content-type') ?? 'no type'
      return found(
        status === 404 && type.includes('problem+json'),
        `HTTP ${status}, ${type}: ${body.slice(0, 80)}`,
      )
    },
  },
  {
    id: 'shares',
    assumed: 'An alias with two versions of equal weight lets both answer.',
    look: ({ divided }) =>
      found(
        divided.size === 2,
        [...divided].map(([version, count]) => `version ${version}: ${count}`).join(', '),
      ),
  },
  {
    id: 'nothing-to-do',
    assumed:
      'What Lambda, IAM, API Gateway and S3 show of a served stage is what they were told: serving it again changes nothing.',
    look: ({ again }) => {
      const writes = again.filter(action => !isRead(action.split(':')[1] ?? ''))
      return found(writes.length === 0, writes.length === 0 ? `${again.length} reads` : writes.join(', '))
    },
  },
]

/** What even a run on a real account does not show; `docs/aws.md` has the same list. */
export const notLookedAt: readonly string[] = [
  'the limits of 30 s, of 6 MB and of 250 MB',
  'SnapStart and scientific libraries: the model of this check is for Node',
  'networks, keys of a KMS, single sign-on and roles of machines',
  'a function that was idle for weeks, answers that get lost, too many calls',
  'regions with rules of their own, and organisations that deny',
]

function found(asAssumed: boolean, seen: string): Found {
  return { asAssumed, seen }
}

async function refusal(attempt: Promise<unknown>): Promise<Found> {
  try {
    await attempt
    return found(false, 'it was done')
  } catch (error) {
    if (isAws(error, 'PreconditionFailed')) return found(true, 'PreconditionFailed')
    return found(false, error instanceof Error ? error.message : String(error))
  }
}

async function refusedPut(
  { corner: { store, names } }: Scene,
  condition: { readonly ifNoneMatch: true } | { readonly ifMatch: string },
): Promise<Found> {
  const key = `${names.prefix}assumption.json`
  await store.put(key, {})
  try {
    return await refusal(store.put(key, {}, condition))
  } finally {
    await store.remove(key)
  }
}

const requestId = 'thampi-live-check'

/** A request as any stranger makes it. */
export async function ask(
  url: string,
  method: 'GET' | 'POST',
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: string }> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    signal: AbortSignal.timeout(35_000),
    ...(method === 'POST' ? { body: '{"data": 1}' } : {}),
  })
  const body = response.body === null ? '' : await text(response.body as never)
  return { status: response.status, headers: response.headers, body }
}
