/** The local platform: the shared suite, and what only a host on this machine must survive. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Host } from '../../src/platforms/local/host.ts'
import { layout } from '../../src/platforms/local/layout.ts'
import { openLocal } from '../../src/platforms/local/local.ts'
import { runningHost, stopHost } from '../../src/platforms/local/start-host.ts'
import type { Version } from '../../src/platforms/platform.ts'
import type { Stage } from '../../src/settings/stage.ts'
import { places } from '../../src/system/places.ts'
import { realSystem, type System } from '../../src/system/system.ts'
import { isRunning } from '../support/processes.ts'
import { saveModel, temporaryDirectory } from '../support/python.ts'
import { stageWith } from '../support/stage.ts'
import { all, answering, ask, bundleOf, inTypeScript, testPlatform } from './suite.ts'

function systemIn(home: string): System {
  const env = { ...process.env, THAMPI_HOME: home, PORT: undefined }
  return { ...realSystem(), env, cwd: temporaryDirectory(), places: places(env) }
}

const localStage = (name: string): Stage => stageWith({ name, platform: 'local', maxSandboxes: 1 })

const local = async () => {
  const system = systemIn(temporaryDirectory())
  return {
    platform: openLocal(system),
    system,
    stage: localStage,
    close: async () => {
      await stopHost(layout(system.places.state))
      await sleep(50)
    },
  }
}

testPlatform('local', local)
testPlatform('local, with models in TypeScript', local, inTypeScript)

describe('the host on this machine', () => {
  const opened: System[] = []
  afterEach(async () => {
    for (const system of opened.splice(0)) await stopHost(layout(system.places.state))
  })

  /** A stage that answers with `text`, on a platform of its own. */
  async function served(
    text: string,
    home = temporaryDirectory(),
  ): Promise<{ system: System; url: string; stage: Stage; pid: number }> {
    const system = systemIn(home)
    opened.push(system)
    const platform = openLocal(system)
    const stage = localStage('dev')
    const version = await platform.release(
      await bundleOf(answering(text), stage, { platform, system }),
      stage,
    )
    const { url } = await platform.route(stage, all(version))
    return { system, url, stage, pid: await hostPid(system) }
  }

  async function hostPid(system: System): Promise<number> {
    const status = await runningHost(layout(system.places.state))
    if (!status) throw new Error('no host runs')
    return status.pid
  }

  it('comes back after kill -9, with every stage at the URL it had', async () => {
    const { system, url, stage, pid } = await served('still here')
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => runningHost(layout(system.places.state))).toBeUndefined()
    expect((await openLocal(system).find(stage))?.url).toBe(url)
    expect((await ask(url)).says).toBe('still here')
    expect(await hostPid(system)).not.toBe(pid)
  })

  it.runIf(process.platform === 'linux')(
    'forks the first process of a version from what an earlier one imported, unless its model or its stage forbids that',
    async () => {
      const system = systemIn(temporaryDirectory())
      opened.push(system)
      const platform = openLocal(system)
      /** Who started the process that answers: the host itself, or a zygote. */
      const parentOf = async (stage: Stage, saying: string, more = ''): Promise<number> => {
        const model = saveModel(
          `${more}\ndef predict(self, args, context):\n    import json\n    return [os.getppid(), ${JSON.stringify(saying)}]`,
        )
        const version = await platform.release(await bundleOf(model, stage, { platform, system }), stage)
        const { url } = await platform.route(stage, all(version))
        const response = await fetch(url, { method: 'POST', body: '{}' })
        return ((await response.json()) as { result: [number, string] }).result[0]
      }
      const stage = localStage('dev')
      expect(await parentOf(stage, 'first')).toBe(await hostPid(system))
      const host = await hostPid(system)
      let count = 0
      // The zygote imports in the background.
      await expect
        .poll(() => parentOf(stage, `another ${count++}`), { timeout: 30_000, interval: 1_000 })
        .not.toBe(host)
      expect(await parentOf(stage, 'its model forbids it', 'fork = False')).toBe(host)
      expect(await parentOf({ ...stage, fork: false }, 'its stage forbids it')).toBe(host)
      const fails =
        'def initialize(self, context):\n    if "thampi.runtime.zygote" in sys.modules:\n        raise OSError("in a copy")'
      expect(await parentOf(stage, 'it cannot be loaded in a copy', fails)).toBe(host)
    },
  )

  it('answers callers with a key where one is wanted, and a rollback does not open it', async () => {
    const system = systemIn(temporaryDirectory())
    opened.push(system)
    const platform = openLocal(system)
    const open = localStage('dev')
    const closed = { ...open, apiKeyRequired: true }
    const release = async (stage: Stage): Promise<Version> =>
      platform.release(await bundleOf(answering('secret'), stage, { platform, system }), stage)
    const first = await release(open)
    const { url } = await platform.route(open, all(first))
    expect((await ask(url)).status).toBe(200)

    const second = await release(closed)
    await platform.route(closed, all(second))
    const pinned = url.replace('/predict', `@${first.number}/predict`)
    for (const address of [url, pinned]) expect((await ask(address)).status, address).toBe(401)
    const key = (await platform.keys?.create(closed, 'billing')) ?? ''
    const withKey = async (given: string): Promise<number> =>
      (await fetch(url, { method: 'POST', body: '{"data": 1}', headers: { 'x-api-key': given } })).status
    expect(await withKey(key)).toBe(200)
    expect((await platform.send(second, Buffer.from('{"data": 1}'))).status).toBe(200)

    await platform.route(closed, all(first))
    expect((await ask(url)).status).toBe(401)
    process.kill(await hostPid(system), 'SIGKILL')
    await expect.poll(() => runningHost(layout(system.places.state))).toBeUndefined()
    await platform.find(closed)
    expect((await ask(url)).status).toBe(401)
    expect(await withKey(key)).toBe(200)

    // The owner's commands have one of their own, which dies with the host.
    const own = (await platform.keys?.own(closed)) ?? ''
    expect(await withKey(own)).toBe(200)
    expect(await platform.keys?.revoke(closed, 'billing')).toBe(true)
    expect(await withKey(key)).toBe(401)

    await platform.route(open, all(await release(open)))
    expect((await ask(url)).status).toBe(200)
    await stopHost(layout(system.places.state))
    for (const file of readdirSync(system.places.home, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue
      const bytes = readFileSync(join(file.parentPath, file.name))
      for (const secret of [key, own]) expect(bytes.includes(secret.slice(10)), file.name).toBe(false)
    }
  })

  it('stays closed when the pointer that closed it is damaged', async () => {
    const { system, url, stage } = await served('secret')
    const platform = openLocal(system)
    const closed = { ...stage, apiKeyRequired: true }
    const bundle = await bundleOf(answering('secret'), closed, { platform, system })
    await platform.route(closed, all(await platform.release(bundle, closed)))
    const at = layout(system.places.state)
    await stopHost(at)
    writeFileSync(at.current({ stage: 'dev', model: 'mymodel' }), '')
    expect((await platform.find(closed))?.weights).toEqual(new Map([[1, 100]]))
    expect((await ask(url)).status).toBe(401)
  })

  it('tells how a stage does: awake, broken, and mended', async () => {
    const { system, url, stage } = await served('well')
    const platform = openLocal(system)
    await ask(url)
    expect(await platform.status?.(stage)).toMatchObject({
      state: 'READY',
      url,
      versions: [
        {
          number: 1,
          weight: 100,
          requests: 1,
          errors: 0,
          restarts: 0,
          sandboxes: [{ state: 'READY', memoryMb: expect.any(Number) }],
        },
      ],
    })
    const [pid] = (await runningHost(layout(system.places.state)))?.stages.flatMap(({ pids }) => pids) ?? []
    const [pickle] = readdirSync(system.places.state, { recursive: true, encoding: 'utf8' }).filter(file =>
      file.endsWith('model.pkl'),
    )
    const path = join(system.places.state, pickle as string)
    const bytes = readFileSync(path)
    rmSync(path)
    writeFileSync(path, 'other bytes')
    process.kill(pid as number, 'SIGKILL')
    const health = new URL('/readyz', url)
    await expect.poll(() => platform.status?.(stage), { timeout: 10_000 }).toMatchObject({ state: 'DEFUNCT' })
    expect((await fetch(health)).status).toBe(503)
    const refused = await fetch(url, { method: 'POST', body: '{"data": 1}' })
    expect(await refused.text()).not.toContain(system.places.home)
    expect(await platform.status?.(stage)).toMatchObject({
      versions: [{ restarts: 1, lastError: expect.stringContaining('model.pkl'), sandboxes: [] }],
    })
    expect((await platform.versions(stage))[0]).toMatchObject({ hasFailed: true })
    expect(await (await fetch(new URL('/-/status', url))).text()).not.toContain('model.pkl')
    rmSync(path)
    writeFileSync(path, bytes)
    await expect.poll(async () => (await ask(url)).status, { timeout: 20_000, interval: 200 }).toBe(200)
    const mended = await platform.status?.(stage)
    expect(mended).toMatchObject({ versions: [{ state: 'READY' }] })
    expect(JSON.stringify(mended)).not.toContain('lastError')
    expect((await fetch(health)).status).toBe(200)
  })

  it('leaves no model process behind when it is killed', async () => {
    const { system, url, pid } = await served('alone')
    await ask(url)
    const pids = (await runningHost(layout(system.places.state)))?.stages.flatMap(stage => stage.pids) ?? []
    expect(pids).toHaveLength(1)
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => pids.filter(isRunning), { timeout: 3000 }).toEqual([])
  })

  it('names the holder of its port instead of moving to another one', async () => {
    const { system, url } = await served('fixed')
    await stopHost(layout(system.places.state))
    const other = createServer().listen(Number(new URL(url).port), '127.0.0.1')
    try {
      await expect(openLocal(system).find(localStage('dev'))).rejects.toMatchObject({
        code: 'PORT_TAKEN',
        message: expect.stringContaining(`process ${process.pid}`),
      })
    } finally {
      await new Promise(resolve => other.close(resolve))
    }
    expect((await openLocal(system).find(localStage('dev')))?.url).toBe(url)
  })

  it('runs once per state directory', async () => {
    const { system } = await served('only one')
    await expect(Host.start({}, system)).rejects.toMatchObject({ code: 'HOST_RUNNING' })
  })

  it('serves the other stages when the pointer of one is damaged, and a new serve repairs it', async () => {
    const { system, url, stage } = await served('good')
    const platform = openLocal(system)
    const second = localStage('staging')
    await platform.route(
      second,
      all(await platform.release(await bundleOf(answering('other'), second, { platform, system }), second)),
    )
    const at = layout(system.places.state)
    await stopHost(at)
    writeFileSync(at.current({ stage: 'staging', model: 'mymodel' }), '{"schemaVersion":1')
    expect((await platform.find(stage))?.url).toBe(url)
    expect((await ask(url)).says).toBe('good')
    expect(await platform.find(second)).toBeUndefined()
    const again = await platform.release(
      await bundleOf(answering('repaired'), second, { platform, system }),
      second,
    )
    expect((await ask((await platform.route(second, all(again))).url)).says).toBe('repaired')
  })

  it('falls back to the version before when the last switch left a damaged pointer', async () => {
    const { system, url, stage } = await served('first')
    const platform = openLocal(system)
    await platform.route(
      stage,
      all(await platform.release(await bundleOf(answering('second'), stage, { platform, system }), stage)),
    )
    const at = layout(system.places.state)
    await stopHost(at)
    writeFileSync(at.current({ stage: 'dev', model: 'mymodel' }), '')
    await platform.find(stage)
    expect((await ask(url)).says).toBe('first')
  })

  it('does not load a model whose bytes changed in the store', async () => {
    const { system, url, pid } = await served('honest')
    process.kill(pid, 'SIGKILL')
    const [pickle] = readdirSync(system.places.state, { recursive: true, encoding: 'utf8' }).filter(file =>
      file.endsWith('model.pkl'),
    )
    const path = join(system.places.state, pickle as string)
    const bytes = readFileSync(path)
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] as number) ^ 1
    rmSync(path)
    writeFileSync(path, bytes)
    await openLocal(system).find(localStage('dev'))
    const response = await fetch(url, { method: 'POST', body: '{"data": 1}' })
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({
      code: 'model-unavailable',
      detail: expect.stringContaining('model.pkl'),
    })
  })

  it('stops answering other sites, other hosts and other methods', async () => {
    const { url } = await served('guarded')
    const post = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        const { port, pathname } = new URL(url)
        const sent = httpRequest(
          { host: '127.0.0.1', port, path: pathname, method: 'POST', headers },
          response => {
            response.resume()
            resolve(response.statusCode ?? 0)
          },
        )
        sent.on('error', reject)
        sent.end('{"data": 1}')
      })
    expect(await post({})).toBe(200)
    expect(await post({ Host: 'evil.example' })).toBe(403)
    expect(await post({ Origin: 'https://evil.example', 'Content-Type': 'application/json' })).toBe(403)
    expect(await post({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403)
    expect(await post({ 'Sec-Fetch-Site': 'none', 'Content-Type': 'text/plain' })).toBe(415)
    expect(await post({ 'Sec-Fetch-Site': 'none', 'Content-Type': 'application/json' })).toBe(200)
    expect((await fetch(url)).status).toBe(405)
    expect((await fetch(`${url}/`, { method: 'POST' })).status).toBe(404)
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(7_000_000) })).status).toBe(413)
  })
})
