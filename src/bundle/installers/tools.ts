/** Which programs can make an environment here and fill it. */
import { readFile } from 'node:fs/promises'
import type { Environment } from '../../system/places.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import { pipConfigFiles } from '../pip-settings.ts'

/** A program with its first arguments. */
export type Command = readonly [file: string, ...args: string[]]

export interface Tools {
  /** For people. */
  readonly name: 'uv' | 'pip'
  /** To be tried in this order. */
  venvCommands(venv: string): readonly Command[]
  installCommand(venvPython: string): Command
}

const PROBE = `import importlib.util, json
def there(name):
    return importlib.util.find_spec(name) is not None
pip, place = "", ""
try:
    import importlib.metadata as m
    found = m.distribution("pip")
    pip, place = found.version, str(found.locate_file(""))
except Exception:
    pass
print(json.dumps({"pip": pip, "place": place, "uv": there("uv"), "virtualenv": there("virtualenv")}))`

interface Probed {
  readonly pip: string
  readonly place: string
  readonly uv: boolean
  readonly virtualenv: boolean
}

/** uv is ten times faster, but reads none of pip's settings: with an index configured for pip only, pip it is. */
export async function findTools(python: PythonFound, system: System): Promise<Tools> {
  const answer = await system.run(python.path, ['-I', '-c', PROBE], { env: system.env })
  const probed: Probed =
    answer.exitCode === 0
      ? JSON.parse(answer.stdout.trim().split('\n').at(-1) ?? '')
      : { pip: '', place: '', uv: false, virtualenv: false }
  if (!(await pipIsConfigured(python, system)) || uvIsConfigured(system.env)) {
    const onPath = await system.run('uv', ['--version'], { env: system.env, timeoutMs: 20_000 })
    if (onPath.exitCode === 0) return uvTools(['uv'], python)
    if (probed.uv) return uvTools([python.path, '-I', '-m', 'uv'], python)
  }
  return pipTools(python, probed)
}

function uvTools(uv: Command, python: PythonFound): Tools {
  return {
    name: 'uv',
    venvCommands: venv => [[...uv, 'venv', '--no-project', '--python', python.path, venv]],
    // Compiled once here rather than by every sandbox that starts.
    installCommand: venvPython => [...uv, 'pip', 'install', '--compile-bytecode', '--python', venvPython],
  }
}

/**
 * A pip that can work on another environment saves making one there, which takes longer than many an
 * installation. Debian's own pip cannot: it leans on packages beside it.
 */
function pipTools(python: PythonFound, { pip, place, virtualenv }: Probed): Tools {
  const [major = 0, minor = 0] = pip.split('.').map(Number)
  const own = (major > 22 || (major === 22 && minor >= 3)) && !/dist-packages/.test(place)
  const run: Command = [python.path, '-I', '-m']
  if (own) {
    return {
      name: 'pip',
      venvCommands: venv => [[...run, 'venv', '--clear', '--without-pip', venv]],
      installCommand: venvPython => [
        ...run,
        'pip',
        '--python',
        venvPython,
        'install',
        '--progress-bar',
        'off',
      ],
    }
  }
  return {
    name: 'pip',
    venvCommands: venv => [
      [...run, 'venv', '--clear', venv],
      ...(virtualenv ? [[...run, 'virtualenv', '--clear', venv] satisfies Command] : []),
      ['virtualenv', '--clear', '-p', python.path, venv],
    ],
    installCommand: venvPython => [venvPython, '-I', '-m', 'pip', 'install', '--progress-bar', 'off'],
  }
}

/** Settings of pip that only change its looks or its cache. */
const HARMLESS =
  /^PIP_(DISABLE_PIP_VERSION_CHECK|NO_CACHE_DIR|CACHE_DIR|NO_INPUT|NO_COLOR|PROGRESS_BAR|QUIET|VERBOSE|ROOT_USER_ACTION|REQUIRE_VIRTUALENV|DEFAULT_TIMEOUT|TIMEOUT|RETRIES|NO_PYTHON_VERSION_WARNING)$/

async function pipIsConfigured(python: PythonFound, system: System): Promise<boolean> {
  const { env } = system
  if (Object.keys(env).some(name => name.startsWith('PIP_') && !HARMLESS.test(name) && env[name])) return true
  const files = pipConfigFiles(python.prefix, system)
  const texts = await Promise.all(files.map(file => readFile(file, 'utf8').catch(() => '')))
  return texts.some(text =>
    /^\s*(extra-)?index-url|^\s*(find-links|no-index|cert|proxy|trusted-host|constraint)\b/m.test(text),
  )
}

function uvIsConfigured(env: Environment): boolean {
  return ['UV_INDEX', 'UV_DEFAULT_INDEX', 'UV_INDEX_URL', 'UV_FIND_LINKS', 'UV_CONFIG_FILE'].some(
    name => env[name],
  )
}
