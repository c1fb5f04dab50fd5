/** What a request asks for: service, action, the permission it needs and the resource it is about, as IAM names them. */
import type { IncomingHttpHeaders } from 'node:http'
import {
  apiTable,
  lambdaTable,
  route53Table,
  s3Permissions,
  s3Subresources,
  schedulerTable,
  type Table,
} from './tables.ts'

export interface Request {
  readonly method: string
  /** Path and query as they were sent. */
  readonly target: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export type Service =
  | 'lambda'
  | 's3'
  | 'iam'
  | 'sts'
  | 'apigateway'
  | 'logs'
  | 'scheduler'
  | 'monitoring'
  | 'route53'

export interface Action {
  readonly service: Service
  readonly region: string
  /** A function that runs asks with credentials of its role. */
  readonly by: 'deployer' | 'function'
  readonly accessKeyId: string
  /** As the service's reference names it, such as `CreateFunction`. */
  readonly action: string
  /** What a policy must allow, such as `s3:PutObject` for a part of an upload. */
  readonly permission: string
  readonly resource: string
  /** Whether it changes something. */
  readonly writing: boolean
  /** What the braces in the path of its service stood for, decoded. */
  readonly parameters: readonly string[]
}

export const account = '123456789012'

/** Undefined when nobody signed it for a service that the cloud has. */
export function actionOf(request: Request): Action | undefined {
  const scope = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\/aws4_request/.exec(
    request.headers.authorization ?? '',
  )
  const [, accessKeyId = '', region = '', name = ''] = scope ?? []
  const service = services[name as Service]
  if (!service) return undefined
  const { action, parameters = [], permission, resource, writing } = service(request, region)
  return {
    service: name as Service,
    region,
    by: accessKeyId.startsWith('ASIA') ? 'function' : 'deployer',
    accessKeyId,
    action,
    permission: permission ?? `${name}:${action}`,
    resource: resource ?? '*',
    writing: writing ?? !/^(Get|Head|List|Describe|Filter|Invoke)/.test(action),
    parameters,
  }
}

interface Found {
  readonly action: string
  readonly parameters?: readonly string[]
  readonly permission?: string
  readonly resource?: string
  readonly writing?: boolean
}

const services: Record<Service, (request: Request, region: string) => Found> = {
  lambda: (request, region) => {
    const found = inTable(lambdaTable, request)
    // Only this call has the name of its function in the body.
    const created = found.action === 'CreateFunction' ? (jsonOf(request) as { FunctionName?: string }) : {}
    const [first = created.FunctionName ?? ''] = found.parameters?.length ? found.parameters : []
    const kind = found.action.includes('Layer') ? 'layer' : 'function'
    const name = first.startsWith('arn:') ? first : `arn:aws:lambda:${region}:${account}:${kind}:${first}`
    const qualifier = kind === 'layer' ? found.parameters?.[1] : request.query.get('Qualifier')
    const permission = found.action === 'Invoke' ? { permission: 'lambda:InvokeFunction' } : {}
    return {
      ...found,
      ...permission,
      resource: first === '' ? '*' : qualifier ? `${name}:${qualifier}` : name,
    }
  },
  s3: request => {
    const [, bucket = '', ...rest] = request.path.split('/')
    const key = rest.map(decodeURIComponent).join('/')
    const action = s3Action(request, bucket, key)
    return {
      action,
      parameters: [decodeURIComponent(bucket), key],
      permission: `s3:${s3Permissions[action] ?? action}`,
      resource: bucket === '' ? '*' : `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}`,
    }
  },
  iam: request => {
    const form = formOf(request)
    const role = form.get('RoleName')
    return {
      action: form.get('Action') ?? '',
      parameters: role ? [role] : [],
      resource: role ? `arn:aws:iam::${account}:role/${role}` : '*',
    }
  },
  sts: request => ({ action: formOf(request).get('Action') ?? '', writing: false }),
  apigateway: (request, region) => ({
    ...inTable(apiTable, request),
    permission: `apigateway:${request.method}`,
    resource: `arn:aws:apigateway:${region}::${request.path.replace(/^\/v2/, '')}`,
  }),
  logs: (request, region) => {
    const { logGroupName = '' } = jsonOf(request) as { logGroupName?: string }
    const action = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? ''
    // A list of groups is about no group, and IAM writes that so.
    const what = action === 'DescribeLogGroups' ? ':log-stream:' : logGroupName
    return { action, resource: `arn:aws:logs:${region}:${account}:log-group:${what}` }
  },
  // CloudWatch signs as it was called first; its permissions are called otherwise.
  monitoring: request => {
    const action = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? ''
    return { action, permission: `cloudwatch:${action}` }
  },
  // It has no Region.
  route53: request => {
    const found = inTable(route53Table, request)
    const [zone] = found.parameters ?? []
    return { ...found, resource: zone ? `arn:aws:route53:::hostedzone/${zone}` : '*' }
  },
  scheduler: (request, region) => {
    const found = inTable(schedulerTable, request)
    const [name = ''] = found.parameters ?? []
    const group = request.query.get('groupName') ?? 'default'
    return {
      ...found,
      resource: name.startsWith('arn:')
        ? name
        : `arn:aws:scheduler:${region}:${account}:schedule/${group}/${name}`,
    }
  },
}

function inTable(table: Table, { method, path, query }: Request): Found {
  // An ARN is one part of the path although it has a slash in it, as API Gateway's have.
  const parts = path
    .replace(/\/$/, '')
    .replace(/(?<=\/tags\/).*/, encodeURIComponent)
    .split('/')
  for (const [pattern, action] of Object.entries(table)) {
    const [verb, wanted = ''] = pattern.split(' ')
    const [way = '', condition] = wanted.split('?')
    if (verb !== method || (condition && query.get(condition.split('=')[0] ?? '') === null)) continue
    const expected = way.split('/')
    if (expected.length !== parts.length) continue
    if (!expected.every((part, i) => part === parts[i] || (part === '{}' && parts[i] !== ''))) continue
    const parameters = expected.flatMap((part, i) => (part === '{}' ? [decoded(parts[i] ?? '')] : []))
    return { action, parameters }
  }
  return { action: `${method} ${path}` }
}

/** An ARN in a path arrives encoded once; what we encoded ourselves twice. */
function decoded(part: string): string {
  const once = decodeURIComponent(part)
  return once.startsWith('arn%3A') ? decodeURIComponent(once) : once
}

function s3Action({ method, query, headers }: Request, bucket: string, key: string): string {
  const verb = { GET: 'Get', PUT: 'Put', DELETE: 'Delete', HEAD: 'Head', POST: 'Post' }[method] ?? method
  if (bucket === '') return 'ListBuckets'
  if (query.has('tagging')) return `${verb}${key === '' ? 'Bucket' : 'Object'}Tagging`
  if (key === '') {
    for (const [name, what] of Object.entries(s3Subresources)) if (query.has(name)) return `${verb}${what}`
    if (query.has('uploads')) return 'ListMultipartUploads'
    if (query.has('versions')) return 'ListObjectVersions'
    if (query.has('delete')) return 'DeleteObjects'
    if (method === 'GET') return query.has('list-type') ? 'ListObjectsV2' : 'ListObjects'
    return method === 'PUT' ? 'CreateBucket' : `${verb}Bucket`
  }
  if (query.has('uploads')) return 'CreateMultipartUpload'
  if (query.has('uploadId')) {
    if (method === 'PUT') return headers['x-amz-copy-source'] ? 'UploadPartCopy' : 'UploadPart'
    return (
      { GET: 'ListParts', POST: 'CompleteMultipartUpload', DELETE: 'AbortMultipartUpload' }[method] ?? verb
    )
  }
  if (method === 'PUT' && headers['x-amz-copy-source']) return 'CopyObject'
  return `${verb}Object`
}

export function formOf({ body }: Request): URLSearchParams {
  return new URLSearchParams(body.toString())
}

/** The document in the body; an empty body is an empty document. */
export function jsonOf({ body }: Request): unknown {
  return body.length === 0 ? {} : JSON.parse(body.toString())
}
