/** Which Python runs the model: the one that was asked for, else the one whose environment is active. */
import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { ThampiError } from '../errors.ts'
import { forPeople, readIfThere } from './files.ts'
import type { System } from './system.ts'

/** A Python that was started once and told about itself. */
export interface PythonFound {
  /** Absolute path of the interpreter itself, not of a shim. */
  readonly path: string
  /** `3.11.7` */
  readonly version: string
  /** `3.11` */
  readonly minor: string
  /** `cpython` */
  readonly implementation: string
  /** What its wheels are built for, `linux-x86_64`. */
  readonly platform: string
  readonly prefix: string
  readonly isVirtual: boolean
}

export interface PythonWanted {
  /** `--python`: a path, the directory of an environment, a program's name, or a version such as `3.11`. */
  readonly explicit?: string | undefined
  /** The minor that saved the model. A preference: without an `explicit` choice another Python may satisfy it. */
  readonly minor?: string | undefined
}

/** The runtime inside a sandbox is written for this and newer. */
const OLDEST = [3, 9] as const

/**
 * `-I` keeps modules of the current directory out: a `json.py` of the project must not run here. A Python has several
 * names in its directory, and whichever was called it answers with one: else the same Python would look like another.
 */
const PROBE = `import json, os, sys, sysconfig
path = sys.executable or ""
plain = os.path.join(os.path.dirname(path), "python.exe" if os.name == "nt" else "python")
if os.path.exists(plain) and os.path.samefile(plain, path): path = plain
print(json.dumps({"path": path, "version": "%d.%d.%d" % sys.version_info[:3],
"implementation": sys.implementation.name, "platform": sysconfig.get_platform(), "prefix": sys.prefix,
"isVirtual": sys.prefix != sys.base_prefix or os.path.isdir(os.path.join(sys.prefix, "conda-meta"))}))`

/** A place to look, with the words that name it to a person. */
interface Candidate {
  readonly file: string
  readonly args?: readonly string[]
  readonly because: string
  /** Chosen by a person: when it does not work that is an error, not a reason to look further. */
  readonly chosen?: boolean
}

type Probed = { readonly found: PythonFound } | { readonly problem: string }

/**
 * Finds Python: `--python` > `THAMPI_PYTHON` > `VIRTUAL_ENV` > `CONDA_PREFIX` > `.python-version` > `python3`, `python`.
 * When nobody chose one and the first that works is not the wanted minor, an installed Python of that minor is
 * taken instead and said; when there is none, the first is returned and the caller decides.
 *
 * @throws ThampiError PYTHON_MISSING with what was tried
 * @example
 * const python = await findPython(system, { minor: '3.11' })
 */
export async function findPython(system: System, wanted: PythonWanted = {}): Promise<PythonFound> {
  const tried: string[] = []
  for (const candidate of await candidates(system, wanted.explicit)) {
    const probed = await probe(candidate, system)
    if ('problem' in probed) {
      if (candidate.chosen) throw missing([`${candidate.because}: ${probed.problem}`], wanted)
      tried.push(`${candidate.because}: ${probed.problem}`)
      continue
    }
    const { found } = probed
    if (candidate.chosen || wanted.minor === undefined || found.minor === wanted.minor) return found
    const other = await firstOf(await ofVersion(wanted.minor, system), wanted.minor, system)
    if (!other) return found
    system.tell(
      `Using Python ${other.version} (${other.path}): ${candidate.because} is ${found.version}, the model needs ${wanted.minor}.`,
    )
    return other
  }
  const { minor } = wanted
  const last = minor === undefined ? undefined : await firstOf(await ofVersion(minor, system), minor, system)
  if (last) return last
  throw missing(tried, wanted)
}

async function candidates(system: System, explicit: string | undefined): Promise<Candidate[]> {
  if (explicit !== undefined) return chosenBy('--python', explicit, system)
  const { env } = system
  if (env.THAMPI_PYTHON) return chosenBy('THAMPI_PYTHON', env.THAMPI_PYTHON, system)
  const list: Candidate[] = []
  for (const name of ['VIRTUAL_ENV', 'CONDA_PREFIX'] as const) {
    const prefix = env[name]
    if (!prefix) continue
    const conda = name === 'CONDA_PREFIX'
    list.push({ file: pythonOf(resolve(system.cwd, prefix), system.os, conda), because: `${name}=${prefix}` })
  }
  const pinned = (await readIfThere(join(system.cwd, '.python-version')))
    ?.split(/\r?\n/)
    .map(line => line.trim())
    .find(line => line !== '' && !line.startsWith('#'))
  if (pinned !== undefined) {
    for (const candidate of await ofVersion(pinned, system)) {
      list.push({ ...candidate, because: `.python-version (${pinned})` })
    }
  }
  if (system.os === 'win32') list.push({ file: 'py', args: ['-3'], because: 'py -3' })
  list.push({ file: 'python3', because: 'python3 on PATH' }, { file: 'python', because: 'python on PATH' })
  return list
}

/** A person's own words: a version, a path (file or environment), or the name of a program. */
async function chosenBy(source: string, words: string, system: System): Promise<Candidate[]> {
  const because = `${source} ${words}`
  if (/^\d+(\.\d+){0,2}$/.test(words)) {
    const matching = await ofVersion(words, system)
    const general: Candidate[] = ['python3', 'python'].map(file => ({ file, because }))
    for (const candidate of [...matching, ...general]) {
      const probed = await probe(candidate, system)
      if ('found' in probed && fits(probed.found.version, words)) {
        return [{ file: probed.found.path, because, chosen: true }]
      }
    }
    throw missing([`${because}: no such version is installed where we looked`], { minor: words })
  }
  const isPath = isAbsolute(words) || /[\\/]/.test(words)
  const path = resolve(system.cwd, words)
  const kind = await stat(path).catch(() => undefined)
  if (kind?.isDirectory()) {
    const inVirtual = pythonOf(path, system.os, false)
    const there = await stat(inVirtual).catch(() => undefined)
    return [{ file: there ? inVirtual : pythonOf(path, system.os, true), because, chosen: true }]
  }
  return [{ file: isPath ? path : words, because, chosen: true }]
}

/** The interpreter inside a virtual environment, or inside a conda one, which differs on Windows only. */
function pythonOf(prefix: string, os: System['os'], conda: boolean): string {
  if (os !== 'win32') return join(prefix, 'bin', 'python')
  return conda ? join(prefix, 'python.exe') : join(prefix, 'Scripts', 'python.exe')
}

/** Where a Python of this version may stand: on PATH, under pyenv, among those uv keeps. */
async function ofVersion(version: string, system: System): Promise<Candidate[]> {
  const parts = /^(?:cpython-)?(\d+)\.(\d+)/.exec(version)
  const because = `Python ${version}`
  const list: Candidate[] = []
  const { env, os } = system
  if (parts) {
    const minor = `${parts[1]}.${parts[2]}`
    if (os === 'win32') list.push({ file: 'py', args: [`-${minor}`], because })
    list.push({ file: `python${minor}`, because })
  }
  const home = env.HOME || homedir()
  const keepers = [
    { dir: join(env.PYENV_ROOT || join(home, '.pyenv'), 'versions'), name: (entry: string) => entry },
    {
      dir:
        env.UV_PYTHON_INSTALL_DIR || join(env.XDG_DATA_HOME || join(home, '.local', 'share'), 'uv', 'python'),
      name: (entry: string) => /^cpython-(\d+(?:\.\d+)*)-/.exec(entry)?.[1] ?? '',
    },
  ]
  for (const { dir, name } of keepers) {
    const entries = await readdir(dir).catch(() => [])
    const matching = entries.filter(entry => fits(name(entry), version)).sort(newestFirst)
    for (const entry of matching) list.push({ file: pythonOf(join(dir, entry), os, true), because })
  }
  return list
}

/** Whole parts only: `3.1` is not the beginning of `3.11`. */
function fits(version: string, wanted: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`)
}

function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true })
}

async function firstOf(
  list: readonly Candidate[],
  minor: string,
  system: System,
): Promise<PythonFound | undefined> {
  for (const candidate of list) {
    const probed = await probe(candidate, system)
    if ('found' in probed && probed.found.minor === minor) return probed.found
  }
  return undefined
}

async function probe({ file, args = [] }: Candidate, system: System): Promise<Probed> {
  const result = await system.run(file, [...args, '-I', '-c', PROBE], {
    env: system.env,
    cwd: system.cwd,
    timeoutMs: 20_000,
  })
  const shown = isAbsolute(file) ? forPeople(file, system.cwd) : file
  if (result.missing) return { problem: `${shown} is not there or cannot be started` }
  const told = parseProbe(result.stdout)
  if (!told) {
    const said = result.stderr.trim().split('\n').at(-1)
    return { problem: `${shown} does not answer like Python 3${said ? ` (${said.slice(0, 200)})` : ''}` }
  }
  const [major = 0, minor = 0] = told.version.split('.').map(Number)
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return { problem: `${shown} is Python ${told.version}, and ${OLDEST.join('.')} or newer is needed` }
  }
  return { found: { ...told, path: told.path || file, minor: `${major}.${minor}` } }
}

/** The last line is ours; a `sitecustomize` may have printed before it. */
function parseProbe(stdout: string): Omit<PythonFound, 'minor'> | undefined {
  try {
    const told: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    if (typeof told !== 'object' || told === null) return undefined
    const { path, version, implementation, platform, prefix, isVirtual } = told as Record<string, unknown>
    if (typeof path !== 'string' || typeof version !== 'string' || typeof prefix !== 'string')
      return undefined
    if (typeof implementation !== 'string' || typeof platform !== 'string') return undefined
    return { path, version, implementation, platform, prefix, isVirtual: isVirtual === true }
  } catch {
    return undefined
  }
}

function missing(tried: readonly string[], wanted: PythonWanted): ThampiError {
  const minor = wanted.minor ?? OLDEST.join('.')
  return new ThampiError('PYTHON_MISSING', {
    message:
      wanted.minor === undefined ? 'No usable Python was found.' : `No usable Python ${minor} was found.`,
    why: tried.length === 0 ? undefined : `Looked at ${tried.join('; ')}.`,
    fix: `install Python${wanted.minor === undefined ? ` ${minor} or newer` : ` ${minor}`}, or name one: --python /path/to/python`,
  })
}
