/** One workload, all who take part, in turn: in each run everybody once, begun by another each time. */
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bare } from './bare.mjs'
import { watchMachine } from './machine.mjs'
import { checkAnswers, measure } from './measure.mjs'
import { shown } from './numbers.mjs'
import { startService } from './service.mjs'

const root = resolve(import.meta.dirname, '..')

/**
 * @param {import('./workloads.mjs').Workload} workload
 * @param {{ runs: number, seconds: number, small: boolean, installed: Map<import('./peers/peer.mjs').Peer, string> }} plan
 *   `installed`: the Python of each peer
 * @returns {Promise<import('./results.mjs').Measurement>}
 */
export async function compare(workload, { runs, seconds, small, installed }) {
  const connections = (small && workload.fewConnections) || workload.connections
  const runners = [...installed].flatMap(([peer, python]) =>
    workload.runners(peer).map(configuration => ({ peer, python, configuration })),
  )
  const cells = {}
  const busy = await busyBefore()
  const watch = watchMachine()
  const cellOf = (peer, name) => {
    const key = `${peer} · ${name}`
    cells[key] ??= { peer, name, runs: {} }
    return cells[key]
  }
  const keep = (peer, name, count, measured) => {
    const { runs: kept } = cellOf(peer, name)
    kept[count] = [...(kept[count] ?? []), measured]
    const { rps, p50, p99, wrong, broken } = measured
    const bad = wrong + broken > 0 ? `  WRONG ${wrong}, BROKEN ${broken} ${measured.sample}` : ''
    console.error(
      `  ${peer} · ${name}  c=${count}  ${shown(rps)}/s  p50 ${shown(p50)}  p99 ${shown(p99)} ms${bad}`,
    )
  }
  for (let run = 0; run < runs; run++) {
    console.error(`${workload.name}: run ${run + 1} of ${runs}`)
    if (workload.bare) await bare(workload, installed, keep)
    const from = run % runners.length
    for (const { peer, python, configuration } of [...runners.slice(from), ...runners.slice(0, from)]) {
      try {
        await once(peer, configuration, { python, workload, connections, seconds, keep })
      } catch (error) {
        console.error(`  ${peer.name} · ${configuration.name}  FAILED: ${error.message}`)
        // Where this repository lies is nobody's business.
        const said = error.message.replaceAll(`${root}/`, '').slice(0, 400)
        cellOf(peer.name, configuration.name).error = said
      }
    }
  }
  const order = Object.keys(cells).sort((one, other) => place(one) - place(other))
  function place(name) {
    return runners.findIndex(({ peer, configuration }) => name === `${peer.name} · ${configuration.name}`)
  }
  const sorted = Object.fromEntries(order.map(name => [name, cells[name]]))
  const date = new Date().toISOString().slice(0, 10)
  return { title: workload.title, date, runs, seconds, busy, stolen: watch().stolen, cells: sorted }
}

/** Numbers of a machine that does something else as well are worth little: said at once, and kept. */
async function busyBefore() {
  const watch = watchMachine()
  await sleep(1000)
  const { busy } = watch()
  if (busy > 10) console.error(`The machine is ${Math.round(busy)} % busy with something else.`)
  return busy
}

async function once(usual, configuration, { python, workload, connections, seconds, keep }) {
  const peer = { ...usual, ...configuration.speech }
  const service = await startService(peer, configuration, { python, ...workload })
  try {
    await checkAnswers(service, peer, workload)
    for (const count of connections) {
      const measured = await measure(service, peer, workload, { connections: count, seconds })
      keep(peer.name, configuration.name, count, measured)
    }
  } finally {
    await service.stop()
  }
}
