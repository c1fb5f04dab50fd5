/** A package unpacked as Lambda unpacks it: task root, layer root, scratch. Only scratch can be written to. */
import { mkdir, mkdtemp, readdir, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { digestOf } from '../../system/files.ts'
import { makeReadOnly, removeReadOnly, unpackOnce } from '../unpacked.ts'
import { ours } from '../zip/read.ts'
import { unpackZip } from '../zip/unpack.ts'
import { type Manifest, manifestFile, manifestText } from './manifest.ts'
import type { LambdaPackage } from './package.ts'

export interface Unpacked {
  /** `/var/task` in Lambda. */
  readonly taskRoot: string
  /** `/opt` in Lambda. */
  readonly layerRoot: string
  /** `/tmp` in Lambda. */
  readonly scratch: string
  remove(): Promise<void>
}

/** What a killed command left behind, and layers that nobody tried since, are a day old when they go. */
const dayMs = 24 * 60 * 60 * 1000

/**
 * Unpacks below `home`. A model that will be in S3 is linked to where it is now, because there is no S3 here. Layers stay
 * for the next trial: of a model that changes every minute they are most of the bytes, and always the same.
 *
 * @throws ThampiError DISK_FULL, PERMISSION
 */
export async function unpackPackage(
  made: LambdaPackage,
  home: string,
  manifest: Manifest,
): Promise<Unpacked> {
  const trials = join(home, 'trials')
  await mkdir(trials, { recursive: true, mode: 0o700 })
  await removeOld(trials)
  const root = await mkdtemp(join(trials, 'run-'))
  const at = { taskRoot: join(root, 'task'), layerRoot: layersIn(trials, made), scratch: join(root, 'tmp') }
  const remove = (): Promise<void> => removeReadOnly(root)
  try {
    await unpackZip(made.functionZip.file, at.taskRoot, ours)
    await unpackLayers(made, at.layerRoot, trials)
    await mkdir(at.scratch)
    const blobs = made.model.in === 's3' ? made.model.blobs : []
    for (const { path, source } of blobs) await link(source, join(at.taskRoot, 'model', path))
    await writeFile(join(at.taskRoot, manifestFile), manifestText(manifestHere(manifest)))
    await makeReadOnly(at.taskRoot)
    return { ...at, remove }
  } catch (cause) {
    await remove()
    throw cause
  }
}

/** One place for the same layers, whatever they are called. */
function layersIn(trials: string, { layers }: LambdaPackage): string {
  const digest = digestOf(layers.map(({ archive }) => archive.digest).join())
  return join(trials, `layers-${digest.slice('sha256:'.length, 'sha256:'.length + 16)}`)
}

/** Ours is one layer or none. */
async function unpackLayers(
  { layers: [layer] }: LambdaPackage,
  layerRoot: string,
  trials: string,
): Promise<void> {
  await unpackOnce(layer?.archive.file, layerRoot, trials, () => {})
  // It counts as used.
  const now = new Date()
  await utimes(layerRoot, now, now)
}

/** Who tries a package may hear what went wrong in it, whatever its callers will be told. What is in S3 is not here. */
function manifestHere({ remoteEnvironment, ...manifest }: Manifest): Manifest {
  return { ...manifest, start: { ...manifest.start, errors: 'full' }, model: { in: 'function' } }
}

async function link(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  await symlink(source, target)
}

async function removeOld(trials: string): Promise<void> {
  for (const name of await readdir(trials)) {
    const path = join(trials, name)
    const changed = await stat(path).catch(() => undefined)
    if (!changed?.isDirectory() || Date.now() - changed.mtimeMs < dayMs) continue
    await removeReadOnly(path)
  }
}
