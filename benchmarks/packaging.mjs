/**
 * What it costs to pack scikit-learn, scipy and numpy for Lambda, beside what people do by hand: `pip install --target`
 * and `zip`, or uv. Medians of five rounds, in turn, each in a process of its own; written to PACKAGING.md. What was
 * made is compared file by file with what pip installs, and imported.
 *
 *     node benchmarks/packaging.mjs            some five minutes on a quiet machine with two processors
 *     node benchmarks/packaging.mjs --runs=1   to try it; nothing is written, unless --keep is added
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { watchMachine } from './machine.mjs'
import { report } from './packaging/report.mjs'
import { run, timed } from './packaging/timed.mjs'

const here = import.meta.dirname
const work = join(here, '.work', 'packaging')
const list = join(here, 'requirements', 'packaging.txt')
const at = {
  program: join(work, 'layer.mjs'),
  lock: join(work, 'lock.json'),
  pylock: join(work, 'pylock.toml'),
  home: join(work, 'home'),
  wheels: join(work, 'wheels'),
  venv: join(work, 'venv'),
  full: join(work, 'full'),
  bare: join(work, 'bare'),
  uv: join(work, 'uv'),
}
const layers = join(at.home, 'spliced', 'layers')
const uv = join(here, '..', '.venv', 'bin', 'uv')
const pip = join(at.venv, 'bin', 'python')
const { values: flags } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, keep: { type: 'boolean', default: false } },
})
const runs = Number(flags.runs)

const before = loadavg()[0]
const python = prepareWork(await newerPython())
await prepareLock()
const rows = rowsToFill()
const watch = watchMachine()
for (let round = 1; round <= runs; round++) {
  console.error(`round ${round} of ${runs}`)
  measureRound()
}
const machine = { ...watch(), before }
const checked = [...compareFiles(), ...onlyOneDigest()]
const text = report({ rows: Object.values(rows), sizes: sizes(), checked, runs, machine })
console.log(text)
if (runs >= 5 || flags.keep) writeFileSync(join(here, 'PACKAGING.md'), text)

async function newerPython() {
  const script = join(here, '..', 'scripts', 'newer-python.mjs')
  const newer = JSON.parse(run(process.execPath, [script], { cwd: here }).stdout)
  if (newer.missing) throw new Error(`There is no Python 3.13 to compare with: ${newer.missing}`)
  return newer.path
}

function prepareWork(python) {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  compileItsLibrary(python)
  run(python, ['-m', 'venv', at.venv], { cwd: work })
  return python
}

/**
 * Whoever installs a Python does that, Debian's packages too; ours is only unpacked. Without it each import below
 * would compile some hundred modules of the standard library as well, whatever layer they are imported beside.
 */
function compileItsLibrary(python) {
  const library = run(python, ['-c', 'import os; print(os.path.dirname(os.__file__))'], { cwd: work }).stdout
  run(python, ['-m', 'compileall', '-q', '-j', '0', library.trim()], { cwd: work })
}

/** One list of versions, and from it a lock for us, the same for uv, and the wheels for pip. */
async function prepareLock() {
  await build({
    entryPoints: [join(here, 'packaging', 'layer.mjs')],
    outfile: at.program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    define: { __THAMPI_VERSION__: '"benchmark"' },
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  })
  writeFileSync(at.lock, ours('lock', list).stdout)
  const locking = [
    'pip',
    'compile',
    '--quiet',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--python-version',
    '3.13',
  ]
  run(uv, [...locking, '--format', 'pylock.toml', '--output-file', at.pylock, list], { cwd: work })
  const { wheels } = JSON.parse(ours('fetch', at.lock).stdout)
  mkdirSync(at.wheels)
  for (const { path, file } of wheels) copyFileSync(path, join(at.wheels, file))
}

function rowsToFill() {
  const row = (what, goal, against, target) => ({ what, goal, against, target, ours: [], theirs: [] })
  const zipped = '`pip install --target`, `zip`'
  return {
    known: row('layer with bytecode, wheels known', '≤ 2 s', zipped, '≥ 5 ×'),
    compiled: row('layer with bytecode, compiled anew', '', zipped, '≥ 5 ×'),
    plain: row('layer without bytecode, wheels at hand', '≤ 2 s', `${zipped}, no bytecode either`, '≥ 5 ×'),
    empty: row(
      'layer without bytecode, nothing at hand',
      '',
      '`uv pip install --target`, the same lock',
      '≥ 0.77 ×',
    ),
    emptyCompiled: row('layer with bytecode, nothing at hand', ''),
    unchanged: row('the same layer again', '≤ 0.5 s'),
    import: row('first import of scikit-learn', '', 'the same layer without bytecode', '≥ 2 ×'),
    process: row('the process around it', '', 'the same layer without bytecode', ''),
  }
}

/** Ours and theirs alternate: what disturbs the machine disturbs both. */
function measureRound() {
  const installed = pipAndZip(at.full, [])
  rows.known.theirs.push(installed)
  rows.compiled.theirs.push(installed)
  rows.compiled.ours.push(splice(python, join(at.home, 'spliced')))
  rows.known.ours.push(splice(python, layers))
  rows.unchanged.ours.push(splice(python))
  rows.plain.theirs.push(pipAndZip(at.bare, ['--no-compile']))
  rows.plain.ours.push(splice(undefined, join(at.home, 'spliced')))
  rows.empty.theirs.push(uvInstall())
  rows.empty.ours.push(splice(undefined, at.home))
  rows.emptyCompiled.ours.push(splice(python, at.home))
  for (const [side, { told }, name] of [
    ['theirs', rows.plain.ours[0], 'without'],
    ['ours', rows.compiled.ours[0], 'with'],
  ]) {
    const process = importing(told.file, name)
    rows.process[side].push(process)
    rows.import[side].push(JSON.parse(process.result.stdout))
  }
}

/** `forgotten` goes first: a directory below the home, or all of it. */
function splice(interpreter, forgotten) {
  if (forgotten) rmSync(forgotten, { recursive: true, force: true })
  const taken = timed(() => ours('splice', at.lock, interpreter ?? ''))
  const told = JSON.parse(taken.result.stdout)
  // The archive goes with the home that is forgotten next.
  const file = join(work, `${interpreter ? 'with' : 'without'}.zip`)
  copyFileSync(told.file, file)
  return { ...taken, told: { ...told, file } }
}

function ours(...args) {
  return run(process.execPath, [at.program, ...args], { cwd: work, env: { THAMPI_HOME: at.home } })
}

function pipAndZip(tree, flags) {
  rmSync(tree, { recursive: true, force: true })
  rmSync(`${tree}.zip`, { force: true })
  const quiet = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-index']
  const install = [...quiet, ...flags, '--find-links', at.wheels, '--target', tree, '--requirement', list]
  return timed(() => {
    run(pip, install, { cwd: work })
    run('zip', ['-q', '-r', `${tree}.zip`, '.'], { cwd: tree })
  })
}

function uvInstall() {
  const cache = join(work, 'uv-cache')
  for (const dir of [at.uv, cache]) rmSync(dir, { recursive: true, force: true })
  const install = ['pip', 'install', '--quiet', '--no-deps', '--target', at.uv, '--python', pip]
  return timed(() =>
    run(uv, [...install, '--requirement', at.pylock], { cwd: work, env: { UV_CACHE_DIR: cache } }),
  )
}

/** By a process that finds nothing in memory, from a directory that nothing can be written to. */
function importing(archive, name) {
  const dir = join(work, name)
  rmSync(dir, { recursive: true, force: true })
  run(pip, ['-m', 'zipfile', '-e', archive, dir], { cwd: work })
  rows.import.cold = forgetPages() && rows.import.cold !== false
  const env = { PYTHONPATH: join(dir, 'python'), PYTHONDONTWRITEBYTECODE: '1' }
  const program = join(here, 'packaging', 'use.py')
  return timed(() => run(python, ['-S', program], { cwd: work, env }))
}

/** Whether it did: only the machine's owner may, and containers often may not. */
function forgetPages() {
  run('sync', [], { cwd: work })
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '1')
    return true
  } catch {
    return false
  }
}

/** What the layers hold, byte for byte, beside what pip and uv installed. */
function compareFiles() {
  const program = join(here, 'packaging', 'same_files.py')
  return [
    ['with', at.full],
    ['without', at.bare],
    ['without', at.uv],
  ].map(([name, tree]) => run(pip, [program, join(work, name, 'python'), tree], { cwd: work }).stdout.trim())
}

function onlyOneDigest() {
  const digests = ['compiled', 'known', 'unchanged', 'emptyCompiled', 'plain', 'empty'].map(
    row => new Set(rows[row].ours.map(({ told }) => told.digest)),
  )
  const all = new Set(digests.flatMap(some => [...some]))
  if (all.size !== 2)
    throw new Error(`There are ${all.size} archives instead of one with bytecode and one without.`)
  return [`${digests.length * runs} layers, 2 digests: one with bytecode, one without`]
}

function sizes() {
  const [compiled, plain] = [rows.compiled.ours[0].told, rows.plain.ours[0].told]
  const of = (what, ours, theirs, against, target = '') => ({ what, ours, theirs, against, target })
  return [
    of(
      'unpacked, with bytecode',
      compiled.unpackedBytes,
      bytesBelow(at.full),
      '`pip install --target`',
      '≤ 85 %',
    ),
    of('unpacked, without', plain.unpackedBytes, bytesBelow(at.bare), 'the same, no bytecode'),
    of('archive, with bytecode', compiled.bytes, statSync(`${at.full}.zip`).size, 'the same, `zip`'),
  ]
}

function bytesBelow(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
