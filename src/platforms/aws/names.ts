/** What the resources of a stage are called: the names that the original and Zappa gave them, and ours beside them. */
import { createHash } from 'node:crypto'
import { slugOf } from '../../settings/names.ts'

export interface StageKey {
  readonly stage: string
  readonly model: string
}

export interface Names {
  /** Of the function and the API, and what every other name begins with. */
  readonly function: string
  readonly role: string
  /** Of the schedule that keeps the function warm, and of the role it does so in. */
  readonly warm: string
  readonly warmRole: string
  readonly logGroup: string
  /** Below it in the bucket lies what we keep about the stage. */
  readonly prefix: string
  readonly stateKey: string
  readonly leaseKey: string
  /** Where the original kept its model, below `model/current/`. */
  readonly currentKeys: { readonly model: string; readonly properties: string }
  /** What a version is made of and what it showed. */
  versionKey(number: number): string
}

/** The alias that has the traffic of a stage. */
export const liveAlias = 'live'

/** Below it in the bucket lie zips, layers and files of models, each named by its SHA-256. */
export const blobPrefix = 'thampi/blobs/sha256/'

/** Length of role names in IAM and of schedule names in EventBridge Scheduler. */
const longest = 64

/**
 * @example
 * namesOf({ model: 'My_Model', stage: 'staging' }).function // 'my-model-staging'
 */
export function namesOf({ stage, model }: StageKey): Names {
  const slug = slugOf(model, stage)
  const prefix = `thampi/${stage}/${model}/`
  return {
    function: slug,
    role: fitting(slug, '-ZappaLambdaExecutionRole'),
    warm: fitting(slug, '-zappa-keep-warm'),
    warmRole: fitting(slug, '-keep-warm-role'),
    logGroup: `/aws/lambda/${slug}`,
    prefix,
    stateKey: `${prefix}state.json`,
    leaseKey: `${prefix}lease.json`,
    currentKeys: {
      model: `${prefix}model/current/model.pkl`,
      properties: `${prefix}model/current/thampi.json`,
    },
    versionKey: number => `${prefix}versions/${number}.json`,
  }
}

/** A name that would be too long loses its end to a digest of the whole, so that two of them stay two. */
function fitting(slug: string, ending: string): string {
  if (slug.length + ending.length <= longest) return slug + ending
  const digest = createHash('sha256').update(slug).digest('hex').slice(0, 8)
  return `${slug.slice(0, longest - ending.length - digest.length - 1)}-${digest}${ending}`
}

/** Unless the settings name one: nobody else's by account and region, and the same on every run. */
export function bucketFor(account: string, region: string): string {
  return `thampi-${account}-${region}`
}

/** By these a resource is recognised as this stage's; the user's own tags stand beside them. */
export function ownTags({ stage, model }: StageKey): Record<string, string> {
  return { 'thampi:project': model, 'thampi:stage': stage }
}
