/**
 * The fault suite: breaks the built product on purpose and counts what its callers see.
 *
 *     npm run faults                    every figure, the short form
 *     npm run faults -- G1 G5           some of them
 *     npm run faults -- --long          the durations a night may take
 *     npm run faults -- --json          one document instead of the table
 *     npm run faults -- --seed=7        chance as it was in the run that said so
 *     npm run faults -- --report=FILE   the document as well
 *
 * Each figure is measured on the product, which must hold, and then on its mutants, which must not: a figure whose
 * mutant passes is no proof, and fails the run like a promise that is broken.
 */
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { processesOf } from '../support/processes.ts'
import { type Figure, holds, type Mutant } from './figure.ts'
import { figures } from './figures/index.ts'
import { Lab } from './lab.ts'
import { saveModels } from './models.ts'
import { builtProduct, mutatedProduct, type Product } from './product.ts'
import { inWords, type Measured, table } from './table.ts'
import { kill } from './world.ts'

/** What came of one run on one product. */
type Attempt = Pick<Measured, 'holds' | 'checks' | 'error' | 'seconds'>

interface Run extends Attempt {
  readonly figure: Figure
  readonly mutants: Measured['mutants'][number][]
}

const mutantsAtOnce = 3

// Said by each client of AWS on Node 20, and nothing that a figure is about.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    report: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const seed = Number(values.seed)
/** A figure that hangs is a figure that fell short. */
const patienceMs = values.long ? 60 * 60_000 : 180_000
/** Figures that were not waited for any longer, and go on in a directory that is gone. */
const givenUp: string[] = []
process.on('uncaughtException', error => {
  if (givenUp.length > 0) return tell(`${givenUp.join(', ')}, given up, goes on: ${textOf(error)}`)
  console.error(error)
  process.exit(1)
})

const chosen = positionals.length === 0 ? figures : positionals.map(figureCalled)
if (!existsSync('lib/cli.mjs')) stop('There is no lib/cli.mjs to break. Fix: npm run build')

const dir = await realpath(await mkdtemp(join(tmpdir(), 'thampi-faults-')))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
// However this ends, nothing of it stays: what was started names the directory.
process.once('exit', () => {
  for (const { pid } of processesOf(dir)) kill(pid)
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
})
const models = join(dir, 'models')
const [product] = await Promise.all([builtProduct(join(dir, 'product')), saveModels(models)])
tell(`seed ${seed}`)
const runs: Run[] = []
// One after the other, because figures are about time; mutants only about what breaks.
for (const figure of chosen) runs.push(await measure(figure, product, models))
const hunts = runs.flatMap(run => run.figure.mutants.map(mutant => () => hunt(run, mutant, models)))
await together(mutantsAtOnce, hunts)
const measured = runs.map(({ figure: { id, title }, ...run }): Measured => ({ id, title, ...run }))
const report = JSON.stringify({ seed, long: values.long, figures: measured }, null, 2)
if (values.report) await writeFile(values.report, report)
const passed = measured.every(({ holds, mutants }) => holds && mutants.every(({ caught }) => caught))
// A figure that was given up may still be at work.
process.stdout.write(`${values.json ? report : table(measured)}\n`, () => process.exit(passed ? 0 : 1))

async function measure(figure: Figure, product: Product, models: string): Promise<Run> {
  const run: Run = { figure, ...(await attempt(figure, product, models, values.long)), mutants: [] }
  const numbers = run.checks.map(inWords).join(', ')
  tell(`${figure.id} ${run.holds ? 'holds' : 'FALLS SHORT'} after ${run.seconds} s: ${numbers}`)
  return run
}

/** Adds to the run whether its mutant was caught. */
async function hunt(run: Run, mutant: Mutant, models: string): Promise<void> {
  const { figure } = run
  const { name, reddens } = mutant
  const place = await mkdtemp(join(dir, 'mutant-'))
  let why: string | undefined
  try {
    const product = await mutatedProduct(mutant, place)
    const { checks, error } = await attempt(figure, product, models, false)
    const red = checks.find(check => check.name === reddens)
    if (error) why = error
    else if (!red) why = `there is no check "${reddens}"`
    else if (holds(red)) why = `"${reddens}" stayed at ${red.got}`
  } catch (error) {
    why = textOf(error)
  }
  await rm(place, { recursive: true, force: true })
  run.mutants.push({ name, caught: why === undefined, ...(why === undefined ? {} : { why }) })
  tell(`${figure.id} ${why === undefined ? 'caught' : 'DID NOT CATCH'}: ${name}`)
}

async function together(atOnce: number, acts: readonly (() => Promise<void>)[]): Promise<void> {
  const rest = acts.values()
  const work = async (): Promise<void> => {
    for (const act of rest) await act()
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** One run on one product, in a directory that is gone afterwards. */
async function attempt(figure: Figure, product: Product, models: string, long: boolean): Promise<Attempt> {
  const began = performance.now()
  const seconds = (): number => Math.round((performance.now() - began) / 100) / 10
  const place = await mkdtemp(join(dir, `${figure.id}-`))
  const lab = new Lab({ product, dir: place, models, long, seed })
  let timer: NodeJS.Timeout | undefined
  try {
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        givenUp.push(figure.id)
        reject(new Error(`not over after ${patienceMs / 1000} s`))
      }, patienceMs)
    })
    const checks = await Promise.race([figure.run(lab), patience])
    return { holds: checks.every(holds), checks, error: undefined, seconds: seconds() }
  } catch (error) {
    return { holds: false, checks: [], error: textOf(error), seconds: seconds() }
  } finally {
    clearTimeout(timer)
    await lab.close()
    await rm(place, { recursive: true, force: true, maxRetries: 3 })
  }
}

function figureCalled(id: string): Figure {
  const figure = figures.find(candidate => candidate.id === id.toUpperCase())
  return figure ?? stop(`There is no figure "${id}". There are: ${figures.map(({ id }) => id).join(', ')}.`)
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

function stop(message: string): never {
  tell(message)
  process.exit(2)
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
