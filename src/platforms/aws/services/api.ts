/** The calls to API Gateway that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  type ApiGatewayV2,
  ApiGatewayV2Client,
  type ApiGatewayV2ClientConfig,
  CreateApiCommand,
  CreateIntegrationCommand,
  CreateRouteCommand,
  CreateStageCommand,
  DeleteApiCommand,
  DeleteCorsConfigurationCommand,
  GetApisCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  GetStagesCommand,
  UpdateApiCommand,
  UpdateIntegrationCommand,
  UpdateRouteCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-apigatewayv2'
import { type AnyClient, callsOf } from '../calls.ts'

export type ApiCalls = Pick<
  ApiGatewayV2,
  | 'createApi'
  | 'createIntegration'
  | 'createRoute'
  | 'createStage'
  | 'deleteApi'
  | 'deleteCorsConfiguration'
  | 'getApis'
  | 'getIntegrations'
  | 'getRoutes'
  | 'getStages'
  | 'updateApi'
  | 'updateIntegration'
  | 'updateRoute'
  | 'updateStage'
>

export function apiCalls(config: ApiGatewayV2ClientConfig, prepare: (client: AnyClient) => void): ApiCalls {
  return callsOf<ApiCalls>(new ApiGatewayV2Client(config), prepare, {
    createApi: CreateApiCommand,
    createIntegration: CreateIntegrationCommand,
    createRoute: CreateRouteCommand,
    createStage: CreateStageCommand,
    deleteApi: DeleteApiCommand,
    deleteCorsConfiguration: DeleteCorsConfigurationCommand,
    getApis: GetApisCommand,
    getIntegrations: GetIntegrationsCommand,
    getRoutes: GetRoutesCommand,
    getStages: GetStagesCommand,
    updateApi: UpdateApiCommand,
    updateIntegration: UpdateIntegrationCommand,
    updateRoute: UpdateRouteCommand,
    updateStage: UpdateStageCommand,
  })
}
