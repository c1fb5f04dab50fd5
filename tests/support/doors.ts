/**
 * The two ways in, `pip install thampi` and `npm install thampi`, each done once per build: the wheel in a virtual
 * environment beside scikit-learn, the tarball in a prefix. Vitest runs `setup` before the first journey; the
 * journeys only read what stands here.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'

export type Door = 'pip' | 'npm'

const start = promisify(execFile)
const root = resolve('.journeys')

/** What a project of a data scientist has beside Thampi, in the versions that the project's own tests use. */
const neighbours = ['cloudpickle', 'numpy', 'scikit-learn']

export default async function setup(): Promise<void> {
  const { dir, venv, prefix } = installed()
  const ready = join(dir, 'ready')
  if (existsSync(ready)) return
  await mkdir(root, { recursive: true })
  // Other directories belong to other builds; a half-made one has no `ready`.
  for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true })
  await Promise.all([installWithPip(venv), installWithNpm(prefix)])
  await writeFile(ready, '')
}

/** The shell's `PATH` for a door: its `thampi` first, then the Python of the virtual environment. */
export function pathThrough(door: Door): string {
  const { venv, prefix } = installed()
  const bins = [join(venv, 'bin')]
  if (door === 'npm') bins.unshift(join(prefix, 'node_modules', '.bin'))
  return [...bins, process.env.PATH].join(delimiter)
}

/** Both doors share the environment that trains the models, as they do on a developer's machine. */
export function virtualEnvironment(): string {
  return installed().venv
}

/** `name==version` as the tests of the project have it. */
export function pinned(name: string): string {
  const lines = readFileSync('python/requirements-dev.txt', 'utf8').split('\n')
  const line = lines.find(candidate => candidate.startsWith(`${name}==`))
  if (line === undefined) throw new Error(`python/requirements-dev.txt does not pin ${name}`)
  return line.trim()
}

function installed(): { dir: string; venv: string; prefix: string } {
  const pins = neighbours.map(pinned).join('\n')
  const digest = createHash('sha256').update(pins)
  for (const artifact of [wheel(), tarball()]) digest.update(readFileSync(artifact))
  const dir = join(root, digest.digest('hex').slice(0, 16))
  return { dir, venv: join(dir, 'venv'), prefix: join(dir, 'npm') }
}

async function installWithPip(venv: string): Promise<void> {
  const python = join('.venv', 'bin', 'python')
  await start(python, ['-m', 'venv', venv])
  const packages = [wheel(), ...neighbours.map(pinned)]
  await start(join(venv, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages])
}

/** From the tarball alone: Thampi brings everything it needs. */
async function installWithNpm(prefix: string): Promise<void> {
  await mkdir(prefix, { recursive: true })
  await start('npm', [
    'install',
    '--silent',
    '--offline',
    '--no-audit',
    '--no-fund',
    '--prefix',
    prefix,
    tarball(),
  ])
}

function wheel(): string {
  return builtFile('.whl')
}

function tarball(): string {
  return builtFile('.tgz')
}

function builtFile(ending: string): string {
  const name = existsSync('out')
    ? readdirSync('out').find(candidate => candidate.endsWith(ending))
    : undefined
  if (name === undefined) throw new Error(`journeys need out/*${ending}: run \`make build\``)
  return resolve('out', name)
}
