/** The calls to IAM that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAM,
  IAMClient,
  type IAMClientConfig,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { type AnyClient, callsOf } from '../calls.ts'

export type IamCalls = Pick<
  IAM,
  | 'createRole'
  | 'deleteRole'
  | 'deleteRolePolicy'
  | 'getRole'
  | 'getRolePolicy'
  | 'listRolePolicies'
  | 'putRolePolicy'
  | 'tagRole'
  | 'updateAssumeRolePolicy'
>

export function iamCalls(config: IAMClientConfig, prepare: (client: AnyClient) => void): IamCalls {
  return callsOf<IamCalls>(new IAMClient(config), prepare, {
    createRole: CreateRoleCommand,
    deleteRole: DeleteRoleCommand,
    deleteRolePolicy: DeleteRolePolicyCommand,
    getRole: GetRoleCommand,
    getRolePolicy: GetRolePolicyCommand,
    listRolePolicies: ListRolePoliciesCommand,
    putRolePolicy: PutRolePolicyCommand,
    tagRole: TagRoleCommand,
    updateAssumeRolePolicy: UpdateAssumeRolePolicyCommand,
  })
}
