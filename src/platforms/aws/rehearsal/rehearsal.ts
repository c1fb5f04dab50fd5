/**
 * A command that pretends: its reads are asked of AWS, its changes are noted instead of made, and answered as AWS would.
 * It stands before the one door that every call goes through, so what is rehearsed is the very command, and nothing that
 * a later command learns to change can slip past it.
 */
import type { Change, Difference } from '../../platform.ts'
import type { Between } from '../client/between.ts'
import { type AnyClient, isRead } from '../client/calls.ts'
import { type Ask, bytesOf, Imagined, type Input, mark } from './imagined.ts'

export class Rehearsal implements Between {
  readonly changes: Change[] = []
  readonly #imagined: Imagined
  /** `GetAlias` → what it gave last: what a change of the alias starts from. */
  readonly #seen = new Map<string, unknown>()

  constructor(region: string) {
    this.#imagined = new Imagined(region)
  }

  stand(client: AnyClient, service: string): void {
    type Next = (args: { input: Input }) => Promise<{ output: unknown }>
    const middleware =
      (next: Next, { commandName = '' }: { commandName?: string }): Next =>
      async args => {
        const call = commandName.replace(/Command$/, '')
        const ask = async (): Promise<unknown> => (await next(args)).output
        return { output: await this.#answer(service, call, args.input, ask) }
      }
    client.middlewareStack.add(
      middleware as never,
      { step: 'initialize', name: 'thampiRehearsal', priority: 'high' } as never,
    )
  }

  async visit(): Promise<'imagined'> {
    return 'imagined'
  }

  async #answer(service: string, call: string, input: Input, ask: Ask): Promise<unknown> {
    if (isRead(call)) {
      const found = await this.#imagined.read(call, input, ask)
      // Objects are documents and files: which of them changes is what there is to say.
      if (service !== 's3') this.#seen.set(call, found)
      return found
    }
    this.changes.push({
      action: `${service}:${call}`,
      resource: resourceOf(input),
      bytes: bytesOf(input),
      differences: differences(this.#before(call, input), input),
    })
    return this.#imagined.write(call, input)
  }

  /** What a change changes, as it was seen last: alone, or in a list. */
  #before(call: string, input: Input): Input | undefined {
    const noun = /^(?:Update|Put)([A-Z]\w*)$/.exec(call)?.[1]
    if (noun === undefined) return undefined
    const alone = this.#seen.get(`Get${noun === 'FunctionCode' ? 'FunctionConfiguration' : noun}`)
    if (alone !== undefined) return alone as Input
    const list = (this.#seen.get(`Get${noun}s`) ?? {}) as { Items?: readonly Input[] }
    const names = [`${noun}Id`, `${noun}Name`]
    return list.Items?.find(item =>
      names.some(name => input[name] !== undefined && item[name] === input[name]),
    )
  }
}

/** Names by which services are told what a call is about; the first that is there says it. */
const names = [
  ...['RoleName', 'FunctionName', 'LayerName', 'logGroupName', 'Bucket', 'StageName', 'RouteKey'],
  ...['stageName', 'name', 'keyId', 'usagePlanId', 'restApiId'],
]

function resourceOf(input: Input): string {
  const name = names.map(one => input[one]).find(value => value !== undefined) ?? input.Name ?? input.ApiId
  const within = input.Key ?? input.Qualifier ?? (input.FunctionName === undefined ? undefined : input.Name)
  const joint = input.Key === undefined ? ':' : '/'
  const whole = [name, within].filter(part => part !== undefined).join(joint)
  return whole.startsWith(mark) ? 'of the new API' : whole
}

/** Says which thing, how it travels, or again what another field says. */
const notCompared = ['FunctionName', 'Name', 'RevisionId', 'Description', 'PolicyName']

/** Only what the change says is compared: services show more than they are told. */
function differences(before: Input | undefined, after: Input): Difference[] {
  if (before === undefined) return []
  return Object.entries(after).flatMap(([field, value]) => {
    if (notCompared.includes(field) || !(field in before)) return []
    // Variables may be secrets: that one changed is all that is said.
    if (field === 'Environment') return variables(before[field], value)
    if (isRecord(value) && isRecord(before[field])) {
      const within = differences(before[field], value)
      return within.map(one => ({ ...one, field: `${field}.${one.field}` }))
    }
    const [from, to] = [shown(before[field]), shown(value)]
    return from === to ? [] : [{ field, from, to }]
  })
}

function isRecord(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function variables(before: unknown, after: unknown): Difference[] {
  const of = (value: unknown): Input => (value as { Variables?: Input } | undefined)?.Variables ?? {}
  const [were, are] = [of(before), of(after)]
  return [...new Set([...Object.keys(were), ...Object.keys(are)])].sort().flatMap(name => {
    if (were[name] === are[name]) return []
    const word = (has: boolean, other: boolean): string => (has ? (other ? 'a value' : 'set') : 'not set')
    const [had, has] = [name in were, name in are]
    return [{ field: name, from: word(had, has), to: had && has ? 'another value' : word(has, had) }]
  })
}

/** Short, and the same for what is written in two ways: a policy in a URL, a layer with its size. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return plain(value)
  if (Array.isArray(value))
    return value.map(item => shown((item as { Arn?: unknown })?.Arn ?? item)).join(', ')
  if (typeof value !== 'object') return String(value)
  const parts = Object.entries(value).map(([name, part]): [string, string] => [name, shown(part)])
  return parts
    .filter(([, part]) => part !== '')
    .map(([name, part]) => `${name} ${part}`)
    .join(', ')
}

function plain(text: string): string {
  return text.startsWith('%7B') ? decodeURIComponent(text) : text
}
