/** The verb `predict`: asks a stage the way any caller would, over HTTP. */
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { info } from './info.ts'

export interface Prediction {
  readonly status: number
  /** The body as it came: a JSON document, or a problem document when the status is 400 or more. */
  readonly body: string
  readonly requestId?: string
}

/**
 * Asks the stage's endpoint. `data` is the exact JSON text of the value that `predict(args, context)` gets.
 *
 * @example
 * const { body } = await predict('staging', '{"input": [5.9, 3.2, 4.8, 1.8]}', engine)
 */
export async function predict(
  stageName: string | undefined,
  data: string,
  engine: Engine,
): Promise<Prediction> {
  const { url, stage } = await info(stageName, engine)
  const { timeoutSeconds } = engine.settings.stage(stage)
  // The platform answers within its own timeout; a caller who waits much longer waits for nobody.
  const signal = AbortSignal.timeout((timeoutSeconds + 60) * 1000)
  let response: Response
  try {
    const headers = { 'Content-Type': 'application/json' }
    response = await fetch(url, { method: 'POST', headers, body: `{"data": ${data}}`, signal })
  } catch (cause) {
    throw new ThampiError('NETWORK', {
      message: `${url} could not be reached: ${reason(cause)}.`,
      fix: `thampi info ${stage}`,
      cause,
    })
  }
  const requestId = response.headers.get('x-request-id')
  return {
    status: response.status,
    body: await response.text(),
    ...(requestId === null ? {} : { requestId }),
  }
}

function reason(cause: unknown): string {
  if (cause instanceof Error && cause.cause instanceof Error) return cause.cause.message
  return cause instanceof Error ? cause.message : String(cause)
}
