/**
 * Everything that proves the project, step by step; the last line counts it all: `N passed, N failed, N skipped`.
 * A step that is no test runner counts as one test. `node scripts/test.mjs unit python` runs the steps it names.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const results = 'test-results'
const bin = join('.venv', process.platform === 'win32' ? 'Scripts' : 'bin')
const npx = name => join('node_modules', '.bin', name)

const steps = {
  build: () => command(process.execPath, ['scripts/build.mjs', '--packages']),
  format: () => command(npx('biome'), ['check', '--error-on-warnings', '.']),
  types: () =>
    both(command(npx('tsc'), ['--noEmit']), command(npx('tsc'), ['-p', 'tsconfig.playground.json'])),
  ruff: () =>
    both(
      command(join(bin, 'ruff'), ['check', ...pythonSources]),
      command(join(bin, 'ruff'), ['format', '--check', ...pythonSources]),
    ),
  tools: () => command(process.execPath, ['--import', 'tsx', 'tests/aws/install.ts']),
  unit: () => vitest('unit'),
  python: () => pytest(),
  journeys: () => vitest('journeys'),
  faults: () => faults(),
  bench: () => bench(),
}
const pythonSources = ['python', 'examples', 'benchmarks', 'tests/aws', 'tests/faults', 'tests/support']

const chosen = process.argv.slice(2)
for (const name of chosen)
  if (!(name in steps)) fail(`no step "${name}"; there are: ${Object.keys(steps).join(', ')}`)

rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })
const total = { passed: 0, failed: 0, skipped: 0 }
const skips = []
for (const [name, step] of Object.entries(steps)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  const started = performance.now()
  console.log(`\n== ${name}`)
  const counts = step()
  for (const key of Object.keys(total)) total[key] += counts[key]
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `-- ${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds} s`,
  )
}
for (const skip of skips) console.log(`skipped: ${skip}`)
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0

function command(file, args) {
  const { status, error } = spawnSync(file, args, { stdio: 'inherit' })
  if (error) console.error(`${file}: ${error.message}`)
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 }
}

function both(one, other) {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed, skipped: 0 }
}

function vitest(project) {
  const report = join(results, `${project}.json`)
  const args = [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
  const { status } = spawnSync(npx('vitest'), args, { stdio: 'inherit' })
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  )
  for (const file of testResults) {
    for (const test of file.assertionResults)
      if (test.status === 'pending' || test.status === 'skipped') skips.push(test.fullName)
  }
  // A file that cannot even be loaded has no tests to count, and is a failure all the same.
  const failed = numFailedTests + (status !== 0 && numFailedTests === 0 ? 1 : 0)
  return { passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests }
}

function pytest() {
  const report = join(results, 'python.xml')
  const { status } = spawnSync(join(bin, 'python'), ['-m', 'pytest', '-q', '-rs', `--junitxml=${report}`], {
    stdio: 'inherit',
  })
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 }
  const xml = readFileSync(report, 'utf8')
  const count = name => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0)
  for (const [, reason] of xml.matchAll(/<skipped [^>]*message="([^"]*)"/g)) skips.push(reason)
  const [tests, bad, skipped] = [count('tests'), count('failures') + count('errors'), count('skipped')]
  return { passed: tests - bad - skipped, failed: bad + (status !== 0 && bad === 0 ? 1 : 0), skipped }
}

/** A figure that holds counts as one test, a mutant that is caught as another. */
function faults() {
  const report = join(results, 'faults.json')
  spawnSync(process.execPath, ['--import', 'tsx', 'tests/faults/run.ts', `--report=${report}`], {
    stdio: 'inherit',
  })
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 }
  const { figures } = JSON.parse(readFileSync(report, 'utf8'))
  const held = figures.flatMap(({ holds, mutants }) => [holds, ...mutants.map(({ caught }) => caught)])
  const passed = held.filter(Boolean).length
  return { passed, failed: held.length - passed, skipped: 0 }
}

/** The short benchmark prints how fast we are and fails on wrong answers, never on time. */
function bench() {
  const { status } = spawnSync(process.execPath, ['benchmarks/bench.mjs', '--ci', '--no-build'], {
    stdio: 'inherit',
  })
  if (status === 3) {
    skips.push('bench: wrk, which makes the load, is not installed')
    return { passed: 0, failed: 0, skipped: 1 }
  }
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 }
}

function fail(message) {
  console.error(message)
  process.exit(2)
}
