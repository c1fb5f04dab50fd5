/** A stage's own corner of an account: what its steps are handed. */
import type { System } from '../../system/system.ts'
import type { Store } from './bucket/store.ts'
import type { Cloud, Identity } from './client/client.ts'
import type { Names, StageKey } from './names.ts'

export interface Account {
  readonly cloud: Cloud
  readonly identity: Identity
  readonly store: Store
  readonly system: System
}

/** The corner of one stage in it. */
export interface Corner extends Account {
  readonly key: StageKey
  readonly names: Names
}

/** `arn:aws:lambda:eu-central-1:123456789012:function:mymodel-staging` */
export function functionArn({ cloud, identity, names }: Corner): string {
  return `arn:${identity.partition}:lambda:${cloud.region}:${identity.account}:function:${names.function}`
}
