/** The name under which the world knows an API: a domain of API Gateway, what leads from it to the API, and its record. */
import type { ApiMapping, GetDomainNameCommandOutput } from '@aws-sdk/client-apigatewayv2'
import { ThampiError } from '../../../errors.ts'
import type { Corner } from '../account.ts'
import { changeState, readState } from '../bucket/records.ts'
import { ifThere } from '../client/trouble.ts'
import { ownTags } from '../names.ts'
import type { DomainSettings } from '../settings/domain.ts'
import { converge } from '../steps/converge.ts'
import { findApiIds } from './ensure-api.ts'
import { ensureRecord, removeRecord, type Target } from './ensure-record.ts'

/**
 * Gives the address of predictions; undefined: none is wanted, and one that was made before is gone.
 *
 * @throws ThampiError NAME_TAKEN, SETTINGS_INVALID
 */
export async function ensureDomain(
  corner: Corner,
  wanted: DomainSettings | undefined,
): Promise<string | undefined> {
  const { domain: before } = await readState(corner)
  if (before !== undefined && before !== wanted?.name) await removeDomain(corner, before)
  // Noted before it is made, so that it is found again whatever the settings say by then.
  if (before !== wanted?.name) await changeState(corner, state => ({ ...state, domain: wanted?.name }))
  if (wanted === undefined) return undefined
  const [ApiId = ''] = await findApiIds(corner)
  const domain = await ensureName(corner, wanted)
  await ensureMapping(corner, ApiId, wanted)
  const target = targetOf(domain)
  if (wanted.hasRecord) await ensureRecord(corner, wanted.name, target)
  else
    corner.system.tell(`${wanted.name} is to be a CNAME of ${target.host}, wherever its name is administered`)
  return urlOf(corner, wanted)
}

/** As the settings say it; undefined when nothing leads from it to this API. */
export async function findDomain(
  corner: Corner,
  wanted: DomainSettings | undefined,
): Promise<string | undefined> {
  if (wanted === undefined) return undefined
  const found = (await mappings(corner, wanted.name)).some(
    ({ ApiMappingKey = '', Stage }) => ApiMappingKey === wanted.basePath && Stage === corner.key.stage,
  )
  return found ? urlOf(corner, wanted) : undefined
}

/** Takes away what leads to the stage's API, then the domain where it was made for this stage and leads nowhere else. Gives what stays. */
export async function removeDomain(corner: Corner, DomainName: string): Promise<readonly string[]> {
  const api = await corner.cloud.api()
  const domain = await ifThere(api.getDomainName({ DomainName }))
  if (domain === undefined) return []
  const [found, apiIds] = [await mappings(corner, DomainName), await findApiIds(corner)]
  const own = found.filter(({ ApiId }) => apiIds.includes(ApiId))
  for (const { ApiMappingId } of own) await ifThere(api.deleteApiMapping({ DomainName, ApiMappingId }))
  if (!isOurs(domain, corner)) return [`the domain ${DomainName}, which was made by somebody else`]
  if (own.length < found.length) return [`the domain ${DomainName}, which leads to other APIs as well`]
  await removeRecord(corner, DomainName, targetOf(domain))
  await ifThere(api.deleteDomainName({ DomainName }))
  corner.system.tell(`Domain ${DomainName} removed`)
  return []
}

function urlOf({ key }: Corner, { name, basePath }: DomainSettings): string {
  return ['https:/', name, ...(basePath === '' ? [] : [basePath]), key.model, 'predict'].join('/')
}

type Domain = Omit<GetDomainNameCommandOutput, '$metadata'>

async function ensureName(corner: Corner, { name, certificateArn }: DomainSettings): Promise<Domain> {
  const api = await corner.cloud.api()
  const wanted = {
    DomainName: name,
    DomainNameConfigurations: [
      {
        CertificateArn: certificateArn,
        EndpointType: 'REGIONAL' as const,
        SecurityPolicy: 'TLS_1_2' as const,
      },
    ],
  }
  return converge<Domain>({
    describe: () => ifThere(api.getDomainName({ DomainName: name })),
    // The certificate of somebody else's domain is that person's concern.
    isWanted: found =>
      !isOurs(found, corner) || found.DomainNameConfigurations?.[0]?.CertificateArn === certificateArn,
    change: async found => {
      if (found !== undefined) return api.updateDomainName(wanted)
      const made = await api.createDomainName({ ...wanted, Tags: ownTags(corner.key) })
      corner.system.tell(`Domain ${name} created`)
      return made
    },
  })
}

async function ensureMapping(
  corner: Corner,
  ApiId: string,
  { name, basePath }: DomainSettings,
): Promise<void> {
  const api = await corner.cloud.api()
  await converge<ApiMapping>({
    describe: async () =>
      (await mappings(corner, name)).find(({ ApiMappingKey = '' }) => ApiMappingKey === basePath),
    isWanted: found => found.ApiId === ApiId,
    change: async found => {
      if (found !== undefined) throw taken(name, basePath, found)
      return (await api.createApiMapping({
        ApiId,
        DomainName: name,
        Stage: corner.key.stage,
        ApiMappingKey: basePath,
      })) as ApiMapping
    },
  })
  // Those of a path that the settings had before.
  for (const { ApiMappingId, ApiId: to, ApiMappingKey = '' } of await mappings(corner, name))
    if (to === ApiId && ApiMappingKey !== basePath)
      await ifThere(api.deleteApiMapping({ DomainName: name, ApiMappingId }))
}

async function mappings({ cloud }: Corner, DomainName: string): Promise<readonly ApiMapping[]> {
  const api = await cloud.api()
  const found: ApiMapping[] = []
  let token: string | undefined
  do {
    const page = await ifThere(api.getApiMappings({ DomainName, ...(token ? { NextToken: token } : {}) }))
    found.push(...(page?.Items ?? []))
    token = page?.NextToken
  } while (token)
  return found
}

function isOurs({ Tags = {} }: Domain, { key }: Corner): boolean {
  return Object.entries(ownTags(key)).every(([tag, value]) => Tags[tag] === value)
}

function targetOf({ DomainNameConfigurations: [first] = [] }: Domain): Target {
  return { host: first?.ApiGatewayDomainName ?? '', zone: first?.HostedZoneId ?? '' }
}

/**
 * Before anything is done. An edge of REST APIs, as Zappa made it, had its certificate in us-east-1; the API here is in the
 * region of the stage.
 *
 * @throws ThampiError SETTINGS_INVALID
 */
export function checkDomain(wanted: DomainSettings | undefined, { cloud }: Corner): void {
  if (wanted === undefined) return
  const { certificateArn, name } = wanted
  const region = certificateArn.split(':')[3]
  if (region === cloud.region) return
  throw new ThampiError('SETTINGS_INVALID', {
    message: `The certificate of ${name} is in ${region}, and the API is in ${cloud.region}.`,
    why: 'API Gateway takes certificates of its own region.',
    fix: `request one in ${cloud.region}: aws acm request-certificate --region ${cloud.region} --domain-name ${name} --validation-method DNS`,
  })
}

function taken(name: string, basePath: string, { ApiId }: ApiMapping): ThampiError {
  return new ThampiError('NAME_TAKEN', {
    message: `https://${name}/${basePath} leads to another API already, ${ApiId}.`,
    why: 'Its callers would find this model instead.',
    fix: 'choose another "base_path" or "domain", or take that mapping away',
  })
}
