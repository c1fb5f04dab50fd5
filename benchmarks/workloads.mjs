/** What is asked of every service: a model, an input, its only right answer, how many ask at once, and who takes part. */
import { byHand, onnx, typescript } from './peers/formats.mjs'
import { configured } from './peers/thampi.mjs'

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {string} kind a name from services/models.py
 * @property {unknown} input
 * @property {unknown} expected
 * @property {{ input: unknown, expected: unknown }[]} [questions] different ones, asked at once before the load
 * @property {readonly number[]} connections
 * @property {readonly number[]} [fewConnections] in the small version
 * @property {readonly string[]} [routes] the models to ask, in turn
 * @property {boolean} [bare] also called in process
 * @property {(peer: import('./peers/peer.mjs').Peer) => readonly import('./peers/peer.mjs').Configuration[]} runners
 */

const flowers = [
  { input: [5.9, 3.2, 4.8, 1.8], expected: 2 },
  { input: [5.1, 3.5, 1.4, 0.2], expected: 0 },
  { input: [5.5, 2.4, 3.8, 1.1], expected: 1 },
]

const flowerSchema = {
  type: 'object',
  properties: { input: { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 } },
  required: ['input'],
}

const everyone = peer => (peer === byHand ? [] : peer.configurations)
const oneByOne = peer => everyone(peer).filter(({ batches }) => !batches)
/** Twenty models of which two get eight in ten requests. */
const mixed = Array.from({ length: 20 }, (_, i) => `m${i + 1}`)
const mixedRoutes = mixed.slice(2).flatMap(cold => [...Array(4).fill(['m1', 'm2']).flat(), cold, cold])

const onlyUs = configurations => peer => (peer.name === 'Thampi' ? configurations : [])

/** @type {readonly Workload[]} */
export const workloads = [
  {
    name: 'tutorial',
    title: 'The tutorial’s model',
    kind: 'tutorial',
    ...flowers[0],
    questions: flowers,
    connections: [1, 8, 64, 256],
    fewConnections: [1, 64],
    bare: true,
    runners: everyone,
  },
  {
    name: 'no-op',
    title: 'A model that does nothing',
    kind: 'no-op',
    input: 1,
    expected: 0,
    connections: [1, 64],
    fewConnections: [64],
    runners: everyone,
  },
  { ...payload('100 KB', 100_000), connections: [1, 8], fewConnections: [8] },
  { ...payload('1 MB', 1_000_000), connections: [1, 8], fewConnections: [8] },
  {
    name: 'slow',
    title: 'A model that computes for 50 ms',
    kind: 'slow',
    input: 1,
    expected: 1,
    connections: [8],
    runners: oneByOne,
  },
  {
    name: 'mixed',
    title: 'Twenty models, two of them hot',
    kind: 'tutorial',
    ...flowers[0],
    routes: mixedRoutes,
    connections: [16],
    runners: peer =>
      peer.name === 'Thampi'
        ? peer.configurations.map(({ name, batches }) =>
            configured(name, { batched: batches, models: mixed }),
          )
        : everyone(peer).filter(({ name }) => peer.name === 'FastAPI' && name === 'async'),
  },
  {
    name: 'linear',
    title: 'A model that computes for 0.5 ms a row, whatever the batch: our settings',
    kind: 'linear',
    input: 1,
    expected: 1,
    connections: [64],
    runners: onlyUs(settingsToCompare([1, 2], [1, 8, 64])),
  },
  {
    name: 'waiting',
    title: 'A model that waits for 20 ms, whatever the batch: our settings',
    kind: 'waiting',
    input: 1,
    expected: 1,
    connections: [64],
    runners: onlyUs(settingsToCompare([1, 2, 8], [8, 64])),
  },
  {
    name: 'validation',
    title: 'The tutorial’s model, its input compared with a declared schema',
    kind: 'tutorial',
    ...flowers[0],
    questions: flowers,
    connections: [64],
    runners: onlyUs([
      configured('batched', { batched: true }),
      configured('batched, declared', { batched: true, schema: flowerSchema }),
    ]),
  },
  {
    name: 'formats',
    title: 'The tutorial’s model in other formats',
    kind: 'tutorial',
    ...flowers[0],
    questions: flowers,
    connections: [1, 64],
    runners: peer => {
      if (peer === byHand) return byHand.configurations
      if (peer.name !== 'Thampi') return []
      return [configured('Python', { batched: false }), typescript(), onnx()]
    },
  },
]

/** A matrix that goes in and comes back, so large as JSON. */
function payload(size, bytes) {
  const matrix = matrixOf(bytes)
  return {
    name: `payload ${size}`,
    title: `${size} in and out`,
    kind: 'echo',
    input: matrix,
    expected: matrix,
    runners: oneByOne,
  }
}

/** Rows of ten numbers with sixteen digits, the same each time. */
function matrixOf(bytes) {
  const rows = Math.round(bytes / 197)
  const number = index => Number((0.1 + 0.9 * Math.abs(Math.sin(index + 1))).toFixed(16))
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: 10 }, (_, column) => number(row * 10 + column)),
  )
}

/** What Thampi decides by itself, and the best that a person could have fixed. */
function settingsToCompare(sandboxes, sizes) {
  const fixed = sandboxes.flatMap(max_sandboxes =>
    sizes.map(max_batch_size =>
      configured(`${max_sandboxes} × ${max_batch_size}`, {
        batched: true,
        settings: { max_sandboxes, max_batch_size },
      }),
    ),
  )
  return [configured('default', { batched: true }), ...fixed]
}
