/** Lambda in one Region: what it keeps, and which function answers which call. */
import type { Action, Request } from '../actions.ts'
import { jsonOf } from '../actions.ts'
import type { Behaviour } from '../behaviour.ts'
import { AwsError, jsonAnswer, notFound } from '../errors.ts'
import type { Answer } from '../moto.ts'
import { aliasCalls } from './aliases.ts'
import { capacityCalls } from './capacity.ts'
import type { ReadObject } from './code.ts'
import type { Fn, LayerVersion } from './function.ts'
import { functionCalls } from './functions.ts'
import { type Layer, layerCalls } from './layers.ts'
import { policyCalls } from './policies.ts'
import { urlCalls } from './urls.ts'

/** What Lambda needs of the rest of the cloud. */
export interface Surroundings {
  readonly region: string
  readonly account: string
  readonly behaviour: () => Behaviour
  /** Of the door, without a slash at the end. */
  readonly url: () => string
  readonly readObject: ReadObject
  /** Whether a service may take this role now. */
  readonly canAssume: (role: string, service: string) => Promise<boolean>
  /** What runs functions. */
  readonly invoke: Handle
}

/** One call on Lambda. */
export interface LambdaCall {
  readonly action: string
  /** What the name in the path says: a function's name. */
  readonly name: string
  /** Of the query, of an ARN, or after a colon in the name. */
  readonly qualifier: string | undefined
  readonly parameters: readonly string[]
  readonly query: URLSearchParams
  readonly request: Request
}

export type Handle = (lambda: Lambda, call: LambdaCall) => Answer | Promise<Answer>

const handlers: Readonly<Record<string, Handle>> = {
  ...functionCalls,
  ...aliasCalls,
  ...policyCalls,
  ...urlCalls,
  ...layerCalls,
  ...capacityCalls,
}

export class Lambda {
  readonly around: Surroundings
  readonly functions: Map<string, Fn> = new Map()
  readonly layers: Map<string, Layer> = new Map()
  /** Names that were deleted: `sha256` → bytes that a download finds. */
  readonly downloads: Map<string, Buffer> = new Map()

  constructor(around: Surroundings) {
    this.around = around
  }

  async answer({ action, parameters }: Action, request: Request): Promise<Answer> {
    const handle = action === 'Invoke' ? this.around.invoke : handlers[action]
    if (!handle)
      throw new AwsError(501, 'NotInThisCloud', `The cloud of the tests has no ${action} of Lambda.`)
    const [first = ''] = parameters
    const { name, qualifier: named } = functionNameOf(first)
    const qualifier = request.query.get('Qualifier') ?? named
    return handle(this, { action, name, qualifier, parameters, query: request.query, request })
  }

  function(name: string): Fn {
    const fn = this.functions.get(name)
    if (!fn) throw notFound(`Function not found: ${this.arnOf(name)}`)
    return fn
  }

  arnOf(name: string): string {
    return `arn:aws:lambda:${this.around.region}:${this.around.account}:function:${name}`
  }

  layerVersion(arn: string): LayerVersion | undefined {
    const [, , , , , , name = '', number = ''] = arn.split(':')
    return this.layers.get(name)?.versions.get(Number(number))
  }

  /** Everything that counts against the account's storage: each version keeps its own copy. */
  get storedBytes(): number {
    const functions = [...this.functions.values()].flatMap(fn => [fn.latest, ...fn.versions.values()])
    const layers = [...this.layers.values()].flatMap(layer => [...layer.versions.values()])
    return [...functions.map(({ settings }) => settings.code), ...layers.map(({ code }) => code)].reduce(
      (sum, { bytes }) => sum + bytes,
      0,
    )
  }

  /** Throws when `bytes` more do not fit. */
  mustFit(bytes: number): void {
    if (this.storedBytes + bytes > this.around.behaviour().codeStorageBytes)
      throw new AwsError(400, 'CodeStorageExceededException', 'Code storage limit exceeded.')
  }

  /** One line for each thing that is left. */
  resources(): string[] {
    const functions = [...this.functions.values()].flatMap(fn => [
      `lambda function ${fn.name}`,
      ...[...fn.versions.keys()].map(number => `lambda version ${fn.name}:${number}`),
      ...[...fn.aliases.keys()].map(alias => `lambda alias ${fn.name}:${alias}`),
      ...[...fn.urls.keys()].map(qualifier => `lambda url ${fn.name}${qualifier && `:${qualifier}`}`),
    ])
    const layers = [...this.layers.entries()].flatMap(([name, { versions }]) =>
      [...versions.keys()].map(number => `lambda layer ${name}:${number}`),
    )
    return [...functions, ...layers]
  }
}

/** `name`, `name:qualifier`, `account:function:name` or an ARN. */
function functionNameOf(given: string): { name: string; qualifier?: string } {
  const parts = given.split(':')
  const at = parts.indexOf('function')
  const [name = '', qualifier] = at < 0 ? parts : parts.slice(at + 1)
  return qualifier === undefined ? { name } : { name, qualifier }
}

export function bodyOf<T>(call: LambdaCall): T {
  return jsonOf(call.request) as T
}

/** A page of a list: `Marker` and `MaxItems` of the query, `NextMarker` in the answer. */
export function pageOf<T>(name: string, items: readonly T[], { query }: LambdaCall): Answer {
  const start = Number(query.get('Marker') ?? 0)
  const end = start + Math.min(Number(query.get('MaxItems') ?? 50), 50)
  const more = end < items.length ? { NextMarker: String(end) } : {}
  return jsonAnswer(200, { [name]: items.slice(start, end), ...more })
}
