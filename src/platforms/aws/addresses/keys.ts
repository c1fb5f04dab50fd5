/**
 * The API keys of a stage with a REST API. AWS makes and keeps them; a usage plan says that they open the stage. A key
 * stands in no log, record or state of ours: it is read from AWS when it is needed, and given to whoever asked for it.
 */
import type { ApiKey as Key, UsagePlan } from '@aws-sdk/client-api-gateway'
import { ThampiError } from '../../../errors.ts'
import type { Stage } from '../../../settings/stage.ts'
import { naiveUtc } from '../../../system/time.ts'
import type { ApiKey, ApiKeys } from '../../platform.ts'
import type { Corner } from '../account.ts'
import { ifThere, isAws } from '../client/trouble.ts'
import { ownTags } from '../names.ts'
import { awsSettings } from '../settings/aws-settings.ts'
import type { RestSettings } from '../settings/rest.ts'
import { converge } from '../steps/converge.ts'
import { everyPage, isOwn, ownAmong } from './own-api.ts'

type Tags = Readonly<Record<string, string>>

/** The key of whoever deploys, so that `thampi predict` is answered as it is on every platform. */
const ownersKey = 'owner'

/** Beside the tags of every resource: what the person called it. */
const nameTag = 'thampi:key'

/** Throws `SETTINGS_INVALID` for a stage that asks nobody for a key. */
export function keysOn(cornerFor: (stage: Stage) => Promise<Corner>): ApiKeys {
  return {
    create: async (stage, name) => {
      const { rest, tags } = awsSettings(stage)
      if (!rest?.keyRequired) throw noKeyNeeded(stage)
      return createKey(await cornerFor(stage), stage, name, tags)
    },
    list: async stage => {
      const corner = await cornerFor(stage)
      return asksForKeys(stage) ? listed(await openingKeys(corner)) : []
    },
    revoke: async (stage, name) => {
      if (!asksForKeys(stage)) return false
      const corner = await cornerFor(stage)
      const key = await keyNamed(corner, name)
      if (key === undefined) return false
      const calls = await corner.cloud.rest()
      await ifThere(calls.deleteApiKey({ apiKey: key.id }))
      return true
    },
    own: async stage => {
      const { rest } = awsSettings(stage)
      if (!rest?.keyRequired) return undefined
      const corner = await cornerFor(stage)
      const id = rest.keyId ?? (await keyNamed(corner, ownersKey))?.id
      return id === undefined ? undefined : textOf(corner, id)
    },
  }
}

/** Has the stage of an API answer to keys: to the one that the settings name, else to its own, of which there is one at least. */
export async function ensureKeyAccess(
  corner: Corner,
  apiId: string,
  { keyId }: RestSettings,
  tags: Tags,
): Promise<void> {
  const planId = await ensurePlan(corner, tags)
  await ensureMember(corner, planId, keyId ?? (await ensureKey(corner, ownersKey, tags)), keyId !== undefined)
  await ensureOpens(corner, planId, apiId)
}

/** False when there were none. Keys that were made by somebody else stay, and open nothing of ours any more. */
export async function removeKeyAccess(corner: Corner): Promise<boolean> {
  const calls = await corner.cloud.rest()
  const keys = await ownKeys(corner)
  for (const { id } of keys) await ifThere(calls.deleteApiKey({ apiKey: id }))
  const plans = await ownPlans(corner)
  for (const { id = '', apiStages = [] } of plans) {
    for (const keyId of await membersOf(corner, id))
      await ifThere(calls.deleteUsagePlanKey({ usagePlanId: id, keyId }))
    // A plan that opens a stage cannot be deleted.
    const patchOperations = apiStages.map(
      it => ({ op: 'remove', path: '/apiStages', value: `${it.apiId}:${it.stage}` }) as const,
    )
    if (patchOperations.length > 0) await calls.updateUsagePlan({ usagePlanId: id, patchOperations })
    await ifThere(calls.deleteUsagePlan({ usagePlanId: id }))
  }
  return keys.length > 0 || plans.length > 0
}

function asksForKeys(stage: Stage): boolean {
  return awsSettings(stage).rest?.keyRequired === true
}

async function createKey(corner: Corner, stage: Stage, name: string, tags: Tags): Promise<string> {
  if ((await openingKeys(corner)).some(key => nameOf(key) === name)) {
    throw new ThampiError('KEY_EXISTS', {
      message: `${stage.name} has an API key "${name}" already.`,
      fix: `thampi keys revoke ${stage.name} ${name}   # or choose another name`,
    })
  }
  const planId = await ensurePlan(corner, tags)
  // One that is there and opens nothing was never shown: the command that made it was cut off.
  const id = await ensureKey(corner, name, tags)
  await ensureMember(corner, planId, id, false)
  return textOf(corner, id)
}

/** Gives its id. */
async function ensurePlan(corner: Corner, tags: Tags): Promise<string> {
  const calls = await corner.cloud.rest()
  const { id = '' } = await converge<UsagePlan>({
    describe: async () => (await ownPlans(corner))[0],
    isWanted: () => true,
    change: () =>
      calls.createUsagePlan({ name: corner.names.function, tags: { ...tags, ...ownTags(corner.key) } }),
  })
  return id
}

/** Gives its id. */
async function ensureKey(corner: Corner, name: string, tags: Tags): Promise<string> {
  const calls = await corner.cloud.rest()
  const { id = '' } = await converge<Key>({
    describe: () => keyNamed(corner, name),
    isWanted: () => true,
    change: () =>
      calls.createApiKey({
        name: `${corner.names.function}-${name}`,
        enabled: true,
        tags: { ...tags, ...ownTags(corner.key), [nameTag]: name },
      }),
  })
  return id
}

/** `isForeign`: the settings name it. */
async function ensureMember(
  corner: Corner,
  planId: string,
  keyId: string,
  isForeign: boolean,
): Promise<void> {
  const calls = await corner.cloud.rest()
  await converge<string>({
    describe: async () => (await membersOf(corner, planId)).find(id => id === keyId),
    isWanted: () => true,
    change: async () => {
      await calls.createUsagePlanKey({ usagePlanId: planId, keyId, keyType: 'API_KEY' }).catch(error => {
        throw isForeign && isAws(error, 'NotFound') ? noSuchKey(corner, error) : error
      })
      return keyId
    },
  })
}

/** The plan opens this stage of this API and no other: one that it opened before may be gone. */
async function ensureOpens(corner: Corner, planId: string, apiId: string): Promise<void> {
  const calls = await corner.cloud.rest()
  const wanted = `${apiId}:${corner.key.stage}`
  await converge<readonly string[]>({
    describe: async () => {
      const plan = (await ownPlans(corner)).find(({ id }) => id === planId)
      return plan?.apiStages?.map(it => `${it.apiId}:${it.stage}`) ?? []
    },
    isWanted: opened => opened.length === 1 && opened[0] === wanted,
    change: async (opened = []) => {
      const patch = (op: 'add' | 'remove', value: string) => ({ op, path: '/apiStages', value }) as const
      const patchOperations = [
        ...opened.filter(it => it !== wanted).map(it => patch('remove', it)),
        ...(opened.includes(wanted) ? [] : [patch('add', wanted)]),
      ]
      await calls.updateUsagePlan({ usagePlanId: planId, patchOperations })
      return [wanted]
    },
  })
}

async function ownPlans(corner: Corner): Promise<readonly UsagePlan[]> {
  const calls = await corner.cloud.rest()
  const plans = await everyPage(page => calls.getUsagePlans(page))
  return ownAmong(plans, corner, ({ id, name, tags }) => ({ id, name, tags, created: undefined }))
}

/** Without their values; the oldest first. */
async function ownKeys({ cloud, key, names }: Corner): Promise<readonly Key[]> {
  const calls = await cloud.rest()
  const keys = await everyPage(page => calls.getApiKeys({ nameQuery: `${names.function}-`, ...page }))
  return keys
    .filter(({ tags }) => isOwn(tags, key) && tags?.[nameTag] !== undefined)
    .sort((a, b) => (a.createdDate?.getTime() ?? 0) - (b.createdDate?.getTime() ?? 0))
}

async function keyNamed(corner: Corner, name: string): Promise<Key | undefined> {
  return (await ownKeys(corner)).find(key => nameOf(key) === name)
}

function nameOf({ tags }: Key): string {
  return tags?.[nameTag] ?? ''
}

/** Those that are in the plan. */
async function openingKeys(corner: Corner): Promise<readonly Key[]> {
  const [[plan], keys] = await Promise.all([ownPlans(corner), ownKeys(corner)])
  const members = plan?.id === undefined ? [] : await membersOf(corner, plan.id)
  return keys.filter(({ id }) => members.includes(id ?? ''))
}

async function membersOf({ cloud }: Corner, usagePlanId: string): Promise<readonly string[]> {
  const calls = await cloud.rest()
  const members = await everyPage(page => calls.getUsagePlanKeys({ usagePlanId, ...page }))
  return members.map(({ id = '' }) => id)
}

async function textOf(corner: Corner, apiKey: string): Promise<string> {
  const calls = await corner.cloud.rest()
  const found = await ifThere(calls.getApiKey({ apiKey, includeValue: true }))
  if (found?.value === undefined) throw noSuchKey(corner)
  return found.value
}

function listed(keys: readonly Key[]): readonly ApiKey[] {
  return keys.map(key => ({ name: nameOf(key), createdTimeUtc: naiveUtc(key.createdDate ?? new Date(0)) }))
}

function noKeyNeeded({ name }: Stage): ThampiError {
  return new ThampiError('SETTINGS_INVALID', {
    message: `Stage \`${name}\` asks nobody for a key, so there is nothing that one could open.`,
    fix: `write "api_key_required": true, make the key, then: thampi serve ${name}`,
  })
}

function noSuchKey({ cloud, key }: Corner, cause?: unknown): ThampiError {
  return new ThampiError('SETTINGS_INVALID', {
    message: `\`api_key\` of stage \`${key.stage}\` is the id of no key in ${cloud.region}.`,
    why: 'It takes the id of a key, not the key itself.',
    fix: 'aws apigateway get-api-keys   # or leave it out: thampi makes keys',
    cause,
  })
}
