/**
 * Where the processor time of a request goes, by Linux's own profiler: for the ratios that are missed.
 *
 *     node benchmarks/profile.mjs                       every place of the list below
 *     node benchmarks/profile.mjs "payload 100 KB"      one workload
 *
 * Needs `perf` (Debian: linux-perf) and the right to use it. Prints Markdown; `REASONS.md` says what follows from it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureEnvironment } from './environments.mjs'
import { measure } from './measure.mjs'
import { shown } from './numbers.mjs'
import fastapi from './peers/fastapi.mjs'
import thampi from './peers/thampi.mjs'
import { processesOf } from './processes.mjs'
import { startService } from './service.mjs'
import { workloads } from './workloads.mjs'

const seconds = 6
const asked = process.argv[2]
const places = [
  { workload: 'no-op', connections: 64, configuration: 'batched' },
  { workload: 'tutorial', connections: 64, configuration: 'batched' },
  { workload: 'tutorial', connections: 64, configuration: 'one by one' },
  { workload: 'tutorial', connections: 1, configuration: 'one by one' },
  { workload: 'payload 100 KB', connections: 8, configuration: 'one by one' },
  { workload: 'payload 1 MB', connections: 8, configuration: 'one by one' },
].filter(({ workload }) => asked === undefined || workload === asked)

/** The first that fits says what a sample was spent on. */
const kinds = [
  ['kernel', ({ dso }) => dso.startsWith('[kernel') || dso === '[vdso]'],
  [
    'garbage collection',
    ({ symbol }) =>
      /v8::internal::(Scaveng|Concurrent|Mark|Sweep|MinorMark|Heap|Evacuat|.*Visitor)/.test(symbol),
  ],
  ['our JavaScript', ({ symbol }) => /\bfile:\/\//.test(symbol)],
  ['JavaScript of Node', ({ symbol }) => /\bnode:/.test(symbol)],
  ['V8', ({ dso, symbol }) => /^(Builtins_|v8::|RegExp:|Stub:)/.test(symbol) || dso.startsWith('[JIT]')],
  ['HTTP, streams and libuv of Node', ({ dso }) => dso === 'node'],
  ['orjson', ({ dso }) => dso.startsWith('orjson')],
  ['looking through bytes', ({ symbol }) => /^(stringlib_|bytes_|_Py_bytes_|sre_)/.test(symbol)],
  ['numpy, scipy, scikit-learn', ({ dso }) => /cpython-.*\.so|openblas|libgomp|pyd$/.test(dso)],
  ['the interpreter', ({ dso }) => /python/.test(dso)],
  ['copying and allocating', ({ dso }) => /libc[.-]/.test(dso)],
]

if (spawnSync('perf', ['--version']).error) {
  console.error('perf is not installed. Fix: apt-get install linux-perf')
  process.exit(3)
}
for (const place of places) await profile(place)

async function profile({ workload: name, connections, configuration: wanted }) {
  const workload = workloads.find(one => one.name === name)
  console.log(`\n### ${workload.title}, ${connections} connection${connections === 1 ? '' : 's'}\n`)
  for (const peer of [thampi, fastapi]) {
    const python = ensureEnvironment(peer.environment)
    const configuration = peer.configurations.find(
      ({ name }) => name === (peer === thampi ? wanted : 'async'),
    )
    const service = await startService(peer, withNames(configuration, peer), { python, ...workload })
    try {
      await measure(service, peer, workload, { connections, seconds: 1 })
      const { rows, cpu, rps } = await sampled(service, peer, workload, connections)
      console.log(
        `${peer.name} · ${configuration.name}: ${shown(rps)}/s, ${shown(cpu)} µs of processor time a request\n`,
      )
      console.log(`| process | what | µs a request |\n| --- | --- | --: |`)
      for (const { process: who, kind, share } of rows)
        if (share > 0.01) console.log(`| ${who} | ${kind} | ${shown(share * cpu)} |`)
      console.log()
    } finally {
      await service.stop()
    }
  }
}

/** Node writes down what its machine code is called, so that a profiler can say it. */
function withNames(configuration, peer) {
  if (peer !== thampi) return configuration
  const command = about => {
    const { file, args } = configuration.command(about)
    return { file, args: ['--perf-basic-prof', ...args] }
  }
  return { ...configuration, command }
}

async function sampled(service, peer, workload, connections) {
  const dir = mkdtempSync(join(tmpdir(), 'profile-'))
  try {
    const file = join(dir, 'perf.data')
    const pids = processesOf(service)
    const load = measure(service, peer, workload, { connections, seconds })
    const perf = spawn(
      'perf',
      ['record', '-F', '997', '-p', pids.join(','), '-o', file, '--', 'sleep', String(seconds)],
      {
        stdio: 'ignore',
      },
    )
    await new Promise((resolve, reject) => perf.once('error', reject).once('exit', resolve))
    // What perf calls a pid is a thread's.
    const threads = new Set(readdirSync(`/proc/${service.pid}/task`).map(Number))
    const { cpu, rps } = await load
    return { rows: rowsOf(file, threads), cpu, rps }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function rowsOf(file, threads) {
  const fields = ['report', '-i', file, '--stdio', '-F', 'overhead,pid,dso,symbol', '-t', '\t']
  const { stdout } = spawnSync('perf', fields, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const shares = new Map()
  for (const line of stdout.split('\n')) {
    const found = /^\s*([\d.]+)%\s*\t\s*(\d+):[^\t]*\t([^\t]+)\t\[.\]\s*(.*)$/.exec(line)
    if (!found) continue
    const [, percent, pid, dso, symbol] = found
    const sample = { dso: dso.trim(), symbol: symbol.trim() }
    const kind = kinds.find(([, fits]) => fits(sample))?.[0] ?? 'other'
    const key = `${threads.has(Number(pid)) ? 'host' : 'sandboxes or workers'}\t${kind}`
    shares.set(key, (shares.get(key) ?? 0) + Number(percent) / 100)
  }
  return [...shares]
    .map(([key, share]) => ({ process: key.split('\t')[0], kind: key.split('\t')[1], share }))
    .sort((a, b) => (a.process === b.process ? b.share - a.share : a.process < b.process ? -1 : 1))
}
