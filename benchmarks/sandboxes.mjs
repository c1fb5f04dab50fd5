/** The sandboxes of a running Thampi, as its host names them. */
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kill, parentOf } from './processes.mjs'

const patienceMs = 20_000

/**
 * @param {{ dir: string }} service
 * @returns {Promise<number[]>} process ids
 */
export function sandboxesOf({ dir }) {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: join(dir, 'home/local/host.sock'), path: '/host' }, response => {
      let text = ''
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve(JSON.parse(text).stages.flatMap(({ pids }) => pids)))
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Kills every sandbox and resolves when the host knows of none. */
export async function endSandboxes(service) {
  const deadline = Date.now() + patienceMs
  while (Date.now() < deadline) {
    const pids = await sandboxesOf(service)
    if (pids.length === 0) return
    for (const pid of pids) kill(pid)
    await sleep(20)
  }
  throw new Error('sandboxes come back although nobody asks')
}

/**
 * Resolves when new sandboxes are forked from a zygote instead of being started fresh, which the first one always is.
 * Works with `keepWarm: false` only.
 * @param {() => Promise<unknown>} askOnce
 */
export async function untilForked(service, askOnce) {
  const deadline = Date.now() + patienceMs
  while (Date.now() < deadline) {
    await endSandboxes(service)
    await askOnce()
    const pids = await sandboxesOf(service)
    if (pids.length > 0 && pids.every(pid => parentOf(pid) !== service.pid)) return
    await sleep(500)
  }
  throw new Error('no sandbox was forked')
}
