/** What one sandbox more costs in memory: the same model with one and with several, all of them working. */
import { ask } from '../ask.mjs'
import { measure } from '../measure.mjs'
import thampi, { configured } from '../peers/thampi.mjs'
import { sandboxesOf, untilForked } from '../sandboxes.mjs'
import { startService } from '../service.mjs'

const model = { kind: 'slow-tutorial', input: [5.9, 3.2, 4.8, 1.8], expected: 2 }
const many = 8

/** @type {import('./index.mjs').SpecialWorkload} */
export default {
  name: 'memory',
  title: 'Memory of sandboxes',
  run: async ({ python, runs, seconds }) => {
    const samples = {
      'service with one sandbox': { unit: 'MB', values: [] },
      'each further sandbox': { unit: 'MB', values: [] },
      'sandboxes counted': { unit: '', values: [] },
    }
    const [first, further, counted] = Object.values(samples)
    for (let run = 0; run < runs; run++) {
      const one = await pssWith(1, python, seconds)
      const more = await pssWith(many, python, seconds)
      if (more.sandboxes === one.sandboxes)
        throw new Error(`there was never more than ${one.sandboxes} sandbox`)
      first.values.push(one.pss)
      further.values.push((more.pss - one.pss) / (more.sandboxes - one.sandboxes))
      counted.values.push(more.sandboxes)
    }
    return samples
  },
}

async function pssWith(max_sandboxes, python, seconds) {
  const configuration = configured(`${max_sandboxes}`, {
    batched: false,
    keepWarm: false,
    settings: { max_sandboxes },
  })
  const service = await startService(thampi, configuration, { python, ...model })
  try {
    await untilForked(service, () => ask(service.origin + service.path, thampi.body(model.input)))
    const { pss } = await measure(service, thampi, model, { connections: 4 * many, seconds, warmUp: 2 })
    return { pss, sandboxes: (await sandboxesOf(service)).length }
  } finally {
    await service.stop()
  }
}
