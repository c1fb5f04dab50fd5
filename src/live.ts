/**
 * `thampi doctor --live`: the platform aws held against AWS itself. A stage is served under a name of its own, looked at
 * while it takes on traffic and goes back, and removed again, whatever happens.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bundleFor } from './bundled.ts'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { readModel } from './model/read.ts'
import { ask, notLookedAt } from './platforms/aws/live/assumptions.ts'
import type { Finding, Live, Timing } from './platforms/aws/live/live.ts'
import { prove } from './prove.ts'
import { deploy, type Packed, type Served } from './serve.ts'
import type { Stage } from './settings/stage.ts'
import type { System } from './system/system.ts'
import { naiveUtc } from './system/time.ts'

export interface LiveReport {
  /** Of the stage that was made. */
  readonly stage: string
  readonly model: string
  readonly region: string
  readonly timings: readonly Timing[]
  readonly findings: readonly Finding[]
  /** What could not be removed; empty is the proof that nothing is left. */
  readonly residue: readonly string[]
  /** Stays on purpose. */
  readonly left: readonly string[]
  readonly notLookedAt: readonly string[]
  /** What ended the run before its end; what was seen until then is above. */
  readonly error: ThampiError | undefined
}

/** The stage of every run, so that the next one removes what a killed one left. */
export const liveStage = 'thampi-live'

/**
 * Runs with the credentials, the region and the bucket of a stage. It takes a few minutes and costs a few requests; a
 * tiny model of its own answers the whole world meanwhile. `signal` ends it early; then it cleans up as well.
 *
 * @example
 * const { findings, residue } = await examine('production', { signal }, engine)
 * @throws ThampiError USAGE for a stage that is not served on AWS; what keeps it from beginning
 */
export async function examine(
  stageName: string | undefined,
  { signal }: { readonly signal?: AbortSignal },
  engine: Engine,
): Promise<LiveReport> {
  const { system } = engine
  const stage = madeFor(engine.settings.stage(stageName), engine)
  const { openLive } = await import('./platforms/aws/aws.ts')
  const live = await openLive(stage, system)
  const dir = await mkdtemp(join(tmpdir(), 'thampi-live-'))
  const run: Run = { live, stage, dir, system, timings: [], findings: [], signal }
  let error: ThampiError | undefined
  let residue: readonly string[] = []
  try {
    await through(run)
  } catch (cause) {
    error = asThampi(cause)
  }
  try {
    system.tell('Removing what was made')
    residue = await timed(run, 'everything removed', () => live.cleanUp())
  } catch (cause) {
    error ??= asThampi(cause)
    residue = [
      `perhaps all of it: ${asThampi(cause).message} Run the same command again; it removes that first`,
    ]
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
  return {
    stage: stage.name,
    model: stage.model,
    region: live.corner.cloud.region,
    timings: [...live.timings(), ...run.timings],
    findings: run.findings,
    residue,
    left: live.hasMadeBucket
      ? [`s3://${live.corner.store.bucket}, which is empty and which your next serve uses`]
      : [],
    notLookedAt,
    error,
  }
}

interface Run {
  readonly live: Live
  readonly stage: Stage
  /** Of temporary files. */
  readonly dir: string
  readonly system: System
  readonly timings: Timing[]
  findings: readonly Finding[]
  readonly signal: AbortSignal | undefined
}

/** Keys that say where in AWS a stage lives and as whom; nothing else of it is wanted: no domain, no network, no secret. */
const kept = [
  'profile_name',
  'aws_region',
  's3_bucket',
  'aws_endpoint_urls',
  'manage_roles',
  'role_name',
  'role_arn',
  'tags',
]

function madeFor(stage: Stage, { settings }: Engine): Stage {
  if (stage.platform !== 'aws') {
    throw new ThampiError('USAGE', {
      message: `${stage.name} is served on the platform "${stage.platform}", and this looks at AWS.`,
      fix: `thampi doctor --live ${stage.name} --platform aws`,
    })
  }
  if (settings.stageNames.includes(liveStage)) {
    throw new ThampiError('USAGE', {
      message: `There is a stage "${liveStage}" in the settings, and this check would remove it.`,
      fix: 'give that stage another name',
    })
  }
  const aws = Object.fromEntries(Object.entries(stage.aws).filter(([key]) => kept.includes(key)))
  return {
    ...stage,
    ...{
      name: liveStage,
      aws,
      environment: {},
      remoteEnvironment: undefined,
      apiKeyRequired: false,
      cors: false,
    },
    ...{ record: 'off', exclude: [], node: undefined, maxSandboxes: undefined, timeoutSeconds: 20 },
  }
}

/** The run itself, step by step; a signal is looked at between them. */
async function through(run: Run): Promise<void> {
  const { live, stage, system } = run
  system.tell(
    `A stage "${stage.name}" of ${stage.model} is made in ${live.corner.cloud.region}, looked at and removed`,
  )
  await step(run, () => live.cleanUp())
  const one = await step(run, () => serveModel(run, 'one'))
  const { url } = one.deployment
  await step(run, () => timed(run, 'URL answers 200 after it was made', () => answered(url, '1')))
  await step(run, () => live.publishLayer(run.dir))
  const before = live.observer.calls.length
  await step(run, () => timed(run, 'served again, unchanged', () => serveModel(run, 'one')))
  const again = live.observer.calls.slice(before).map(({ action }) => action)
  const two = await step(run, () => timed(run, 'second version served', () => serveModel(run, 'two')))
  await step(run, () => timed(run, 'second version answers after that', () => answered(url, '2')))
  const versions = [one.version.number, two.version.number] as const
  await step(run, () =>
    timed(run, 'rolled back: first version answers', async () => {
      await live.platform.route(stage, new Map([[versions[0], 100]]))
      await answered(url, String(versions[0]))
    }),
  )
  const divided = await step(run, () => divide(run, url, versions))
  const accessLines = await step(run, () => timed(run, 'log lines are there', () => logged(run)))
  run.findings = await step(run, () => live.holdAgainst({ url, versions, divided, again, accessLines }))
}

function step<T>({ signal }: Run, work: () => Promise<T>): Promise<T> {
  if (signal?.aborted) throw new ThampiError('INTERRUPTED', { message: 'Stopped before its end.' })
  return work()
}

async function timed<T>({ timings }: Run, what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const result = await work()
  timings.push({ step: what, ms: performance.now() - began })
  return result
}

/** A model that needs nothing: what is measured is AWS. */
async function serveModel({ live, stage, dir, system }: Run, says: string): Promise<Served> {
  const modelDir = join(dir, says)
  await mkdir(modelDir, { recursive: true })
  const facts = { thampi_data_version: '0.1', trained_time_utc: naiveUtc(new Date(0)), instance_id: says }
  await writeFile(join(modelDir, 'model.mjs'), `export default class { predict() { return '${says}' } }\n`)
  await writeFile(join(modelDir, 'thampi.json'), JSON.stringify(facts))
  await writeFile(join(modelDir, 'saved.json'), JSON.stringify({ schemaVersion: 1, format: 'typescript' }))
  await writeFile(join(modelDir, 'receipts.jsonl'), `{"data":1,"result":"${says}"}\n`)
  const { platform } = live
  const model = await readModel(modelDir, system.cwd)
  const options = { projectDir: modelDir, trial: 'never' } as const
  const bundle = await bundleFor(model, stage, platform.target(model, stage), options, system)
  const packed: Packed = { stage, platform, model, bundle, release: {} }
  return deploy(packed, prove, system)
}

/** What has been changed arrives everywhere in its own time; longer than this it never took. */
const arrivesWithinMs = 90_000

async function answered(url: string, version: string): Promise<void> {
  const end = performance.now() + arrivesWithinMs
  for (;;) {
    const answer = await ask(url, 'POST').catch(() => undefined)
    if (answer?.status === 200 && answer.headers.get('thampi-version') === version) return
    if (performance.now() > end) {
      throw new ThampiError('AWS_UNAVAILABLE', {
        message: `${url} does not give an answer of version ${version} within ${arrivesWithinMs / 1000} s.`,
        why:
          answer === undefined
            ? 'It could not be reached.'
            : `It answers HTTP ${answer.status}: ${answer.body.slice(0, 200)}`,
      })
    }
    await sleep(100)
  }
}

/** So many requests miss one of two equal versions once in half a million runs. */
const requestsToDivide = 20

async function divide(
  { live, stage }: Run,
  url: string,
  [one, two]: readonly [number, number],
): Promise<ReadonlyMap<string, number>> {
  await live.platform.route(
    stage,
    new Map([
      [one, 50],
      [two, 50],
    ]),
  )
  const counts = new Map<string, number>()
  for (let asked = 0; asked < requestsToDivide; asked++) {
    const version = (await ask(url, 'POST').catch(() => undefined))?.headers.get('thampi-version') ?? 'none'
    counts.set(version, (counts.get(version) ?? 0) + 1)
  }
  await live.platform.route(stage, new Map([[one, 100]]))
  return counts
}

/** Access lines of the log; none when they do not come in a minute. */
async function logged({ live, stage }: Run): Promise<string[]> {
  const end = performance.now() + 60_000
  while (performance.now() < end) {
    const lines: string[] = []
    for await (const { source, message } of live.platform.logs(stage, { sinceMs: 0, follow: false }))
      if (source === 'http') lines.push(message)
    if (lines.length > 0) return lines
    await sleep(1_000)
  }
  return []
}

function asThampi(cause: unknown): ThampiError {
  if (cause instanceof ThampiError) return cause
  return new ThampiError('INTERNAL', {
    message: cause instanceof Error ? cause.message : String(cause),
    cause,
  })
}
