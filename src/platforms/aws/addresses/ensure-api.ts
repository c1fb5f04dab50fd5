/** What the world calls: an HTTP API before the alias, whose one stage carries the name of ours. */
import type { Api, CreateApiCommandInput, Route, Stage } from '@aws-sdk/client-apigatewayv2'
import type { Corner } from '../account.ts'
import type { ApiCalls } from '../client/services/api.ts'
import { ifThere } from '../client/trouble.ts'
import { ownTags } from '../names.ts'
import type { AwsSettings } from '../settings/aws-settings.ts'
import { allOf } from '../steps/all-of.ts'
import { converge } from '../steps/converge.ts'
import { ensureAuthorizer, forgetAuthorizers, removeOtherAuthorizers } from './ensure-authorizer.ts'
import { ensureStatement } from './ensure-statement.ts'
import { type Front, ownAmong, predictUrl, statementFor } from './own-api.ts'

/** API Gateway itself gives up after 30 s, whatever a function may take. */
const timeoutMs = 30_000

/** All paths below the stage: those of predictions, and those of every other protocol that a model is asked by. */
export const routeKey = 'ANY /{proxy+}'

/** Names the one permission that the API has; it is given once. */
export const permissionId = 'thampi-api'

export async function ensureApi(corner: Corner, aliasArn: string, settings: AwsSettings): Promise<Front> {
  const api = await corner.cloud.api()
  let isNew = false
  const noteNew = (): void => {
    isNew = true
  }
  const { ApiId: id = '', ApiEndpoint: endpoint = '' } = await ensureItself(corner, api, settings, noteNew)
  const integration = await ensureIntegration(api, id, aliasArn)
  await allOf([
    ensureRoute(corner, id, integration, settings),
    ensureStage(corner, api, id, settings),
    ensureStatement(corner, statementFor(corner, permissionId, id)),
  ])
  return { url: predictUrl(corner, endpoint), isNew }
}

/** Undefined when there is no API. */
export async function findUrl(corner: Corner): Promise<string | undefined> {
  const [found] = await ours(corner)
  return found?.ApiEndpoint === undefined ? undefined : predictUrl(corner, found.ApiEndpoint)
}

/** Of the API, should there be one; of more than one after a creation whose answer was lost. */
export async function findApiIds(corner: Corner): Promise<readonly (string | undefined)[]> {
  return (await ours(corner)).map(({ ApiId }) => ApiId)
}

/** False when there was none. */
export async function removeApi(corner: Corner): Promise<boolean> {
  const api = await corner.cloud.api()
  const found = await ours(corner)
  for (const { ApiId } of found) {
    await forgetAuthorizers(corner, ApiId)
    await ifThere(api.deleteApi({ ApiId }))
  }
  return found.length > 0
}

async function ours(corner: Corner): Promise<readonly Api[]> {
  const api = await corner.cloud.api()
  const found: Api[] = []
  let token: string | undefined
  do {
    const page = await api.getApis({ MaxResults: '100', ...(token ? { NextToken: token } : {}) })
    found.push(...(page.Items ?? []))
    token = page.NextToken
  } while (token)
  return ownAmong(found, corner, ({ ApiId, Name, Tags, CreatedDate }) => ({
    id: ApiId,
    name: Name,
    tags: Tags,
    created: CreatedDate,
  }))
}

async function ensureItself(
  corner: Corner,
  api: ApiCalls,
  settings: AwsSettings,
  noteNew: () => void,
): Promise<Api> {
  const { names, key, system } = corner
  const { cors, apiDescription, tags } = settings
  const Description = apiDescription ?? `${key.model}, stage ${key.stage}, served by thampi`
  const wanted: Pick<CreateApiCommandInput, 'Description' | 'CorsConfiguration'> = {
    Description,
    ...(cors === undefined ? {} : { CorsConfiguration: cors }),
  }
  return converge<Api>({
    describe: async () => {
      const [first, ...twins] = await ours(corner)
      for (const { ApiId } of twins) await ifThere(api.deleteApi({ ApiId }))
      return first
    },
    isWanted: found => found.Description === Description && sameCors(found.CorsConfiguration, cors),
    change: async found => {
      if (found === undefined) {
        noteNew()
        const made = await api.createApi({
          Name: names.function,
          ProtocolType: 'HTTP',
          Tags: { ...tags, ...ownTags(key) },
          ...wanted,
        })
        system.tell(`HTTP API ${made.ApiId} created`)
        return made as Api
      }
      if (found.CorsConfiguration !== undefined && cors === undefined)
        await api.deleteCorsConfiguration({ ApiId: found.ApiId })
      return (await api.updateApi({ ApiId: found.ApiId, ...wanted })) as Api
    },
  })
}

function sameCors(found: Api['CorsConfiguration'], wanted: AwsSettings['cors']): boolean {
  if (found === undefined || wanted === undefined) return isEmpty(found) && wanted === undefined
  return Object.entries(wanted).every(
    ([rule, value]) => String(found[rule as keyof typeof found]) === String(value),
  )
}

function isEmpty(found: Api['CorsConfiguration']): boolean {
  return found === undefined || Object.values(found).every(value => value === undefined)
}

/** Gives its id. */
async function ensureIntegration(api: ApiCalls, ApiId: string, aliasArn: string): Promise<string> {
  const wanted = {
    IntegrationType: 'AWS_PROXY',
    IntegrationUri: aliasArn,
    PayloadFormatVersion: '2.0',
    TimeoutInMillis: timeoutMs,
  } as const
  const found = await converge({
    describe: async () => (await api.getIntegrations({ ApiId })).Items?.[0],
    isWanted: ({ IntegrationUri, PayloadFormatVersion }) =>
      IntegrationUri === aliasArn && PayloadFormatVersion === wanted.PayloadFormatVersion,
    change: integration =>
      integration === undefined
        ? api.createIntegration({ ApiId, ...wanted })
        : api.updateIntegration({ ApiId, IntegrationId: integration.IntegrationId, ...wanted }),
  })
  return found.IntegrationId ?? ''
}

async function ensureRoute(
  corner: Corner,
  ApiId: string,
  integration: string,
  settings: AwsSettings,
): Promise<void> {
  const api = await corner.cloud.api()
  const wanted = {
    RouteKey: routeKey,
    Target: `integrations/${integration}`,
    ...(await authorizationOf(corner, ApiId, settings)),
  } as const
  let hadAuthorizer = false
  await converge<Route>({
    describe: async () => (await api.getRoutes({ ApiId })).Items?.find(route => route.RouteKey === routeKey),
    isWanted: ({ Target, AuthorizationType = 'NONE', AuthorizerId }) =>
      Target === wanted.Target &&
      AuthorizationType === wanted.AuthorizationType &&
      (wanted.AuthorizerId === undefined || AuthorizerId === wanted.AuthorizerId),
    change: async route => {
      hadAuthorizer ||= route?.AuthorizerId !== undefined
      if (route === undefined) await api.createRoute({ ApiId, ...wanted })
      else await api.updateRoute({ ApiId, RouteId: route.RouteId, ...wanted })
      return wanted
    },
  })
  if (hadAuthorizer) await removeOtherAuthorizers(corner, ApiId, wanted.AuthorizerId)
}

type Authorization = Required<Pick<Route, 'AuthorizationType'>> & Pick<Route, 'AuthorizerId'>

async function authorizationOf(corner: Corner, ApiId: string, settings: AwsSettings): Promise<Authorization> {
  const { authorizer } = settings.access
  if (settings.iamAuthorization) return { AuthorizationType: 'AWS_IAM' }
  if (authorizer === undefined) return { AuthorizationType: 'NONE' }
  const AuthorizerId = await ensureAuthorizer(corner, ApiId, authorizer)
  return { AuthorizationType: authorizer.by === 'issuer' ? 'JWT' : 'CUSTOM', AuthorizerId }
}

async function ensureStage(
  { key }: Corner,
  api: ApiCalls,
  ApiId: string,
  { tags }: AwsSettings,
): Promise<void> {
  await converge<Stage>({
    describe: async () =>
      (await api.getStages({ ApiId })).Items?.find(stage => stage.StageName === key.stage),
    isWanted: ({ AutoDeploy }) => AutoDeploy === true,
    change: async stage => {
      const about = { ApiId, StageName: key.stage, AutoDeploy: true }
      if (stage === undefined) await api.createStage({ ...about, Tags: { ...tags, ...ownTags(key) } })
      else await api.updateStage(about)
      return about
    },
  })
}
