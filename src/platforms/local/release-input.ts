/** What the host is told of a bundle that becomes a version. */
import {
  type Bundle,
  type DependencyArchive,
  type Layer,
  type LayerKind,
  localEnvironment,
} from '../../bundle/bundle.ts'
import { ThampiError } from '../../errors.ts'
import type { Stage } from '../../settings/stage.ts'
import type { Digest } from '../../system/files.ts'
import type { System } from '../../system/system.ts'
import { naiveUtc } from '../../system/time.ts'
import type { ReleaseOptions } from '../platform.ts'
import type { ReleaseInput } from './commands.ts'
import type { StageKey } from './layout.ts'
import type { VersionSettings } from './records.ts'

export function releaseInput(
  bundle: Bundle,
  stage: Stage,
  options: ReleaseOptions,
  system: System,
): ReleaseInput {
  const environment = localEnvironment(bundle)
  const model = layerOf(bundle, 'model')
  return {
    ...keyOf(stage),
    bundle: bundle.digest,
    servedTimeUtc: options.servedTimeUtc ?? naiveUtc(system.now()),
    by: options.by,
    commit: options.commit,
    isTimeChosen: options.servedTimeUtc !== undefined,
    properties: bundle.properties,
    language: bundle.language,
    program: environment.program,
    packages: environment.lock,
    likeness: bundle.likeness,
    ...(environment.archive ? { unpacked: true } : {}),
    layers: {
      dependencies: layerOf(bundle, 'dependencies').digest,
      runtime: layerOf(bundle, 'runtime').digest,
      code: layerOf(bundle, 'code').digest,
      model: model.digest,
    },
    digests: Object.fromEntries(model.files.map(({ path, digest }): [string, Digest] => [path, digest])),
    settings: settingsOf(stage),
  }
}

/** Those that are copied into the store; dependencies are an environment of this machine, or unpacked. */
export function storedLayers({ layers }: Bundle): Layer[] {
  return layers.filter(({ kind }) => kind !== 'dependencies')
}

/** The packages that are unpacked into the store, under the digest of their layer. */
export function storedArchive(
  bundle: Bundle,
): { readonly digest: Digest; readonly archive: DependencyArchive } | undefined {
  const { archive } = localEnvironment(bundle)
  return archive && { digest: layerOf(bundle, 'dependencies').digest, archive }
}

export function keyOf(stage: Stage): StageKey {
  return { stage: stage.name, model: stage.model }
}

function settingsOf(stage: Stage): VersionSettings {
  const { memoryMb, timeoutSeconds, keepWarm, maxSandboxes, maxBatch, maxWaitMs, maxConcurrency } = stage
  const { maxQueue, idempotent, memoryWall, fork, environment, errors, logLevel } = stage
  const { apiKeyRequired, cors, record, recordHide } = stage
  return {
    ...{ memoryMb, timeoutSeconds, keepWarm, maxSandboxes, maxBatch, maxWaitMs, maxConcurrency },
    ...{ maxQueue, idempotent, memoryWall, fork, environment, errors, logLevel },
    ...{ apiKeyRequired, cors, record, recordHide },
  }
}

function layerOf(bundle: Bundle, kind: LayerKind): Layer {
  const layer = bundle.layers.find(candidate => candidate.kind === kind)
  if (!layer)
    throw new ThampiError('INTERNAL', { message: `The bundle ${bundle.digest} has no ${kind} layer.` })
  return layer
}
