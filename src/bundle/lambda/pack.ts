/** `Bundle` → `LambdaPackage`: what Lambda is given, or why it would refuse it. */
import { join } from 'node:path'
import { ThampiError } from '../../errors.ts'
import { readCors } from '../../settings/cors.ts'
import type { Stage } from '../../settings/stage.ts'
import { digestOf } from '../../system/files.ts'
import type { System } from '../../system/system.ts'
import type { Bundle, FileEntry } from '../bundle.ts'
import { type Configuration, configurationOf } from './configuration.ts'
import { type Decision, decide } from './decision.ts'
import { bytesOf, type FunctionFile, filesOf, functionFiles, writeFunction } from './function-zip.ts'
import { maxPayloadBytes } from './limits.ts'
import type { Manifest, ModelInS3 } from './manifest.ts'
import {
  handler,
  type LambdaLayer,
  type LambdaPackage,
  type LambdaRelease,
  type ModelBlob,
  type ModelPlacement,
} from './package.ts'
import { archiveOf, sizesOf } from './sizes.ts'
import { architectureOf, runtimeOf } from './target.ts'
import { tooBig } from './too-big.ts'

/**
 * Makes the function's zip and decides everything that Lambda has to be told. Nothing is uploaded. The same bundle, stage
 * and release give the same bytes.
 *
 * @throws ThampiError PACKAGE_TOO_BIG, SETTINGS_INVALID for what Lambda would refuse
 * @example
 * const made = await lambdaPackage(bundle, stage, { servedTimeUtc: '2026-11-23T07:00:00' }, system)
 * made.functionZip.file // …/lambda/3f….zip
 */
export async function lambdaPackage(
  bundle: Bundle,
  stage: Stage,
  release: LambdaRelease,
  system: System,
): Promise<LambdaPackage> {
  const decision = decide(sizesOf(bundle))
  if (decision.package === 'image') throw tooBig(bundle, decision, stage)
  const layers = layersOf(bundle)
  const configuration = configurationOf(stage, {
    language: bundle.language,
    decision,
    modelBytes: bytesOf(filesOf(bundle, 'model')),
    opensFiles: filesOf(bundle, 'model').some(({ path }) => path === 'brought.json'),
    layers: layers.length,
    startSeconds: bundle.startSeconds,
  })
  const model = placementOf(bundle, decision, configuration, stage, release)
  const files = functionFiles(bundle, new Set(model.in === 's3' ? model.blobs.map(({ path }) => path) : []))
  const manifest = manifestOf(bundle, stage, model, configuration)
  const parts = { bundle, files, layers, manifest, configuration }
  const key = keyOf(parts)
  const functionZip = await writeFunction(
    join(system.places.home, 'lambda'),
    files,
    releasedAs(manifest, release, key),
    system.now(),
  )
  const { load, notices, ...configured } = configuration
  return {
    ...configured,
    runtime: runtimeOf(bundle.target),
    architecture: architectureOf(bundle.target),
    handler,
    functionZip,
    layers,
    model,
    notices,
    key,
  }
}

/** Neither the time of serving nor what is told to callers makes another deployment. */
function releasedAs(draft: Draft, { servedTimeUtc, openapi }: LambdaRelease, key: Manifest['key']): Manifest {
  const start = { ...draft.start, servedTimeUtc }
  return { ...draft, start, ...(openapi === undefined ? {} : { openapi }), key }
}

function layersOf(bundle: Bundle): LambdaLayer[] {
  const archive = archiveOf(bundle)
  if (!archive) return []
  const language = runtimeOf(bundle.target).replace('python', 'py').replace('.', '')
  const contents = bundle.layers.find(({ kind }) => kind === 'dependencies')?.digest ?? archive.digest
  const hash = contents.slice('sha256:'.length, 'sha256:'.length + 16)
  return [{ name: `thampi-${language}-${architectureOf(bundle.target)}-${hash}`, archive }]
}

function placementOf(
  bundle: Bundle,
  decision: Decision,
  { load }: Configuration,
  stage: Stage,
  { blobs }: LambdaRelease,
): ModelPlacement {
  if (decision.package === 'zip' && decision.model === 'function') return { in: 'function' }
  if (blobs === undefined) {
    throw new ThampiError('SETTINGS_INVALID', {
      message: `The model of stage \`${stage.name}\` is too big for a function's zip, and no bucket is named for it.`,
      fix: `"s3_bucket": "my-store" in stage \`${stage.name}\``,
    })
  }
  const big = bigFiles(filesOf(bundle, 'model'))
  return { in: 's3', bucket: blobs.bucket, load, blobs: big.map(file => blobOf(file, blobs.prefix)) }
}

/** So much of a model in S3 may still travel with the function, because small files are read at once. */
const maxLeftInFunction = 5_000_000

/** The biggest files, until what is left is small. */
function bigFiles(files: readonly FileEntry[]): FileEntry[] {
  let left = bytesOf(files)
  const bySize = [...files].sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1))
  return bySize.filter(({ size }) => {
    if (left <= maxLeftInFunction) return false
    left -= size
    return true
  })
}

function blobOf({ path, digest, size, source }: FileEntry, prefix: string): ModelBlob {
  const sha256 = digest.slice('sha256:'.length)
  return { path, digest, source, key: `${prefix}${sha256}`, sha256, bytes: size }
}

/** The manifest as far as it does not depend on the release. */
type Draft = Omit<Manifest, 'key' | 'start'> & { readonly start: Omit<Manifest['start'], 'servedTimeUtc'> }

function manifestOf(
  bundle: Bundle,
  stage: Stage,
  model: ModelPlacement,
  { snapStart }: Configuration,
): Draft {
  const digests = filesOf(bundle, 'model').map(({ path, digest }) => [path, digest])
  const cors = readCors(stage.cors)
  // The answer is thrown away, so that numbers of the example may lose their last digits on the way.
  const prime = snapStart && bundle.example !== undefined ? { data: JSON.parse(bundle.example) } : undefined
  return {
    schemaVersion: 1,
    start: {
      model: stage.model,
      stage: stage.name,
      errors: stage.errors,
      logLevel: stage.logLevel,
      maxResultBytes: maxPayloadBytes,
      maxBatch: 1,
      maxConcurrency: 1,
      digests: Object.fromEntries(digests),
    },
    properties: bundle.properties,
    model: model.in === 'function' ? model : inS3(model),
    ...(cors ? { cors } : {}),
    ...(stage.remoteEnvironment ? { remoteEnvironment: stage.remoteEnvironment } : {}),
    ...(prime === undefined ? {} : { prime }),
  }
}

function inS3({ bucket, load, blobs }: Extract<ModelPlacement, { readonly in: 's3' }>): ModelInS3 {
  const files = blobs.map(({ path, key, sha256, bytes }) => [path, { key, sha256, bytes }])
  return { in: 's3', bucket, load, files: Object.fromEntries(files) }
}

/** Over everything that a version is made of, and nothing that the next release of the same thing has differently. */
function keyOf({
  bundle,
  files,
  layers,
  manifest,
  configuration,
}: {
  readonly bundle: Bundle
  readonly files: readonly FunctionFile[]
  readonly layers: readonly LambdaLayer[]
  readonly manifest: Draft
  readonly configuration: Configuration
}): LambdaPackage['key'] {
  const { environment, notices, ...configured } = configuration
  const contents = files.map(({ path, executable, source, digest }) => [
    path,
    executable,
    digest ?? digestOf(source as Uint8Array),
  ])
  return digestOf(
    JSON.stringify([
      'function 1',
      runtimeOf(bundle.target),
      architectureOf(bundle.target),
      layers.map(({ name }) => name),
      contents.sort(),
      manifest,
      configured,
      Object.entries(environment).sort(),
    ]),
  )
}
