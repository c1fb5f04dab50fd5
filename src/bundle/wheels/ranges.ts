/** Ranges of versions, `>=1.2,!=1.5.*`: which versions are in them (PEP 440, as `packaging` understands it). */
import { compareVersions, isPrerelease, parseVersion, type Version } from './version.ts'

/** The text of the version is only of use to `===`. */
export type Condition = (version: Version | undefined, text: string) => boolean
export type Range = readonly Condition[]

/**
 * Undefined when it is no range.
 *
 * @example
 * allows(parseRange('>=3.9,<4'), '3.13.1') // true
 */
export function parseRange(text: string): Range | undefined {
  const parts = text.split(',').map(part => part.trim())
  const conditions = parts.filter(part => part !== '').map(parseCondition)
  return conditions.every(condition => condition !== undefined) ? conditions : undefined
}

/** Prereleases are in a range like any other version; whether they are wanted is decided elsewhere. */
export function allows(range: Range, version: string): boolean {
  const parsed = parseVersion(version)
  return range.every(holds => holds(parsed, version))
}

type Operator = '===' | '~=' | '==' | '!=' | '<=' | '>=' | '<' | '>'

const CONDITION = /^(===|~=|==|!=|<=|>=|<|>)\s*([^\s;)]*)$/

/** One part of a range, `>=3.9`. Undefined when it is none. */
export function parseCondition(text: string): Condition | undefined {
  const match = CONDITION.exec(text)
  if (!match) return undefined
  const [operator, operand] = match.slice(1) as [Operator, string]
  // The escape hatch of the standard: compared letter by letter, whatever it is.
  if (operator === '===') return (_, version) => version.toLowerCase() === operand.toLowerCase()
  if (operand.endsWith('.*')) return wildcard(operator, operand.slice(0, -2))
  const bound = parseVersion(operand)
  if (!bound) return undefined
  const exact = operator === '==' || operator === '!='
  if (bound.local.length > 0 && !exact) return undefined
  if (operator === '~=' && parts(operand) < 2) return undefined
  const holds = against(operator, bound, operand)
  return version => version !== undefined && holds(version)
}

/** `==1.2.*` is everything from `1.2.dev0` on and before `1.3.dev0`. */
function wildcard(operator: Operator, prefix: string): Condition | undefined {
  if (!/^v?(\d+!)?\d+(\.\d+)*$/i.test(prefix) || (operator !== '==' && operator !== '!=')) return undefined
  const first = parseVersion(`${prefix}.dev0`) as Version
  const last = next(prefix)
  const inside = (version: Version): boolean =>
    compareVersions(version, first) >= 0 && compareVersions(version, last) < 0
  return version => version !== undefined && inside(version) === (operator === '==')
}

function against(
  operator: Exclude<Operator, '==='>,
  bound: Version,
  operand: string,
): (version: Version) => boolean {
  switch (operator) {
    case '==':
      return version => compareVersions(bound.local.length > 0 ? version : publicPart(version), bound) === 0
    case '!=':
      return version => compareVersions(bound.local.length > 0 ? version : publicPart(version), bound) !== 0
    case '>=':
      return version => compareVersions(version, bound) >= 0
    case '<=':
      return version => compareVersions(publicPart(version), bound) <= 0
    case '~=': {
      const last = next(releaseOf(operand).replace(/\.\d+$/, ''))
      return version => compareVersions(version, bound) >= 0 && compareVersions(version, last) < 0
    }
    case '<': {
      // Prereleases of the bound are not before it, unless it is one itself.
      const first = isPrerelease(bound) ? bound : { ...bound, dev: 0n }
      return version => compareVersions(version, first) < 0
    }
    case '>':
      return version => isAfter(version, bound)
  }
}

/** Neither local versions of the bound come after it nor, unless it is one itself, its post releases. */
function isAfter(version: Version, bound: Version): boolean {
  const { post, dev } = bound
  if (dev !== undefined) return compareVersions(publicPart(version), bound) > 0
  if (post !== undefined) return compareVersions(version, { ...bound, post: post + 1n, dev: 0n }) >= 0
  const after = compareVersions(version, bound) > 0
  return after && compareVersions(finalOf(version), bound) !== 0
}

function publicPart(version: Version): Version {
  return { ...version, local: [] }
}

/** What it is a post release, a development or a local version of. */
function finalOf(version: Version): Version {
  return { ...version, post: undefined, dev: undefined, local: [] }
}

/** `1.2` → `1.3.dev0`, the first version that does not begin with it. */
function next(prefix: string): Version {
  const raised = prefix.replace(/\d+$/, last => String(BigInt(last) + 1n))
  return parseVersion(`${raised}.dev0`) as Version
}

/** `v1!1.2.0rc1` → `1!1.2.0` */
function releaseOf(operand: string): string {
  return /^v?((?:\d+!)?\d+(?:\.\d+)*)/i.exec(operand)?.[1] as string
}

function parts(operand: string): number {
  return releaseOf(operand).split('.').length
}
