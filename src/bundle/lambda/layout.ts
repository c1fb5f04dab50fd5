/** A package unpacked as Lambda unpacks it: task root, layer root, scratch. Only scratch can be written to. */
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { digestOf } from '../../system/files.ts'
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
  const remove = async (): Promise<void> => {
    await makeWritable(root)
    await rm(root, { recursive: true, force: true })
  }
  try {
    await unpackZip(made.functionZip.file, at.taskRoot, ours)
    await unpackLayers(made, at.layerRoot, join(root, 'opt'))
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

/** Whole or absent: two commands may want the same at once. Ours is one layer or none. */
async function unpackLayers(
  { layers: [layer] }: LambdaPackage,
  layerRoot: string,
  attempt: string,
): Promise<void> {
  if (await touched(layerRoot)) return
  if (layer) await unpackZip(layer.archive.file, attempt, ours)
  else await mkdir(attempt)
  await rename(attempt, layerRoot).catch(async cause => {
    if (!(await touched(layerRoot))) throw cause
  })
  await makeReadOnly(layerRoot)
}

/** Whether it is there; it then counts as used. */
async function touched(dir: string): Promise<boolean> {
  const now = new Date()
  return utimes(dir, now, now).then(
    () => true,
    () => false,
  )
}

/** Who tries a package may hear what went wrong in it, whatever its callers will be told. What is in S3 is not here. */
function manifestHere({ remoteEnvironment, ...manifest }: Manifest): Manifest {
  return { ...manifest, start: { ...manifest.start, errors: 'full' }, model: { in: 'function' } }
}

async function link(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  await symlink(source, target)
}

/** Directories decide whether files can be made; files of ours are never written to by anybody who behaves. */
async function makeReadOnly(dir: string): Promise<void> {
  for (const below of await directoriesIn(dir)) await makeReadOnly(below)
  await chmod(dir, 0o555)
}

/** So that it can be removed again, by whoever made it. */
export async function makeWritable(dir: string): Promise<void> {
  await chmod(dir, 0o755).catch(() => {})
  for (const below of await directoriesIn(dir)) await makeWritable(below)
}

async function directoriesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  return entries.filter(entry => entry.isDirectory()).map(({ name }) => join(dir, name))
}

async function removeOld(trials: string): Promise<void> {
  for (const name of await readdir(trials)) {
    const path = join(trials, name)
    const changed = await stat(path).catch(() => undefined)
    if (!changed?.isDirectory() || Date.now() - changed.mtimeMs < dayMs) continue
    await makeWritable(path)
    await rm(path, { recursive: true, force: true })
  }
}
