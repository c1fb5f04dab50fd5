/**
 * What is found out about a wheel, and made for it, once: kept below `<home>/spliced` under a key of everything it
 * depends on. `KEY.json` is written last; without it the rest is made again.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import {
  type Digest,
  digestOf,
  digestOfFile,
  explainFileError,
  readIfThere,
  writeWhole,
} from '../../system/files.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import { writeZip } from '../zip/write.ts'
import type { ZipSource } from '../zip/zip.ts'
import { compile, compilerOf } from './bytecode.ts'
import { type FoundLibrary, inspectWheel } from './inspect.ts'
import { RULES } from './slim.ts'
import type { OpenWheel, Wheel } from './wheel.ts'

/** How wheels are prepared. */
export interface Preparation {
  /** Where the packages will be: `/opt/python/`. Bytecode remembers it. */
  readonly runTimeRoot: string
  /** Undefined: no bytecode. */
  readonly python: PythonFound | undefined
}

export interface Prepared {
  readonly libraries: readonly FoundLibrary[]
  /** An archive whose entries lie beside the sources: `numpy/__pycache__/…`. Undefined: none was wanted, or none could be made. */
  readonly bytecode: string | undefined
}

export interface ToPrepare {
  readonly open: OpenWheel
  /** Of `wheelKey`. */
  readonly key: Digest
}

interface Marker {
  readonly schemaVersion: 1
  readonly libraries: readonly FoundLibrary[]
  readonly bytecode?: Digest
}

/** Directories of commands that are at it. */
const WORK = 'work-'
const DAY_MS = 24 * 60 * 60 * 1000

/** Everything that decides what is spliced of a wheel. */
export function wheelKey(wheel: Wheel, slim: boolean, { runTimeRoot, python }: Preparation): Digest {
  const bytecode = python ? ['unchecked-hash', compilerOf(python), runTimeRoot] : []
  return digestOf(JSON.stringify([RULES, wheel.sha256, slim, bytecode]))
}

/**
 * For each wheel, in their order. What is missing is made in one go: every file read and compared with its wheel's list,
 * every source compiled. Bytecode that cannot be made leaves the wheels without.
 *
 * @throws ThampiError WHEEL_INVALID, DISK_FULL, PERMISSION
 */
export async function prepare(
  wheels: readonly ToPrepare[],
  preparation: Preparation,
  dir: string,
  system: System,
): Promise<Prepared[]> {
  const known = await Promise.all(wheels.map(({ key }) => readPrepared(dir, key)))
  const missing = wheels.filter((_, i) => known[i] === undefined)
  const made = missing.length === 0 ? [] : await make(missing, preparation, dir, system)
  return known.map(prepared => prepared ?? (made.shift() as Prepared))
}

/** Undefined also when what was kept is damaged. */
async function readPrepared(dir: string, key: Digest): Promise<Prepared | undefined> {
  const at = filesOf(dir, key)
  const marker = parseMarker(await readIfThere(at.marker))
  if (!marker) return undefined
  const { libraries, bytecode } = marker
  if (bytecode === undefined) return { libraries, bytecode }
  if ((await digestOfFile(at.bytecode).catch(() => undefined)) !== bytecode) return undefined
  return { libraries, bytecode: at.bytecode }
}

function parseMarker(text: string | undefined): Marker | undefined {
  if (text === undefined) return undefined
  try {
    const marker = JSON.parse(text)
    return marker.schemaVersion === 1 && Array.isArray(marker.libraries) ? marker : undefined
  } catch {
    return undefined
  }
}

async function make(
  wheels: readonly ToPrepare[],
  { runTimeRoot, python }: Preparation,
  dir: string,
  system: System,
): Promise<Prepared[]> {
  await removeLeftOvers(dir, system)
  const work = join(dir, `${WORK}${randomBytes(6).toString('hex')}`)
  await mkdir(work, { recursive: true, mode: 0o700 }).catch(cause => {
    throw explainFileError(cause, dir)
  })
  try {
    const opens = wheels.map(({ open }) => open)
    if (python) system.tell(`compiling ${opens.length} packages for Python ${python.minor}`)
    const compiling = python ? compile(opens, work, runTimeRoot, python, system) : false
    const inspecting = inspectAll(opens)
    // When one fails the other still works in a directory that is about to go.
    await Promise.allSettled([compiling, inspecting])
    const libraries = await inspecting
    if (python && !(await compiling))
      return libraries.map(found => ({ libraries: found, bytecode: undefined }))
    const made: Prepared[] = []
    for (const [i, { key }] of wheels.entries()) {
      made.push(await keep(filesOf(dir, key), libraries[i] ?? [], python ? join(work, String(i)) : undefined))
    }
    return made
  } finally {
    await rm(work, { recursive: true, force: true }).catch(() => {})
  }
}

/** One wheel after the other: what is in memory at a time does not depend on how many there are. */
async function inspectAll(opens: readonly OpenWheel[]): Promise<FoundLibrary[][]> {
  const libraries: FoundLibrary[][] = []
  for (const open of opens) libraries.push(await inspectWheel(open))
  return libraries
}

async function keep(
  at: Files,
  libraries: readonly FoundLibrary[],
  compiled: string | undefined,
): Promise<Prepared> {
  const marker: Marker = { schemaVersion: 1, libraries }
  if (compiled === undefined) {
    await writeWhole(at.marker, JSON.stringify(marker))
    return { libraries, bytecode: undefined }
  }
  const { digest } = await writeZip(at.bytecode, await filesBelow(compiled))
  await writeWhole(at.marker, JSON.stringify({ ...marker, bytecode: digest }))
  return { libraries, bytecode: at.bytecode }
}

/** Nothing when there is no such directory: a wheel may have no Python in it. */
async function filesBelow(dir: string): Promise<ZipSource[]> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  return found
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .map(source => ({ path: relative(dir, source).split(sep).join('/'), executable: false, source }))
}

/** Of commands that were killed. A day is longer than any that still runs. */
async function removeLeftOvers(dir: string, system: System): Promise<void> {
  for (const name of await readdir(dir).catch(() => [])) {
    // A file with a dot was to be written whole.
    if (!name.startsWith(WORK) && !name.startsWith('.')) continue
    const age = await stat(join(dir, name)).then(
      ({ mtimeMs }) => system.now().getTime() - mtimeMs,
      () => 0,
    )
    if (age > DAY_MS) await rm(join(dir, name), { recursive: true, force: true }).catch(() => {})
  }
}

interface Files {
  readonly marker: string
  readonly bytecode: string
}

function filesOf(dir: string, key: Digest): Files {
  const name = join(dir, key.slice('sha256:'.length))
  return { marker: `${name}.json`, bytecode: `${name}.zip` }
}
