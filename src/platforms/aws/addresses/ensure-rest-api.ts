/**
 * What the world calls when the settings ask for a REST API. What it is stands in one document that is imported as a whole
 * and then deployed: a deployment never changes, and its description names the document that it was made of. So what a
 * stage answers by is known by content, as versions and layers are.
 */
import type { Method, MethodSetting, RestApi } from '@aws-sdk/client-api-gateway'
import { ThampiError } from '../../../errors.ts'
import { digestOf } from '../../../system/files.ts'
import type { Corner } from '../account.ts'
import type { RestApiCalls } from '../client/services/rest-api.ts'
import { ifThere, isAws } from '../client/trouble.ts'
import { ownTags } from '../names.ts'
import type { AwsSettings } from '../settings/aws-settings.ts'
import type { RestSettings } from '../settings/rest.ts'
import { converge } from '../steps/converge.ts'
import { ensureStatement, removeStatements } from './ensure-statement.ts'
import { ensureKeyAccess, removeKeyAccess } from './keys.ts'
import { everyPage, type Front, ownAmong, predictUrl, statementFor } from './own-api.ts'
import { type Defined, isAsClosed, resourcePath, restDefinition } from './rest-definition.ts'

/** Another one than that of HTTP APIs, so that both answer while one takes the other's place. */
const permissionId = 'thampi-rest-api'

export async function ensureRestApi(
  corner: Corner,
  aliasArn: string,
  settings: AwsSettings,
  rest: RestSettings,
): Promise<Front> {
  const calls = await corner.cloud.rest()
  const description =
    settings.apiDescription ?? `${corner.key.model}, stage ${corner.key.stage}, served by thampi`
  let isNew = false
  const noteNew = (): void => {
    isNew = true
  }
  const id = await ensureItself(corner, calls, { description, settings, rest, noteNew })
  await ensureStatement(corner, statementFor(corner, permissionId, id))
  await ensureDeployed(corner, calls, id, {
    title: corner.names.function,
    description,
    region: corner.cloud.region,
    partition: corner.identity.partition,
    aliasArn,
    settings,
    rest,
  })
  if (rest.keyRequired) await ensureKeyAccess(corner, id, rest, settings.tags)
  return { url: urlOf(corner, id), isNew }
}

/** Undefined when there is no REST API, or none that is deployed. */
export async function findRestUrl(corner: Corner): Promise<string | undefined> {
  const [found] = await ours(corner)
  return found?.id === undefined ? undefined : urlOf(corner, found.id)
}

/** With its keys, and with what lets it ask the function. False when nothing was there. */
export async function removeRestApi(corner: Corner): Promise<boolean> {
  const calls = await corner.cloud.rest()
  const hadKeys = await removeKeyAccess(corner)
  const found = await ours(corner)
  for (const { id } of found) await ifThere(calls.deleteRestApi({ restApiId: id }))
  await removeStatements(corner, [permissionId])
  return found.length > 0 || hadKeys
}

/** REST APIs do not say their address; where `execute-api` has one of its own, `{id}` in it stands for the API's. */
function urlOf(corner: Corner, id: string): string {
  const { region, executeApi } = corner.cloud
  const domain = corner.identity.partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
  const usual = `https://{id}.execute-api.${region}.${domain}`
  return predictUrl(corner, (executeApi ?? usual).replaceAll('{id}', id))
}

async function ours(corner: Corner): Promise<readonly RestApi[]> {
  const calls = await corner.cloud.rest()
  const found = await everyPage(page => calls.getRestApis(page))
  return ownAmong(found, corner, ({ id, name, tags, createdDate }) => ({
    id,
    name,
    tags,
    created: createdDate,
  }))
}

interface Wanted {
  readonly description: string
  readonly settings: AwsSettings
  readonly rest: RestSettings
  readonly noteNew: () => void
}

/** Gives its id. What it does is not said here: nothing is called before it is deployed. */
async function ensureItself(corner: Corner, calls: RestApiCalls, wanted: Wanted): Promise<string> {
  const { description, settings, rest, noteNew } = wanted
  const made = await converge<RestApi>({
    describe: async () => {
      const [first, ...twins] = await ours(corner)
      for (const { id } of twins) await ifThere(calls.deleteRestApi({ restApiId: id }))
      return first
    },
    isWanted: found => found.endpointConfiguration?.types?.[0] === rest.endpoint,
    change: async found => {
      const [before] = found?.endpointConfiguration?.types ?? []
      if (found === undefined) {
        noteNew()
        const made = await calls.createRestApi({
          name: corner.names.function,
          description,
          endpointConfiguration: { types: [rest.endpoint] },
          tags: { ...settings.tags, ...ownTags(corner.key) },
        })
        corner.system.tell(`REST API ${made.id} created`)
        return made
      }
      const patch = {
        op: 'replace',
        path: `/endpointConfiguration/types/${before}`,
        value: rest.endpoint,
      } as const
      return calls.updateRestApi({ restApiId: found.id, patchOperations: [patch] })
    },
  })
  return made.id ?? ''
}

/** What the stage answers by now. */
interface Answering {
  /** The description of its deployment. */
  readonly by: string | undefined
  readonly settings: MethodSetting | undefined
}

async function ensureDeployed(
  { key, system }: Corner,
  calls: RestApiCalls,
  restApiId: string,
  defined: Defined,
): Promise<void> {
  const document = JSON.stringify(restDefinition(defined))
  const wanted = `thampi ${digestOf(document)}`
  const about = { restApiId, stageName: key.stage }
  const wantedSettings = settingsOf(defined.rest)
  await converge<Answering>({
    describe: async () => {
      const stage = await ifThere(calls.getStage(about))
      if (stage === undefined) return undefined
      const { deploymentId } = stage
      const deployment = await ifThere(calls.getDeployment({ restApiId, deploymentId }))
      return { by: deployment?.description, settings: stage.methodSettings?.[everyMethod] }
    },
    isWanted: found => found.by === wanted && sameSettings(found.settings, wantedSettings),
    change: async found => {
      if (found?.by !== wanted) {
        const deploymentId = await deploymentOf(calls, restApiId, document, wanted, defined)
        if (found === undefined)
          await calls.createStage({
            ...about,
            deploymentId,
            tags: { ...defined.settings.tags, ...ownTags(key) },
          })
        else {
          const patch = { op: 'replace', path: '/deploymentId', value: deploymentId } as const
          await calls.updateStage({ ...about, patchOperations: [patch] })
        }
        system.tell(`REST API ${restApiId} deployed`)
      }
      if (!sameSettings(found?.settings, wantedSettings)) {
        await calls.updateStage({ ...about, patchOperations: patchesOf(wantedSettings) }).catch(error => {
          throw isAws(error, 'BadRequest') && /CloudWatch/i.test(error.message)
            ? noLogRole(key.stage, error)
            : error
        })
      }
      return { by: wanted, settings: wantedSettings }
    },
  })
  await forgetOthers(calls, restApiId, wanted)
}

/** The deployment of this very document, which an earlier run may have made. Gives its id. */
async function deploymentOf(
  calls: RestApiCalls,
  restApiId: string,
  document: string,
  description: string,
  defined: Defined,
): Promise<string | undefined> {
  await calls.putRestApi({
    restApiId,
    mode: 'overwrite',
    // What AWS does not understand would be left out, and what closes the endpoint must not be.
    failOnWarnings: true,
    body: Buffer.from(document),
  })
  const { items = [] } = await calls.getResources({ restApiId, embed: ['methods'] })
  const method = items.find(({ path }) => path === resourcePath)?.resourceMethods?.ANY
  if (!isAsClosed(method, defined)) throw misread(restApiId, method)
  const known = (await everyPage(page => calls.getDeployments({ restApiId, ...page }))).find(
    it => it.description === description,
  )
  return known?.id ?? (await calls.createDeployment({ restApiId, description })).id
}

/** A deployment that no stage answers by is of no use: its document can be deployed again. */
async function forgetOthers(calls: RestApiCalls, restApiId: string, wanted: string): Promise<void> {
  const all = await everyPage(page => calls.getDeployments({ restApiId, ...page }))
  const used = all.find(({ description }) => description === wanted)
  for (const { id } of all) {
    if (id !== used?.id) await ifThere(calls.deleteDeployment({ restApiId, deploymentId: id }))
  }
}

const everyMethod = '*/*'

type Settings = Required<Pick<MethodSetting, 'loggingLevel' | 'dataTraceEnabled' | 'metricsEnabled'>>

function settingsOf({ logLevel, dataTrace, metrics }: RestSettings): Settings {
  return { loggingLevel: logLevel, dataTraceEnabled: dataTrace, metricsEnabled: metrics }
}

/** A stage that says nothing does none of it. */
function sameSettings(found: MethodSetting | undefined, wanted: Settings): boolean {
  const { loggingLevel = 'OFF', dataTraceEnabled = false, metricsEnabled = false } = found ?? {}
  return (
    loggingLevel === wanted.loggingLevel &&
    dataTraceEnabled === wanted.dataTraceEnabled &&
    metricsEnabled === wanted.metricsEnabled
  )
}

function patchesOf({ loggingLevel, dataTraceEnabled, metricsEnabled }: Settings) {
  const replace = (what: string, value: string | boolean | undefined) =>
    ({ op: 'replace', path: `/${everyMethod}/${what}`, value: String(value) }) as const
  return [
    replace('logging/loglevel', loggingLevel),
    replace('logging/dataTrace', dataTraceEnabled),
    replace('metrics/enabled', metricsEnabled),
  ]
}

function noLogRole(stage: string, cause: Error): ThampiError {
  return new ThampiError('AWS_REFUSED', {
    message: `API Gateway cannot write the log that \`cloudwatch_log_level\` of stage \`${stage}\` asks for.`,
    why: cause.message,
    fix: 'give API Gateway a role for logs once for the whole account: API Gateway console, Settings, CloudWatch log role ARN',
    cause,
  })
}

function misread(restApiId: string, method: Method | undefined): ThampiError {
  const { authorizationType = 'NONE', apiKeyRequired = false } = method ?? {}
  return new ThampiError('AWS_REFUSED', {
    message: `API Gateway made something else of REST API ${restApiId} than was asked: authorization ${authorizationType}, key required: ${apiKeyRequired}.`,
    why: 'It was not deployed: it would be open to other callers than the settings say.',
  })
}
