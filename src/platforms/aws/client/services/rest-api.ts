/** The calls for REST APIs, their keys and their usage plans. What is not named here is neither bundled nor in the policy that we print. */
import {
  type APIGateway,
  APIGatewayClient,
  type APIGatewayClientConfig,
  CreateApiKeyCommand,
  CreateDeploymentCommand,
  CreateRestApiCommand,
  CreateStageCommand,
  CreateUsagePlanCommand,
  CreateUsagePlanKeyCommand,
  DeleteApiKeyCommand,
  DeleteDeploymentCommand,
  DeleteRestApiCommand,
  DeleteUsagePlanCommand,
  DeleteUsagePlanKeyCommand,
  GetApiKeyCommand,
  GetApiKeysCommand,
  GetDeploymentCommand,
  GetDeploymentsCommand,
  GetResourcesCommand,
  GetRestApisCommand,
  GetStageCommand,
  GetUsagePlanKeysCommand,
  GetUsagePlansCommand,
  PutRestApiCommand,
  UpdateRestApiCommand,
  UpdateStageCommand,
  UpdateUsagePlanCommand,
} from '@aws-sdk/client-api-gateway'
import { type AnyClient, callsOf } from '../calls.ts'

export type RestApiCalls = Pick<
  APIGateway,
  | 'createApiKey'
  | 'createDeployment'
  | 'createRestApi'
  | 'createStage'
  | 'createUsagePlan'
  | 'createUsagePlanKey'
  | 'deleteApiKey'
  | 'deleteDeployment'
  | 'deleteRestApi'
  | 'deleteUsagePlan'
  | 'deleteUsagePlanKey'
  | 'getApiKey'
  | 'getApiKeys'
  | 'getDeployment'
  | 'getDeployments'
  | 'getResources'
  | 'getRestApis'
  | 'getStage'
  | 'getUsagePlanKeys'
  | 'getUsagePlans'
  | 'putRestApi'
  | 'updateRestApi'
  | 'updateStage'
  | 'updateUsagePlan'
>

export function restApiCalls(
  config: APIGatewayClientConfig,
  prepare: (client: AnyClient) => void,
): RestApiCalls {
  return callsOf<RestApiCalls>(new APIGatewayClient(config), prepare, {
    createApiKey: CreateApiKeyCommand,
    createDeployment: CreateDeploymentCommand,
    createRestApi: CreateRestApiCommand,
    createStage: CreateStageCommand,
    createUsagePlan: CreateUsagePlanCommand,
    createUsagePlanKey: CreateUsagePlanKeyCommand,
    deleteApiKey: DeleteApiKeyCommand,
    deleteDeployment: DeleteDeploymentCommand,
    deleteRestApi: DeleteRestApiCommand,
    deleteUsagePlan: DeleteUsagePlanCommand,
    deleteUsagePlanKey: DeleteUsagePlanKeyCommand,
    getApiKey: GetApiKeyCommand,
    getApiKeys: GetApiKeysCommand,
    getDeployment: GetDeploymentCommand,
    getDeployments: GetDeploymentsCommand,
    getResources: GetResourcesCommand,
    getRestApis: GetRestApisCommand,
    getStage: GetStageCommand,
    getUsagePlanKeys: GetUsagePlanKeysCommand,
    getUsagePlans: GetUsagePlansCommand,
    putRestApi: PutRestApiCommand,
    updateRestApi: UpdateRestApiCommand,
    updateStage: UpdateStageCommand,
    updateUsagePlan: UpdateUsagePlanCommand,
  })
}
