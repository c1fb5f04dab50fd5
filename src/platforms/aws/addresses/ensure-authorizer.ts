/** What an HTTP API asks about its callers before the model is asked: tokens of an issuer, or a function of somebody's. */
import type { CreateAuthorizerCommandInput, Authorizer as Shown } from '@aws-sdk/client-apigatewayv2'
import type { Corner } from '../account.ts'
import type { ApiCalls } from '../client/services/api.ts'
import { ifThere, isAws } from '../client/trouble.ts'
import type { Authorizer, FunctionAuthorizer, TokenAuthorizer } from '../settings/authorizer.ts'
import { converge } from '../steps/converge.ts'

/** Of each kind one at most: an authorizer cannot become one of the other kind. */
const names = { issuer: 'thampi-issuer', function: 'thampi-function' } as const

type Found = Partial<Shown>

/** What the two kinds do not have in common. */
type Own = Pick<
  CreateAuthorizerCommandInput,
  | 'AuthorizerType'
  | 'JwtConfiguration'
  | 'AuthorizerUri'
  | 'AuthorizerPayloadFormatVersion'
  | 'AuthorizerResultTtlInSeconds'
>

/** Gives its id. */
export async function ensureAuthorizer(corner: Corner, ApiId: string, wanted: Authorizer): Promise<string> {
  const api = await corner.cloud.api()
  const about = { ApiId, Name: names[wanted.by], IdentitySource: [`$request.header.${wanted.header}`] }
  const own = wanted.by === 'issuer' ? issuerFields(wanted) : functionFields(corner, wanted)
  const found = await converge<Found>({
    describe: async () => (await listed(api, ApiId)).find(({ Name }) => Name === about.Name),
    isWanted: authorizer => isSame(authorizer, { ...about, ...own }),
    change: authorizer =>
      authorizer === undefined
        ? api.createAuthorizer({ ...about, ...own })
        : api.updateAuthorizer({ ...about, ...own, AuthorizerId: authorizer.AuthorizerId }),
  })
  const id = found.AuthorizerId ?? ''
  if (wanted.by === 'function') await permit(corner, wanted.arn, ApiId, id)
  return id
}

/** Of those that the settings do not name any more; after the route has let go of them. */
export async function removeOtherAuthorizers(
  corner: Corner,
  ApiId: string,
  kept: string | undefined,
): Promise<void> {
  const api = await corner.cloud.api()
  for (const { AuthorizerId, Name, AuthorizerUri } of await listed(api, ApiId)) {
    if (AuthorizerId === kept || !Object.values<string | undefined>(names).includes(Name)) continue
    await ifThere(api.deleteAuthorizer({ ApiId, AuthorizerId }))
    await forbid(corner, AuthorizerUri)
  }
}

/** Before an API goes: what other people's functions let it do. */
export async function forgetAuthorizers(corner: Corner, ApiId: string | undefined): Promise<void> {
  const api = await corner.cloud.api()
  for (const { AuthorizerUri } of await listed(api, ApiId)) await forbid(corner, AuthorizerUri)
}

async function listed(api: ApiCalls, ApiId: string | undefined): Promise<readonly Found[]> {
  return (await ifThere(api.getAuthorizers({ ApiId })))?.Items ?? []
}

function issuerFields({ issuer, audience }: TokenAuthorizer): Own {
  return {
    AuthorizerType: 'JWT',
    JwtConfiguration: { Issuer: issuer, Audience: [...audience] },
  }
}

/** Format 1.0 is that of REST APIs, so a function that was written for Zappa's goes on working. */
function functionFields({ cloud, identity }: Corner, { arn, ttlSeconds }: FunctionAuthorizer): Own {
  return {
    AuthorizerType: 'REQUEST',
    AuthorizerUri: `arn:${identity.partition}:apigateway:${cloud.region}:lambda:path/2015-03-31/functions/${arn}/invocations`,
    AuthorizerPayloadFormatVersion: '1.0',
    AuthorizerResultTtlInSeconds: ttlSeconds,
  }
}

function isSame(found: Found, wanted: Partial<Found>): boolean {
  return Object.entries(wanted)
    .filter(([field]) => field !== 'ApiId')
    .every(([field, value]) => sorted(found[field as keyof Found]) === sorted(value))
}

/** Names of members in one order, whatever order they came in. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}

/** Names the statement in the policy of a function that is not ours: one for each stage that it decides for. */
function statementId({ names }: Corner): string {
  return `thampi-${names.function}`
}

/** Lets the API ask the function, where the function is of this account; else its owner is told what to do. */
async function permit(
  corner: Corner,
  FunctionName: string,
  apiId: string,
  authorizerId: string,
): Promise<void> {
  const { cloud, identity, system } = corner
  const SourceArn = `arn:${identity.partition}:execute-api:${cloud.region}:${identity.account}:${apiId}/authorizers/${authorizerId}`
  const about = { FunctionName, StatementId: statementId(corner) }
  const Principal = 'apigateway.amazonaws.com'
  if (accountOf(FunctionName) !== identity.account) {
    system.tell(
      `Nobody gets in before the owner of ${FunctionName} lets this API ask it: aws lambda add-permission ` +
        `--function-name ${FunctionName} --statement-id ${about.StatementId} --action lambda:InvokeFunction ` +
        `--principal ${Principal} --source-arn ${SourceArn}`,
    )
    return
  }
  const lambda = await cloud.lambda()
  await converge<string>({
    describe: async () => (await ifThere(lambda.getPolicy({ FunctionName })))?.Policy,
    isWanted: policy => policy.includes(SourceArn),
    change: async policy => {
      if (policy?.includes(`"${about.StatementId}"`)) await ifThere(lambda.removePermission(about))
      const { Statement } = await lambda.addPermission({
        ...about,
        Action: 'lambda:InvokeFunction',
        Principal,
        SourceArn,
      })
      return Statement
    },
  })
}

/** Takes back what `permit` gave. The function may be gone, or somebody else's by now: then there is nothing to take. */
async function forbid(corner: Corner, AuthorizerUri: string | undefined): Promise<void> {
  const [, FunctionName] = /functions\/(arn:[^/]+)\/invocations$/.exec(AuthorizerUri ?? '') ?? []
  if (FunctionName === undefined || accountOf(FunctionName) !== corner.identity.account) return
  const lambda = await corner.cloud.lambda()
  const about = { FunctionName, StatementId: statementId(corner) }
  await ifThere(lambda.removePermission(about)).catch(error => {
    if (!isAws(error, 'AccessDenied')) throw error
    corner.system.tell(
      `Left in the policy of ${FunctionName}: the statement ${about.StatementId}, which leads nowhere now`,
    )
  })
}

function accountOf(functionArn: string): string | undefined {
  return functionArn.split(':')[4]
}
