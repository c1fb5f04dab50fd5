/** The calls to STS that we make. What is not named here is neither bundled nor in the policy that we print. */
import { GetCallerIdentityCommand, type STS, STSClient, type STSClientConfig } from '@aws-sdk/client-sts'
import { type AnyClient, callsOf } from '../calls.ts'

export type StsCalls = Pick<STS, 'getCallerIdentity'>

export function stsCalls(config: STSClientConfig, prepare: (client: AnyClient) => void): StsCalls {
  return callsOf<StsCalls>(new STSClient(config), prepare, {
    getCallerIdentity: GetCallerIdentityCommand,
  })
}
