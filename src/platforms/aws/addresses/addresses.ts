/** The addresses of a stage: made as its settings say, found again, and tried without credentials once they are made. */
import type { Stage } from '../../../settings/stage.ts'
import type { Address } from '../../platform.ts'
import type { Corner } from '../account.ts'
import { aliasArn } from '../function/alias.ts'
import { type AwsSettings, awsSettings } from '../settings/aws-settings.ts'
import { ensureDomain, findDomain } from './ensure-domain.ts'
import { ensureFunctionUrl, findFunctionUrl } from './ensure-function-url.ts'
import { ensureFront, findUrl, retireOthers } from './front.ts'
import { type NewAddress, tryAsStranger } from './probe.ts'

/** The first is the one that a deployment is known by: of an API it stays the same whatever becomes of the function. */
export type Addresses = readonly [Address, ...Address[]]

/** Of a new name, or of a rule that was changed. */
const settledWithinMs = 30_000

/** What the settings do not say any more goes, so that no way is left open. */
export async function ensureAddresses(corner: Corner, settings: AwsSettings): Promise<Addresses> {
  const { access } = settings
  const { tell } = corner.system
  const api = access.hasApi ? await openApi(corner, settings) : undefined
  const domainUrl = await ensureDomain(corner, access.domain)
  const functionUrl = await ensureFunctionUrl(corner, access.functionUrl)
  const made = [api, functionUrl].filter(address => address !== undefined)
  const trial = { visit: corner.cloud.visit, tell, withinMs: settledWithinMs }
  // Whether this machine is a stranger is the business of a policy, and a private API is not to be seen from here.
  const isOfPolicy = settings.rest?.policyFile !== undefined
  const seen = made.filter(address => !(address === api && isOfPolicy))
  await Promise.all(seen.map(address => tryAsStranger(address, trial)))
  await retireOthers(corner, settings)
  if (api !== undefined) tellOfCallers(corner, api, settings)
  if (functionUrl?.callers.bring === 'nothing')
    tell('Everybody who knows the Function URL may call it, as "function_url_config" says')
  // Settings without any address are refused before.
  const [first, ...others] = made.map(({ url, callers }) => ({ url, callers })) as unknown as Addresses
  return [first, ...domainAddress(domainUrl, first), ...others]
}

async function openApi(corner: Corner, settings: AwsSettings): Promise<NewAddress> {
  const front = await ensureFront(corner, aliasArn(corner), settings)
  const isGuarded = settings.rest?.keyRequired === true
  return { ...front, callers: callersOfApi(corner, settings), isGuarded }
}

/** That callers sign or bring a token goes without saying: whoever asks for it knows. */
function tellOfCallers({ key, system }: Corner, { callers }: Address, { rest }: AwsSettings): void {
  if (rest?.keyRequired) system.tell(`Callers need an API key: thampi keys create ${key.stage} NAME`)
  else if (callers.bring !== 'nothing') return
  else if (rest?.policyFile !== undefined) system.tell(`Who may call stands in ${rest.policyFile}`)
  else system.tell('Everybody who knows the URL may call it; "iam_authorization": true changes that')
}

/** It leads to the API, and what the API asks of its callers. */
function domainAddress(url: string | undefined, { callers }: Address): Address[] {
  return url === undefined ? [] : [{ url, callers }]
}

/** Undefined when there is none. */
export async function findAddresses(corner: Corner, stage: Stage): Promise<Addresses | undefined> {
  const settings = awsSettings(stage)
  const apiUrl = await findUrl(corner, stage)
  const api = apiUrl === undefined ? [] : [{ url: apiUrl, callers: callersOfApi(corner, settings) }]
  const functionUrl = settings.access.functionUrl === undefined ? undefined : await findFunctionUrl(corner)
  const [first, ...others] = [...api, ...(functionUrl === undefined ? [] : [functionUrl])]
  if (first === undefined) return undefined
  const domainUrl = api.length === 0 ? undefined : await findDomain(corner, settings.access.domain)
  return [first, ...domainAddress(domainUrl, first), ...others]
}

/** As the settings say it: they are what the API was made of. */
function callersOfApi({ cloud }: Corner, { iamAuthorization, access }: AwsSettings): Address['callers'] {
  if (iamAuthorization) return { bring: 'signature', service: 'execute-api', region: cloud.region }
  const { authorizer } = access
  if (authorizer === undefined) return { bring: 'nothing' }
  return { bring: 'token', header: authorizer.header, isBearer: authorizer.by === 'issuer' }
}
