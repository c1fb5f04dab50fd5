/** One version is asked directly, whatever the alias points at. */
import { ThampiError } from '../../errors.ts'
import type { Answer } from '../platform.ts'
import type { Corner } from './account.ts'

/** The longest a function may take, and a start before it. */
const answerWithinMs = 930_000

/** The very event that the API would send, so that a version proves itself on the road its callers take. */
export async function askVersion(corner: Corner, number: number, body: Uint8Array): Promise<Answer> {
  const { stage, model } = corner.key
  const path = `/${stage}/${model}/predict`
  const requestId = `proof-${stage}-${number}`
  const event = {
    version: '2.0',
    routeKey: `ANY /${model}/{proxy+}`,
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
 * @throws ThampiError MODEL_RAISED, MODEL_LOAD_FAILED with what the model said
 */
export async function loadVersion(corner: Corner, number: number): Promise<void> {
  const { payload, functionError } = await invoke(corner, number, { thampi: 'health' })
  const said = parsed(payload)
  if (functionError === undefined && said?.error === undefined) return
  throw loadError(said, functionError, payload, corner.key.stage)
}

async function invoke(
  { cloud, names }: Corner,
  number: number,
  event: unknown,
): Promise<{ payload: string; functionError: string | undefined }> {
  const lambda = await cloud.lambda()
  const { Payload, FunctionError } = await lambda.invoke(
    { FunctionName: names.function, Qualifier: String(number), Payload: Buffer.from(JSON.stringify(event)) },
    { requestTimeout: answerWithinMs },
  )
  return { payload: Buffer.from(Payload ?? []).toString('utf8'), functionError: FunctionError }
}

interface Said {
  readonly error?: unknown
  readonly errorMessage?: unknown
  readonly errorType?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly why?: unknown
  readonly fix?: unknown
}

/** Our runtime says what went wrong as the sandbox does; Lambda itself says `errorType` and `errorMessage`. */
function loadError(
  said: Said | undefined,
  functionError: string | undefined,
  payload: string,
  stage: string,
): ThampiError {
  const inner = typeof said?.error === 'object' && said.error !== null ? (said.error as Said) : said
  const code =
    inner?.code === 'MODEL_RAISED' || inner?.errorType === 'MODEL_RAISED'
      ? 'MODEL_RAISED'
      : 'MODEL_LOAD_FAILED'
  const message = text(inner?.message) ?? text(inner?.errorMessage) ?? functionError ?? payload.slice(0, 200)
  return new ThampiError(code, {
    message,
    why: text(inner?.why),
    fix: text(inner?.fix) ?? `thampi logs ${stage} --since=3m`,
  })
}

function messageOf(payload: string): string | undefined {
  return text(parsed(payload)?.errorMessage)
}

function parsed(payload: string): Said | undefined {
  try {
    const value: unknown = JSON.parse(payload)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
