/** `attach_policy` and `assume_policy`: files of the project that say what the function may do, and who may run as it. */
import { ThampiError } from '../../../errors.ts'
import type { Stage } from '../../../settings/stage.ts'
import type { System } from '../../../system/system.ts'
import { type PolicyDocument, policyIn } from './policy-file.ts'

export interface RoleFiles {
  /** Of `attach_policy`: what the function may do besides what it needs. */
  readonly statements: readonly PolicyDocument[]
  /** Of `assume_policy`; undefined: Lambda, and nobody else. */
  readonly trust: PolicyDocument | undefined
}

/**
 * Read on each serve, so that a change in a file is a change of the stage.
 *
 * @throws ThampiError SETTINGS_INVALID for a file that is missing or is not what IAM takes
 */
export async function roleFiles({ aws, name }: Stage, system: System): Promise<RoleFiles> {
  const attached = await policyIn('attach_policy', aws.attach_policy, name, system)
  const trust = await policyIn('assume_policy', aws.assume_policy, name, system)
  if (trust !== undefined && !trust.statements.some(letsLambda)) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `${trust.file} (\`assume_policy\` of stage \`${name}\`) does not let Lambda take on the role, so no function could run in it.`,
      fix: 'add {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"} to its statements',
    })
  }
  return { statements: attached?.statements ?? [], trust: trust?.document }
}

function letsLambda({ Effect, Principal, Action }: PolicyDocument): boolean {
  const { Service } = (Principal ?? {}) as { readonly Service?: unknown }
  return (
    Effect === 'Allow' &&
    [Service].flat().includes('lambda.amazonaws.com') &&
    [Action].flat().some(action => ['sts:AssumeRole', 'sts:*', '*'].includes(String(action)))
  )
}
