/** Runs the versions of functions: the very zip and layers that were uploaded, unpacked, as Lambda would. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newerPython } from '../../support/newer-python.ts'
import { type Invocation, type RunningFunction, runFunction } from '../../support/runtime-api.ts'
import { AwsError, conflict } from '../errors.ts'
import { unpack } from '../lambda/code.ts'
import type { Fn, Version } from '../lambda/function.ts'
import type { Lambda } from '../lambda/lambda.ts'
import type { FunctionLogs } from './function-logs.ts'

export interface Executed extends Invocation {
  /** Number of the version that answered. */
  readonly version: string
}

interface Running {
  readonly revisionOfCode: string
  readonly function: Promise<RunningFunction>
  readonly dir: string
  busy: number
}

/** One invocation, as CloudWatch counts it. */
export interface Counted {
  readonly atMs: number
  readonly hasFailed: boolean
}

/** Versions that stay warm; a test that deploys a hundred times must not have a hundred processes. */
const maxWarm = 6

export class Executions {
  readonly #logs: FunctionLogs
  readonly #credentialsOf: (role: string, name: string) => string
  readonly #running = new Map<string, Running>()
  readonly #busy = new Map<Fn, number>()
  readonly #shares = new Map<string, number>()
  readonly #counted = new Map<string, readonly Counted[]>()
  readonly #ending = new Set<Promise<void>>()
  /** How often everything was ended: what was asked for before starts nothing any more. */
  #epoch = 0

  constructor(logs: FunctionLogs, credentialsOf: (role: string, name: string) => string) {
    this.#logs = logs
    this.#credentialsOf = credentialsOf
  }

  /** Throws what Lambda answers with instead of running the function. */
  async run(
    lambda: Lambda,
    name: string,
    qualifier: string | undefined,
    event: Uint8Array,
    clientContext?: string,
  ): Promise<Executed> {
    const fn = lambda.function(name)
    const number = this.#choose(fn, qualifier)
    const { version } = fn.at(number)
    mustBeActive(version, lambda)
    const leave = this.#enter(lambda, fn)
    const running = this.#runningOf(lambda, fn, version)
    running.busy += 1
    try {
      const arn = qualifier === undefined ? fn.arn : `${fn.arn}:${qualifier}`
      const started = await running.function
      const invocation = await started.invoke(event, { requestId: randomUUID(), arn, clientContext })
      this.#count(fn, invocation.functionError !== undefined)
      return { ...invocation, version: version.number }
    } catch (error) {
      throw asAwsError(error)
    } finally {
      running.busy -= 1
      leave()
      await this.#logs.written()
    }
  }

  /** What was invoked of a function, also of one that is gone; of what was refused nothing is counted. */
  counted(region: string, name: string): readonly Counted[] {
    return this.#counted.get(`${region} ${name}`) ?? []
  }

  #count({ arn, name }: Fn, hasFailed: boolean): void {
    const key = `${arn.split(':')[3]} ${name}`
    this.#counted.set(key, [...(this.#counted.get(key) ?? []), { atMs: Date.now(), hasFailed }])
  }

  /** Ends every process. */
  async clear(): Promise<void> {
    this.#epoch += 1
    for (const running of this.#running.values()) this.#end(running)
    for (const part of [this.#running, this.#busy, this.#shares, this.#counted]) part.clear()
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }

  /** Runs again and again until it goes well, as for an event that nobody waits for; not beyond `clear`. */
  async tryUpTo(times: number, run: () => Promise<Executed>): Promise<void> {
    const epoch = this.#epoch
    for (let i = 0; i < times && epoch === this.#epoch; i += 1) {
      const failed = await run().then(
        ({ functionError }) => functionError !== undefined,
        () => true,
      )
      if (!failed) return
    }
  }

  #end(running: Running): void {
    const ended = end(running).finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
  }

  /** An alias with weights gets exactly its shares, not about them: a test counts, and chance would spoil it. */
  #choose(fn: Fn, qualifier: string | undefined): string | undefined {
    const alias = fn.aliases.get(qualifier ?? '')
    const [extra] = alias?.routing ?? []
    if (!alias || !extra) return alias?.version ?? qualifier
    const [other, weight] = extra
    const share = (this.#shares.get(alias.arn) ?? 0) + weight
    // Sums of tenths are not whole numbers, quite.
    const isOther = share > 1 - 1e-9
    this.#shares.set(alias.arn, isOther ? share - 1 : share)
    return isOther ? other : alias.version
  }

  #enter(lambda: Lambda, fn: Fn): () => void {
    const busy = this.#busy.get(fn) ?? 0
    const all = [...this.#busy.values()].reduce((sum, count) => sum + count, 0)
    const { concurrencyQuota } = lambda.around.behaviour()
    if (busy >= (fn.reserved ?? concurrencyQuota) || all >= concurrencyQuota)
      throw new AwsError(429, 'TooManyRequestsException', 'Rate Exceeded.')
    this.#busy.set(fn, busy + 1)
    return () => this.#busy.set(fn, (this.#busy.get(fn) ?? 1) - 1)
  }

  /** The one that is warm, else a new one; then it is the one that was used last. */
  #runningOf(lambda: Lambda, fn: Fn, version: Version): Running {
    const revisionOfCode = JSON.stringify([version.settings.code.sha256, version.modified])
    const known = this.#running.get(version.arn)
    this.#running.delete(version.arn)
    if (known && known.revisionOfCode !== revisionOfCode) this.#end(known)
    const isWarm = known?.revisionOfCode === revisionOfCode
    const running = isWarm ? known : this.#startRunning(lambda, fn, version, revisionOfCode)
    this.#running.set(version.arn, running)
    return running
  }

  #startRunning(lambda: Lambda, fn: Fn, version: Version, revisionOfCode: string): Running {
    const idle = [...this.#running].filter(([, { busy }]) => busy === 0)
    for (const [arn, running] of idle.slice(0, Math.max(0, this.#running.size + 1 - maxWarm))) {
      this.#running.delete(arn)
      this.#end(running)
    }
    const dir = mkdtempSync(join(tmpdir(), 'thampi-cloud-'))
    const started = this.#start(lambda, fn, version, dir)
    const running = { revisionOfCode, dir, function: started, busy: 0 }
    // What could not be started is started anew with the next event.
    started.catch(() => {
      if (this.#running.get(version.arn) === running) this.#running.delete(version.arn)
      this.#end(running)
    })
    return running
  }

  async #start(lambda: Lambda, fn: Fn, version: Version, dir: string): Promise<RunningFunction> {
    const { settings } = version
    const [taskRoot, layerRoot] = [join(dir, 'task'), join(dir, 'layers')]
    await mkdir(layerRoot)
    await unpack(settings.code, taskRoot)
    for (const layer of settings.layers) await unpack(layer.code, layerRoot)
    const runtime = settings.Runtime ?? ''
    const program = await programOf(runtime)
    const log = this.#logs.of(lambda, fn, version)
    const accessKeyId = this.#credentialsOf(settings.Role ?? '', fn.name)
    return runFunction({
      taskRoot,
      layerRoot,
      runtime,
      handler: settings.Handler ?? '',
      program,
      environment: {
        ...settings.Environment?.Variables,
        AWS_ENDPOINT_URL: lambda.around.url(),
        AWS_LAMBDA_LOG_FORMAT: settings.LoggingConfig?.LogFormat ?? 'Text',
        ...(settings.LoggingConfig?.ApplicationLogLevel && {
          AWS_LAMBDA_LOG_LEVEL: settings.LoggingConfig.ApplicationLogLevel,
        }),
      },
      credentials: { accessKeyId, secretAccessKey: 'not-a-secret' },
      name: fn.name,
      version: version.number,
      region: lambda.around.region,
      memoryMb: settings.MemorySize,
      timeoutSeconds: settings.Timeout,
      concurrency: 1000,
      snapStart: settings.SnapStart?.ApplyOn === 'PublishedVersions' && version.number !== '$LATEST',
      onLog: log,
    })
  }
}

function mustBeActive(version: Version, lambda: Lambda): void {
  const { State } = version.state.now
  if (State === 'Active') return
  if (State === 'Inactive') version.restore(lambda.around.behaviour().restoreMs)
  throw conflict(
    `The operation cannot be performed at this time. The function is currently in the following state: ${State}`,
  )
}

/** The interpreter that a runtime names; undefined: the Node that runs the tests. */
async function programOf(runtime: string): Promise<string | undefined> {
  if (runtime.startsWith('nodejs')) return undefined
  const newer = await newerPython()
  if ('missing' in newer) throw new Error(`the cloud of the tests cannot run ${runtime}: ${newer.missing}`)
  if (!newer.version.startsWith(`${runtime.replace('python', '')}.`))
    throw new Error(`the cloud of the tests has Python ${newer.version} and cannot run ${runtime}`)
  return newer.path
}

/** `Refused` of the Runtime API says the same as an error of AWS. */
function asAwsError(error: unknown): unknown {
  const { status, type, message } = error as { status?: number; type?: string; message?: string }
  return status !== undefined && type !== undefined ? new AwsError(status, type, message ?? '') : error
}

async function end({ function: started, dir }: Running): Promise<void> {
  await started.then(
    running => running.close(),
    () => {},
  )
  await rm(dir, { recursive: true, force: true })
}
