/** The calls to Lambda that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionUrlConfigCommand,
  DeleteLayerVersionCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetFunctionUrlConfigCommand,
  GetPolicyCommand,
  InvokeCommand,
  type Lambda,
  LambdaClient,
  type LambdaClientConfig,
  ListLayerVersionsCommand,
  ListProvisionedConcurrencyConfigsCommand,
  ListVersionsByFunctionCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  RemovePermissionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  UpdateFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda'
import { type AnyClient, callsOf } from '../calls.ts'

export type LambdaCalls = Pick<
  Lambda,
  | 'addPermission'
  | 'createAlias'
  | 'createFunction'
  | 'createFunctionUrlConfig'
  | 'deleteFunction'
  | 'deleteFunctionConcurrency'
  | 'deleteFunctionUrlConfig'
  | 'deleteLayerVersion'
  | 'deleteProvisionedConcurrencyConfig'
  | 'getAlias'
  | 'getFunction'
  | 'getFunctionConcurrency'
  | 'getFunctionConfiguration'
  | 'getFunctionUrlConfig'
  | 'getPolicy'
  | 'invoke'
  | 'listLayerVersions'
  | 'listProvisionedConcurrencyConfigs'
  | 'listVersionsByFunction'
  | 'publishLayerVersion'
  | 'publishVersion'
  | 'putFunctionConcurrency'
  | 'putProvisionedConcurrencyConfig'
  | 'removePermission'
  | 'updateAlias'
  | 'updateFunctionCode'
  | 'updateFunctionConfiguration'
  | 'updateFunctionUrlConfig'
>

export function lambdaCalls(config: LambdaClientConfig, prepare: (client: AnyClient) => void): LambdaCalls {
  return callsOf<LambdaCalls>(new LambdaClient(config), prepare, {
    addPermission: AddPermissionCommand,
    createAlias: CreateAliasCommand,
    createFunction: CreateFunctionCommand,
    createFunctionUrlConfig: CreateFunctionUrlConfigCommand,
    deleteFunction: DeleteFunctionCommand,
    deleteFunctionConcurrency: DeleteFunctionConcurrencyCommand,
    deleteFunctionUrlConfig: DeleteFunctionUrlConfigCommand,
    deleteLayerVersion: DeleteLayerVersionCommand,
    deleteProvisionedConcurrencyConfig: DeleteProvisionedConcurrencyConfigCommand,
    getAlias: GetAliasCommand,
    getFunction: GetFunctionCommand,
    getFunctionConcurrency: GetFunctionConcurrencyCommand,
    getFunctionConfiguration: GetFunctionConfigurationCommand,
    getFunctionUrlConfig: GetFunctionUrlConfigCommand,
    getPolicy: GetPolicyCommand,
    invoke: InvokeCommand,
    listLayerVersions: ListLayerVersionsCommand,
    listProvisionedConcurrencyConfigs: ListProvisionedConcurrencyConfigsCommand,
    listVersionsByFunction: ListVersionsByFunctionCommand,
    publishLayerVersion: PublishLayerVersionCommand,
    publishVersion: PublishVersionCommand,
    putFunctionConcurrency: PutFunctionConcurrencyCommand,
    putProvisionedConcurrencyConfig: PutProvisionedConcurrencyConfigCommand,
    removePermission: RemovePermissionCommand,
    updateAlias: UpdateAliasCommand,
    updateFunctionCode: UpdateFunctionCodeCommand,
    updateFunctionConfiguration: UpdateFunctionConfigurationCommand,
    updateFunctionUrlConfig: UpdateFunctionUrlConfigCommand,
  })
}
