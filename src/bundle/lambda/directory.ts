/** A package as a directory, for deploy tools of other people: whole or absent, and never over somebody else's files. */
import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemCode, ThampiError } from '../../errors.ts'
import {
  type Digest,
  digestOfFile,
  explainFileError,
  readIfThere,
  syncDirectory,
} from '../../system/files.ts'
import type { LambdaPackage } from './package.ts'
import { readmeOf } from './readme.ts'

/** Says that a directory is ours, and what is in it. */
const recordFile = 'thampi-package.json'
const functionFile = 'function.zip'
const readmeFile = 'README.md'

export interface DirectoryContents {
  readonly made: LambdaPackage
  /** What the function would be called by `thampi serve`. */
  readonly name: string
  readonly servedTimeUtc: string
  readonly bundle: Digest
}

/** What an earlier run left in the place. */
export interface Earlier {
  readonly key: string
  readonly servedTimeUtc: string
  /** Of the zip as it lies there now; undefined when it is gone. */
  readonly functionDigest: Digest | undefined
}

/**
 * What is at `dir` from an earlier run; undefined when nothing is.
 *
 * @throws ThampiError OUTPUT_EXISTS when something else is there, or a file that we did not make
 */
export async function checkPlace(dir: string, shown: string): Promise<Earlier | undefined> {
  const names = await namesIn(dir).catch(cause => {
    const code = systemCode(cause)
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') throw foreign(shown, 'It is a file.')
    throw explainFileError(cause, dir)
  })
  if (names.length === 0) return undefined
  const record = parseRecord(await readIfThere(join(dir, recordFile)))
  if (!record) throw foreign(shown, `It is not empty, and has no ${recordFile}.`)
  const own = new Set([recordFile, ...record.files])
  const other = names.find(name => !own.has(name))
  if (other !== undefined) throw foreign(shown, `It holds "${other}", which Thampi did not write.`)
  const { key, servedTimeUtc } = record
  const functionDigest = await digestOfFile(join(dir, functionFile)).catch(() => undefined)
  return { key, servedTimeUtc, functionDigest }
}

/** Puts the directory in place of what was there; a command that is killed leaves the old one, the new one, or none. */
export async function writeDirectory(dir: string, contents: DirectoryContents): Promise<void> {
  const parent = dirname(dir)
  const aside = `.${basename(dir)}.${randomBytes(6).toString('hex')}`
  const temporary = join(parent, aside)
  const old = join(parent, `${aside}.old`)
  try {
    await removeLeftovers(dir)
    await mkdir(join(temporary, 'layers'), { recursive: true })
    const { made } = contents
    await copyFile(made.functionZip.file, join(temporary, functionFile))
    for (const { name, archive } of made.layers)
      await copyFile(archive.file, join(temporary, layerFile(name)))
    await writeFile(join(temporary, readmeFile), readmeOf(contents))
    await writeFile(join(temporary, recordFile), `${JSON.stringify(recordOf(contents), null, 2)}\n`)
    if (made.layers.length === 0) await rm(join(temporary, 'layers'), { recursive: true })
    await syncDirectory(temporary)
    await exchange(temporary, dir, old)
    await syncDirectory(parent)
  } catch (cause) {
    throw explainFileError(cause, dir)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** Two commands may do this at once: one of them has to try again, and the last one wins. */
async function exchange(fresh: string, dir: string, old: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    await rename(dir, `${old}${attempt}`).catch(cause => {
      if (systemCode(cause) !== 'ENOENT') throw cause
    })
    try {
      await rename(fresh, dir)
      return
    } catch (cause) {
      const isTaken = ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(systemCode(cause) ?? '')
      if (!isTaken || attempt >= mostAttempts) throw cause
    } finally {
      await rm(`${old}${attempt}`, { recursive: true, force: true })
    }
  }
}

const mostAttempts = 5

/** What `thampi-package.json` says; docs/reference/lambda-package.md explains it. */
function recordOf({ made, name, servedTimeUtc, bundle }: DirectoryContents): object {
  const { functionZip, layers, model } = made
  const digest = (value: Digest): string => value.slice('sha256:'.length)
  return {
    schemaVersion: 1,
    key: made.key,
    bundle,
    servedTimeUtc,
    function: {
      name,
      zip: functionFile,
      sha256: digest(functionZip.digest),
      bytes: functionZip.bytes,
      runtime: made.runtime,
      handler: made.handler,
      architecture: made.architecture,
      memoryMb: made.memoryMb,
      timeoutSeconds: made.timeoutSeconds,
      ephemeralMb: made.ephemeralMb,
      snapStart: made.snapStart,
      // Their values may be secrets, and stay in the settings.
      environment: Object.keys(made.environment).sort(),
    },
    layers: layers.map(layer => ({
      name: layer.name,
      zip: layerFile(layer.name),
      sha256: digest(layer.archive.digest),
      bytes: layer.archive.bytes,
      unpackedBytes: layer.archive.unpackedBytes,
    })),
    layerArns: made.layerArns,
    model:
      model.in === 'function'
        ? { in: 'function' }
        : {
            in: 's3',
            bucket: model.bucket,
            load: model.load,
            blobs: model.blobs.map(({ path, key, sha256, bytes }) => ({ path, key, sha256, bytes })),
          },
    keepWarm: made.keepWarm ?? null,
    files: [functionFile, readmeFile, ...layers.map(layer => layerFile(layer.name))],
  }
}

function layerFile(name: string): string {
  return `layers/${name}.zip`
}

interface Recorded {
  readonly key: string
  readonly servedTimeUtc: string
  readonly files: readonly string[]
}

function parseRecord(text: string | undefined): Recorded | undefined {
  try {
    const { schemaVersion, key, servedTimeUtc, files } = JSON.parse(text ?? '')
    const isOurs = schemaVersion === 1 && typeof key === 'string' && Array.isArray(files)
    return isOurs ? { key, servedTimeUtc: String(servedTimeUtc), files: files.map(String) } : undefined
  } catch {
    return undefined
  }
}

/** Files below `dir`, with `/`. */
async function namesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => !entry.isDirectory())
    .map(entry =>
      join(entry.parentPath, entry.name)
        .slice(dir.length + 1)
        .replaceAll('\\', '/'),
    )
}

/** Of a run that was killed; a run that still works is younger. */
const leftoverMs = 60 * 60 * 1000

async function removeLeftovers(dir: string): Promise<void> {
  const parent = dirname(dir)
  const prefix = `.${basename(dir)}.`
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{12}(\.old\d)?$/.test(name.slice(prefix.length))) continue
    const path = join(parent, name)
    const changed = await stat(path).catch(() => undefined)
    if (changed && Date.now() - changed.mtimeMs > leftoverMs) await rm(path, { recursive: true, force: true })
  }
}

function foreign(shown: string, why: string): ThampiError {
  return new ThampiError('OUTPUT_EXISTS', {
    message: `"${shown}" is in the way of the package.`,
    why,
    fix: 'name another directory: --output DIR',
  })
}
