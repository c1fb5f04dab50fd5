/** Invoke: an event from the API of Lambda itself, answered at once or later. */
import { randomUUID } from 'node:crypto'
import { AwsError, jsonAnswer } from '../errors.ts'
import type { Handle } from '../lambda/lambda.ts'
import type { Answer } from '../moto.ts'
import type { Executions } from './executions.ts'

const maxEventBytes = 6_291_456
const maxAsyncEventBytes = 1_048_576
/** Of an event that nobody waits for: one try and two more. */
const tries = 3

export function invokeWith(executions: Executions): Handle {
  return async (lambda, { name, qualifier, request }) => {
    const { headers, body } = request
    const type = headers['x-amz-invocation-type'] ?? 'RequestResponse'
    const event = body.length === 0 ? Buffer.from('{}') : body
    const limit = type === 'Event' ? maxAsyncEventBytes : maxEventBytes
    if (event.length > limit)
      throw new AwsError(
        413,
        'RequestTooLargeException',
        `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
      )
    checkJson(event)
    const { version } = lambda.function(name).at(qualifier)
    if (type === 'DryRun') return jsonAnswer(204)
    const context = headers['x-amz-client-context']
    const clientContext = typeof context === 'string' ? context : undefined
    if (type === 'Event') {
      void executions.tryUpTo(tries, () => executions.run(lambda, name, qualifier, event, clientContext))
      return { ...jsonAnswer(202), headers: { 'x-amzn-requestid': randomUUID() } }
    }
    const executed = await executions.run(lambda, name, qualifier, event, clientContext)
    const answer: Answer = {
      status: 200,
      headers: {
        'content-type': 'application/json',
        'x-amzn-requestid': executed.requestId,
        'x-amz-executed-version': executed.version ?? version.number,
        ...(executed.functionError && { 'x-amz-function-error': executed.functionError }),
        ...(headers['x-amz-log-type'] === 'Tail' && {
          'x-amz-log-result': Buffer.from(executed.log).subarray(-4096).toString('base64'),
        }),
      },
      body: executed.payload,
    }
    return answer
  }
}

function checkJson(event: Buffer): void {
  try {
    JSON.parse(event.toString())
  } catch (error) {
    const text = `Could not parse request body into json: ${(error as Error).message}`
    throw new AwsError(400, 'InvalidRequestContentException', text)
  }
}
