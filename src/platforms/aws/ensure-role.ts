/** The role a function runs in: its own log, its own model, nothing else. Or one that somebody else made. */
import { ThampiError } from '../../errors.ts'
import type { Corner } from './account.ts'
import { converge } from './converge.ts'
import { ownTags } from './names.ts'
import { type Ground, type Policy, trustPolicy } from './policy.ts'
import type { AwsSettings } from './settings.ts'
import { ifThere, isAws } from './trouble.ts'

const policyName = 'thampi'

export interface RoleWanted {
  readonly name: string
  readonly service: 'lambda' | 'scheduler'
  readonly policy: Policy
  readonly tags: Readonly<Record<string, string>>
}

/** Gives the ARN. IAM takes seconds until Lambda believes in a new role, so this comes before everything that is slow. */
export async function ensureRole(
  corner: Corner,
  { name, service, policy, tags }: RoleWanted,
): Promise<string> {
  const { cloud, key, system } = corner
  const iam = await cloud.iam()
  const arn = await converge({
    describe: async () => (await ifThere(iam.getRole({ RoleName: name })))?.Role?.Arn,
    isWanted: () => true,
    change: async () => {
      const made = await iam.createRole({
        RoleName: name,
        AssumeRolePolicyDocument: JSON.stringify(trustPolicy(service, groundOf(corner))),
        Description: `Made by thampi for ${key.model}, stage ${key.stage}`,
        Tags: Object.entries({ ...tags, ...ownTags(key) }).map(([Key, Value]) => ({ Key, Value })),
      })
      system.tell(`Role ${name} created`)
      return made.Role?.Arn
    },
  })
  const wanted = JSON.stringify(policy)
  await converge({
    describe: async () => {
      const found = await ifThere(iam.getRolePolicy({ RoleName: name, PolicyName: policyName }))
      return found?.PolicyDocument
    },
    isWanted: found => JSON.stringify(JSON.parse(decodeURIComponent(found))) === wanted,
    change: async () => {
      await iam.putRolePolicy({ RoleName: name, PolicyName: policyName, PolicyDocument: wanted })
      return encodeURIComponent(wanted)
    },
  })
  return arn
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

/** False when it was not there. */
export async function removeRole({ cloud }: Corner, name: string): Promise<boolean> {
  const iam = await cloud.iam()
  const policies = await ifThere(iam.listRolePolicies({ RoleName: name }))
  if (policies === undefined) return false
  for (const policy of policies.PolicyNames ?? [])
    await ifThere(iam.deleteRolePolicy({ RoleName: name, PolicyName: policy }))
  await ifThere(iam.deleteRole({ RoleName: name })).catch(error => {
    // Somebody gave it further policies: then it is not only ours any more.
    if (!isAws(error, 'DeleteConflict', 'DeleteConflict')) throw error
  })
  return true
}

export function groundOf({ cloud, identity }: Corner): Ground {
  return { partition: identity.partition, region: cloud.region, account: identity.account }
}
