/** The name of a domain in Route 53: one alias record, in the zone of this account that is nearest to the name. */
import type { ResourceRecordSet } from '@aws-sdk/client-route-53'
import { ThampiError } from '../../../errors.ts'
import type { Corner } from '../account.ts'
import { converge } from '../steps/converge.ts'

/** Where API Gateway answers for a domain. */
export interface Target {
  readonly host: string
  /** The zone of that host, which is Amazon's. */
  readonly zone: string
}

/** @throws ThampiError NAME_TAKEN when the name leads elsewhere, SETTINGS_INVALID when no zone has it */
export async function ensureRecord(corner: Corner, name: string, target: Target): Promise<void> {
  const HostedZoneId = await zoneOf(corner, name)
  if (HostedZoneId === undefined) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `No public zone of Route 53 in this account has the name ${name}.`,
      why: 'Its record cannot be made where the name is not administered.',
      fix: `write "route53_enabled": false, and let ${name} be a CNAME of ${target.host}`,
    })
  }
  const route53 = await corner.cloud.route53()
  await converge<ResourceRecordSet>({
    describe: () => recordOf(corner, HostedZoneId, name),
    isWanted: found => leadsTo(found, target),
    change: async found => {
      if (found !== undefined) throw taken(name, found)
      const record = aliasRecord(name, target)
      await route53.changeResourceRecordSets({
        HostedZoneId,
        // Not an upsert: what somebody made meanwhile is not overwritten.
        ChangeBatch: { Changes: [{ Action: 'CREATE', ResourceRecordSet: record }] },
      })
      corner.system.tell(`Record ${name} made in Route 53`)
      return record
    },
  })
}

/** Only one that leads to this target. */
export async function removeRecord(corner: Corner, name: string, target: Target): Promise<void> {
  const HostedZoneId = await zoneOf(corner, name)
  if (HostedZoneId === undefined) return
  const found = await recordOf(corner, HostedZoneId, name)
  if (found === undefined || !leadsTo(found, target)) return
  const route53 = await corner.cloud.route53()
  await route53.changeResourceRecordSets({
    HostedZoneId,
    ChangeBatch: { Changes: [{ Action: 'DELETE', ResourceRecordSet: found }] },
  })
}

function aliasRecord(Name: string, { host, zone }: Target): ResourceRecordSet {
  return {
    Name,
    Type: 'A',
    AliasTarget: { DNSName: host, HostedZoneId: zone, EvaluateTargetHealth: false },
  }
}

function leadsTo({ AliasTarget }: ResourceRecordSet, { host }: Target): boolean {
  return bare(AliasTarget?.DNSName) === host
}

/** The longest name of a zone that `name` ends with. */
async function zoneOf(corner: Corner, name: string): Promise<string | undefined> {
  const route53 = await corner.cloud.route53()
  const labels = name.split('.')
  for (let from = 0; from < labels.length - 1; from++) {
    const DNSName = labels.slice(from).join('.')
    const { HostedZones = [] } = await route53.listHostedZonesByName({ DNSName, MaxItems: 10 })
    const zone = HostedZones.find(({ Name, Config }) => bare(Name) === DNSName && !Config?.PrivateZone)
    if (zone !== undefined) return zone.Id?.replace('/hostedzone/', '')
  }
  return undefined
}

/** What says where a host is; a name may have texts beside it. */
async function recordOf(
  corner: Corner,
  HostedZoneId: string,
  name: string,
): Promise<ResourceRecordSet | undefined> {
  const route53 = await corner.cloud.route53()
  const { ResourceRecordSets = [] } = await route53.listResourceRecordSets({
    HostedZoneId,
    StartRecordName: name,
    MaxItems: 20,
  })
  return ResourceRecordSets.find(
    ({ Name, Type }) => bare(Name) === name && ['A', 'AAAA', 'CNAME'].includes(Type ?? ''),
  )
}

function bare(name = ''): string {
  return name.replace(/\.$/, '').toLowerCase()
}

function taken(name: string, { Type, AliasTarget, ResourceRecords }: ResourceRecordSet): ThampiError {
  const leads = AliasTarget?.DNSName ?? ResourceRecords?.map(({ Value }) => Value).join(', ')
  return new ThampiError('NAME_TAKEN', {
    message: `${name} has a record (${Type}) that leads to ${leads}, and it is not changed.`,
    why: 'Whoever made it may need it.',
    fix: 'delete that record, or choose another "domain"',
  })
}
