/**
 * What it costs to pack scikit-learn, scipy and numpy for Lambda, beside what people do by hand: `pip install --target`
 * and `zip`, or uv. Medians of five, in turn, each in a process of its own; written to PACKAGING.md.
 *
 *     node benchmarks/packaging.mjs            everything, on a quiet machine
 *     node benchmarks/packaging.mjs --runs=1   to try it; nothing is written
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { describeMachine, watchMachine } from './machine.mjs'
import { median, shown, spread } from './numbers.mjs'

const here = import.meta.dirname
const work = join(here, '.work', 'packaging')
const list = join(here, 'requirements', 'packaging.txt')
const at = {
  program: join(work, 'layer.mjs'),
  lock: join(work, 'lock.json'),
  home: join(work, 'home'),
  wheels: join(work, 'wheels'),
  tree: join(work, 'tree'),
  venv: join(work, 'venv'),
}
const { values: flags } = parseArgs({ options: { runs: { type: 'string', default: '5' } } })
const runs = Number(flags.runs)
const timeoutMs = 10 * 60_000

const watch = watchMachine()
const { python, pip, uv } = await prepare()
const rows = []

const compiled = inTurn(
  'layer with bytecode, wheels at hand',
  () => splice(python),
  'pip install --target, zip',
  () => pipAndZip([]),
)
inTurn(
  'layer without bytecode, wheels at hand',
  () => splice(),
  'pip install --no-compile --target, zip',
  () => pipAndZip(['--no-compile']),
)
inTurn(
  'layer without bytecode, nothing at hand',
  () => splice(undefined, at.home),
  'uv pip install --target, nothing at hand',
  uvInstall,
)
inTurn('layer with bytecode, nothing at hand', () => splice(python, at.home), undefined, undefined)
splice(python)
inTurn('the same layer again', () => splice(python, ''), undefined, undefined)
importing()
sizes()

const { busy, stolen } = watch()
const text = report()
console.log(text)
if (runs >= 5) writeFileSync(join(here, 'PACKAGING.md'), text)

async function prepare() {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  const banner = "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);"
  await build({
    entryPoints: [join(here, 'packaging', 'layer.mjs')],
    outfile: at.program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    define: { __THAMPI_VERSION__: '"benchmark"' },
    banner: { js: banner },
  })
  const newer = JSON.parse(run(process.execPath, [join(here, '..', 'scripts', 'newer-python.mjs')]).stdout)
  if (newer.missing) throw new Error(`There is no Python 3.13 to compare with: ${newer.missing}`)
  run(newer.path, ['-m', 'venv', at.venv])
  writeFileSync(at.lock, ours('lock', list).stdout)
  const { wheels } = JSON.parse(ours('fetch', at.lock).stdout)
  mkdirSync(at.wheels)
  for (const { path, file } of wheels) copyFileSync(path, join(at.wheels, file))
  return {
    python: newer.path,
    pip: join(at.venv, 'bin', 'python'),
    uv: join(here, '..', '.venv', 'bin', 'uv'),
  }
}

/** `before`: what is forgotten first; everything with it, by default what was made of the wheels. */
function splice(interpreter, forget = join(at.home, 'spliced')) {
  if (forget) rmSync(forget, { recursive: true, force: true })
  return timed(() => ours('splice', at.lock, interpreter ?? ''))
}

function ours(...args) {
  return run(process.execPath, [at.program, ...args], { THAMPI_HOME: at.home })
}

function pipAndZip(flags) {
  rmSync(at.tree, { recursive: true, force: true })
  const archive = join(work, 'pip.zip')
  rmSync(archive, { force: true })
  return timed(() => {
    const install = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--no-index',
    ]
    run(pip, [...install, ...flags, '--find-links', at.wheels, '--target', at.tree, '--requirement', list])
    run('zip', ['-q', '-r', archive, '.'], {}, at.tree)
  })
}

function uvInstall() {
  const cache = join(work, 'uv-cache')
  for (const dir of [at.tree, cache]) rmSync(dir, { recursive: true, force: true })
  const install = ['pip', 'install', '--quiet', '--no-deps', '--target', at.tree, '--python', pip]
  return timed(() => run(uv, [...install, '--requirement', list], { UV_CACHE_DIR: cache }))
}

/** Ours and theirs alternate: what disturbs the machine disturbs both. */
function inTurn(what, one, against, other) {
  const results = { ours: [], theirs: [] }
  let last
  for (let i = 0; i < runs; i++) {
    console.error(`${what}, ${i + 1} of ${runs}`)
    last = one()
    results.ours.push(last.seconds)
    if (other) results.theirs.push(other().seconds)
  }
  const told = JSON.parse(last.result.stdout)
  rows.push({ what, unit: 's', ours: results.ours, against, theirs: results.theirs })
  rows.push({ what: `${what}: memory at most`, unit: 'MB', ours: [told.memory / 1e6], theirs: [] })
  return told
}

/** The first import of a process that finds nothing in memory, from a directory that nothing can be written to. */
function importing() {
  for (const [name, interpreter] of [
    ['with', python],
    ['without', undefined],
  ]) {
    mkdirSync(join(work, name))
    const { file } = JSON.parse(splice(interpreter).result.stdout)
    run(pip, ['-m', 'zipfile', '-e', file, join(work, name)])
  }
  const results = { ours: [], theirs: [] }
  let isCold = true
  const first = name => {
    isCold = forgetPages() && isCold
    const env = { PYTHONPATH: join(work, name, 'python'), PYTHONDONTWRITEBYTECODE: '1' }
    return timed(() => run(python, ['-S', '-c', 'import sklearn.ensemble, sklearn.linear_model'], env))
      .seconds
  }
  for (let i = 0; i < runs; i++) {
    results.ours.push(first('with'))
    results.theirs.push(first('without'))
  }
  const cold = isCold ? 'nothing of it in memory' : 'files may be in memory'
  rows.push({
    what: `import of sklearn, ${cold}`,
    unit: 's',
    ...results,
    against: 'the same layer without bytecode',
  })
}

function sizes() {
  const plain = JSON.parse(splice().result.stdout)
  pipAndZip(['--no-compile'])
  const bare = bytesBelow(at.tree) / 1e6
  pipAndZip([])
  const full = bytesBelow(at.tree) / 1e6
  const zip = statSync(join(work, 'pip.zip')).size / 1e6
  rows.push(
    {
      what: 'unpacked, with bytecode',
      unit: 'MB',
      ours: [compiled.unpackedBytes / 1e6],
      against: 'pip install --target',
      theirs: [full],
    },
    {
      what: 'unpacked, without',
      unit: 'MB',
      ours: [plain.unpackedBytes / 1e6],
      against: 'pip install --no-compile --target',
      theirs: [bare],
    },
    {
      what: 'archive, with bytecode',
      unit: 'MB',
      ours: [compiled.bytes / 1e6],
      against: 'the same, zip',
      theirs: [zip],
    },
  )
}

function report() {
  const { cpu, cores, memoryGB, os, node } = describeMachine()
  const lines = rows.map(({ what, unit, ours, against = '', theirs }) => {
    const ratio = theirs.length > 0 ? `${shown(median(theirs) / median(ours))} ×` : ''
    return `| ${what} | ${cell(ours, unit)} | ${theirs.length > 0 ? cell(theirs, unit) : ''} | ${against} | ${ratio} |`
  })
  return `# Packaging

Written by \`node benchmarks/packaging.mjs\`: scikit-learn, scipy, numpy and what they need, as a layer for Lambda's Python 3.13
from one lock. Medians of ${runs}, in turn, whole processes from start to end; ± is half of what lies between the fastest and the slowest.

${cpu}, ${cores} cores, ${memoryGB} GB, ${os}, Node ${node}, ${new Date().toISOString().slice(0, 10)}. The machine was busy to ${shown(busy)} % meanwhile, our own work
included; ${shown(stolen)} % of its time was taken by its own host.

| | Thampi | others | which | ratio |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`
}

function cell(values, unit) {
  const around = values.length > 1 ? ` ± ${shown(spread(values))} %` : ''
  return `${shown(median(values))} ${unit}${around}`
}

function timed(action) {
  const start = performance.now()
  const result = action()
  return { result, seconds: (performance.now() - start) / 1000 }
}

function run(file, args, env = {}, cwd = work) {
  const ended = spawnSync(file, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (ended.status !== 0) throw new Error(`${file} ${args.join(' ')} failed:\n${ended.error ?? ended.stderr}`)
  return ended
}

/** Whether it did: only the machine's owner may, and containers often may not. */
function forgetPages() {
  spawnSync('sync')
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '1')
    return true
  } catch {
    return false
  }
}

function bytesBelow(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
