/** Answers on their way out: always with a length, because a connection that breaks off can then never look complete. */
import type { ServerResponse } from 'node:http'
import { type ProblemCode, type ProblemDetails, problemAnswer } from './problem.ts'

/** What does not fit into the buffers of a connection waits in ours, until its reader takes it. */
const largeBytes = 64 * 1024
/** A reader that takes nothing for twice as long gets nothing more: Node looks a second time before it believes it. */
const stallMs = 15_000

/** Names and values in turn, as Node takes them without building an object. */
export type HeaderList = readonly string[]

export interface Written {
  readonly status: number
  readonly body: Buffer
  readonly contentType?: string | undefined
}

export function writeAnswer(
  response: ServerResponse,
  requestId: string,
  { status, body, contentType }: Written,
  headers: HeaderList,
): void {
  if (response.destroyed) return
  response.writeHead(status, [
    'Content-Type',
    contentType ?? (status < 400 ? 'application/json' : 'application/problem+json'),
    'Content-Length',
    String(body.length),
    'X-Request-Id',
    requestId,
    ...(status < 400 ? [] : ['Cache-Control', 'no-store']),
    ...headers,
  ])
  // Without a listener of ours, the end of this time ends the connection.
  if (body.length > largeBytes) response.setTimeout(stallMs)
  if (response.req.method === 'HEAD') response.end()
  else response.end(body)
}

export function writeProblem(
  response: ServerResponse,
  requestId: string,
  code: ProblemCode,
  details: ProblemDetails,
  headers: HeaderList = [],
): void {
  writeAnswer(response, requestId, problemAnswer(code, requestId, details), headers)
}
