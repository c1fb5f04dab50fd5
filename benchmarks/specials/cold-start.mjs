/** The first answer when no sandbox runs: forked from a zygote, in a fresh interpreter, and Python by itself. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../ask.mjs'
import { onnx, typescript } from '../peers/formats.mjs'
import thampi, { configured } from '../peers/thampi.mjs'
import { endSandboxes, untilForked } from '../sandboxes.mjs'
import { startService } from '../service.mjs'

const model = { kind: 'tutorial', input: [5.9, 3.2, 4.8, 1.8], expected: 2 }
const services = join(import.meta.dirname, '..', 'services')

/** @type {import('./index.mjs').SpecialWorkload} */
export default {
  name: 'cold start',
  title: 'First answer from zero sandboxes',
  run: async ({ python, small }) => {
    const forked = configured('forked', { batched: true, keepWarm: false })
    const fresh = configured('fresh', { batched: true, keepWarm: false, settings: { fork: false } })
    const samples = {
      'forked from a zygote': { unit: 'ms', values: [] },
      'fresh interpreter': { unit: 'ms', values: [] },
      'Python alone: import, load, predict once': { unit: 'ms', values: [] },
      'the model in TypeScript': { unit: 'ms', values: [] },
      'the model in ONNX': { unit: 'ms', values: [] },
    }
    const [one, other, alone, inTypeScript, inOnnx] = Object.values(samples)
    const ways = [forked, fresh, typescript({ keepWarm: false }), onnx({ keepWarm: false })]
    const running = []
    try {
      for (const way of ways) {
        const peer = { ...thampi, ...way.speech }
        running.push(await startService(peer, way, { python, ...model }))
      }
      await untilForked(running[0], () => askOnce(running[0]))
      for (let i = 0; i < (small ? 3 : 11); i++) {
        one.values.push(await firstAnswer(running[0]))
        other.values.push(await firstAnswer(running[1]))
        alone.values.push(pythonAlone(python))
        inTypeScript.values.push(await firstAnswer(running[2]))
        inOnnx.values.push(await firstAnswer(running[3], ways[3].speech.read))
      }
    } finally {
      for (const service of running) await service.stop()
    }
    return samples
  },
}

async function firstAnswer(service, read = thampi.read) {
  await endSandboxes(service)
  // The host has seen the end; what it does about it must not be measured.
  await sleep(200)
  return askOnce(service, read)
}

async function askOnce(service, read = thampi.read) {
  const { status, body, ms } = await ask(service.origin + service.path, thampi.body(model.input))
  if (status !== 200 || read(body) !== model.expected) throw new Error(`a wrong answer: ${status} ${body}`)
  return ms
}

function pythonAlone(python) {
  const code = `import models; assert models.load("tutorial").predict(${JSON.stringify(model.input)}) == 2`
  const started = performance.now()
  const { status, stderr } = spawnSync(python, ['-c', code], {
    env: { PYTHONPATH: services },
    timeout: 60_000,
  })
  if (status !== 0) throw new Error(`${stderr}`)
  return performance.now() - started
}
