/** The verb `predict`: asks a stage the way any caller would, over HTTP. */
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { info } from './info.ts'
import type { Callers, Outgoing } from './platforms/platform.ts'
import { servedVersion } from './served-version.ts'
import type { Environment } from './system/places.ts'

export interface Prediction {
  readonly status: number
  /** The body as it came: a JSON document, or a problem document when the status is 400 or more. */
  readonly body: string
  readonly requestId?: string
  /** Whether the stage wanted a signature, and got that of the stage's own credentials. */
  readonly signed: boolean
}

/**
 * Asks the stage's endpoint. `data` is the exact JSON text of the value that `predict(args, context)` gets. Where the
 * stage wants an API key, the one in `THAMPI_API_KEY` is sent; without that variable the platform lends its owner one.
 * Where it wants a signature, the request is signed with the credentials that the stage is served with; where it wants a
 * token, that in `THAMPI_TOKEN` is sent.
 *
 * @example
 * const { body } = await predict('staging', '{"input": [5.9, 3.2, 4.8, 1.8]}', engine)
 */
export async function predict(
  stageName: string | undefined,
  data: string,
  engine: Engine,
): Promise<Prediction> {
  const { url, stage, callers } = await info(stageName, engine)
  const { timeoutSeconds, apiKeyRequired } = engine.settings.stage(stage)
  const token = callers?.bring === 'token' ? tokenHeader(callers, engine.system.env) : {}
  const service = callers?.bring === 'signature' ? callers.service : undefined
  // The platform answers within its own timeout; a caller who waits much longer waits for nobody.
  const signal = AbortSignal.timeout((timeoutSeconds + 60) * 1000)
  const ask = async (key: string | undefined): Promise<Response> => {
    const plain = {
      'Content-Type': 'application/json',
      ...token,
      ...(key === undefined ? {} : { 'x-api-key': key }),
    }
    const request = { method: 'POST', url, headers: plain, body: `{"data": ${data}}` }
    const headers = service === undefined ? plain : await signed(stage, request, service, engine)
    try {
      return await fetch(url, { ...request, headers, signal })
    } catch (cause) {
      throw new ThampiError('NETWORK', {
        message: `${url} could not be reached: ${reason(cause)}.`,
        fix: `thampi info ${stage}`,
        cause,
      })
    }
  }
  const given = keyIn(engine.system.env)
  let response = await ask(given)
  if (callers?.bring === 'token' && response.status === 401 && !engine.system.env.THAMPI_TOKEN)
    throw needsToken(stage)
  // Nothing was executed. API Gateway says 403 for it. Who chose a key wants to hear that it does not fit.
  const wantsKey = response.status === 401 || (response.status === 403 && apiKeyRequired)
  if (wantsKey && given === undefined) {
    const own = await ownKey(stage, engine)
    if (own !== undefined) response = await ask(own)
  }
  const requestId = response.headers.get('x-request-id')
  return {
    status: response.status,
    body: await response.text(),
    signed: service !== undefined,
    ...(requestId === null ? {} : { requestId }),
  }
}

/**
 * The input of an example that the stage's version was proven with, by its number from 1, as exact JSON text.
 *
 * @example
 * await predict('staging', await recordedInput('staging', 1, engine), engine)
 * @throws ThampiError `NOT_DEPLOYED`, `USAGE` when there is no such example
 */
export async function recordedInput(
  stageName: string | undefined,
  number: number,
  engine: Engine,
): Promise<string> {
  const { deployment, version } = await servedVersion(stageName, engine)
  const platform = await engine.platformFor(engine.settings.stage(stageName))
  const { evidence } = await platform.contents(version)
  const receipts = evidence?.receipts ?? []
  const receipt = receipts[number - 1]
  if (receipt) return receipt.data
  const count =
    receipts.length === 1 ? 'one recorded example' : `${receipts.length || 'no'} recorded examples`
  throw new ThampiError('USAGE', {
    message: `Version ${version.number} of ${deployment.stage} has ${count}, so there is no number ${number}.`,
    fix: `thampi predict ${deployment.stage} --data '…'`,
  })
}

async function signed(
  stageName: string,
  request: Outgoing,
  service: string,
  engine: Engine,
): Promise<Record<string, string>> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  return { ...((await platform.sign?.(stage, request, service)) ?? request.headers) }
}

/** What cannot stand in a header would be repeated by the error that says so. */
function keyIn({ THAMPI_API_KEY: key }: Environment): string | undefined {
  if (!key) return undefined
  if (isOneWord(key)) return key
  throw new ThampiError('USAGE', {
    message: 'THAMPI_API_KEY holds characters that no key has.',
    why: 'A key is letters, digits, `_` and `-`, without spaces or line feeds.',
    fix: 'export THAMPI_API_KEY="$(cat FILE)"   # takes the line feed at the end away',
  })
}

function tokenHeader(
  { header, isBearer }: Extract<Callers, { bring: 'token' }>,
  { THAMPI_TOKEN: token }: Environment,
): Record<string, string> {
  if (!token) return {}
  if (isOneWord(token)) return { [header]: isBearer ? `Bearer ${token}` : token }
  throw new ThampiError('USAGE', {
    message: 'THAMPI_TOKEN holds characters that no token has.',
    why: 'It is the token alone, without `Bearer`, spaces or line feeds.',
    fix: 'export THAMPI_TOKEN="$(cat FILE)"   # takes the line feed at the end away',
  })
}

function isOneWord(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

function needsToken(stage: string): ThampiError {
  return new ThampiError('PREDICT_FAILED', {
    message: `Callers of ${stage} bring a token, as its "authorizer" says (HTTP 401).`,
    fix: `THAMPI_TOKEN=… thampi predict ${stage} …`,
  })
}

async function ownKey(stageName: string, engine: Engine): Promise<string | undefined> {
  const stage = engine.settings.stage(stageName)
  const { keys } = await engine.platformFor(stage)
  return keys?.own(stage)
}

function reason(cause: unknown): string {
  if (cause instanceof Error && cause.cause instanceof Error) return cause.cause.message
  return cause instanceof Error ? cause.message : String(cause)
}
