/** `thampi package`: the directory on stdout; with `--explain` where every file in it comes from. */
import type { Origin } from '../../bundle/lambda/origins.ts'
import { megabytes } from '../../bundle/refusals.ts'
import type { Packaged, PackageOptions } from '../../package.ts'
import { packingEngine } from '../engine.ts'
import { plainText } from '../plain-text.ts'
import type { Done, Session } from '../session.ts'
import { naiveTime } from '../times.ts'

interface PackageFlags {
  readonly output: string
  readonly modelDir?: string
  readonly dependencyFile?: string
  readonly projectDir?: string
  readonly servedTimeUtc?: string
  readonly python?: string
  readonly excludeNewer?: string
  readonly includeSecret?: readonly string[]
  readonly explain?: true
  /** `--no-try` */
  readonly try?: boolean
}

export async function packageCommand(stage: string | undefined, flags: PackageFlags, session: Session): Done {
  const { output } = session
  const { includeSecret, explain, try: tries, servedTimeUtc, ...rest } = flags
  const options: PackageOptions = {
    ...rest,
    ...(servedTimeUtc === undefined ? {} : { servedTimeUtc: naiveTime(servedTimeUtc) }),
    includeSecrets: includeSecret ?? [],
    trial: tries === false ? 'never' : 'always',
  }
  const { packageStage } = await import('../../package.ts')
  const packaged = await packageStage(stage, options, await packingEngine(rest.modelDir, session))
  const origins = explain ? await packaged.origins() : undefined
  if (output.manner.json) {
    output.document(documentOf(packaged, origins))
    return 0
  }
  output.result(packaged.dir)
  for (const line of explain ? linesOf(origins ?? []) : []) output.result(plainText(line))
  output.hint(packaged.unchanged ? 'Unchanged: the same package was there already.' : summaryOf(packaged))
  return 0
}

function documentOf(
  { dir, made, bundle, unchanged }: Packaged,
  origins: readonly Origin[] | undefined,
): object {
  const { functionZip, layers, model, key, runtime, architecture } = made
  return {
    ...{ dir, unchanged, key, bundle: bundle.digest, runtime, architecture },
    function: { bytes: functionZip.bytes, unpacked_bytes: functionZip.unpackedBytes },
    layers: layers.map(({ name, archive }) => ({
      name,
      bytes: archive.bytes,
      unpacked_bytes: archive.unpackedBytes,
    })),
    model: model.in,
    ...(origins === undefined ? {} : { files: origins }),
  }
}

function summaryOf({ made, dir }: Packaged): string {
  const zips = [
    `function.zip ${megabytes(made.functionZip.bytes)}`,
    ...made.layers.map(({ archive }) => `layer ${megabytes(archive.bytes)}`),
  ]
  return `${made.runtime} on ${made.architecture}: ${zips.join(', ')}. How to deploy it: ${dir}/README.md`
}

function linesOf(origins: readonly Origin[]): string[] {
  return origins.map(({ path, bytes, from, package: name, in: where }) => {
    const whence = name === undefined ? from : `${from} ${name}`
    return `${String(bytes).padStart(10)}  ${where === 'function' ? '' : 'layer '}${path}  (${whence})`
  })
}
