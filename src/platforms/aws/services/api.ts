/** The calls to API Gateway that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  type ApiGatewayV2,
  ApiGatewayV2Client,
  type ApiGatewayV2ClientConfig,
  CreateApiCommand,
  CreateAuthorizerCommand,
  CreateIntegrationCommand,
  CreateRouteCommand,
  CreateStageCommand,
  DeleteApiCommand,
  DeleteAuthorizerCommand,
  DeleteCorsConfigurationCommand,
  GetApisCommand,
  GetAuthorizersCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  GetStagesCommand,
  UpdateApiCommand,
  UpdateAuthorizerCommand,
  UpdateIntegrationCommand,
  UpdateRouteCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-apigatewayv2'
import { type AnyClient, callsOf } from '../calls.ts'

export type ApiCalls = Pick<
  ApiGatewayV2,
  | 'createApi'
  | 'createAuthorizer'
  | 'createIntegration'
  | 'createRoute'
  | 'createStage'
  | 'deleteApi'
  | 'deleteAuthorizer'
  | 'deleteCorsConfiguration'
  | 'getApis'
  | 'getAuthorizers'
  | 'getIntegrations'
  | 'getRoutes'
  | 'getStages'
  | 'updateApi'
  | 'updateAuthorizer'
  | 'updateIntegration'
  | 'updateRoute'
  | 'updateStage'
>

export function apiCalls(config: ApiGatewayV2ClientConfig, prepare: (client: AnyClient) => void): ApiCalls {
  return callsOf<ApiCalls>(new ApiGatewayV2Client(config), prepare, {
    createApi: CreateApiCommand,
    createAuthorizer: CreateAuthorizerCommand,
    createIntegration: CreateIntegrationCommand,
    createRoute: CreateRouteCommand,
    createStage: CreateStageCommand,
    deleteApi: DeleteApiCommand,
    deleteAuthorizer: DeleteAuthorizerCommand,
    deleteCorsConfiguration: DeleteCorsConfigurationCommand,
    getApis: GetApisCommand,
    getAuthorizers: GetAuthorizersCommand,
    getIntegrations: GetIntegrationsCommand,
    getRoutes: GetRoutesCommand,
    getStages: GetStagesCommand,
    updateApi: UpdateApiCommand,
    updateAuthorizer: UpdateAuthorizerCommand,
    updateIntegration: UpdateIntegrationCommand,
    updateRoute: UpdateRouteCommand,
    updateStage: UpdateStageCommand,
  })
}
