/** The role a function runs in: its own log, its own model, nothing else. Or one that somebody else made. */
import type { Tag } from '@aws-sdk/client-iam'
import { ThampiError } from '../../../errors.ts'
import type { Corner } from '../account.ts'
import { ifThere, isAws } from '../client/trouble.ts'
import { ownTags, type StageKey } from '../names.ts'
import type { AwsSettings } from '../settings/aws-settings.ts'
import type { PolicyDocument } from '../settings/policy-file.ts'
import { converge } from '../steps/converge.ts'
import { type Ground, type Policy, trustPolicy } from './policy.ts'

const ownPolicyName = 'thampi'

export interface RoleName {
  readonly name: string
  /** Of our policy in it. A role that the settings name may serve several stages, and each has its own there. */
  readonly policyName: string
}

export interface RoleWanted extends RoleName {
  readonly service: 'lambda' | 'scheduler'
  readonly policy: Policy
  /** Undefined: the service, and nobody else. */
  readonly trust?: PolicyDocument | undefined
  readonly tags: Readonly<Record<string, string>>
}

/** The role of a stage's function, unless somebody else made it. */
export function roleOf({ names }: Corner, { roleName }: AwsSettings): RoleName {
  return roleName === undefined
    ? ownRole(names.role)
    : { name: roleName, policyName: `${ownPolicyName}-${names.function}` }
}

/** A role that has its name from the stage. */
export function ownRole(name: string): RoleName {
  return { name, policyName: ownPolicyName }
}

interface Found {
  readonly arn: string
  readonly trust: string
  readonly isOurs: boolean
}

/** Gives the ARN. IAM takes seconds until Lambda believes in a new role, so this comes before everything that is slow. */
export async function ensureRole(corner: Corner, wanted: RoleWanted): Promise<string> {
  const { name, policyName, service, tags } = wanted
  const { cloud, key, system } = corner
  const iam = await cloud.iam()
  const trust = JSON.stringify(wanted.trust ?? trustPolicy(service, groundOf(corner)))
  const describe = async (): Promise<Found | undefined> => {
    const {
      Arn: arn,
      AssumeRolePolicyDocument,
      Tags,
    } = (await ifThere(iam.getRole({ RoleName: name })))?.Role ?? {}
    if (arn === undefined) return undefined
    return { arn, trust: asWritten(AssumeRolePolicyDocument), isOurs: hasTagsOf(key, Tags) }
  }
  const found = await converge<Found>({
    describe,
    isWanted: () => true,
    change: async () => {
      const made = await iam.createRole({
        RoleName: name,
        AssumeRolePolicyDocument: trust,
        Description: `Made by thampi for ${key.model}, stage ${key.stage}`,
        Tags: Object.entries({ ...tags, ...ownTags(key) }).map(([Key, Value]) => ({ Key, Value })),
      })
      system.tell(`Role ${name} created`)
      const arn = made.Role?.Arn
      return arn === undefined ? undefined : { arn, trust, isOurs: true }
    },
  })
  // Who may take on a role that was there before is its maker's business, until the settings say it.
  const mayTrust = found.isOurs || wanted.trust !== undefined
  await converge({
    describe,
    seen: found,
    isWanted: role => role.trust === trust || !mayTrust,
    change: async () => {
      await iam.updateAssumeRolePolicy({ RoleName: name, PolicyDocument: trust })
      system.tell(`Role ${name}: who may take it on was changed`)
      return { ...found, trust }
    },
  })
  const policy = JSON.stringify(wanted.policy)
  await converge({
    describe: async () => {
      const known = await ifThere(iam.getRolePolicy({ RoleName: name, PolicyName: policyName }))
      return known && asWritten(known.PolicyDocument)
    },
    isWanted: known => known === policy,
    change: async () => {
      await iam.putRolePolicy({ RoleName: name, PolicyName: policyName, PolicyDocument: policy })
      return policy
    },
  })
  return found.arn
}

/** IAM gives documents as parts of a URL. */
function asWritten(document: string | undefined): string {
  return JSON.stringify(JSON.parse(decodeURIComponent(document ?? 'null')))
}

function hasTagsOf(key: StageKey, tags: readonly Tag[] = []): boolean {
  return Object.entries(ownTags(key)).every(([name, value]) =>
    tags.some(({ Key, Value }) => Key === name && Value === value),
  )
}

/** A role that the settings name is used as it is. */
export async function foreignRole(
  { cloud, identity, key }: Corner,
  role: NonNullable<AwsSettings['foreignRole']>,
): Promise<string> {
  if ('arn' in role) return role.arn
  const iam = await cloud.iam()
  const found = await ifThere(iam.getRole({ RoleName: role.name }))
  if (found?.Role?.Arn !== undefined) return found.Role.Arn
  throw new ThampiError('SETTINGS_INVALID', {
    message: `There is no role "${role.name}" in account ${identity.account}, which stage \`${key.stage}\` is to run in.`,
    why: '`manage_roles` is false, so it is not created.',
    fix: 'correct "role_name" in the settings, or take "manage_roles" out',
  })
}

/** What became of a role: `kept` lost our policy only, because it is not ours alone. */
export type RoleRemoval = 'missing' | 'removed' | 'kept'

export async function removeRole(
  { cloud, key }: Corner,
  { name, policyName }: RoleName,
): Promise<RoleRemoval> {
  const iam = await cloud.iam()
  const role = (await ifThere(iam.getRole({ RoleName: name })))?.Role
  if (role === undefined) return 'missing'
  const { PolicyNames = [] } = (await ifThere(iam.listRolePolicies({ RoleName: name }))) ?? {}
  const others = PolicyNames.filter(policy => policy !== policyName && policy.startsWith(`${ownPolicyName}-`))
  const isOursAlone = hasTagsOf(key, role.Tags) && others.length === 0
  for (const policy of isOursAlone ? PolicyNames : [policyName])
    await ifThere(iam.deleteRolePolicy({ RoleName: name, PolicyName: policy }))
  if (!isOursAlone) return 'kept'
  return ifThere(iam.deleteRole({ RoleName: name })).then(
    () => 'removed',
    error => {
      // Somebody gave it further policies: then it is not only ours any more.
      if (isAws(error, 'DeleteConflict')) return 'kept'
      throw error
    },
  )
}

export function groundOf({ cloud, identity }: Corner): Ground {
  return { partition: identity.partition, region: cloud.region, account: identity.account }
}
