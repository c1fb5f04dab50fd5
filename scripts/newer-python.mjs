/**
 * A Python newer than the one of this machine, for the tests that pack for another Python and then run what they
 * packed: the programs of a newer Debian, fetched with this machine's own apt from its own mirror, checked by apt's
 * signatures, unpacked into `.pythons/` and started through the newer loader. Nothing is installed, nobody needs to be
 * root. Prints `{"path", "version"}`, or `{"missing"}` with the reason: `node scripts/newer-python.mjs`
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Which Debian has which Python. The last package is what wheels with C++ inside expect of a machine. */
const minor = '3.13'
const suite = 'trixie'
const packages = [`python${minor}`, `python${minor}-venv`, 'libstdc++6']
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

const home = join(dirname(dirname(fileURLToPath(import.meta.url))), '.pythons')
const final = join(home, minor)
const program = join(final, 'usr', 'bin', `python${minor}`)

/** What stands between us and a newer Python here; said to whoever asked, never thrown further. */
class Missing extends Error {}

try {
  process.stdout.write(`${JSON.stringify(await newerPython())}\n`)
} catch (error) {
  if (!(error instanceof Missing)) throw error
  process.stdout.write(`${JSON.stringify({ missing: error.message })}\n`)
}

async function newerPython() {
  const there = answering()
  if (there) return there
  if (process.platform !== 'linux') throw new Missing(`Debian's Python ${minor} runs on Linux only`)
  for (const tool of ['apt-get', 'dpkg-deb', 'flock']) {
    if (spawnSync(tool, ['--version']).status !== 0) throw new Missing(`there is no ${tool} here`)
  }
  await mkdir(home, { recursive: true })
  // One at a time: the lock is the kernel's, so it goes with a process that was killed.
  if (process.argv[2] !== '--locked') {
    const self = [process.execPath, fileURLToPath(import.meta.url), '--locked']
    const { status, stdout, stderr } = run('flock', ['--timeout', '300', join(home, 'lock'), ...self])
    if (status === 0) return JSON.parse(stdout)
    throw new Missing(stderr.trim() || 'another process has been fetching it for five minutes')
  }
  await build()
  const built = answering()
  if (!built) throw new Missing(`the Python of Debian ${suite} does not start here`)
  return built
}

/** Asks what is there, so that a moved or half removed one is made anew. */
function answering() {
  if (!existsSync(program)) return undefined
  const { status, stdout } = run(program, ['-I', '-c', 'import ssl, sys; print(sys.version.split()[0])'])
  return status === 0 ? { path: program, version: stdout.trim() } : undefined
}

async function build() {
  for (const name of await readdir(home)) {
    if (name !== 'lock') await rm(join(home, name), { recursive: true, force: true })
  }
  const work = join(home, `${minor}.new`)
  const root = join(work, 'root')
  await mkdir(root, { recursive: true })
  for (const archive of await download(join(work, 'apt'))) must('dpkg-deb', ['--extract', archive, root])
  await makeStartable(root)
  await rename(root, final)
  await rm(work, { recursive: true, force: true })
}

/** With lists, cache and status of its own apt touches nothing of this machine; to an empty status all is missing. */
async function download(dir) {
  const sources = join(dir, 'sources', 'newer.sources')
  for (const name of ['sources', 'lists/partial', 'archives/partial']) {
    await mkdir(join(dir, name), { recursive: true })
  }
  await writeFile(join(dir, 'status'), '')
  const stanza = { Types: 'deb', URIs: mirror(), Suites: suite, Components: 'main', Targets: 'Packages' }
  if (existsSync(keyring)) stanza['Signed-By'] = keyring
  await writeFile(
    sources,
    Object.entries(stanza)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  )
  const options = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': dirname(sources),
    'Dir::Etc::preferences': '/dev/null',
    'Dir::State::lists': join(dir, 'lists'),
    'Dir::State::status': join(dir, 'status'),
    'Dir::Cache': join(dir, 'cache'),
    'Dir::Cache::archives': join(dir, 'archives'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'APT::Sandbox::User': '',
  }
  const common = ['-qq', ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])]
  must('apt-get', [...common, '-o', 'APT::Update::Error-Mode=any', 'update'])
  must('apt-get', [...common, '--yes', '--no-install-recommends', '--download-only', 'install', ...packages])
  const archives = await readdir(join(dir, 'archives'))
  return archives.filter(name => name.endsWith('.deb')).map(name => join(dir, 'archives', name))
}

/** Where this machine gets its own Debian from. */
function mirror() {
  const targets = must('apt-get', [
    'indextargets',
    '--no-release-info',
    '--format',
    '$(REPO_URI)',
    'Created-By: Packages',
  ])
  const found = targets.split('\n').find(uri => /\/debian(\/|$)/.test(uri))
  if (!found) throw new Missing('apt has no mirror of Debian configured here')
  return found
}

/**
 * The newer loader with the newer libraries starts it; `--argv0` makes the file we write `sys.executable`, so that
 * virtual environments and child processes come back to it. It finds its own library by its own place.
 */
async function makeStartable(root) {
  const libraries = join(root, 'usr', 'lib')
  const multiarch = (await readdir(libraries)).find(name => name.endsWith('-linux-gnu'))
  const loader = (await readdir(join(libraries, multiarch))).find(name => /^ld-linux.*\.so\.\d$/.test(name))
  const bin = join(root, 'usr', 'bin')
  await rename(join(bin, `python${minor}`), join(bin, `python${minor}.elf`))
  const there = join(final, 'usr', 'lib', multiarch)
  const words = [
    join(there, loader),
    '--inhibit-cache',
    '--library-path',
    there,
    '--argv0',
    '"$0"',
    `${program}.elf`,
    '"$@"',
  ]
  const quoted = words.map(word => (word.startsWith('"') ? word : `'${word.replaceAll("'", `'\\''`)}'`))
  await writeFile(join(bin, `python${minor}`), `#!/bin/sh\nexec ${quoted.join(' ')}\n`)
  await chmod(join(bin, `python${minor}`), 0o755)
  await pointAtOwnWheels(join(libraries, `python${minor}`))
  // Debian has pip apart, for its own Python only; the wheel that `venv` takes is as good.
  const wheels = join(root, 'usr', 'share', 'python-wheels')
  const pip = (await readdir(wheels)).find(name => name.startsWith('pip-'))
  const start = ['--library-path', join(libraries, multiarch), join(bin, `python${minor}.elf`)]
  const unpack = ['-I', '-m', 'zipfile', '-e', join(wheels, pip), join(libraries, 'python3', 'dist-packages')]
  must(join(libraries, multiarch, loader), [...start, ...unpack])
}

/** Debian's `venv` takes pip from a directory of the system; ours is elsewhere. */
async function pointAtOwnWheels(library) {
  const wheels = '/usr/share/python-wheels/'
  for (const entry of await readdir(library, { withFileTypes: true })) {
    const { name } = entry
    if (!name.startsWith('_sysconfigdata') || !entry.isFile()) continue
    const text = await readFile(join(library, name), 'utf8')
    await writeFile(join(library, name), text.replaceAll(wheels, join(final, wheels)))
  }
}

function run(file, args) {
  return spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, LC_ALL: 'C' } })
}

function must(file, args) {
  const { status, stdout, stderr, error } = run(file, args)
  if (status === 0) return stdout
  const complaint = stderr?.split('\n').find(line => /^E:|error/i.test(line))
  throw new Missing(`${file} failed: ${complaint ?? error?.message ?? stderr?.trim()}`)
}
