/** What was measured, for machines: every run, in `results.json`. A later run of one workload replaces only that. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeMachine } from './machine.mjs'
import { median } from './numbers.mjs'

/**
 * @typedef {import('./measure.mjs').Measured} Measured
 *
 * @typedef {object} Measurement of one workload
 * @property {string} title
 * @property {string} date
 * @property {number} runs
 * @property {number} seconds
 * @property {number} busy percent of the machine that others used just before
 * @property {number} stolen percent of its time that the machine's own host gave to others meanwhile
 * @property {Record<string, { peer: string, name: string, error?: string, runs: Record<string, Measured[]> }>} cells
 *   by `peer · configuration`; `runs` by number of connections
 *
 * @typedef {object} Special
 * @property {string} title
 * @property {string} date
 * @property {Record<string, { unit: string, values: number[] }>} samples
 *
 * @typedef {object} Results
 * @property {1} schemaVersion
 * @property {object} machine
 * @property {string} generator
 * @property {Record<string, Record<string, string>>} versions
 * @property {Record<string, string>} unavailable why a peer is missing
 * @property {Record<string, Measurement>} workloads
 * @property {Record<string, Special>} specials
 */

const fileName = 'results.json'

/** @returns {Results} */
export function noResults() {
  return {
    schemaVersion: 1,
    machine: describeMachine(),
    generator: '',
    versions: {},
    unavailable: {},
    workloads: {},
    specials: {},
  }
}

/**
 * What was measured before on this machine, or nothing: ratios between runs on two machines mean nothing.
 * @returns {Results}
 */
export function readResults(dir) {
  const file = join(dir, fileName)
  const none = noResults()
  if (!existsSync(file)) return none
  const before = JSON.parse(readFileSync(file, 'utf8'))
  return JSON.stringify(before.machine) === JSON.stringify(none.machine) ? before : none
}

export function writeResults(dir, results) {
  mkdirSync(dir, { recursive: true })
  const short = (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value)
  writeFileSync(join(dir, fileName), `${JSON.stringify(results, short, 1)}\n`)
}

/**
 * Two sets of runs of one workload as one: what a machine does by chance on one occasion counts for half. Rows that were in
 * one set only keep the runs they have. Runs of another length are no part of the set.
 * @template {{ runs: number, seconds: number, busy: number, stolen: number, cells: Record<string, { runs: Record<string, Measured[]> }> }} Compared
 * @param {Compared | undefined} before
 * @param {Compared} now
 * @returns {Compared}
 */
export function joined(before, now) {
  if (before?.seconds !== now.seconds) return now
  const cells = {}
  for (const set of [before, now]) {
    for (const [key, { runs, ...about }] of Object.entries(set.cells)) {
      cells[key] = { ...cells[key], ...about, runs: { ...cells[key]?.runs } }
      for (const [count, more] of Object.entries(runs))
        cells[key].runs[count] = [...(cells[key].runs[count] ?? []), ...more]
    }
  }
  const worst = name => Math.max(before[name], now[name])
  return { ...now, runs: before.runs + now.runs, busy: worst('busy'), stolen: worst('stolen'), cells }
}

/** The same for what is measured without load. */
export function joinedSamples(before, now) {
  const more = ([name, { unit, values }]) => [
    name,
    { unit, values: [...(before?.[name]?.values ?? []), ...values] },
  ]
  return Object.fromEntries(Object.entries(now).map(more))
}

/**
 * The median of one quantity over the runs of a cell; undefined when there is none, or when any answer was wrong:
 * a service that answers wrongly is not fast.
 * @param {Results} results
 * @param {string} workload
 * @param {string} cell
 * @param {number} connections
 * @param {keyof Measured} quantity
 */
export function medianOf(results, workload, cell, connections, quantity) {
  const runs = results.workloads[workload]?.cells[cell]?.runs[connections]
  if (!runs || runs.length === 0 || runs.some(({ wrong }) => wrong > 0)) return undefined
  return median(runs.map(run => run[quantity]))
}

/** The median of a special's sample. */
export function sampleOf(results, special, name) {
  const values = results.specials[special]?.samples[name]?.values
  return values && values.length > 0 ? median(values) : undefined
}
