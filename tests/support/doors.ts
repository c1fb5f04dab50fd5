/**
 * The two ways in, `pip install thampi` and `npm install thampi`, each done once per build: the wheel in a virtual
 * environment beside scikit-learn, the tarball in a prefix. Vitest runs `setup` before the first journey; the
 * journeys only read what stands here.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'

export type Door = 'pip' | 'npm'

const start = promisify(execFile)
const root = resolve('.journeys')
const prefix = join(root, 'npm')

/** Trains the models, whichever door serves them. */
export const venv: string = join(root, 'venv')

/** The package as npm unpacked it. */
export const npmPackage: string = join(prefix, 'node_modules', 'thampi')

/** What a project of a data scientist has beside Thampi, in the versions that the project's own tests use. */
const neighbours = ['cloudpickle', 'numpy', 'scikit-learn']

export default async function setup(): Promise<void> {
  const ready = join(root, 'ready')
  const wanted = digestOfWhatIsInstalled()
  if (existsSync(ready) && readFileSync(ready, 'utf8') === wanted) return
  await rm(ready, { force: true })
  await mkdir(root, { recursive: true })
  await Promise.all([installWithPip(), installWithNpm()])
  await writeFile(ready, wanted)
}

/** The shell's `PATH` for a door: its `thampi` first, then the Python of the virtual environment. */
export function pathThrough(door: Door): string {
  const bins = [join(venv, 'bin')]
  if (door === 'npm') bins.unshift(join(prefix, 'node_modules', '.bin'))
  return [...bins, process.env.PATH].join(delimiter)
}

/** `name==version` as the tests of the project have it. */
export function pinned(name: string): string {
  const lines = readFileSync('python/requirements-dev.txt', 'utf8').split('\n')
  const line = lines.find(candidate => candidate.startsWith(`${name}==`))
  if (line === undefined) throw new Error(`python/requirements-dev.txt does not pin ${name}`)
  return line.trim()
}

function digestOfWhatIsInstalled(): string {
  const digest = createHash('sha256').update(neighbours.map(pinned).join('\n'))
  for (const artifact of [wheel(), tarball()]) digest.update(readFileSync(artifact))
  return digest.digest('hex')
}

async function installWithPip(): Promise<void> {
  const pip = join(venv, 'bin', 'pip')
  await start(join('.venv', 'bin', 'python'), ['-m', 'venv', venv])
  // The wheel of another build has the same version; the packages around it may stay.
  await start(pip, ['uninstall', '--quiet', '--yes', 'thampi'])
  const packages = [wheel(), ...neighbours.map(pinned)]
  await start(pip, ['install', '--quiet', '--disable-pip-version-check', ...packages])
}

/** From the tarball alone: Thampi brings everything it needs. */
async function installWithNpm(): Promise<void> {
  await rm(prefix, { recursive: true, force: true })
  await mkdir(prefix, { recursive: true })
  const quietly = ['--silent', '--offline', '--no-audit', '--no-fund']
  await start('npm', ['install', ...quietly, '--prefix', prefix, tarball()])
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
