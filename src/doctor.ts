/** `thampi doctor`: is this machine ready to save and serve models, and what would mend it? */
import { constants } from 'node:fs'
import { access, mkdir, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { systemCode, ThampiError } from './errors.ts'
import { connectionCaps } from './gateway/caps.ts'
import type { HostStatus } from './platforms/local/commands.ts'
import { defaultPort, layout } from './platforms/local/layout.ts'
import { type HostRecord, readRecord } from './platforms/local/records.ts'
import { runningHost } from './platforms/local/start-host.ts'
import { openFileLimit } from './system/descriptors.ts'
import { portHolder } from './system/ports.ts'
import { findPython, type PythonFound } from './system/python.ts'
import type { System } from './system/system.ts'
import { version } from './system/version.ts'

export interface Check {
  /** What was looked at: `Python`, `disk`. */
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  /** What was found, in one sentence. */
  readonly found: string
  /** The command that mends it, or a line that says how. */
  readonly fix?: string
}

/**
 * Looks at everything that serving on this machine needs. Changes nothing, except that directories of Thampi's own
 * which are not there yet are made. Never throws for what it finds: that is what the checks say.
 *
 * @example
 * const checks = await doctor(realSystem())
 * checks.filter(check => check.state === 'fail')
 */
export async function doctor(system: System): Promise<Check[]> {
  const python = findPython(system).catch((error: unknown) => asError(error))
  const found = await Promise.all([
    nodeCheck(),
    python.then(it => pythonCheck(it, system)),
    python.then(it => (it instanceof Error ? [] : insidePython(it, system))),
    directoryCheck('work files', system.places.home),
    directoryCheck('deployments', system.places.state),
    hostChecks(system),
    memoryCheck(),
    limitsCheck(system),
  ])
  return found.flat()
}

/** Version of the `thampi` package that this Python imports; undefined when it has none. */
export async function sdkVersion(python: string, system: System): Promise<string | undefined> {
  return (await askPython(python, system))?.thampi ?? undefined
}

/** Node 20 from 20.19, 22 from 22.12, and everything newer. */
function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const found = `${process.versions.node} (${process.execPath})`
  const wanted = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
  if (!wanted) return { name: 'Node', state: 'fail', found, fix: 'install Node 24, or 20.19 or newer' }
  return major === 20
    ? {
        name: 'Node',
        state: 'warn',
        found: `${found}; Node 20 gets no fixes any more`,
        fix: 'install Node 24',
      }
    : { name: 'Node', state: 'ok', found }
}

function pythonCheck(python: PythonFound | Error, { env }: System): Check {
  if (python instanceof Error) {
    const { why, fix } = asThampi(python)
    // One that was chosen and does not work is a mistake; to have none is a choice, too.
    const isChosen = Boolean(env.THAMPI_PYTHON)
    const without = isChosen ? undefined : 'Models in TypeScript and ONNX need none.'
    return {
      name: 'Python',
      state: isChosen ? 'fail' : 'warn',
      found: [python.message, why, without].filter(Boolean).join(' '),
      ...(fix ? { fix } : {}),
    }
  }
  const kind = python.isVirtual ? 'virtual environment' : 'no virtual environment'
  return { name: 'Python', state: 'ok', found: `${python.version} (${python.path}, ${kind})` }
}

/** Asked in one start, because starting Python is what takes the time. Packages are located, not imported. */
const question = `
import importlib.metadata as metadata, importlib.util, json
def version(name):
    try: return metadata.version(name)
    except metadata.PackageNotFoundError: return None
def sdk():
    if importlib.util.find_spec("thampi") is None: return None
    try:
        import thampi
        return str(thampi.__version__)
    except Exception: return version("thampi")
print(json.dumps({"thampi": sdk(), "cloudpickle": version("cloudpickle"), "pip": version("pip"),
                  "venv": importlib.util.find_spec("venv") is not None
                          and importlib.util.find_spec("ensurepip") is not None}))
`

interface PythonSays {
  readonly thampi: string | null
  readonly cloudpickle: string | null
  readonly pip: string | null
  readonly venv: boolean
}

async function askPython(python: string, system: System): Promise<PythonSays | undefined> {
  // Outside the project: a `thampi/` or `json.py` lying there is not what was asked for.
  const { home } = system.places
  const cwd = await access(home).then(
    () => home,
    () => dirname(python),
  )
  const { stdout } = await system.run(python, ['-c', question], { env: system.env, cwd, timeoutMs: 20_000 })
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  } catch {
    return undefined
  }
}

async function insidePython({ path }: PythonFound, system: System): Promise<Check[]> {
  const [says, uv] = await Promise.all([askPython(path, system), uvVersion(system)])
  if (!says) {
    return [
      {
        name: 'packages',
        state: 'fail',
        found: `${path} does not run a short program.`,
        fix: `${path} -c 1`,
      },
    ]
  }
  const pip = `${path} -m pip`
  return [
    sdkCheck(says, pip),
    cloudpickleCheck(says, pip),
    installerCheck(says, uv, path),
    venvCheck(says, uv),
  ]
}

function sdkCheck({ thampi }: PythonSays, pip: string): Check {
  const name = 'thampi in Python'
  if (thampi === null) {
    const found = 'not installed; models cannot be saved with this Python'
    return { name, state: 'warn', found, fix: `${pip} install thampi` }
  }
  if (thampi === version) return { name, state: 'ok', found: thampi }
  const found = `${thampi}, but this command is ${version}`
  return { name, state: 'warn', found, fix: `${pip} install thampi==${version}` }
}

function cloudpickleCheck({ cloudpickle }: PythonSays, pip: string): Check {
  const name = 'cloudpickle'
  if (cloudpickle !== null) return { name, state: 'ok', found: cloudpickle }
  return { name, state: 'warn', found: 'not installed; saving needs it', fix: `${pip} install cloudpickle` }
}

function installerCheck({ pip }: PythonSays, uv: string | undefined, python: string): Check {
  const found = [uv === undefined ? [] : `uv ${uv}`, pip === null ? [] : `pip ${pip}`].flat().join(', ')
  if (found !== '') return { name: 'installer', state: 'ok', found }
  return {
    name: 'installer',
    state: 'fail',
    found: 'neither uv nor pip',
    fix: `${python} -m ensurepip --upgrade`,
  }
}

function venvCheck({ venv }: PythonSays, uv: string | undefined): Check {
  if (venv) return { name: 'venv', state: 'ok', found: 'can make virtual environments' }
  if (uv !== undefined) return { name: 'venv', state: 'ok', found: 'not in this Python, but uv makes them' }
  const found = 'this Python cannot make virtual environments'
  return { name: 'venv', state: 'fail', found, fix: 'sudo apt install python3-venv   # or install uv' }
}

async function uvVersion(system: System): Promise<string | undefined> {
  const { stdout } = await system.run('uv', ['--version'], { env: system.env, timeoutMs: 10_000 })
  return /^uv (\S+)/.exec(stdout)?.[1]
}

/** Dependencies of a usual model take half a gigabyte, and an update needs them twice. */
const comfortableBytes = 1e9

async function directoryCheck(name: string, path: string): Promise<Check> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.W_OK)
    const disk = await statfs(path)
    const free = disk.bavail * disk.bsize
    const found = `${path}, ${megabytes(free)} free`
    if (free >= comfortableBytes) return { name, state: 'ok', found }
    return { name, state: 'warn', found, fix: 'thampi clean --scope=all --dry-run   # shows what could go' }
  } catch (error) {
    return {
      name,
      state: 'fail',
      found: `${path} cannot be written (${systemCode(error) ?? asError(error).message})`,
      fix: 'export THAMPI_HOME=/a/directory/of/yours',
    }
  }
}

async function hostChecks(system: System): Promise<Check[]> {
  const at = layout(system.places.state)
  try {
    const host = await runningHost(at)
    if (host) return [hostCheck(host)]
    const port = (await readRecord<HostRecord>(at.hostFile))?.port ?? defaultPort
    return [
      { name: 'local platform', state: 'ok', found: 'not running; thampi serve starts it' },
      await portCheck(port, system),
    ]
  } catch (error) {
    const { message, fix } = asThampi(error)
    return [{ name: 'local platform', state: 'fail', found: message, ...(fix ? { fix } : {}) }]
  }
}

function hostCheck({ url, pid, stages, version: running }: HostStatus): Check {
  const served = stages.map(({ stage, model }) => `${stage}/${model}`).join(', ')
  const found = `${url}, process ${pid}, serves ${served || 'nothing'}`
  if (running === version) return { name: 'local platform', state: 'ok', found }
  return {
    name: 'local platform',
    state: 'warn',
    found: `${found}; it is thampi ${running}, this command is ${version}`,
    fix: 'thampi host --stop',
  }
}

async function portCheck(port: number, system: System): Promise<Check> {
  if (await isFree(port)) return { name: 'port', state: 'ok', found: `${port} is free` }
  const holder = (await portHolder(port, system)) ?? 'another program'
  const found = `${port} is taken by ${holder}`
  return { name: 'port', state: 'warn', found, fix: 'stop that program, or: thampi host --port 0' }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A sandbox with scikit-learn takes about 100 MB; below this it would be killed while it loads. */
const comfortableMemory = 300e6

function memoryCheck(): Check {
  const found = `${megabytes(freemem())} free of ${megabytes(totalmem())}, ${availableParallelism()} cores`
  if (freemem() >= comfortableMemory) return { name: 'memory', state: 'ok', found }
  return { name: 'memory', state: 'warn', found, fix: 'close other programs before serving' }
}

/** A service manager may well have left so few files that a crowd finds the door shut. */
const comfortableConnections = 200

/** What keeps one model, or one crowd, from taking the machine along. */
function limitsCheck({ os }: System): Check {
  const name = 'limits'
  const [main = Number.POSITIVE_INFINITY] = connectionCaps(openFileLimit())
  const found = [memoryLimitOn(os), Number.isFinite(main) ? `${main} connections` : []].flat().join('; ')
  if (main < comfortableConnections) return { name, state: 'warn', found, fix: 'ulimit -n 4096' }
  if (os === 'win32') return { name, state: 'warn', found, fix: 'serve only models whose memory you know' }
  return { name, state: 'ok', found }
}

function memoryLimitOn(os: System['os']): string {
  if (os === 'win32') return 'the memory of a model is not limited on Windows'
  const watch = 'memory_size is watched twice a second'
  return os === 'linux' ? `${watch}, and a wall with "memory_wall"` : watch
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function asThampi(error: unknown): ThampiError {
  return error instanceof ThampiError
    ? error
    : new ThampiError('INTERNAL', { message: asError(error).message })
}
