/** What every platform must do. A new platform writes only how to reach it, and passes the same suite. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Bundle } from '../../src/bundle/bundle.ts'
import { bundleModel } from '../../src/bundle/bundle-model.ts'
import { readModel } from '../../src/model/read.ts'
import type { LogLine, Platform, Version, Weights } from '../../src/platforms/platform.ts'
import type { Stage } from '../../src/settings/stage.ts'
import { type SourceOptions, sourceOf } from '../../src/source.ts'
import type { System } from '../../src/system/system.ts'
import { saveSource } from '../support/node-runtime.ts'
import { python, saveModel, temporaryDirectory } from '../support/python.ts'

export interface Reached {
  readonly platform: Platform
  readonly system: System
  readonly stage: (name: string) => Stage
  /** Ends what was started for the tests. */
  readonly close: () => Promise<void>
}

/** Who wrote the models that a platform is tried with. */
export interface Author {
  /** A saved model that prints `asked`, says `text` and gives back what it got. */
  answering(text: string): string | Promise<string>
  /** One whose `initialize` fails with `why`. */
  broken(why: string): string | Promise<string>
  /** Beginnings of lines that name packages of such a model. */
  readonly packages: readonly string[]
  /** What to pack it with, where that is not the packages of the tests' own Python. */
  readonly source?: SourceOptions
}

export const inPython: Author = {
  answering,
  packages: ['cloudpickle=='],
  broken: why =>
    saveModel(
      `def initialize(self, context):\n    raise ValueError(${JSON.stringify(why)})\ndef predict(self, args, context):\n    return 1`,
    ),
}

export const inTypeScript: Author = {
  packages: [],
  answering: text =>
    saveSource(`export default class {
  predict(args: unknown) {
    console.log('asked')
    return { says: ${JSON.stringify(text)}, got: args }
  }
}`),
  broken: why =>
    saveSource(`export default class {
  initialize() { throw new Error(${JSON.stringify(why)}) }
  predict() { return 1 }
}`),
}

export function testPlatform(name: string, reach: () => Promise<Reached>, author: Author = inPython): void {
  const { answering, broken } = author
  describe(`the platform ${name}`, () => {
    let reached: Reached
    beforeAll(async () => {
      reached = await reach()
    })
    afterAll(() => reached.close())

    const releaseOf = async (modelDir: string, stage: Stage): Promise<Version> =>
      reached.platform.release(await bundleOf(modelDir, stage, reached, author.source), stage)

    it('finds nothing where nothing was released, and removes nothing', async () => {
      const stage = reached.stage('empty')
      expect(await reached.platform.find(stage)).toBeUndefined()
      expect((await reached.platform.remove(stage, { removeLogs: false })).removed).toBe(false)
    })

    it('keeps with a version what it showed, and tells what it is made of', async () => {
      const { platform } = reached
      const stage = reached.stage('proven')
      const version = await releaseOf(await answering('one'), stage)
      const evidence = {
        proof: {
          provenTimeUtc: '2018-09-06T22:03:09.247038',
          examples: 1,
          maxDeviation: 1e-13,
          latencyMs: { median: 1.5, max: 2 },
        },
        receipts: [{ data: '1.0', result: '{"got":1.0}' }],
        tolerances: { rtol: 0, atol: 0.5, ignore: [['id']] },
      }
      await platform.keepEvidence(version, { ...evidence, receipts: [] })
      await platform.keepEvidence(version, evidence)
      await platform.route(stage, all(version))
      expect((await platform.versions(stage)).at(-1)?.proof).toEqual(evidence.proof)
      const contents = await platform.contents(version)
      expect(contents.evidence).toEqual(evidence)
      expect(contents.properties.instance_id).toBe(version.instanceId)
      for (const beginning of author.packages)
        expect(contents.packages?.some(line => line.startsWith(beginning))).toBe(true)
      expect(contents.code).toEqual({})
      await expect(platform.contents({ ...version, number: 99 })).rejects.toMatchObject({
        code: 'VERSION_UNKNOWN',
      })
    })

    it('gives a release no traffic until it is routed, but lets it be asked', async () => {
      const { platform } = reached
      const stage = reached.stage('quiet')
      const version = await releaseOf(await answering('one'), stage)
      expect(await platform.find(stage)).toBeUndefined()
      const answer = await platform.send(version, Buffer.from('{"data": [1.5]}'))
      expect(answer.status).toBe(200)
      expect(answer.body.toString('utf8')).toContain('"result":{"got":[1.5],"says":"one"}')
    })

    it('answers at the URL it gave, with the properties of the version that answered', async () => {
      const { platform } = reached
      const stage = reached.stage('plain')
      const version = await releaseOf(await answering('one'), stage)
      const { url } = await platform.route(stage, all(version))
      expect(url.endsWith(`/plain/${stage.model}/predict`)).toBe(true)
      const response = await fetch(url, { method: 'POST', body: '{"data": 1}' })
      const { properties } = (await response.json()) as { properties: Record<string, unknown> }
      expect(properties).toMatchObject({
        served_time_utc: version.servedTimeUtc,
        instance_id: version.instanceId,
      })
    })

    it('knows the same bundle again instead of making another version', async () => {
      const { platform } = reached
      const stage = reached.stage('same')
      const bundle = await bundleOf(await answering('one'), stage, reached, author.source)
      const first = await platform.release(bundle, stage)
      await platform.route(stage, all(first))
      expect(await platform.release(bundle, stage)).toEqual(first)
    })

    it('takes up again what a serve released that was interrupted before it got traffic', async () => {
      const { platform } = reached
      const stage = reached.stage('resumed')
      const one = await releaseOf(await answering('one'), stage)
      await platform.route(stage, all(one))
      const bundle = await bundleOf(await answering('two'), stage, reached, author.source)
      const left = await platform.release(bundle, stage)
      expect(await platform.release(bundle, stage)).toMatchObject({ number: left.number })
      expect((await platform.versions(stage)).map(({ number }) => number)).toEqual([one.number, left.number])
    })

    it('switches and rolls back without failing a request', async () => {
      const { platform } = reached
      const stage = reached.stage('switching')
      const one = await releaseOf(await answering('one'), stage)
      const { url } = await platform.route(stage, all(one))
      const two = await releaseOf(await answering('two'), stage)
      expect((await ask(url)).says).toBe('one')

      let switching = true
      const seen: Asked[] = []
      const asking = (async () => {
        while (switching) {
          seen.push(...(await Promise.all([ask(url), ask(url)])))
          await sleep(5)
        }
      })()
      for (const version of [two, one, two]) {
        await platform.route(stage, all(version))
        const answer = await ask(url)
        expect(answer.version).toBe(String(version.number))
        expect(answer.says).toBe(version === one ? 'one' : 'two')
        // Those that ask all the time meet this version as well.
        const before = seen.length
        await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(before + 4)
      }
      switching = false
      await asking
      expect(seen.length).toBeGreaterThan(10)
      expect(seen.filter(({ status }) => status !== 200)).toEqual([])
      expect(
        seen.every(({ says, version }) => says === (version === String(one.number) ? 'one' : 'two')),
      ).toBe(true)
    })

    it('divides traffic by weight', async () => {
      const { platform } = reached
      const stage = reached.stage('divided')
      const one = await releaseOf(await answering('one'), stage)
      const two = await releaseOf(await answering('two'), stage)
      const { url } = await platform.route(
        stage,
        new Map([
          [one.number, 50],
          [two.number, 50],
        ]),
      )
      const answers = new Set<unknown>()
      // Forty throws of a fair coin agree once in 10^12 runs.
      for (let i = 0; i < 40; i++) answers.add((await ask(url)).says)
      expect(answers).toEqual(new Set(['one', 'two']))
    })

    it('refuses to route to a version that is not there, and leaves the pointer as it was', async () => {
      const { platform } = reached
      const stage = reached.stage('pointer')
      const version = await releaseOf(await answering('one'), stage)
      await platform.route(stage, all(version))
      await expect(platform.route(stage, new Map([[99, 100]]))).rejects.toThrow(/no version 99/)
      expect((await platform.find(stage))?.weights).toEqual(all(version))
    })

    it('lists its versions, and takes back one that shall never have traffic', async () => {
      const { platform } = reached
      const stage = reached.stage('listed')
      const one = await releaseOf(await answering('one'), stage)
      await platform.route(stage, all(one))
      const two = await releaseOf(await answering('two'), stage)
      const listed = async (): Promise<unknown> =>
        (await platform.versions(stage)).map(({ number, wasRouted }) => [number, wasRouted])
      expect(await listed()).toEqual([
        [one.number, true],
        [two.number, false],
      ])
      await platform.discard(two)
      await platform.discard(one)
      expect(await listed()).toEqual([[one.number, true]])
    })

    it('does not release a model that cannot be loaded; what was served goes on', async () => {
      const { platform } = reached
      const stage = reached.stage('broken')
      const good = await releaseOf(await answering('good'), stage)
      const { url } = await platform.route(stage, all(good))
      const bad = await broken('no weights')
      await expect(releaseOf(bad, stage)).rejects.toMatchObject({
        code: 'MODEL_RAISED',
        message: expect.stringContaining('no weights'),
      })
      expect((await ask(url)).says).toBe('good')
    })

    it('lets one deployer work at a time, and names who does', async () => {
      const { platform } = reached
      const stage = reached.stage('turns')
      await platform.exclusively(stage, async () => {
        const second = platform.exclusively(stage, async () => 'both')
        await expect(second).rejects.toMatchObject({
          code: 'DEPLOY_IN_PROGRESS',
          message: expect.stringContaining('being deployed by'),
        })
      })
      expect(await platform.exclusively(stage, async () => 'free again')).toBe('free again')
    })

    it('keeps what the model printed, with request ids', async () => {
      const { platform } = reached
      const stage = reached.stage('printing')
      const version = await releaseOf(await answering('one'), stage)
      const { url } = await platform.route(stage, all(version))
      await fetch(url, { method: 'POST', body: '{"data": 1}', headers: { 'X-Request-Id': 'my-own-id' } })
      const lines = async (): Promise<LogLine[]> => {
        const found: LogLine[] = []
        for await (const line of platform.logs(stage, { sinceMs: 0, follow: false })) found.push(line)
        return found
      }
      await expect
        .poll(lines, { timeout: 5000 })
        .toContainEqual(
          expect.objectContaining({ source: 'model', message: 'asked', requestId: 'my-own-id' }),
        )
      await expect
        .poll(lines, { timeout: 5000 })
        .toContainEqual(expect.objectContaining({ source: 'http', requestId: 'my-own-id' }))
    })

    it('says to which trace a line belongs', async () => {
      const { platform } = reached
      const stage = reached.stage('traced')
      const { url } = await platform.route(stage, all(await releaseOf(await answering('one'), stage)))
      const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
      const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
      await fetch(url, { method: 'POST', body: '{"data": 1}', headers })
      const refused = await fetch(url, { method: 'POST', body: '{', headers })
      expect(await refused.json()).toMatchObject({ code: 'malformed-json', trace_id: traceId })
      const sources = async (): Promise<Set<string>> => {
        const found = new Set<string>()
        for await (const line of platform.logs(stage, { sinceMs: 0, follow: false }))
          if (line.traceId === traceId) found.add(line.source)
        return found
      }
      await expect.poll(sources, { timeout: 5000 }).toEqual(new Set(['model', 'http']))
    })

    it('removes a stage whole and says what is left', async () => {
      const { platform } = reached
      const stage = reached.stage('removed')
      const { url } = await platform.route(stage, all(await releaseOf(await answering('one'), stage)))
      expect((await platform.remove(stage, { removeLogs: true })).removed).toBe(true)
      expect(await platform.find(stage)).toBeUndefined()
      expect((await ask(url)).status).toBe(404)
    })
  })
}

/** A saved model that says `text` and gives back what it got. */
export function answering(text: string): string {
  return saveModel(
    `def predict(self, args, context):\n    print("asked")\n    return {"says": ${JSON.stringify(text)}, "got": args}`,
  )
}

/** Packs a saved model, unless said otherwise with the packages of the tests' own Python. */
export async function bundleOf(
  modelDir: string,
  stage: Stage,
  { platform, system }: Pick<Reached, 'platform' | 'system'>,
  source: SourceOptions = { python },
): Promise<Bundle> {
  const model = await readModel(modelDir, system.cwd)
  const options = { projectDir: temporaryDirectory(), ...source }
  return bundleModel(
    model,
    await sourceOf(model, stage, platform.target(model, stage), options, system),
    system,
  )
}

export function all(version: Version): Weights {
  return new Map([[version.number, 100]])
}

export interface Asked {
  readonly status: number
  readonly says: unknown
  readonly version: string | null
}

export async function ask(url: string): Promise<Asked> {
  const response = await fetch(url, { method: 'POST', body: '{"data": 1}' })
  const body = (await response.json()) as { result?: { says?: unknown } }
  return { status: response.status, says: body.result?.says, version: response.headers.get('thampi-version') }
}
