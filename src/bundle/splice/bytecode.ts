/**
 * Bytecode for packages of another machine, made by a Python of its minor: the directory is read-only there, so whatever
 * is not compiled here is compiled again at every start.
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import { contentOf, readZip, type ZipFile } from '../zip/read.ts'
import type { ZipSource } from '../zip/zip.ts'
import type { OpenWheel } from './wheel.ts'

/** Less source than this compiles before another process has started. */
const WORTH_A_PROCESS = 512 * 1024
/** Each takes 50 MB and more. */
const MOST_PROCESSES = 8
const TIMEOUT_MS = 15 * 60_000

/**
 * Reads sources out of wheels and writes bytecode that is never compared with its source (PEP 552, unchecked): the time
 * stamps in an archive mean nothing. A file that is no Python of this minor has no bytecode, as with pip.
 * The language may warn about every second package; it is not our business here.
 */
const PROGRAM = `import importlib.util, json, marshal, sys, warnings, zipfile
warnings.simplefilter("ignore")
head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
with zipfile.ZipFile(sys.argv[1], "x") as made:
    for wheel, files in json.load(sys.stdin):
        with zipfile.ZipFile(wheel) as archive:
            for member, name, target in files:
                source = archive.read(member)
                try:
                    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
                except Exception:
                    continue
                made.writestr(zipfile.ZipInfo(target), head + importlib.util.source_hash(source) + marshal.dumps(code))
`

/** What bytecode depends on beside its source; part of every key. */
export function compilerOf(python: PythonFound): string {
  return `${python.implementation}-${python.version}`
}

/** Which file of bytecode belongs to a source (PEP 3147); undefined when it is none. */
export function bytecodePath(path: string, minor: string): string | undefined {
  if (!path.endsWith('.py')) return undefined
  const slash = path.lastIndexOf('/') + 1
  return `${path.slice(0, slash)}__pycache__/${path.slice(slash, -3)}.cpython-${minor.replace('.', '')}.pyc`
}

/** Bytecode that was made, and is not packed yet. */
export interface Compiled {
  /** Of the wheel with this number. Nothing when there is no Python in it. */
  filesOf(wheel: number): ZipSource[]
  close(): Promise<void>
}

/**
 * Compiles the sources of several wheels. Every processor takes a share, and writes one file below `dir`: a file for each
 * module would take longer to write and to read than to compile.
 *
 * @param runTimeRoot where the packages will be: `/opt/python/`. Tracebacks show it
 * @returns undefined when Python gave up; what is in `dir` then is of no use
 */
export async function compile(
  wheels: readonly OpenWheel[],
  dir: string,
  runTimeRoot: string,
  python: PythonFound,
  system: System,
): Promise<Compiled | undefined> {
  const jobs = wheels.flatMap(({ wheel, files }, i) =>
    files.flatMap(({ path, entry }) => {
      const target = bytecodePath(path, python.minor)
      if (target === undefined) return []
      return [
        {
          wheel: wheel.path,
          file: [entry.path, runTimeRoot + path, `${i}/${target}`],
          bytes: entry.bytes,
        },
      ]
    }),
  )
  const archives: string[] = []
  const ended = await Promise.all(
    shares(jobs).map((share, i) => {
      const archive = join(dir, `${i}.zip`)
      archives.push(archive)
      return system.run(python.path, ['-I', '-S', '-c', PROGRAM, archive], {
        env: system.env,
        input: JSON.stringify(byWheel(share)),
        timeoutMs: TIMEOUT_MS,
      })
    }),
  )
  return ended.every(({ exitCode }) => exitCode === 0) ? readCompiled(archives) : undefined
}

async function readCompiled(archives: readonly string[]): Promise<Compiled> {
  const zips: ZipFile[] = []
  const close = async (): Promise<void> => {
    for (const zip of zips) await zip.close()
  }
  const files = new Map<number, ZipSource[]>()
  try {
    for (const archive of archives) zips.push(await readZip(archive))
  } catch (cause) {
    await close()
    throw cause
  }
  for (const entry of zips.flatMap(({ entries }) => entries)) {
    const [wheel = '', ...path] = entry.path.split('/')
    const those = files.get(Number(wheel)) ?? []
    files.set(Number(wheel), those)
    those.push({ path: path.join('/'), executable: false, source: () => contentOf(entry) })
  }
  return { filesOf: wheel => files.get(wheel) ?? [], close }
}

interface Job {
  readonly wheel: string
  readonly file: readonly string[]
  readonly bytes: number
}

/** Biggest first, each to whoever has least: the shares end at about the same time. */
function shares(jobs: readonly Job[]): Job[][] {
  const total = jobs.reduce((sum, { bytes }) => sum + bytes, 0)
  // A package may consist of empty files.
  const worth = Math.max(1, Math.ceil(total / WORTH_A_PROCESS))
  const count = Math.min(availableParallelism(), MOST_PROCESSES, worth, jobs.length)
  const loads = Array.from({ length: count }, () => ({ bytes: 0, jobs: [] as Job[] }))
  for (const job of jobs.toSorted((a, b) => b.bytes - a.bytes)) {
    const least = loads.reduce((a, b) => (b.bytes < a.bytes ? b : a))
    least.bytes += job.bytes
    least.jobs.push(job)
  }
  return loads.map(({ jobs }) => jobs)
}

function byWheel(jobs: readonly Job[]): [string, (readonly string[])[]][] {
  const wheels = new Map<string, (readonly string[])[]>()
  for (const { wheel, file } of jobs) {
    const files = wheels.get(wheel)
    if (files) files.push(file)
    else wheels.set(wheel, [file])
  }
  return [...wheels]
}
