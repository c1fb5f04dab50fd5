/** One measurement: a running service under load, its answers checked, its costs counted. */
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from './ask.mjs'
import { load } from './load.mjs'
import { cpuMicroseconds, processesOf, pssMb } from './processes.mjs'

/**
 * @typedef {import('./load.mjs').Load & { cpu: number, pss: number, processes: number }} Measured
 *   `cpu`: microseconds of processor time for each request, `pss`: MB of all its processes together
 */

/**
 * Asks with the workload's input over so many connections.
 * @returns {Promise<Measured>}
 */
export async function measure(service, peer, workload, { connections, seconds, warmUp = 0.5 }) {
  const target = await targetOf(service, peer, workload)
  await load(target, { connections, seconds: Math.max(1, Math.ceil(warmUp)) })
  const before = processesOf(service)
  const cpuBefore = cpuMicroseconds(before)
  const loaded = await load(target, { connections, seconds })
  const after = processesOf(service)
  const cpu = Math.max(0, cpuMicroseconds(after) - cpuBefore) / Math.max(1, loaded.requests)
  return { ...loaded, cpu, pss: pssMb(after), processes: after.length }
}

/** A right answer is asked for first: it is what wrk compares all others with. */
async function targetOf({ origin, path, paths }, peer, { input, expected }) {
  const body = peer.body(input)
  const first = await ask(origin + path, body)
  const got = first.status === 200 ? peer.read(first.body) : undefined
  if (JSON.stringify(got) !== JSON.stringify(expected)) {
    throw new Error(`a wrong answer: ${first.status} ${first.body.slice(0, 300)}`)
  }
  const whole = !peer.varies && paths.length === 1
  return {
    origin,
    paths,
    body,
    expected: whole ? first.body : (peer.proof?.(first.body) ?? first.body),
    whole,
  }
}

/**
 * Different questions at once, each of which must get its own answer: batches must not mix up their callers.
 * @param {{ questions: { input: unknown, expected: unknown }[] }} workload
 * @throws {Error} naming the first answer that was not its question's
 */
export async function checkAnswers({ origin, path }, peer, { questions }) {
  if (!questions) return
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  const many = Array.from({ length: 96 }, (_, i) => questions[(i * 7) % questions.length])
  try {
    await Promise.all(
      many.map(async ({ input, expected }) => {
        const { status, body } = await askPatiently(origin + path, peer.body(input), agent)
        const got = status === 200 ? peer.read(body) : body
        if (JSON.stringify(got) !== JSON.stringify(expected)) {
          throw new Error(`asked ${JSON.stringify(input)}, got ${status} ${body.slice(0, 300)}`)
        }
      }),
    )
  } finally {
    agent.destroy()
  }
}

/** A service may close a connection that was kept: that is allowed by HTTP, and no answer is lost by asking again. */
async function askPatiently(url, body, agent) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(url, body, { agent })
    } catch (error) {
      if (error.code !== 'ECONNRESET' || attempt === 3) throw error
      await sleep(10)
    }
  }
}
