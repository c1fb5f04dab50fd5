/**
 * The benchmark: peers and Thampi in turn on this machine, the same models, the same questions, every answer checked.
 *
 *     npm run bench                                 everything
 *     npm run bench -- --quick                      a small version, under three minutes, not kept
 *     npm run bench -- --workloads=no-op,memory     some of it; what was measured before of the others stays
 *     npm run bench -- --peers=Thampi,FastAPI       some of the peers
 *     npm run bench -- --add                        further runs, added to those there are
 *     npm run bench -- --ci                         Thampi alone, only printed
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { compare } from './compare.mjs'
import { ensureEnvironment, versionsOf } from './environments.mjs'
import { generator } from './load.mjs'
import { median, shown } from './numbers.mjs'
import { peers } from './peers/index.mjs'
import { cli } from './peers/thampi.mjs'
import { cellTable, ratioTable, writeReport } from './report.mjs'
import { joined, joinedSamples, noResults, readResults } from './results.mjs'
import { specials } from './specials/index.mjs'
import { workloads } from './workloads.mjs'

const root = resolve(import.meta.dirname, '..')
const few = {
  quick: {
    peers: 'Thampi,FastAPI,Flask',
    workloads: 'tutorial,no-op,payload 100 KB,cold start,command line',
  },
  ci: { peers: 'Thampi', workloads: 'tutorial,no-op' },
}

/** The exit code that says: nothing was measured, because something is missing here. */
const cannotRun = 3

const flags = readFlags()
const small = flags.quick || flags.ci
const selection = flags.quick ? few.quick : flags.ci ? few.ci : {}
const plan = {
  small,
  runs: wholeNumber('runs', small ? 1 : 5),
  seconds: wholeNumber('seconds', small ? 1 : 3),
  peers: named(peers, flags.peers ?? selection.peers),
  work: named([...workloads, ...specials], flags.workloads ?? selection.workloads),
}
const target = small ? join(import.meta.dirname, '.work') : import.meta.dirname

const tool = generator()
if (!tool) end('wrk, which makes the load, is not installed. Fix: apt-get install wrk', cannotRun)
buildWhenStale()
const results = small ? noResults() : readResults(target)
results.generator = tool
const installed = install()
for (const work of plan.work) {
  if ('runners' in work) {
    const measured = await compare(work, { ...plan, installed })
    results.workloads[work.name] = flags.add ? joined(results.workloads[work.name], measured) : measured
  } else {
    await special(work)
  }
  // After each, so that an interrupted benchmark has lost only what it was at.
  if (!flags.ci) writeReport(target, results)
}
print()

function install() {
  const pythons = new Map()
  for (const peer of plan.peers) {
    try {
      const python = ensureEnvironment(peer.environment)
      pythons.set(peer, python)
      results.versions[peer.name] = versionsOf(python, peer.packages)
      delete results.unavailable[peer.name]
    } catch (error) {
      results.unavailable[peer.name] = error.message
      console.error(`${peer.name} cannot take part: ${error.message}`)
    }
  }
  return pythons
}

async function special({ name, title, run }) {
  console.error(`${name}: ${title}`)
  const python = [...installed].find(([peer]) => peer.name === 'Thampi')?.[1]
  if (!python) return
  try {
    const fresh = await run({ ...plan, python })
    const samples = flags.add ? joinedSamples(results.specials[name]?.samples, fresh) : fresh
    results.specials[name] = { title, date: new Date().toISOString().slice(0, 10), samples }
    for (const [sample, { unit, values }] of Object.entries(samples)) {
      console.error(`  ${sample}: ${shown(median(values))} ${unit}`)
    }
  } catch (error) {
    delete results.specials[name]
    console.error(`  FAILED: ${error.message}`)
    process.exitCode = 1
  }
}

function print() {
  for (const [name, { title, cells }] of Object.entries(results.workloads)) {
    for (const cell of Object.values(cells)) {
      const wrong = Object.values(cell.runs)
        .flat()
        .some(run => run.wrong > 0)
      // Times are only shown; a wrong answer of ours is a failure.
      if (cell.peer === 'Thampi' && (wrong || cell.error)) process.exitCode = 1
    }
    const counts = [...new Set(Object.values(cells).flatMap(cell => Object.keys(cell.runs)))]
    for (const count of counts) console.log(`\n${title}, c=${count}\n${cellTable(results, name, count)}`)
  }
  console.log(`\n${ratioTable(results)}`)
  if (!flags.ci) console.log(`\nWritten: ${join(target, 'RESULTS.md')}`)
}

/** What is measured is what is shipped, of the sources as they are. */
function buildWhenStale() {
  const isStale = !existsSync(cli) || Math.max(newest('src'), newest('python/src')) > statSync(cli).mtimeMs
  if (!isStale || flags['no-build']) return
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) end('The build failed.', 1)
}

function newest(dir) {
  const files = readdirSync(join(root, dir), { recursive: true }).filter(file => /\.(ts|py)$/.test(file))
  return Math.max(
    ...files
      .filter(file => !file.endsWith('_version.py'))
      .map(file => statSync(join(root, dir, file)).mtimeMs),
  )
}

function readFlags() {
  const text = { type: 'string' }
  const flag = { type: 'boolean', default: false }
  try {
    return parseArgs({
      options: {
        quick: flag,
        ci: flag,
        add: flag,
        'no-build': flag,
        runs: text,
        seconds: text,
        peers: text,
        workloads: text,
      },
    }).values
  } catch (error) {
    end(error.message, 2)
  }
}

function wholeNumber(name, otherwise) {
  if (flags[name] === undefined) return otherwise
  if (!/^[1-9]\d?$/.test(flags[name])) end(`--${name} is a number from 1 to 99, not "${flags[name]}".`, 2)
  return Number(flags[name])
}

function named(all, names) {
  if (names === undefined) return all
  return names.split(',').map(name => {
    const found = all.find(one => one.name === name)
    if (!found) end(`There is no "${name}". There are: ${all.map(one => one.name).join(', ')}.`, 2)
    return found
  })
}

function end(message, status) {
  console.error(message)
  process.exit(status)
}
