/** Layers: zips with a name and a number that is never given twice. */
import type { PublishLayerVersionRequest } from '@aws-sdk/client-lambda'
import { jsonAnswer, malformed, notFound } from '../errors.ts'
import type { Answer } from '../moto.ts'
import { type CodeSource, readCode } from './code.ts'
import { type Document, type LayerVersion, lambdaTime } from './function.ts'
import { bodyOf, type Handle, type Lambda, pageOf } from './lambda.ts'

export interface Layer {
  readonly arn: string
  readonly versions: Map<number, PublishedLayer>
  /** Of the newest version that ever was. */
  last: number
}

export interface PublishedLayer extends LayerVersion {
  readonly number: number
  readonly created: string
  readonly asked: PublishBody
}

type PublishBody = Omit<PublishLayerVersionRequest, 'Content' | 'LayerName'> & {
  readonly Content?: CodeSource
}

export const layerCalls: Readonly<Record<string, Handle>> = {
  PublishLayerVersion: async (lambda, call) => {
    const [name = ''] = call.parameters
    if (!/^[a-zA-Z0-9-_]{1,140}$/.test(name))
      throw malformed('layerName', name, 'Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+')
    const asked = bodyOf<PublishBody>(call)
    const code = await readCode(asked.Content ?? {}, lambda.around.readObject, {
      operation: call.action,
      requestBytes: call.request.body.length,
    })
    lambda.mustFit(code.bytes)
    const { region, account } = lambda.around
    const arn = `arn:aws:lambda:${region}:${account}:layer:${name}`
    const layer = lambda.layers.get(name) ?? { arn, versions: new Map(), last: 0 }
    layer.last += 1
    const number = layer.last
    const version = { arn: `${arn}:${number}`, code, number, created: lambdaTime(), asked }
    layer.versions.set(number, version)
    lambda.layers.set(name, layer)
    return jsonAnswer(201, { ...summaryOf(version), ...contentOf(lambda, layer, version) })
  },

  GetLayerVersion: (lambda, { parameters: [name = '', number = ''] }) => {
    const layer = lambda.layers.get(nameOf(name))
    return oneVersion(lambda, layer, layer?.versions.get(Number(number)), `${name}:${number}`)
  },

  GetLayerVersionByArn: (lambda, { query }) => {
    const arn = query.get('Arn') ?? ''
    const layer = lambda.layers.get(nameOf(arn))
    return oneVersion(lambda, layer, layer?.versions.get(Number(arn.split(':')[7])), arn)
  },

  ListLayerVersions: (lambda, call) => {
    const versions = [...(lambda.layers.get(nameOf(call.parameters[0] ?? ''))?.versions.values() ?? [])]
    return pageOf('LayerVersions', versions.reverse().map(summaryOf), call)
  },

  ListLayers: (lambda, call) => {
    const all = [...lambda.layers.entries()].flatMap(([LayerName, { arn, versions }]) => {
      const newest = [...versions.values()].at(-1)
      return newest ? [{ LayerName, LayerArn: arn, LatestMatchingVersion: summaryOf(newest) }] : []
    })
    return pageOf('Layers', all, call)
  },

  // A version that is not there is deleted all the same, and functions keep what they use.
  DeleteLayerVersion: (lambda, { parameters: [name = '', number = ''] }) => {
    lambda.layers.get(nameOf(name))?.versions.delete(Number(number))
    return jsonAnswer(204)
  },
}

function oneVersion(
  lambda: Lambda,
  layer: Layer | undefined,
  version: PublishedLayer | undefined,
  asked: string,
): Answer {
  if (!layer || !version) throw notFound(`Layer version ${asked} does not exist.`)
  return jsonAnswer(200, { ...summaryOf(version), ...contentOf(lambda, layer, version) })
}

function contentOf(lambda: Lambda, { arn }: Layer, { code }: PublishedLayer): Document {
  lambda.downloads.set(code.sha256, code.zip)
  const Location = `${lambda.around.url()}/_code/${encodeURIComponent(code.sha256)}`
  return { LayerArn: arn, Content: { Location, CodeSha256: code.sha256, CodeSize: code.bytes } }
}

function summaryOf({ arn, number, created, asked }: PublishedLayer): Document {
  const { Description = '', CompatibleRuntimes, CompatibleArchitectures, LicenseInfo } = asked
  return {
    LayerVersionArn: arn,
    Version: number,
    Description,
    CreatedDate: created,
    ...(CompatibleRuntimes && { CompatibleRuntimes }),
    ...(CompatibleArchitectures && { CompatibleArchitectures }),
    ...(LicenseInfo && { LicenseInfo }),
  }
}

/** Of a name or an ARN. */
function nameOf(given: string): string {
  return given.startsWith('arn:') ? (given.split(':')[6] ?? '') : given
}
