/**
 * Environments under `<home>/environments`: built once, complete when `ready.json` is there. Every attempt has a
 * directory of its own, to which `venv` leads when it is done: the installer of a command that was killed goes on for
 * a while, and must not write into what its successor builds.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, rmdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, explainFileError, readIfThere, writeWhole } from '../../system/files.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import type { LocalEnvironment } from '../bundle.ts'
import { inspect } from '../inspect.ts'
import type { Requirements } from '../requirements.ts'
import { withLock } from './lock.ts'

/** Where an installer works. */
export interface Site {
  /** The virtual environment that is to be made. */
  readonly venv: string
  /** The Python in it, once it is made. */
  readonly python: string
  /** The cleaned copy of the dependency file, with those it includes beside it. */
  readonly requirementsFile: string
}

/**
 * The environment for these requirements, built by `build` when it is not there yet. Two callers at a time
 * build it once; what a killed one left behind is removed and built again.
 */
export async function ensureEnvironment(
  requirements: Requirements,
  python: PythonFound,
  system: System,
  build: (site: Site) => Promise<void>,
): Promise<LocalEnvironment> {
  const root = join(system.places.home, 'environments')
  const dir = join(root, keyOf(requirements, python))
  const marker = join(dir, 'ready.json')
  const venv = join(dir, 'venv')
  const inVenv = pythonIn(venv, system)

  const there = await readReady(marker, inVenv, system)
  if (there) return there
  await mkdir(root, { recursive: true, mode: 0o700 }).catch(cause => {
    throw explainFileError(cause, root)
  })
  const waiting = (pid: number): void =>
    system.tell(`waiting for another thampi (process ${pid}) that installs the same packages`)
  return withLock(`${dir}.lock`, waiting, async () => {
    const meanwhile = await readReady(marker, inVenv, system)
    if (meanwhile) return meanwhile
    await removeWhatIsThere(dir)
    const attempt = join(dir, randomBytes(4).toString('hex'))
    const copies = join(attempt, 'requirements')
    const built = join(attempt, 'venv')
    for (const { name, text } of requirements.files) await writeWhole(join(copies, name), text)
    try {
      const site = { venv: built, python: pythonIn(built, system) }
      await build({ ...site, requirementsFile: join(copies, 'requirements.txt') })
      await symlink(built, venv, 'junction')
      const { version, lock } = await inspect(inVenv, [], system)
      const environment: LocalEnvironment = {
        program: inVenv,
        version,
        lock: [...lock, ...requirements.local].sort(),
      }
      await writeWhole(
        marker,
        `${JSON.stringify({ schemaVersion: 1, version, lock: environment.lock }, null, 2)}\n`,
      )
      return environment
    } catch (error) {
      await removeWhatIsThere(dir)
      throw error
    }
  })
}

/** Only ever a directory that we named ourselves, by a digest. What a killed command's installer still writes stays. */
async function removeWhatIsThere(dir: string): Promise<void> {
  // First what would speak for the rest while that is half gone.
  for (const name of ['ready.json', 'venv']) await rm(join(dir, name), { recursive: true, force: true })
  for (const name of await readdir(dir).catch(() => [])) {
    await rm(join(dir, name), { recursive: true, force: true }).catch(() => {})
  }
  await rmdir(dir).catch(() => {})
}

function pythonIn(venv: string, { os }: System): string {
  return os === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python')
}

/** The name of an environment says everything that decides what is in it. */
function keyOf(requirements: Requirements, python: PythonFound): string {
  const { files, extra, local } = requirements
  const { version, implementation, platform } = python
  const texts = files.map(({ name, text }) => [name, text])
  const digest = digestOf(JSON.stringify([1, version, implementation, platform, texts, extra, local]))
  return digest.slice('sha256:'.length, 'sha256:'.length + 32)
}

/** Undefined also when its Python no longer starts: the installation it came from may be gone. */
async function readReady(
  marker: string,
  python: string,
  system: System,
): Promise<LocalEnvironment | undefined> {
  const text = await readIfThere(marker)
  if (text === undefined) return undefined
  const ready = parseReady(text)
  if (!ready) return undefined
  const { exitCode } = await system.run(python, ['-I', '-S', '-c', ''], { env: system.env })
  return exitCode === 0 ? { program: python, ...ready } : undefined
}

function parseReady(text: string): Omit<LocalEnvironment, 'program'> | undefined {
  try {
    const { schemaVersion, version, lock } = JSON.parse(text)
    return schemaVersion === 1 && typeof version === 'string' && Array.isArray(lock)
      ? { version, lock }
      : undefined
  } catch {
    return undefined
  }
}
