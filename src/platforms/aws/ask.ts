/** One version is asked directly, whatever the alias points at. */
import { type ErrorCode, errorCodes, ThampiError } from '../../errors.ts'
import type { Answer } from '../platform.ts'
import type { Corner } from './account.ts'
import { routeKey } from './addresses/ensure-api.ts'
import { isAws } from './client/trouble.ts'
import { until } from './steps/wait.ts'

/** The longest a function may take, and a start before it. */
const answerWithinMs = 930_000

/** The very event that the API would send, so that a version proves itself on the road its callers take. */
export async function askVersion(corner: Corner, number: number, body: Uint8Array): Promise<Answer> {
  const { stage, model } = corner.key
  const path = `/${stage}/${model}/predict`
  const requestId = `proof-${stage}-${number}`
  const event = {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: '',
    headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    requestContext: {
      accountId: corner.identity.account,
      domainName: 'thampi',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'thampi' },
      requestId,
      stage,
    },
    body: Buffer.from(body).toString('utf8'),
    isBase64Encoded: false,
  }
  const { payload, functionError } = await invoke(corner, number, event)
  if (functionError !== undefined) {
    const detail = messageOf(payload) ?? functionError
    return { status: 502, body: Buffer.from(JSON.stringify({ status: 502, code: 'worker-crashed', detail })) }
  }
  const answer = JSON.parse(payload) as { statusCode?: number; body?: string; isBase64Encoded?: boolean }
  return {
    status: answer.statusCode ?? 200,
    body: Buffer.from(answer.body ?? '', answer.isBase64Encoded ? 'base64' : 'utf8'),
  }
}

/**
 * Has a version load its model, once.
 *
 * @throws ThampiError MODEL_RAISED, MODEL_LOAD_FAILED and what else the runtime says when it cannot
 */
export async function loadVersion(corner: Corner, number: number): Promise<void> {
  const { payload, functionError } = await invoke(corner, number, { thampi: 'health' })
  const said = parsed(payload)
  if (functionError === undefined && said?.ready === true) return
  const { code, message, why, fix, trace } = (said?.failed ?? {}) as Record<string, unknown>
  const usual = `thampi logs ${corner.key.stage} --since=3m`
  if (typeof message === 'string') {
    const known = typeof code === 'string' && code in errorCodes ? (code as ErrorCode) : 'MODEL_LOAD_FAILED'
    throw new ThampiError(known, {
      message,
      why: text(why),
      fix: text(fix) ?? usual,
      problem: text(trace) === undefined ? undefined : { trace },
    })
  }
  // The process ended, or Lambda ended it: for the time it took, or the memory.
  throw new ThampiError('MODEL_LOAD_FAILED', {
    message: `The function ended while it loaded the model: ${text(said?.errorMessage) ?? functionError ?? payload.slice(0, 200)}.`,
    why: 'Lambda gives it "memory_size" and "timeout_seconds".',
    fix: usual,
  })
}

/** A function that was idle for weeks, or has a snapshot to be made, says that it is coming. */
const comesWithinMs = 120_000

const notYet = ['ResourceConflict', 'ResourceNotReady', 'SnapStartNotReady', 'CodeArtifactUserPending']

async function invoke(
  { cloud, names }: Corner,
  number: number,
  event: unknown,
): Promise<{ payload: string; functionError: string | undefined }> {
  const lambda = await cloud.lambda()
  const Payload = Buffer.from(JSON.stringify(event))
  const about = { FunctionName: names.function, Qualifier: String(number), Payload }
  const answer = await until(
    () =>
      lambda.invoke(about, { requestTimeout: answerWithinMs }).catch(error => {
        if (isAws(error, ...notYet)) return undefined
        throw error
      }),
    { what: `version ${number} of ${names.function}`, withinMs: comesWithinMs },
  )
  return {
    payload: Buffer.from(answer.Payload ?? []).toString('utf8'),
    functionError: answer.FunctionError,
  }
}

type Said = Readonly<Record<string, unknown>>

function messageOf(payload: string): string | undefined {
  return text(parsed(payload)?.errorMessage)
}

function parsed(payload: string): Said | undefined {
  try {
    const value: unknown = JSON.parse(payload)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
