/** A function of Lambda around one model: an event in, what Lambda is to answer out; see `contract/lambda.md`. */
import { report } from '../blame.ts'
import { CallContext } from '../context.ts'
import { failedOf } from '../failure.ts'
import { versionOfRuntime } from '../prepare.ts'
import { Problem, problemDocument, type Source } from '../problem.ts'
import { forbidExit } from '../process.ts'
import { documentOf } from './document.ts'
import { type HttpRequest, httpRequestOf, isObject } from './events.ts'
import { Exchange, type Exchanging, type HttpAnswer } from './exchange.ts'
import { JsonLogs } from './logs.ts'
import { type Cors, type Manifest, readManifest } from './manifest.ts'
import { FunctionModel, type Ready } from './model.ts'

/** What Lambda calls. */
export type Handler = (event: unknown, context: LambdaContext) => Promise<unknown>

/** What of Lambda's context is used. */
export interface LambdaContext {
  readonly awsRequestId: string
  getRemainingTimeInMillis(): number
}

/** As much memory comes with a whole processor. Lambda's documentation of memory. */
const processorMb = 1769
/** Kept back for the answer that there was not enough time. */
const reserveMs = 1_000
const retryMs = 1_000
const unsaid = 'The model cannot be loaded.'

/**
 * The function whose files are at `root`; from here on this process is its own. The model is loaded already, where ten
 * seconds are enough for that or there are more.
 */
export async function openFunction(root: string, env: NodeJS.ProcessEnv): Promise<Handler> {
  // What computes with several threads does so with as many as there are processors.
  env.OMP_NUM_THREADS ??= String(
    Math.max(1, Math.floor(Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 0) / processorMb)),
  )
  const manifest = readManifest(root)
  const version = Number(/^[1-9]\d*$/.exec(env.AWS_LAMBDA_FUNCTION_VERSION ?? '')?.[0] ?? 0)
  const logs = new JsonLogs(manifest.start.logLevel, version)
  logs.takeOver()
  const fn = new LambdaFunction(root, manifest, version, logs)
  // Between events the process is that of Lambda's client, and also when something came that nobody catches.
  forbidExit(() => fn.isAtWork)
  const lost = (): void => {
    fn.isAtWork = false
  }
  process.on('uncaughtExceptionMonitor', lost)
  // A listener where nobody listens would change what happens.
  if (process.listenerCount('unhandledRejection') > 0) process.prependListener('unhandledRejection', lost)
  const { AWS_LAMBDA_INITIALIZATION_TYPE: type = 'on-demand' } = env
  if (manifest.model.in === 'function' || type !== 'on-demand') await fn.begin()
  return (event, context) => fn.handle(event, context)
}

/** What a direct call fails with; its message is a problem document. */
class ThampiProblem extends Error {
  override readonly name = 'ThampiProblem'
}

class LambdaFunction {
  /** Whether what runs now is the model, or for it. */
  isAtWork = false
  readonly #source: Source
  readonly #cors: Cors | undefined
  readonly #openapi: string | undefined
  readonly #key: string
  readonly #terse: boolean
  readonly #logs: JsonLogs
  readonly #model: FunctionModel

  constructor(root: string, manifest: Manifest, version: number, logs: JsonLogs) {
    const { start, cors, openapi, key } = manifest
    this.#source = { model: start.model, stage: start.stage, version }
    this.#cors = cors
    this.#openapi = openapi
    this.#key = key
    this.#terse = start.errors === 'terse'
    this.#logs = logs
    this.#model = new FunctionModel(root, manifest, version, logs)
  }

  /** Loads the model before the first event. */
  async begin(): Promise<void> {
    await this.#atWork(() => this.#warm(Number.POSITIVE_INFINITY))
    this.#logs.end()
  }

  /** Throws `ThampiProblem`, only for a direct call. */
  handle(event: unknown, context: LambdaContext): Promise<unknown> {
    return this.#atWork(() => this.#handled(event, context))
  }

  async #atWork<T>(work: () => Promise<T>): Promise<T> {
    this.isAtWork = true
    try {
      return await work()
    } finally {
      this.isAtWork = false
    }
  }

  async #handled(event: unknown, context: LambdaContext): Promise<unknown> {
    const request = httpRequestOf(event)
    if (request) return this.#exchange(request, context)
    const { awsRequestId } = context
    this.#logs.beginEvent(awsRequestId, awsRequestId, undefined)
    try {
      if (isObject(event) && Object.hasOwn(event, 'thampi')) return await this.#told(event.thampi, context)
      return await this.#called(event, context)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      throw new ThampiProblem(textOf(problemDocument(error, this.#source, awsRequestId, false)))
    } finally {
      this.#logs.end()
    }
  }

  /** Loads the model; when that fails, the next event hears why. */
  async #warm(withinMs: number): Promise<void> {
    try {
      await this.#model.ready(withinMs)
    } catch (error) {
      this.#report(error)
    }
  }

  async #exchange(request: HttpRequest, context: LambdaContext): Promise<HttpAnswer> {
    const exchanging: Exchanging = {
      ...{ source: this.#source, cors: this.#cors, openapi: this.#openapi },
      remainingMs: () => context.getRemainingTimeInMillis(),
      ready: () => this.#ready(context),
      retire: () => this.#model.forget(),
      mistake: error => this.#logs.log.error(`A mistake of Thampi: ${report(error)}`),
    }
    const exchange = new Exchange(exchanging, request, context.awsRequestId)
    this.#logs.beginEvent(exchange.requestId, context.awsRequestId, exchange.traceId)
    const answer = await exchange.answer()
    this.#logs.finishLines()
    const line = exchange.logLine(answer.statusCode)
    if (line !== undefined) this.#logs.access(answer.statusCode < 500 ? 'INFO' : 'ERROR', line)
    this.#logs.end()
    return answer
  }

  async #told(word: unknown, context: LambdaContext): Promise<unknown> {
    if (word === 'warm') {
      await this.#warm(context.getRemainingTimeInMillis() - reserveMs)
      return { thampi: 'warm' }
    }
    if (word === 'health') return this.#health(context)
    const detail = `\`thampi\` is ${JSON.stringify(word)}, neither "warm" nor "health".`
    throw new Problem('invalid-request', { detail })
  }

  async #health(context: LambdaContext): Promise<unknown> {
    const answer = {
      ...{ thampi: 'health', ready: true, ...this.#source, key: this.#key },
      ...{ runtime: 'node', runtimeVersion: versionOfRuntime(), language: process.versions.node },
    }
    try {
      const { loadMs } = await this.#model.ready(context.getRemainingTimeInMillis() - reserveMs)
      return { ...answer, loadMs }
    } catch (error) {
      this.#report(error)
      return { ...answer, ready: false, failed: failedOf(error) }
    }
  }

  async #called(event: unknown, context: LambdaContext): Promise<unknown> {
    const { answerer, shared } = await this.#ready(context)
    const deadline = performance.now() + context.getRemainingTimeInMillis()
    const call = new CallContext(shared, context.awsRequestId, deadline)
    const { status, body, retire } = await answerer.answer(bytesOf(event), call, false)
    if (retire) this.#model.forget()
    if (status >= 400) throw new ThampiProblem(textOf(body))
    return documentOf(body)
  }

  /** The model, loaded. Throws `Problem`. */
  async #ready(context: LambdaContext): Promise<Ready> {
    try {
      return await this.#model.ready(context.getRemainingTimeInMillis() - reserveMs)
    } catch (error) {
      this.#report(error)
      const { code, message } = failedOf(error)
      throw new Problem(code === 'INTEGRITY' ? 'artifact-corrupt' : 'model-unavailable', {
        detail: this.#terse ? unsaid : withoutDirectories(message),
        hint: `See: thampi logs ${this.#source.stage} --since=3m`,
        retryAfterMs: code === 'NETWORK' ? retryMs : undefined,
      })
    }
  }

  #report(error: unknown): void {
    const { message, why, trace } = failedOf(error)
    this.#logs.log.error([message, why, trace].filter(Boolean).join('\n'))
  }
}

/** The event as a caller over HTTP would have sent it. */
function bytesOf(event: unknown): Buffer {
  try {
    return Buffer.from(JSON.stringify(event))
  } catch {
    throw new Problem('too-deep', { detail: 'The event is nested too deeply to be read.' })
  }
}

function textOf(document: Buffer): string {
  return document.toString().trimEnd()
}

/** The directories of the function tell a caller nothing. The last name of each path stays. */
function withoutDirectories(text: string): string {
  return text.replace(/(?<![\w/])(?:\/[^\s/'"`:]+){2,}/g, path => path.split('/').at(-1) ?? '')
}
