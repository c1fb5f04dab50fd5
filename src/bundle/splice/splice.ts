/**
 * Wheels → one archive of dependencies. A wheel is a zip of what `site-packages` is to hold, so its packed bytes are
 * copied as they are: nothing is unpacked and packed again. Only bytecode is deflated here.
 */
import { join } from 'node:path'
import { type Digest, digestOf, digestOfFile } from '../../system/files.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import type { DependencyArchive, PackedPackage, Target } from '../bundle.ts'
import { readZip, type ZipFile } from '../zip/read.ts'
import { writeZip } from '../zip/write.ts'
import type { ZipEntry } from '../zip/zip.ts'
import { bytecodePath } from './bytecode.ts'
import { type Examination, type Examined, openExamination } from './examination.ts'
import { type Compiling, keptBytecode, wheelKey } from './kept-bytecode.ts'
import { removeLeftOvers } from './left-overs.ts'
import { merge, type Placed } from './merge.ts'
import { checkLibraries } from './platform.ts'
import { readSealed, writeSealed } from './sealed.ts'
import { isSlimmed } from './slim.ts'
import { limits, type OpenWheel, type Wheel } from './wheel.ts'

export type { Wheel } from './wheel.ts'

export interface SpliceOptions {
  /** `python/` in a layer of Lambda. */
  readonly prefix: 'python/' | ''
  /** Packages that keep everything their wheels bring, tests too: what the smoke run found missing something. */
  readonly keep?: readonly string[]
  /** Of the same minor as the target: compiles bytecode. Without it every start compiles, which is said. */
  readonly python?: PythonFound
  /** Where wheels are under examination already, because they were fetched a moment ago. Whoever opened it closes it. */
  readonly examination?: Examination
}

export interface Spliced extends DependencyArchive {
  /** Names what is in the archive. The same on every machine, unlike the digest of its bytes. */
  readonly key: Digest
  /** What a person should hear about it. */
  readonly notices: readonly string[]
}

/** Raised when the archive of the same wheels changes, by other rules than those of `slim.ts`. */
const LAYOUT = 1

/** Directory of the archives, beside what they are made of. */
const LAYERS = 'layers'

/** Where Lambda puts layers and functions: tracebacks show these paths. */
const RUN_TIME_ROOTS = { 'python/': '/opt/python/', '': '/var/task/' } as const

/**
 * Splices wheels into an archive below `<home>/spliced`. The same wheels give the same archive, which is kept: the
 * second time nothing is made. Every file is compared with its wheel's list, every library with the target; a wheel
 * that is not what it says is refused by name. Memory does not depend on sizes.
 *
 * @throws ThampiError WHEEL_INVALID, WHEEL_PLATFORM, DISK_FULL, PERMISSION
 * @example
 * const target = { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' } as const
 * const layer = await spliceWheels(await fetchWheels(lock.wheels, system), target, { prefix: 'python/', python }, system)
 * console.log(layer.file, layer.unpackedBytes)
 */
export async function spliceWheels(
  wheels: readonly Wheel[],
  target: Target,
  { prefix, keep = [], python, examination }: SpliceOptions,
  system: System,
): Promise<Spliced> {
  const compiler = compilerFor(target, python)
  const compiling = compiler && { runTimeRoot: RUN_TIME_ROOTS[prefix], python: compiler }
  const jobs = wheels
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(wheel => ({ wheel, slim: isSlimmed(wheel, keep) }))
    .map(({ wheel, slim }) => ({ wheel, slim, key: wheelKey(wheel, slim, compiling) }))
  const names = jobs.map(({ wheel, key }) => [wheel.name, wheel.version, key])
  const key = digestOf(JSON.stringify([LAYOUT, prefix, target.arch, target.glibc, names]))
  const dir = join(system.places.home, 'spliced')
  const known = await readSpliced(dir, key)
  if (known) return known
  const work = { jobs, key, prefix, target, compiling, dir }
  if (examination) return make(work, examination, system)
  const own = openExamination(system)
  try {
    return await make(work, own, system)
  } finally {
    await own.close()
  }
}

interface Work {
  readonly jobs: readonly { readonly wheel: Wheel; readonly slim: boolean; readonly key: Digest }[]
  readonly key: Digest
  readonly prefix: 'python/' | ''
  readonly target: Target
  readonly compiling: Compiling | undefined
  readonly dir: string
}

/** The archive is written while its wheels are still read, and gets its name when nothing was found in them. */
async function make(
  { jobs, key, prefix, target, compiling, dir }: Work,
  examination: Examination,
  system: System,
): Promise<Spliced> {
  for (const place of [dir, join(dir, LAYERS)]) await removeLeftOvers(place, system)
  const examined = jobs.map(({ wheel, slim }) => examination.begin(wheel, slim))
  const opens: OpenWheel[] = []
  for (const { open } of examined) opens.push(await open)
  const merged = await merge(opens)
  const approved = approve(examined, target)
  // Whoever fails first: what the examination says names the package.
  const orSay = async (cause: unknown): Promise<never> => {
    await approved
    throw cause
  }
  approved.catch(() => {})
  const toCompile = jobs.map(({ key }, i) => ({ open: opens[i] as OpenWheel, key }))
  const bytecode = compiling ? await keptBytecode(toCompile, compiling, dir, system).catch(orSay) : []
  const parts: Part[] = []
  try {
    for (const [i, open] of opens.entries()) {
      const archive = bytecode[i]
      parts.push({ open, bytecode: archive === undefined ? undefined : await readZip(archive, limits) })
    }
    const layer = entriesOf(merged.files, parts, prefix, target)
    const at = filesOf(dir, key)
    const archive = await writeZip(at.archive, layer.entries, approved).catch(orSay)
    const isComplete = compiling === undefined || parts.every(({ bytecode }) => bytecode)
    const spliced: Spliced = {
      ...archive,
      key,
      packages: layer.packages,
      lock: jobs.map(({ wheel }) => `${wheel.name}==${wheel.version}`).sort(),
      notices: [...merged.notices, ...noticesAbout(target, compiling?.python, isComplete)],
    }
    // Where Python failed, it may do better the next time.
    if (isComplete) await writeSealed(at.record, spliced)
    return spliced
  } finally {
    for (const { bytecode } of parts) await bytecode?.close()
  }
}

/** @throws ThampiError WHEEL_INVALID, WHEEL_PLATFORM: the first wheel, by name, that is not what it says or does not fit */
async function approve(examined: readonly Examined[], target: Target): Promise<void> {
  for (const { open, libraries } of examined) checkLibraries(await open, await libraries, target)
}

/** Only the very same minor writes bytecode that the target reads. */
function compilerFor(target: Target, python: PythonFound | undefined): PythonFound | undefined {
  return python?.minor === target.python && python?.implementation === 'cpython' ? python : undefined
}

function noticesAbout(target: Target, compiler: PythonFound | undefined, isComplete: boolean): string[] {
  if (compiler && isComplete) return []
  const why = compiler
    ? `Python ${compiler.version} could not make it`
    : `there is no Python ${target.python} on this machine to make it`
  return [
    `The packages travel without bytecode: ${why}. Every cold start will compile them, which takes seconds.`,
  ]
}

interface Part {
  readonly open: OpenWheel
  readonly bytecode: ZipFile | undefined
}

interface Layer {
  readonly entries: readonly ZipEntry[]
  readonly packages: readonly PackedPackage[]
}

function entriesOf(
  files: readonly Placed[],
  parts: readonly Part[],
  prefix: string,
  { python = '' }: Target,
): Layer {
  const entries: ZipEntry[] = []
  const bytes = new Map<OpenWheel, number>()
  const bytecode = new Map(
    parts.map(({ open, bytecode }) => [open, new Map(bytecode?.entries.map(entry => [entry.path, entry]))]),
  )
  for (const { file, from } of files) {
    const isProgram = file.entry.executable || file.path.startsWith('bin/')
    const compiled = bytecode.get(from)?.get(bytecodePath(file.path, python) ?? '')
    const placed = [{ ...file.entry, path: prefix + file.path, executable: isProgram }]
    if (compiled) placed.push({ ...compiled, path: prefix + compiled.path, executable: false })
    for (const entry of placed) bytes.set(from, (bytes.get(from) ?? 0) + entry.bytes)
    entries.push(...placed)
  }
  const packages = parts.map(({ open }) => ({
    name: open.wheel.name,
    version: open.wheel.version,
    wheel: open.wheel.file,
    bytes: bytes.get(open) ?? 0,
    dropped: open.dropped,
  }))
  return { entries, packages }
}

interface Files {
  readonly archive: string
  /** Written last: without it the archive is made again. */
  readonly record: string
}

function filesOf(dir: string, key: Digest): Files {
  const name = join(dir, LAYERS, key.slice('sha256:'.length))
  return { archive: `${name}.zip`, record: `${name}.json` }
}

/** What was spliced before, when every byte of it is still there. */
async function readSpliced(dir: string, key: Digest): Promise<Spliced | undefined> {
  const at = filesOf(dir, key)
  const spliced = await readSealed<Spliced>(at.record)
  if (!spliced) return undefined
  const digest = await digestOfFile(at.archive).catch(() => undefined)
  return digest === spliced.digest ? { ...spliced, file: at.archive } : undefined
}
