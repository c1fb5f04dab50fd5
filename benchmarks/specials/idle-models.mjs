/** A hundred models that nobody asks, on one host with a hot one: what they cost, and whether the hot one notices. */
import { ask } from '../ask.mjs'
import { measure } from '../measure.mjs'
import thampi, { configured } from '../peers/thampi.mjs'
import { untilForked } from '../sandboxes.mjs'
import { startService } from '../service.mjs'

const model = { kind: 'tutorial', input: [5.9, 3.2, 4.8, 1.8], expected: 2 }

/** @type {import('./index.mjs').SpecialWorkload} */
export default {
  name: 'idle models',
  title: 'A hot model among idle ones',
  run: async ({ python, small, runs, seconds }) => {
    const count = small ? 5 : 100
    const idle = Array.from({ length: count }, (_, i) => `idle-${i + 1}`)
    // One sandbox, so that only the idle models make a difference in memory.
    const options = { batched: true, keepWarm: false, settings: { max_sandboxes: 1 } }
    const samples = {
      [`memory of each of ${count} idle models`]: { unit: 'MB', values: [] },
      'hot model alone: p99': { unit: 'ms', values: [] },
      'hot model among them: p99': { unit: 'ms', values: [] },
    }
    const [memory, before, after] = Object.values(samples)
    const running = []
    try {
      for (const models of [['hot'], ['hot', ...idle]]) {
        const configuration = configured('hot', { ...options, models })
        running.push(await startService(thampi, configuration, { python, ...model }))
      }
      // Idle means: no process. Waiting for the minutes until the host stops them by itself shows nothing more.
      for (const service of running) {
        await untilForked(service, () => ask(service.origin + service.path, thampi.body(model.input)))
      }
      const [alone, among] = running
      const run = service => measure(service, thampi, model, { connections: 8, seconds })
      for (let i = 0; i < runs; i++) {
        const one = await run(alone)
        const other = await run(among)
        memory.values.push((other.pss - one.pss) / count)
        before.values.push(one.p99)
        after.values.push(other.p99)
      }
    } finally {
      for (const service of running) await service.stop()
    }
    return samples
  },
}
