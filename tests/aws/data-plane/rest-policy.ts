/** Whether the resource policy of a REST API lets a caller in. */
import { isIPv4 } from 'node:net'
import { matches } from './grants.ts'

type Some = string | readonly string[]

interface Statement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal: unknown
  readonly Action: Some
  readonly Resource: Some
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Some>>>>
}

/** A denial wins; without a statement that fits there is none. Everybody here comes from this machine. */
export function isLetIn(policy: Readonly<Record<string, unknown>>, arn: string): boolean {
  const statements = [policy.Statement].flat() as readonly Statement[]
  const fitting = statements.filter(statement => fits(statement, arn))
  return fitting.length > 0 && fitting.every(({ Effect }) => Effect === 'Allow')
}

function fits({ Principal, Action, Resource, Condition = {} }: Statement, arn: string): boolean {
  if (JSON.stringify(Principal) !== '"*"' && JSON.stringify(Principal) !== '{"AWS":"*"}')
    throw new Error('the cloud of the tests knows only policies for everybody')
  if (![Action].flat().some(action => matches(action, 'execute-api:Invoke'))) return false
  if (![Resource].flat().some(resource => matches(whole(resource, arn), arn))) return false
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => holds(operator, key, [wanted].flat())),
  )
}

/** `execute-api:/stage/…` stands for this API's own. */
function whole(resource: string, arn: string): string {
  if (!resource.startsWith('execute-api:/')) return resource
  return `${arn.split('/')[0]}${resource.slice('execute-api:'.length)}`
}

function holds(operator: string, key: string, ranges: readonly string[]): boolean {
  if (key !== 'aws:SourceIp' || !/^(Not)?IpAddress$/.test(operator))
    throw new Error(`the cloud of the tests does not know the condition ${operator} of ${key}`)
  const isIn = ranges.some(range => inRange('127.0.0.1', range))
  return operator === 'IpAddress' ? isIn : !isIn
}

function inRange(address: string, range: string): boolean {
  const [base = '', bits = '32'] = range.split('/')
  if (!isIPv4(base)) return false
  const number = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const size = 2 ** (32 - Number(bits))
  return Math.floor(number(address) / size) === Math.floor(number(base) / size)
}
