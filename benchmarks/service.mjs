/** A service under test: started in a directory of its own, ready when its answer is right, ended by its own ids. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from './ask.mjs'
import { isAlive, kill, processesOf } from './processes.mjs'

const readyTimeoutMs = 120_000
const goodbyeMs = 8_000

/** What runs now: an interrupted benchmark takes it along. */
const running = new Map()
process.on('exit', () => {
  for (const [service, dir] of running) {
    for (const pid of processesOf(service)) kill(pid)
    rmSync(dir, { recursive: true, force: true })
  }
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))

/**
 * @typedef {object} Surroundings what a peer knows when it is started
 * @property {string} python of the peer's environment
 * @property {string} services the directory of our service programs
 * @property {string} dir an empty directory for this start
 * @property {number} port where it shall listen
 * @property {number} cores
 * @property {string} kind which model, a name from services/models.py
 * @property {Record<string, string>} env
 * @property {(file: string, args: string[], options?: object) => Promise<string>} run runs a program to its end
 */

/**
 * @typedef {object} Service
 * @property {number} pid
 * @property {string} mark
 * @property {string} origin
 * @property {string} path
 * @property {string[]} paths one for each of the workload's routes
 * @property {string} dir
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a peer's configuration with a model and resolves when it answers `input` with `expected`.
 * @returns {Promise<Service>}
 */
export async function startService(peer, configuration, { python, kind, input, expected, routes }) {
  // Short, because names of Unix sockets below it must stay under a hundred bytes.
  const dir = mkdtempSync(join(tmpdir(), 'b-'))
  const mark = randomUUID()
  const about = {
    python,
    services: join(import.meta.dirname, 'services'),
    dir,
    port: await freePort(),
    cores: availableParallelism(),
    kind,
  }
  const own = { BENCH_MARK: mark, BENCH_MODEL: kind, HOME: dir, TMPDIR: dir }
  const env = { ...cleanEnvironment(), ...own, ...peer.env?.(about), ...configuration.env }
  const surroundings = {
    ...about,
    env,
    run: (file, args, options) => runToEnd(file, args, { env, cwd: dir, ...options }),
  }
  let child
  const stop = async () => {
    if (child?.pid) await end({ pid: child.pid, mark })
    for (const service of running.keys()) if (service.mark === mark) running.delete(service)
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    await configuration.prepare?.(surroundings)
    const { file, args, cwd = dir } = configuration.command(surroundings)
    const log = openSync(join(dir, 'log'), 'a')
    mkdirSync(cwd, { recursive: true })
    child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', log, log] })
    child.on('error', () => {})
    running.set({ pid: child.pid, mark }, dir)
    closeSync(log)
    const origin = `http://127.0.0.1:${surroundings.port}`
    await configuration.publish?.(surroundings)
    const path = configuration.path(surroundings)
    const paths = (routes ?? [undefined]).map(model => configuration.path(surroundings, model))
    await untilReady({ peer, origin, path, input, expected, child, dir })
    return { pid: child.pid, mark, origin, path, paths, dir, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A peer sees the machine, not what else is set in this shell. */
function cleanEnvironment() {
  const { PATH = '', LANG = 'C.UTF-8' } = process.env
  return { PATH, LANG }
}

async function untilReady({ peer, origin, path, input, expected, child, dir }) {
  const deadline = Date.now() + readyTimeoutMs
  let last = 'nothing'
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.pid === undefined) {
      throw new Error(`it ended by itself: ${tail(dir)}`)
    }
    try {
      const { status, body } = await ask(origin + path, peer.body(input))
      if (status === 200) {
        const answer = peer.read(body)
        if (JSON.stringify(answer) === JSON.stringify(expected)) return
        last = `a wrong answer: ${body.slice(0, 300)}`
      } else last = `${status} ${body.slice(0, 300)}`
    } catch (error) {
      last = error.message
    }
    await sleep(50)
  }
  throw new Error(`not ready after ${readyTimeoutMs / 1000} s; the last answer was ${last}; ${tail(dir)}`)
}

function tail(dir) {
  return readFileSync(join(dir, 'log'), 'utf8').trim().split('\n').slice(-5).join(' | ')
}

/** Asks politely, then insists; only processes of this very service. */
async function end(service) {
  try {
    process.kill(-service.pid, 'SIGTERM')
  } catch {
    // The leader of the group has gone already; what it left behind is found below.
  }
  const deadline = Date.now() + goodbyeMs
  let left = processesOf(service)
  const all = new Set(left)
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(50)
    left = processesOf(service)
    for (const pid of left) all.add(pid)
  }
  for (const pid of all) if (isAlive(pid)) kill(pid)
  while ([...all].some(isAlive) && Date.now() < deadline + 5_000) await sleep(20)
}

function runToEnd(file, args, { timeoutMs = 120_000, ...options }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', text => {
      stdout += text
    })
    child.stderr.on('data', text => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', status => {
      clearTimeout(timer)
      if (status === 0) resolve(stdout)
      else reject(new Error(`${file} ${args[0]}: ${stderr.trim().slice(-600)}`))
    })
  })
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
