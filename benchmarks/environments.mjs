/** A virtual environment for each peer, from an exact list of packages, so that no peer decides about another's versions. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname
const root = join(here, '.environments')
const basePython = process.env.THAMPI_BENCH_PYTHON ?? 'python3'
const installTimeoutMs = 20 * 60_000

/**
 * The Python of a peer's environment; made when it is not there or its list has changed.
 * @param {string} name of the list in `requirements/`
 * @returns {string} path of its Python
 * @throws {Error} with the installer's own last words
 */
export function ensureEnvironment(name) {
  const list = join(here, 'requirements', `${name}.txt`)
  const dir = join(root, name)
  const python = join(dir, 'bin', 'python')
  const marker = join(dir, 'installed')
  const digest = createHash('sha256').update(readFileSync(list)).digest('hex')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === digest) return python
  console.error(`installing ${name} …`)
  mkdirSync(root, { recursive: true })
  rmSync(dir, { recursive: true, force: true })
  run(basePython, ['-m', 'venv', dir])
  const uv = ensureUv()
  if (uv) run(uv, ['pip', 'install', '--quiet', '--python', python, '--requirement', list])
  else run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', list])
  writeFileSync(marker, digest)
  return python
}

/**
 * The directory with the packages that a person would install for a model in Node.
 * @throws {Error} with npm's own last words
 */
export function ensureNodePackages() {
  const list = join(here, 'requirements', 'node', 'package.json')
  const dir = join(root, 'node')
  const marker = join(dir, 'installed')
  const wanted = readFileSync(list, 'utf8')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return dir
  console.error('installing packages for Node …')
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'package.json'), wanted)
  run('npm', ['install', '--prefix', dir, '--ignore-scripts', '--no-fund', '--no-audit'])
  writeFileSync(marker, wanted)
  return dir
}

/** Versions of packages as they are installed. */
export function versionsOf(python, packages) {
  const code =
    'import sys, json, platform; from importlib.metadata import version\n' +
    'print(json.dumps({"python": platform.python_version(), **{name: version(name) for name in sys.argv[1:]}}))'
  return JSON.parse(run(python, ['-c', code, ...packages]))
}

/** uv installs in seconds what takes pip minutes; without it pip does the same. */
function ensureUv() {
  const dir = join(root, '.uv')
  const uv = join(dir, 'bin', 'uv')
  if (existsSync(uv)) return uv
  try {
    run(basePython, ['-m', 'venv', dir])
    run(join(dir, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'uv'])
    return uv
  } catch {
    rmSync(dir, { recursive: true, force: true })
    return undefined
  }
}

function run(file, args) {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    encoding: 'utf8',
    timeout: installTimeoutMs,
    // Certificates of the machine: behind a company's proxy there are no others.
    env: { ...process.env, UV_SYSTEM_CERTS: '1', PYTHONPATH: '' },
  })
  if (status === 0) return stdout
  const words = error?.message ?? `${stdout}${stderr}`.trim().split('\n').slice(-4).join(' ')
  throw new Error(`${file} ${args.slice(0, 3).join(' ')}: ${words}`)
}
