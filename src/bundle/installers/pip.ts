/** Installs with uv when it is at hand, else with pip, into an environment of our own. */
import { dirname } from 'node:path'
import { ThampiError } from '../../errors.ts'
import type { Environment } from '../../system/places.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import type { Requirements } from '../requirements.ts'
import { ensureEnvironment, type Site } from './environment.ts'
import { installFailed } from './explain.ts'
import type { Installer } from './installer.ts'
import { type Command, findTools, type Tools } from './tools.ts'

export const pip: Installer = {
  name: 'pip',
  install: (requirements, python, system) =>
    ensureEnvironment(requirements, python, system, site => build(site, requirements, python, system)),
}

/** Used by our runtime where it is installed; never a requirement. */
const accelerator = 'orjson'

/** Says that we are still there, as long as a step takes. */
const EVERY_MS = 2000

async function build(
  site: Site,
  requirements: Requirements,
  python: PythonFound,
  system: System,
): Promise<void> {
  const tools = await findTools(python, system)
  const count = requirements.count + requirements.extra.length
  const what = `${count} ${count === 1 ? 'package' : 'packages'} with ${tools.name}`
  const started = system.now().getTime()
  const seconds = (): string => `${((system.now().getTime() - started) / 1000).toFixed(1)} s`
  let doing = ''
  const log: string[] = []
  const step = async (command: Command): Promise<boolean> => {
    const [file, ...args] = command
    const onLine = (line: string): void => {
      log.push(line)
      doing = line.trim().slice(0, 60)
    }
    const result = await system.run(file, args, { env: environmentOf(system.env), cwd: system.cwd, onLine })
    if (result.missing) log.push(`${file} could not be started`)
    return result.exitCode === 0
  }

  system.tell(`installing ${what}`)
  const timer = setInterval(
    () => system.tell(`installing ${what} … ${seconds()}  ${doing}`.trimEnd()),
    EVERY_MS,
  )
  try {
    await makeVenv(tools, site, python, step, log)
    for (const command of installCommands(tools, site, requirements)) {
      if (await step(command)) continue
      const { error, tail } = installFailed(tools.name, requirements, log, dirname(site.requirementsFile))
      for (const line of tail) system.tell(`  ${line}`)
      throw error
    }
    // The runtime reads and writes JSON several times faster with it, and gives the same answers without it:
    // where no wheel fits or the index has none, nothing is lost.
    await step([...tools.installCommand(site.python), '--only-binary', accelerator, accelerator])
  } finally {
    clearInterval(timer)
  }
  system.tell(`installed ${what} in ${seconds()}`)
}

/** The ways to make an environment, until one works: Debian's Python comes without the part that brings pip. */
async function makeVenv(
  tools: Tools,
  site: Site,
  python: PythonFound,
  step: (command: Command) => Promise<boolean>,
  log: readonly string[],
): Promise<void> {
  for (const command of tools.venvCommands(site.venv)) {
    if (await step(command)) return
  }
  throw new ThampiError('INSTALL_FAILED', {
    message: `${python.path} cannot make a virtual environment.`,
    why: log.findLast(line => line.trim() !== ''),
    fix: `sudo apt install python${python.minor}-venv   # on Debian and Ubuntu; elsewhere: pip install virtualenv`,
  })
}

function installCommands(tools: Tools, site: Site, requirements: Requirements): Command[] {
  const install = tools.installCommand(site.python)
  const extra = [...requirements.extra]
  const main: Command = [...install, '-r', site.requirementsFile]
  if (extra.length === 0) return [main]
  // With hashes in the file an installer refuses whatever has none, so ours comes in a step of its own.
  return requirements.hashed ? [main, [...install, ...extra]] : [[...main, ...extra]]
}

/** The user's indexes and proxies count; what would send packages elsewhere than into our environment does not. */
function environmentOf(env: Environment): Environment {
  const elsewhere = [
    'PIP_TARGET',
    'PIP_PREFIX',
    'PIP_ROOT',
    'PIP_PYTHON',
    'PYTHONHOME',
    'PYTHONPATH',
    'VIRTUAL_ENV',
  ]
  const moved = ['UV_SYSTEM_PYTHON', 'UV_PYTHON', 'UV_PROJECT_ENVIRONMENT', '__PYVENV_LAUNCHER__']
  const cleared = Object.fromEntries([...elsewhere, ...moved].map(name => [name, undefined]))
  return {
    ...env,
    ...cleared,
    PIP_USER: '0',
    PIP_NO_INPUT: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    UV_NO_PROGRESS: '1',
  }
}
