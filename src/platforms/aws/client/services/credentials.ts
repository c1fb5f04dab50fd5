/** The usual chain: environment, profiles, single sign-on, roles of machines. */
export { fromNodeProviderChain } from '@aws-sdk/credential-providers'
