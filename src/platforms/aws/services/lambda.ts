/** The calls to Lambda that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteLayerVersionCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  InvokeCommand,
  type Lambda,
  LambdaClient,
  type LambdaClientConfig,
  ListLayerVersionsCommand,
  ListVersionsByFunctionCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  RemovePermissionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { type AnyClient, callsOf } from '../calls.ts'

export type LambdaCalls = Pick<
  Lambda,
  | 'addPermission'
  | 'createAlias'
  | 'createFunction'
  | 'deleteFunction'
  | 'deleteFunctionConcurrency'
  | 'deleteLayerVersion'
  | 'getAlias'
  | 'getFunction'
  | 'getFunctionConcurrency'
  | 'getFunctionConfiguration'
  | 'getPolicy'
  | 'invoke'
  | 'listLayerVersions'
  | 'listVersionsByFunction'
  | 'publishLayerVersion'
  | 'publishVersion'
  | 'putFunctionConcurrency'
  | 'removePermission'
  | 'updateAlias'
  | 'updateFunctionCode'
  | 'updateFunctionConfiguration'
>

export function lambdaCalls(config: LambdaClientConfig, prepare: (client: AnyClient) => void): LambdaCalls {
  return callsOf<LambdaCalls>(new LambdaClient(config), prepare, {
    addPermission: AddPermissionCommand,
    createAlias: CreateAliasCommand,
    createFunction: CreateFunctionCommand,
    deleteFunction: DeleteFunctionCommand,
    deleteFunctionConcurrency: DeleteFunctionConcurrencyCommand,
    deleteLayerVersion: DeleteLayerVersionCommand,
    getAlias: GetAliasCommand,
    getFunction: GetFunctionCommand,
    getFunctionConcurrency: GetFunctionConcurrencyCommand,
    getFunctionConfiguration: GetFunctionConfigurationCommand,
    getPolicy: GetPolicyCommand,
    invoke: InvokeCommand,
    listLayerVersions: ListLayerVersionsCommand,
    listVersionsByFunction: ListVersionsByFunctionCommand,
    publishLayerVersion: PublishLayerVersionCommand,
    publishVersion: PublishVersionCommand,
    putFunctionConcurrency: PutFunctionConcurrencyCommand,
    removePermission: RemovePermissionCommand,
    updateAlias: UpdateAliasCommand,
    updateFunctionCode: UpdateFunctionCodeCommand,
    updateFunctionConfiguration: UpdateFunctionConfigurationCommand,
  })
}
