/** `thampi status` of a stage on AWS: the rows that Zappa's users know, then the versions with their traffic. */
import type { FunctionStatus } from '../../platforms/platform.ts'

/** Label and value, in Zappa's order. */
export function functionRows(now: FunctionStatus): readonly (readonly [string, string])[] {
  const { versions, url, traffic, missing, schedules, domain } = now
  const {
    name,
    arn,
    role,
    codeBytes,
    version,
    lastModified,
    memoryMb,
    timeoutSeconds,
    handler,
    runtime,
    vpc,
  } = now.function
  const unknown = `not allowed to see: ${missing}`
  return [
    ['Lambda Versions', String(versions.length)],
    ['Lambda Name', name],
    ['Lambda ARN', arn],
    ['Lambda Role ARN', role],
    ['Lambda Code Size', String(codeBytes)],
    ['Lambda Version', version],
    ['Lambda Last Modified', lastModified],
    ['Lambda Memory Size', String(memoryMb)],
    ['Lambda Timeout', String(timeoutSeconds)],
    ['Lambda Handler', handler],
    ['Lambda Runtime', runtime],
    ['Lambda VPC ID', vpc ?? 'None'],
    ...(traffic === undefined
      ? ([['Invocations (24h)', unknown]] as const)
      : ([
          ['Invocations (24h)', String(traffic.invocations)],
          ['Errors (24h)', String(traffic.errors)],
          ['Error Rate (24h)', rateOf(traffic)],
        ] as const)),
    ['API Gateway URL', url ?? 'None'],
    ['Domain URL', domain ?? 'None Supplied'],
    ['Num. Event Rules', String(schedules)],
  ]
}

export function functionPage(now: FunctionStatus): string[] {
  const rows = functionRows(now)
  const width = Math.max(...rows.map(([label]) => label.length)) + 2
  return [
    `Status for ${now.function.name}: `,
    ...rows.map(([label, value]) => `\t${`${label}:`.padEnd(width)}${value}`),
    '',
    ...now.versions
      .filter(({ weight }) => weight > 0)
      .map(
        ({ number, weight }) => `Version ${number} has ${weight} % of the traffic, ${now.function.state}.`,
      ),
    ...(now.versions.every(({ weight }) => weight === 0) ? ['No version has traffic yet.'] : []),
  ]
}

export function functionDocument(now: FunctionStatus): object {
  const { stage, model, region, url, versions, traffic, missing, schedules, domain } = now
  const { codeBytes, lastModified, memoryMb, timeoutSeconds, vpc, ...rest } = now.function
  return {
    stage,
    model,
    region,
    url: url ?? null,
    domain_url: domain ?? null,
    versions: versions.map(({ number, weight }) => ({ version: number, weight })),
    function: {
      ...rest,
      code_bytes: codeBytes,
      last_modified: lastModified,
      memory_mb: memoryMb,
      timeout_seconds: timeoutSeconds,
      vpc: vpc ?? null,
    },
    invocations_24h: traffic?.invocations ?? null,
    errors_24h: traffic?.errors ?? null,
    ...(missing === undefined ? {} : { missing_permission: missing }),
    event_rules: schedules,
  }
}

function rateOf({ invocations, errors }: NonNullable<FunctionStatus['traffic']>): string {
  return `${(invocations === 0 ? 0 : (100 * errors) / invocations).toFixed(2)}%`
}
