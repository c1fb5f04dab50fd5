/** The calls to Route 53 that we make. What is not named here is neither bundled nor in the policy that we print. */
import {
  ChangeResourceRecordSetsCommand,
  ListHostedZonesByNameCommand,
  ListResourceRecordSetsCommand,
  type Route53,
  Route53Client,
  type Route53ClientConfig,
} from '@aws-sdk/client-route-53'
import { type AnyClient, callsOf } from '../calls.ts'

export type Route53Calls = Pick<
  Route53,
  'changeResourceRecordSets' | 'listHostedZonesByName' | 'listResourceRecordSets'
>

export function route53Calls(
  config: Route53ClientConfig,
  prepare: (client: AnyClient) => void,
): Route53Calls {
  return callsOf<Route53Calls>(new Route53Client(config), prepare, {
    changeResourceRecordSets: ChangeResourceRecordSetsCommand,
    listHostedZonesByName: ListHostedZonesByNameCommand,
    listResourceRecordSets: ListResourceRecordSetsCommand,
  })
}
