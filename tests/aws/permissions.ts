/** What identity policies allow: of the deployer when a test says so, of the roles of functions always. */
import { type Action, account, jsonOf, type Request } from './actions.ts'
import { matches } from './data-plane/grants.ts'
import { textsOf } from './moto.ts'

/** As IAM takes it, parsed. */
export interface Policy {
  readonly Statement: readonly PolicyStatement[] | PolicyStatement
}

export interface PolicyStatement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: Conditions
}

/** Operator → key → what it must be. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>

/** One thing a call needs to be allowed. */
export interface Need {
  readonly permission: string
  readonly resource: string
  /** What conditions may look at. */
  readonly context?: Readonly<Record<string, string>>
}

/** Whether a role may do this, by the policies that stand in it. */
export type MayDo = (role: string, permission: string, resource: string) => Promise<boolean>

/** A denial wins; without a statement that fits there is none. */
export function isAllowed(policies: readonly Policy[], need: Need): boolean {
  const fitting = policies
    .flatMap(({ Statement }) => Statement)
    .filter(statement => fits(statement as PolicyStatement, need)) as PolicyStatement[]
  return fitting.length > 0 && fitting.every(({ Effect }) => Effect === 'Allow')
}

function fits({ Action, Resource, Condition = {} }: PolicyStatement, need: Need): boolean {
  // Names of actions are the same in any case, resources are not.
  if (!some(Action, pattern => matches(pattern.toLowerCase(), need.permission.toLowerCase()))) return false
  if (!some(Resource, pattern => matches(pattern, need.resource))) return false
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const value = need.context?.[key]
      const isLike = operator === 'StringLike' || operator === 'ArnLike'
      if (!isLike && operator !== 'StringEquals' && operator !== 'ForAllValues:StringEquals')
        throw new Error(`the cloud of the tests does not know the condition ${operator}`)
      return value !== undefined && some(wanted, one => (isLike ? matches(one, value) : one === value))
    }),
  )
}

function some(given: string | readonly string[], test: (one: string) => boolean): boolean {
  return typeof given === 'string' ? test(given) : given.some(test)
}

/** Everything that the caller of this must be allowed: the call itself, and what it hands on or reads for it. */
export function needsOf(action: Action, request: Request): readonly Need[] {
  const { permission, resource } = action
  return [{ permission, resource, context: contextOf(action, request) }, ...alsoNeeded(action, request)]
}

/** Of what conditions look at, only what somebody's policy has asked for so far. */
function contextOf({ action }: Action, { body }: Request): Record<string, string> {
  if (action !== 'ChangeResourceRecordSets') return {}
  const names = textsOf(body.toString(), 'Name').map(name => name.replace(/\.$/, '').toLowerCase())
  return { 'route53:ChangeResourceRecordSetsNormalizedRecordNames': [...new Set(names)].join(' ') }
}

function alsoNeeded({ service, action, region, resource }: Action, request: Request): readonly Need[] {
  if (service === 'lambda' && /^(CreateFunction|UpdateFunction|PublishLayerVersion)/.test(action)) {
    const body = jsonOf(request) as LambdaBody
    const source = body.Code ?? body.Content ?? body
    return [
      ...(body.Role ? [passing(body.Role, 'lambda.amazonaws.com')] : []),
      ...(source.S3Bucket
        ? [{ permission: 's3:GetObject', resource: `arn:aws:s3:::${source.S3Bucket}/${source.S3Key}` }]
        : []),
      ...(body.Layers ?? []).map(layer => ({ permission: 'lambda:GetLayerVersion', resource: layer })),
      ...(body.Tags ? [{ permission: 'lambda:TagResource', resource }] : []),
    ]
  }
  if (service === 'scheduler' && /^(Create|Update)Schedule$/.test(action)) {
    const { Target } = jsonOf(request) as { Target?: { RoleArn?: string } }
    return Target?.RoleArn ? [passing(Target.RoleArn, 'scheduler.amazonaws.com')] : []
  }
  if (service === 'iam' && action === 'CreateRole' && request.body.includes('Tags.member.1'))
    return [{ permission: 'iam:TagRole', resource }]
  if (service === 'logs' && action === 'CreateLogGroup' && 'tags' in (jsonOf(request) as object))
    return [{ permission: 'logs:TagResource', resource }]
  if (service === 'apigateway' && action === 'CreateApi' && 'tags' in (jsonOf(request) as object))
    return [{ permission: 'apigateway:TagResource', resource: `arn:aws:apigateway:${region}::/apis/*` }]
  if (service === 'apigateway' && !request.path.startsWith('/v2/')) return neededForRest(region, request)
  return []
}

/** Tags are put beside what is created; a policy in a document is a matter of its own. */
function neededForRest(region: string, { method, body, path }: Request): readonly Need[] {
  const at = `arn:aws:apigateway:${region}::`
  const text = body.toString()
  return [
    ...(method === 'POST' && text.includes('"tags"')
      ? [{ permission: 'apigateway:PUT', resource: `${at}/tags/*` }]
      : []),
    ...(text.includes('"x-amazon-apigateway-policy"')
      ? [{ permission: 'apigateway:UpdateRestApiPolicy', resource: `${at}${path}` }]
      : []),
  ]
}

interface LambdaBody {
  readonly Role?: string
  readonly Layers?: readonly string[]
  readonly Tags?: object
  readonly S3Bucket?: string
  readonly S3Key?: string
  readonly Code?: { readonly S3Bucket?: string; readonly S3Key?: string }
  readonly Content?: { readonly S3Bucket?: string; readonly S3Key?: string }
}

function passing(role: string, service: string): Need {
  return { permission: 'iam:PassRole', resource: role, context: { 'iam:PassedToService': service } }
}

/** As IAM writes it, with the action and the resource: a person has to find out what to allow. */
export function denial(user: string, { permission, resource }: Need): string {
  return `User: ${user} is not authorized to perform: ${permission} on resource: ${resource} because no identity-based policy allows the ${permission} action`
}

export const deployer: string = `arn:aws:iam::${account}:user/deployer`
