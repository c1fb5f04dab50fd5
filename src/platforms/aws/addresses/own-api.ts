/** What the kinds of API have in common: how ours is told from others, and what its URL is. */
import type { Corner } from '../account.ts'
import { ownTags, type StageKey } from '../names.ts'
import type { Permission } from './ensure-statement.ts'

export interface Front {
  /** Of predictions. */
  readonly url: string
  /** Made just now: it takes a while until the world knows it. */
  readonly isNew: boolean
}

/** As any service of AWS lists a thing that can have tags. */
export interface Listed {
  readonly id: string | undefined
  readonly name: string | undefined
  readonly tags: Readonly<Record<string, string>> | undefined
  readonly created: Date | undefined
}

/** Whether a thing was made for this stage: names are not unique, so the tags decide. */
export function isOwn(tags: Listed['tags'], key: StageKey): boolean {
  return Object.entries(ownTags(key)).every(([tag, value]) => tags?.[tag] === value)
}

/**
 * Ours among all that were found. When a creation whose answer was lost has left two, the older one counts, today and on
 * every later day: it comes first.
 */
export function ownAmong<T>(
  found: readonly T[],
  { key, names }: Corner,
  as: (one: T) => Listed,
): readonly T[] {
  return found
    .map(one => ({ one, ...as(one) }))
    .filter(({ name, tags }) => name === names.function && isOwn(tags, key))
    .sort(
      (a, b) => (a.created?.getTime() ?? 0) - (b.created?.getTime() ?? 0) || compare(a.id ?? '', b.id ?? ''),
    )
    .map(({ one }) => one)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : 1
}

/** `endpoint` is what the API itself is reached at. */
export function predictUrl({ key }: Corner, endpoint: string): string {
  return `${endpoint.replace(/\/$/, '')}/${key.stage}/${key.model}/predict`
}

/** One statement for all of an API's paths; without it the API gets 403 from its own function. */
export function statementFor({ cloud, identity }: Corner, StatementId: string, apiId: string): Permission {
  return {
    StatementId,
    Action: 'lambda:InvokeFunction',
    Principal: 'apigateway.amazonaws.com',
    SourceArn: `arn:${identity.partition}:execute-api:${cloud.region}:${identity.account}:${apiId}/*/*`,
  }
}

/** What REST APIs are asked for a list with, and how they answer. */
interface Page<T> {
  readonly items?: readonly T[] | undefined
  readonly position?: string | undefined
}

/** Everything in a list of API Gateway's first edition, which comes in pages. */
export async function everyPage<T>(
  ask: (page: { readonly limit: number; readonly position?: string }) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const found: T[] = []
  let position: string | undefined
  do {
    const page = await ask({ limit: 500, ...(position ? { position } : {}) })
    found.push(...(page.items ?? []))
    position = page.position
  } while (position)
  return found
}
