/** From results to what people read: RESULTS.md, results.json and the plots. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { median, shown, spread } from './numbers.mjs'
import { bars } from './plots.mjs'
import { ratiosOf } from './ratios.mjs'
import { medianOf, writeResults } from './results.mjs'

/** @param {import('./results.mjs').Results} results */
export function writeReport(dir, results) {
  writeResults(dir, { ...results, ratios: ratiosOf(results) })
  const plots = plotsOf(results)
  mkdirSync(join(dir, 'plots'), { recursive: true })
  for (const [name, plot] of Object.entries(plots))
    writeFileSync(join(dir, 'plots', `${name}.svg`), bars(plot))
  writeFileSync(join(dir, 'RESULTS.md'), textOf(results, Object.entries(plots)))
}

function textOf(results, plots) {
  const sections = [
    '# Results',
    'Written by `npm run bench`; [results.json](results.json) holds every run.',
    ...plots.map(([name, { title }]) => `![${title}](plots/${name}.svg)`),
    ratioTable(results),
    ...Object.values(results.workloads).map(workloadSection(results)),
    ...Object.values(results.specials).map(specialSection),
    method(results),
  ]
  return `${sections.join('\n\n')}\n`
}

/** What we hold ourselves to, as a table. */
export function ratioTable(results) {
  const rows = ratiosOf(results).map(({ what, value, unit, sense, target, met, against }) => [
    what + (against ? ` (${against})` : ''),
    `${shown(value)} ${unit}`,
    `${sense} ${target} ${unit}`,
    met ? 'yes' : '**no**',
  ])
  const why =
    'What stands in the way of those that are not met, as it was measured: [REASONS.md](REASONS.md).'
  return `## What we hold ourselves to\n\n${table(['', 'measured', 'target', 'met'], rows)}\n\n${why}`
}

function workloadSection(results) {
  return ({ title, date, runs, seconds, busy, stolen, cells }) => {
    const name = Object.keys(results.workloads).find(key => results.workloads[key].title === title)
    const counts = [
      ...new Set(Object.values(cells).flatMap(cell => Object.keys(cell.runs).map(Number))),
    ].sort((a, b) => a - b)
    const tables = counts.map(
      count => `### ${count} connection${count === 1 ? '' : 's'}\n\n${cellTable(results, name, count)}`,
    )
    const failed = Object.entries(cells).flatMap(([cell, { error }]) =>
      error ? [`- ${cell}: ${error}`] : [],
    )
    const words = failed.length > 0 ? [`Did not take part, or not in every run:\n\n${failed.join('\n')}`] : []
    const about = `${date}; medians of ${runs} ${runs === 1 ? 'run' : 'runs'} of ${seconds} s. Others used ${shown(busy)} % of the machine just before, and ${shown(stolen)} % of its time was taken by its own host meanwhile.`
    return [`## ${title}`, about, ...tables, ...words].join('\n\n')
  }
}

/** One line a service; after each number how many times ours it is. */
export function cellTable(results, workload, count) {
  const { cells, runs: total } = results.workloads[workload]
  const value = (cell, quantity) => medianOf(results, workload, cell, count, quantity)
  const names = Object.keys(cells).filter(cell => cells[cell].runs[count])
  const [ours] = names
    .filter(name => name.startsWith('Thampi'))
    .sort((a, b) => (value(b, 'rps') ?? 0) - (value(a, 'rps') ?? 0))
  const rows = names.map(cell => {
    const runs = cells[cell].runs[count]
    const wrong = runs.reduce((sum, run) => sum + run.wrong, 0)
    const broken = runs.reduce((sum, run) => sum + run.broken, 0)
    if (wrong > 0) return [cell, `${wrong} wrong answers`]
    const withRatio = quantity => [
      shown(value(cell, quantity)),
      cell === ours ? '1' : shown(value(cell, quantity) / value(ours, quantity)),
    ]
    return [
      cell + (broken > 0 ? ` (${broken} unanswered)` : ''),
      ...withRatio('rps'),
      shown(value(cell, 'p50')),
      ...withRatio('p99'),
      ...withRatio('cpu'),
      ...withRatio('pss'),
      shown(value(cell, 'processes')),
      `± ${shown(Math.round(spread(runs.map(run => run.rps))))} %${runs.length === total ? '' : `, ${runs.length} runs`}`,
    ]
  })
  const head = [
    '',
    'req/s',
    '× ours',
    'p50 ms',
    'p99 ms',
    '× ours',
    'CPU µs/req',
    '× ours',
    'PSS MB',
    '× ours',
    'processes',
    'runs',
  ]
  return table(head, rows)
}

function specialSection({ title, date, samples }) {
  const rows = Object.entries(samples).map(([name, { unit, values }]) => [
    name,
    `${shown(median(values))} ${unit}`,
    `${shown(Math.min(...values))} – ${shown(Math.max(...values))}`,
    String(values.length),
  ])
  return `## ${title}\n\n${date}.\n\n${table(['', 'median', 'from – to', 'times'], rows)}`
}

function method({ machine, generator, versions, unavailable }) {
  const { cpu, cores, memoryGB, os, node } = machine
  const lines = Object.entries(versions).map(
    ([peer, packages]) =>
      `- ${peer}: ${Object.entries(packages)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}`,
  )
  const missing = Object.entries(unavailable).map(
    ([peer, why]) => `- ${peer} could not be installed here: ${why}`,
  )
  return [
    '## How it was measured',
    `${cores} cores (${cpu}), ${memoryGB} GB, ${os}, Node ${node}. Services and load generator share the machine, on loopback.`,
    `Load comes from ${generator} with one thread: a closed loop, in which each connection asks again when it has its answer. Its script compares every answer with one that was checked before; a service with a wrong answer gets no numbers. Before the load of the tutorial’s model, different questions are asked at once and each must get its own answer.`,
    'In each run every service is started anew, asked, and stopped, in turn and beginning with another each time; numbers are medians of the runs, and the last column is half the distance of the extremes. p50 and p99 are wrk’s. CPU is the processor time of all processes of a service, user and system, without the generator’s. PSS is the memory of all its processes, shared pages divided by their users.',
    'Every peer has an environment of its own from an exact list (`requirements/`), the same scikit-learn and numpy, one worker a core, no access log, and numeric libraries limited to one thread; those that batch do so with batches of up to 64. Thampi runs with its default settings, which log every request.',
    [...lines, ...missing].join('\n'),
  ].join('\n\n')
}

function plotsOf(results) {
  const plot = (workload, connections, quantity, title) => {
    const cells = Object.keys(results.workloads[workload]?.cells ?? {}).filter(
      cell => !cell.startsWith('In process'),
    )
    const rows = cells
      .map(label => ({
        label,
        value: medianOf(results, workload, label, connections, quantity),
        isOurs: label.startsWith('Thampi'),
      }))
      .filter(({ value }) => value !== undefined)
    const sign = quantity === 'rps' ? -1 : 1
    return rows.length === 0 ? undefined : { title, rows: rows.sort((a, b) => sign * (a.value - b.value)) }
  }
  const all = {
    throughput: plot(
      'tutorial',
      64,
      'rps',
      'Tutorial’s model, 64 connections: requests a second (more is better)',
    ),
    latency: plot('tutorial', 64, 'p99', 'Tutorial’s model, 64 connections: p99 in ms (less is better)'),
    memory: plot(
      'tutorial',
      64,
      'pss',
      'Tutorial’s model: memory of the whole service in MB (less is better)',
    ),
    overhead: plot(
      'no-op',
      64,
      'rps',
      'A model that does nothing, 64 connections: requests a second (more is better)',
    ),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function table(head, rows) {
  const line = cells => `| ${cells.join(' | ')} |`
  const full = rows.map(row => [...row, ...Array(head.length - row.length).fill('')])
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...full.map(line)].join('\n')
}
