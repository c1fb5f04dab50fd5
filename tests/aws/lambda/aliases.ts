/** Aliases: a name for a version, and for a share of the traffic on one more. */
import { randomUUID } from 'node:crypto'
import type { AliasRoutingConfiguration } from '@aws-sdk/client-lambda'
import { conflict, invalid, jsonAnswer, malformed, notFound } from '../errors.ts'
import { type Alias, aliasOf, type Fn } from './function.ts'
import { checkRevision } from './functions.ts'
import { bodyOf, type Handle, pageOf } from './lambda.ts'

interface AliasBody {
  readonly Name?: string
  readonly FunctionVersion?: string
  readonly Description?: string
  readonly RoutingConfig?: AliasRoutingConfiguration
  readonly RevisionId?: string
}

export const aliasCalls: Readonly<Record<string, Handle>> = {
  CreateAlias: (lambda, call) => {
    const {
      Name: name = '',
      FunctionVersion: version = '',
      Description,
      RoutingConfig,
    } = bodyOf<AliasBody>(call)
    const fn = lambda.function(call.name)
    if (!/^(?!^[0-9]+$)[a-zA-Z0-9-_]{1,128}$/.test(name))
      throw malformed(
        'name',
        name,
        'Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)',
      )
    const arn = `${fn.arn}:${name}`
    if (fn.aliases.has(name)) throw conflict(`Alias already exists: ${arn}`)
    const routing = routingOf(RoutingConfig) ?? new Map()
    checkTargets(fn, version, routing)
    const alias = { name, arn, version, description: Description ?? '', routing, revision: randomUUID() }
    fn.aliases.set(name, alias)
    return jsonAnswer(201, aliasOf(alias))
  },

  UpdateAlias: (lambda, call) => {
    const { FunctionVersion, Description, RoutingConfig, RevisionId } = bodyOf<AliasBody>(call)
    const fn = lambda.function(call.name)
    const alias = fn.alias(call.parameters[1] ?? '')
    if (!lambda.around.behaviour().deviations.includes('alias-unguarded')) checkRevision(RevisionId, alias)
    const version = FunctionVersion ?? alias.version
    // What is not named stays, so a canary ends only with an empty map.
    const routing = routingOf(RoutingConfig) ?? alias.routing
    checkTargets(fn, version, routing)
    const changed: Partial<Alias> = { version, routing, revision: randomUUID() }
    Object.assign(alias, changed, Description === undefined ? {} : { description: Description })
    return jsonAnswer(200, aliasOf(alias))
  },

  GetAlias: (lambda, { name, parameters }) =>
    jsonAnswer(200, aliasOf(lambda.function(name).alias(parameters[1] ?? ''))),

  ListAliases: (lambda, call) => {
    const wanted = call.query.get('FunctionVersion')
    const aliases = [...lambda.function(call.name).aliases.values()]
    return pageOf('Aliases', aliases.filter(alias => !wanted || alias.version === wanted).map(aliasOf), call)
  },

  DeleteAlias: (lambda, { name, parameters }) => {
    const fn = lambda.function(name)
    const [, alias = ''] = parameters
    fn.aliases.delete(alias)
    for (const things of [fn.policies, fn.urls, fn.provisioned]) things.delete(alias)
    return jsonAnswer(204)
  },
}

function routingOf(config: AliasRoutingConfiguration | undefined): Map<string, number> | undefined {
  return config?.AdditionalVersionWeights && new Map(Object.entries(config.AdditionalVersionWeights))
}

function checkTargets(fn: Fn, version: string, routing: ReadonlyMap<string, number>): void {
  const exists = (number: string): boolean => number === '$LATEST' || fn.versions.has(number)
  if (!exists(version)) throw notFound(`Function not found: ${fn.arn}:${version}`)
  if (routing.size === 0) return
  if (routing.size > 1) throw invalid('Number of items in AdditionalVersionWeights cannot be greater than 1')
  for (const [other, weight] of routing) {
    if (version === '$LATEST' || other === '$LATEST')
      throw invalid('$LATEST is not supported for an alias pointing to more than 1 version')
    if (other === version)
      throw invalid(
        `Invalid function version ${other}. Function version ${other} is already included in routing configuration.`,
      )
    if (!exists(other)) throw notFound(`Function not found: ${fn.arn}:${other}`)
    if (weight < 0 || weight > 1)
      throw malformed(
        'routingConfig.additionalVersionWeights',
        weight,
        'Map values must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0]',
      )
    if (fn.versions.get(other)?.settings.Role !== fn.versions.get(version)?.settings.Role)
      throw invalid('The function versions of an alias must have the same execution role.')
  }
}
