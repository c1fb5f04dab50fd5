/** The calls to API Gateway that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  type ApiGatewayV2,
  ApiGatewayV2Client,
  type ApiGatewayV2ClientConfig,
  CreateApiCommand,
  CreateApiMappingCommand,
  CreateAuthorizerCommand,
  CreateDomainNameCommand,
  CreateIntegrationCommand,
  CreateRouteCommand,
  CreateStageCommand,
  DeleteApiCommand,
  DeleteApiMappingCommand,
  DeleteAuthorizerCommand,
  DeleteCorsConfigurationCommand,
  DeleteDomainNameCommand,
  GetApiMappingsCommand,
  GetApisCommand,
  GetAuthorizersCommand,
  GetDomainNameCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  GetStagesCommand,
  UpdateApiCommand,
  UpdateAuthorizerCommand,
  UpdateDomainNameCommand,
  UpdateIntegrationCommand,
  UpdateRouteCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-apigatewayv2'
import { type AnyClient, callsOf } from '../calls.ts'

export type ApiCalls = Pick<
  ApiGatewayV2,
  | 'createApi'
  | 'createApiMapping'
  | 'createAuthorizer'
  | 'createDomainName'
  | 'createIntegration'
  | 'createRoute'
  | 'createStage'
  | 'deleteApi'
  | 'deleteApiMapping'
  | 'deleteAuthorizer'
  | 'deleteCorsConfiguration'
  | 'deleteDomainName'
  | 'getApiMappings'
  | 'getApis'
  | 'getAuthorizers'
  | 'getDomainName'
  | 'getIntegrations'
  | 'getRoutes'
  | 'getStages'
  | 'updateApi'
  | 'updateAuthorizer'
  | 'updateDomainName'
  | 'updateIntegration'
  | 'updateRoute'
  | 'updateStage'
>

export function apiCalls(config: ApiGatewayV2ClientConfig, prepare: (client: AnyClient) => void): ApiCalls {
  return callsOf<ApiCalls>(new ApiGatewayV2Client(config), prepare, {
    createApi: CreateApiCommand,
    createApiMapping: CreateApiMappingCommand,
    createAuthorizer: CreateAuthorizerCommand,
    createDomainName: CreateDomainNameCommand,
    createIntegration: CreateIntegrationCommand,
    createRoute: CreateRouteCommand,
    createStage: CreateStageCommand,
    deleteApi: DeleteApiCommand,
    deleteApiMapping: DeleteApiMappingCommand,
    deleteAuthorizer: DeleteAuthorizerCommand,
    deleteCorsConfiguration: DeleteCorsConfigurationCommand,
    deleteDomainName: DeleteDomainNameCommand,
    getApiMappings: GetApiMappingsCommand,
    getApis: GetApisCommand,
    getAuthorizers: GetAuthorizersCommand,
    getDomainName: GetDomainNameCommand,
    getIntegrations: GetIntegrationsCommand,
    getRoutes: GetRoutesCommand,
    getStages: GetStagesCommand,
    updateApi: UpdateApiCommand,
    updateAuthorizer: UpdateAuthorizerCommand,
    updateDomainName: UpdateDomainNameCommand,
    updateIntegration: UpdateIntegrationCommand,
    updateRoute: UpdateRouteCommand,
    updateStage: UpdateStageCommand,
  })
}
