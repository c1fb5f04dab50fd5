/** What we hold ourselves to: each as a number, its target, and whether it is met. */
import { medianOf, sampleOf } from './results.mjs'

/**
 * @typedef {object} Ratio
 * @property {string} what
 * @property {number} value
 * @property {string} unit
 * @property {'≥' | '≤'} sense
 * @property {number} target
 * @property {boolean} met
 * @property {string} against which peer or setting it was compared with
 */

/**
 * Every ratio that these results have numbers for.
 * @param {import('./results.mjs').Results} results
 * @returns {Ratio[]}
 */
export function ratiosOf(results) {
  const all = [
    ...tutorial(results),
    ...scheduling(results),
    ...overhead(results),
    ...validation(results),
    ...formats(results),
    ...starts(results),
  ]
  return all
    .filter(({ value }) => Number.isFinite(value))
    .map(ratio => ({
      unit: '×',
      against: '',
      ...ratio,
      met: ratio.sense === '≥' ? ratio.value >= ratio.target : ratio.value <= ratio.target,
    }))
}

function tutorial(results) {
  const at = (cell, connections, quantity) => medianOf(results, 'tutorial', cell, connections, quantity)
  const [batched, single] = ['Thampi · batched', 'Thampi · one by one']
  const best = bestPeer(results, 'tutorial', 64)
  const bestSingle = bestPeer(results, 'tutorial', 64, /batch/)
  const quickest = lowestPeer(results, 'tutorial', 1)
  const named = ['BentoML', 'LitServe', 'MLServer'].map(peer => {
    const [cell] = peerCells(results, 'tutorial').filter(name => name.startsWith(peer) && !/batch/.test(name))
    const value = at(single, 64, 'rps') / at(cell, 64, 'rps')
    return {
      what: `one by one, c=64: throughput against ${peer}`,
      value,
      sense: '≥',
      target: 2,
      against: cell,
    }
  })
  return [
    {
      what: 'predict_batch, c=64: throughput against the best peer in any configuration',
      value: at(batched, 64, 'rps') / at(best, 64, 'rps'),
      sense: '≥',
      target: 10,
      against: best,
    },
    {
      what: 'predict_batch, c=64: p99 against that peer’s',
      value: at(batched, 64, 'p99') / at(best, 64, 'p99'),
      sense: '≤',
      target: 0.25,
      against: best,
    },
    {
      what: 'predict_batch, c=64: throughput against the model’s own batch of 64 in process on one core',
      value: at(batched, 64, 'rps') / at('In process · batch of 64', 64, 'rps'),
      sense: '≥',
      target: 0.3,
      against: 'In process · batch of 64',
    },
    {
      what: 'one by one, c=64: throughput against the best peer one by one',
      value: at(single, 64, 'rps') / at(bestSingle, 64, 'rps'),
      sense: '≥',
      target: 1.1,
      against: bestSingle,
    },
    ...named,
    {
      what: 'one by one, c=1: p50 against the quickest peer’s',
      value: at(single, 1, 'p50') / at(quickest, 1, 'p50'),
      sense: '≤',
      target: 1,
      against: quickest,
    },
    {
      what: 'one by one, c=1: p50 above the model’s own predict',
      value: at(single, 1, 'p50') - at('In process · one by one', 1, 'p50'),
      unit: 'ms',
      sense: '≤',
      target: 0.2,
      against: 'In process · one by one',
    },
  ]
}

function validation(results) {
  const rps = cell => medianOf(results, 'validation', cell, 64, 'rps')
  const [without, declared] = ['Thampi · batched', 'Thampi · batched, declared']
  return [
    {
      what: 'predict_batch, c=64: throughput with a declared schema against without',
      value: rps(declared) / rps(without),
      sense: '≥',
      target: 0.9,
      against: without,
    },
  ]
}

function scheduling(results) {
  return [
    ['linear', 'a model of linear cost'],
    ['waiting', 'a model that waits'],
  ].map(([workload, words]) => {
    const fixed = cellsOf(results, workload).filter(name => name !== 'Thampi · default')
    const best = highest(fixed, cell => medianOf(results, workload, cell, 64, 'rps'))
    const value =
      medianOf(results, workload, 'Thampi · default', 64, 'rps') /
      medianOf(results, workload, best, 64, 'rps')
    return {
      what: `${words}, c=64: default against our best fixed setting`,
      value,
      sense: '≥',
      target: 0.95,
      against: best,
    }
  })
}

function overhead(results) {
  const against = (workload, connections, words, target) => {
    const best = bestPeer(results, workload, connections)
    const ours = cellsOf(results, workload).filter(name => name.startsWith('Thampi'))
    const own = highest(ours, cell => medianOf(results, workload, cell, connections, 'rps'))
    const value =
      medianOf(results, workload, own, connections, 'rps') /
      medianOf(results, workload, best, connections, 'rps')
    return {
      what: `${words}, c=${connections}: throughput against the best peer`,
      value,
      sense: '≥',
      target,
      against: best,
    }
  }
  return [
    against('no-op', 64, 'a model that does nothing', 3),
    ...['100 KB', '1 MB'].flatMap(size =>
      [1, 8].map(c => against(`payload ${size}`, c, `${size} in and out`, 2)),
    ),
  ]
}

function formats(results) {
  const against = (ours, other, what, target) => ({
    what,
    value: medianOf(results, 'formats', ours, 64, 'rps') / medianOf(results, 'formats', other, 64, 'rps'),
    sense: '≥',
    target,
    against: other,
  })
  const byHand = 'By hand · onnxruntime behind fastify'
  return [
    against('Thampi · TypeScript', 'Thampi · Python', 'the model in TypeScript, c=64: throughput', 3),
    against('Thampi · ONNX', 'Thampi · Python', 'the model in ONNX, c=64: throughput', 3),
    against('Thampi · ONNX', byHand, 'the model in ONNX, c=64: throughput against the bare alternative', 1),
  ]
}

function starts(results) {
  const start = name => sampleOf(results, 'cold start', name)
  const idle = Object.keys(results.specials['idle models']?.samples ?? {})[0]
  const hot = name => sampleOf(results, 'idle models', `hot model ${name}: p99`)
  const line = name => sampleOf(results, 'command line', name)
  return [
    {
      what: 'first answer from zero sandboxes, warm zygote',
      value: start('forked from a zygote'),
      unit: 'ms',
      sense: '≤',
      target: 30,
    },
    {
      what: 'the same, how much sooner than with a fresh interpreter',
      value: start('fresh interpreter') / start('forked from a zygote'),
      sense: '≥',
      target: 40,
    },
    ...['TypeScript', 'ONNX'].map(format => ({
      what: `first answer from zero sandboxes, the model in ${format}`,
      value: start(`the model in ${format}`),
      unit: 'ms',
      sense: '≤',
      target: 300,
    })),
    {
      what: 'memory of each further sandbox',
      value: sampleOf(results, 'memory', 'each further sandbox'),
      unit: 'MB',
      sense: '≤',
      target: 12,
    },
    { what: idle ?? '', value: sampleOf(results, 'idle models', idle), unit: 'MB', sense: '≤', target: 2 },
    {
      what: 'p99 of a hot model among idle ones against alone',
      value: hot('among them') / hot('alone'),
      sense: '≤',
      target: 1.1,
    },
    {
      what: 'thampi --help against node alone',
      value: line('thampi --help') / line('node alone'),
      sense: '≤',
      target: 2,
    },
  ]
}

/** The peer's configuration with the highest throughput; `not` leaves out names. */
function bestPeer(results, workload, connections, not = /^$/) {
  const cells = peerCells(results, workload).filter(name => !not.test(name))
  return highest(cells, cell => medianOf(results, workload, cell, connections, 'rps'))
}

function lowestPeer(results, workload, connections) {
  return highest(peerCells(results, workload), cell => -medianOf(results, workload, cell, connections, 'p50'))
}

function highest(cells, value) {
  const known = cells.filter(cell => Number.isFinite(value(cell)))
  return known.sort((one, other) => value(other) - value(one))[0]
}

function peerCells(results, workload) {
  return cellsOf(results, workload).filter(name => !/^(Thampi|In process)/.test(name))
}

function cellsOf(results, workload) {
  return Object.keys(results.workloads[workload]?.cells ?? {})
}
