/** Functions and their versions: created, changed one write at a time, published, deleted. */
import type { UpdateFunctionConfigurationRequest } from '@aws-sdk/client-lambda'
import { AwsError, conflict, invalid, jsonAnswer, malformed } from '../errors.ts'
import type { Answer } from '../moto.ts'
import { type Configuration, checkConfiguration, checkName, checkSizes } from './checks.ts'
import { type Code, type CodeSource, readCode } from './code.ts'
import {
  configurationOf,
  Fn,
  type LayerVersion,
  type Settings,
  type Version,
  wholeConfigurationOf,
} from './function.ts'
import { bodyOf, type Handle, type Lambda, type LambdaCall, pageOf } from './lambda.ts'

export const functionCalls: Readonly<Record<string, Handle>> = {
  CreateFunction: create,
  UpdateFunctionCode: updateCode,
  UpdateFunctionConfiguration: updateConfiguration,
  PublishVersion: publishVersion,

  GetFunction: (lambda, { name, qualifier }) => {
    const fn = lambda.function(name)
    const { version, arn } = fn.at(qualifier)
    const { code } = version.settings
    lambda.downloads.set(code.sha256, code.zip)
    const Location = `${lambda.around.url()}/_code/${encodeURIComponent(code.sha256)}`
    return jsonAnswer(200, {
      Configuration: wholeConfigurationOf(fn, version, arn),
      Code: { RepositoryType: 'S3', Location },
      ...(fn.tags.size > 0 && { Tags: Object.fromEntries(fn.tags) }),
      ...(fn.reserved !== undefined && { Concurrency: { ReservedConcurrentExecutions: fn.reserved } }),
    })
  },

  GetFunctionConfiguration: (lambda, { name, qualifier }) => {
    const fn = lambda.function(name)
    const { version, arn } = fn.at(qualifier)
    return jsonAnswer(200, wholeConfigurationOf(fn, version, arn))
  },

  ListFunctions: (lambda, call) => {
    const all = [...lambda.functions.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
    return pageOf(
      'Functions',
      all.map(fn => configurationOf(fn, fn.latest, fn.arn)),
      call,
    )
  },

  ListVersionsByFunction: (lambda, call) => {
    const fn = lambda.function(call.name)
    const latest = configurationOf(fn, fn.latest, `${fn.arn}:$LATEST`)
    const published = [...fn.versions.values()].map(version => configurationOf(fn, version, version.arn))
    return pageOf('Versions', [latest, ...published], call)
  },

  DeleteFunction: (lambda, { name, qualifier }) => {
    const fn = lambda.function(name)
    if (qualifier === undefined) {
      lambda.functions.delete(name)
      return jsonAnswer(204)
    }
    if (qualifier === '$LATEST')
      throw invalid('$LATEST version cannot be deleted without deleting the function.')
    fn.at(qualifier)
    const users = [...fn.aliases.values()].filter(
      alias => alias.version === qualifier || alias.routing.has(qualifier),
    )
    if (users.length > 0)
      throw conflict(
        `Function was unable to be deleted due to the following aliases that reference it: [${users.map(alias => alias.name).join(', ')}]`,
      )
    fn.versions.delete(qualifier)
    fn.policies.delete(qualifier)
    fn.provisioned.delete(qualifier)
    return jsonAnswer(204)
  },
}

type CreateBody = Configuration & {
  readonly FunctionName: string
  readonly Code?: CodeSource
  readonly Publish?: boolean
  readonly Tags?: Readonly<Record<string, string>>
}

async function create(lambda: Lambda, call: LambdaCall): Promise<Answer> {
  const { FunctionName, Code: source = {}, Publish, Tags = {}, Layers, ...asked } = bodyOf<CreateBody>(call)
  checkName(FunctionName)
  if (lambda.functions.has(FunctionName)) throw conflict(`Function already exist: ${FunctionName}`)
  if (asked.Role === undefined) throw malformed('role', null, 'Member must not be null')
  if (!asked.Runtime || !asked.Handler)
    throw invalid(
      'Runtime and Handler are mandatory parameters for functions created with deployment packages.',
    )
  const behaviour = lambda.around.behaviour()
  checkConfiguration({ ...asked, ...(Layers && { Layers }) }, behaviour.memoryQuotaMb)
  const code = await codeOf(lambda, call, source)
  const layers = layersOf(lambda, Layers)
  checkSizes(code, layers)
  await mustBeAssumable(lambda, asked.Role)
  lambda.mustFit(code.bytes)
  // Another call may have been faster while the code was read.
  if (lambda.functions.has(FunctionName)) throw conflict(`Function already exist: ${FunctionName}`)

  const { Role, ...rest } = asked
  const settings: Settings = { ...rest, Role, code, layers }
  const fn = new Fn(lambda.arnOf(FunctionName), FunctionName, settings, Tags)
  lambda.functions.set(FunctionName, fn)
  fn.latest.becomeActive(behaviour.createMs, behaviour.createFails)
  if (!Publish) return jsonAnswer(201, wholeConfigurationOf(fn, fn.latest, fn.arn))
  const version = publish(lambda, fn, asked.Description)
  return jsonAnswer(201, wholeConfigurationOf(fn, version, version.arn))
}

type CodeBody = CodeSource & {
  readonly Publish?: boolean
  readonly DryRun?: boolean
  readonly RevisionId?: string
  readonly Architectures?: Settings['Architectures']
}

async function updateCode(lambda: Lambda, call: LambdaCall): Promise<Answer> {
  const { Publish, DryRun, RevisionId, Architectures, ...source } = bodyOf<CodeBody>(call)
  const fn = lambda.function(call.name)
  fn.mustRest()
  checkRevision(RevisionId, fn.latest)
  const behaviour = lambda.around.behaviour()
  checkConfiguration({ ...(Architectures && { Architectures }) }, behaviour.memoryQuotaMb)
  const code = await codeOf(lambda, call, source)
  checkSizes(code, fn.latest.settings.layers)
  lambda.mustFit(code.bytes)
  // Reading took a while: what was true before may not be any more.
  lambda.function(call.name).mustRest()
  checkRevision(RevisionId, fn.latest)
  const settings = { ...fn.latest.settings, code, ...(Architectures && { Architectures }) }
  if (DryRun) {
    const there = configurationOf(fn, fn.latest, fn.arn)
    return jsonAnswer(200, { ...there, CodeSha256: code.sha256, CodeSize: code.bytes })
  }
  fn.latest.settings = settings
  fn.latest.changed()
  fn.latest.beUpdated(behaviour.updateMs, behaviour.updateFails)
  if (!Publish) return jsonAnswer(200, wholeConfigurationOf(fn, fn.latest, fn.arn))
  const version = fn.unchanged ?? publish(lambda, fn, undefined)
  return jsonAnswer(200, wholeConfigurationOf(fn, version, version.arn))
}

async function updateConfiguration(lambda: Lambda, call: LambdaCall): Promise<Answer> {
  const body = bodyOf<UpdateFunctionConfigurationRequest>(call)
  const { RevisionId, FunctionName: _, Layers, ...asked } = body
  const fn = lambda.function(call.name)
  fn.mustRest()
  checkRevision(RevisionId, fn.latest)
  const behaviour = lambda.around.behaviour()
  const settings = { ...fn.latest.settings, ...asked } as Settings
  const { layers: before, code, ...whole } = settings
  checkConfiguration({ ...whole, ...(Layers && { Layers }) }, behaviour.memoryQuotaMb)
  const layers = Layers ? layersOf(lambda, Layers) : before
  checkSizes(code, layers)
  if (asked.Role !== undefined) await mustBeAssumable(lambda, asked.Role)
  lambda.function(call.name).mustRest()
  checkRevision(RevisionId, fn.latest)
  fn.latest.settings = { ...settings, layers }
  fn.latest.changed()
  fn.latest.beUpdated(behaviour.updateMs, behaviour.updateFails)
  return jsonAnswer(200, wholeConfigurationOf(fn, fn.latest, fn.arn))
}

interface PublishBody {
  readonly CodeSha256?: string
  readonly Description?: string
  readonly RevisionId?: string
}

function publishVersion(lambda: Lambda, call: LambdaCall): Answer {
  const { CodeSha256, Description, RevisionId } = bodyOf<PublishBody>(call)
  const fn = lambda.function(call.name)
  fn.mustRest()
  checkRevision(RevisionId, fn.latest)
  const { sha256 } = fn.latest.settings.code
  if (CodeSha256 !== undefined && CodeSha256 !== sha256)
    throw invalid(
      `CodeSHA256 (${CodeSha256}) is different from current CodeSHA256 in $LATEST (${sha256}). Please try again with the CodeSHA256 in $LATEST.`,
    )
  const isAlways = lambda.around.behaviour().deviations.includes('publishes-unchanged')
  const version = (isAlways ? undefined : fn.unchanged) ?? publish(lambda, fn, Description)
  return jsonAnswer(201, wholeConfigurationOf(fn, version, version.arn))
}

function publish(lambda: Lambda, fn: Fn, description: string | undefined): Version {
  lambda.mustFit(fn.latest.settings.code.bytes)
  const { publishMs, snapStartMs, publishFails } = lambda.around.behaviour()
  const version = fn.publish(description)
  const hasSnapshot = version.settings.SnapStart?.ApplyOn === 'PublishedVersions'
  version.becomeActive(hasSnapshot ? snapStartMs : publishMs, publishFails)
  return version
}

function codeOf(lambda: Lambda, call: LambdaCall, source: CodeSource): Promise<Code> {
  return readCode(source, lambda.around.readObject, {
    operation: call.action,
    requestBytes: call.request.body.length,
  })
}

function layersOf(lambda: Lambda, arns: readonly string[] = []): readonly LayerVersion[] {
  return arns.map(arn => {
    const layer = lambda.layerVersion(arn)
    if (!layer) throw invalid(`Layer version ${arn} does not exist.`)
    return layer
  })
}

async function mustBeAssumable(lambda: Lambda, role: string): Promise<void> {
  if (!/^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(role))
    throw malformed(
      'role',
      role,
      'Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+',
    )
  if (!(await lambda.around.canAssume(role, 'lambda.amazonaws.com')))
    throw invalid('The role defined for the function cannot be assumed by Lambda.')
}

export function checkRevision(wanted: string | undefined, { revision }: { readonly revision: string }): void {
  if (wanted === undefined || wanted === revision) return
  throw new AwsError(
    412,
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
  )
}
