/** The Lambda Runtime API over HTTP, as one execution environment sees it: where a function asks for its next event. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Bytes that an answer may have: 6 MiB, and 100 for good measure. */
export const maxAnswerBytes: number = 6 * 1024 * 1024 + 100

/** One event on its way to the function. */
export interface Delivery {
  readonly event: Uint8Array
  readonly requestId: string
  /** When Lambda loses patience, in milliseconds since 1970. */
  readonly deadlineMs: number
  readonly arn: string
  readonly clientContext?: string | undefined
}

/** What became of it. */
export interface Outcome {
  readonly payload: Buffer
  /** `Unhandled`: the payload is `{"errorMessage", "errorType", …}`. */
  readonly functionError?: 'Unhandled'
}

export interface RuntimeApi {
  /** For `AWS_LAMBDA_RUNTIME_API`: `127.0.0.1:40123`. */
  readonly address: string
  /** When the function asks for its first event: undefined; or what it says has failed while it started. */
  readonly started: Promise<Outcome | undefined>
  /** When the function is ready for its snapshot (SnapStart). */
  readonly snapshot: Promise<void>
  /** Lets a function that waits for it after its snapshot go on. */
  restore(): void
  /** Hands an event over. One at a time. */
  deliver(delivery: Delivery): Promise<Outcome>
  /** Settles when the function asks again: only then is it done with what it was given. */
  idle(): Promise<void>
  close(): void
}

/**
 * Serves the Runtime API on a port of 127.0.0.1; nobody is started.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export async function startRuntimeApi(): Promise<RuntimeApi> {
  const started = settable<Outcome | undefined>()
  const snapshot = settable<void>()
  const restored = settable<void>()
  let pending: (Delivery & { readonly done: (outcome: Outcome) => void }) | undefined
  /** The function's question that nothing could be said to yet. */
  let asking: ServerResponse | undefined
  let asked = settable<void>()

  const hand = (): void => {
    if (!pending || !asking) return
    const { event, requestId, deadlineMs, arn, clientContext } = pending
    asking.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': event.length,
      'Lambda-Runtime-Aws-Request-Id': requestId,
      'Lambda-Runtime-Deadline-Ms': String(deadlineMs),
      'Lambda-Runtime-Invoked-Function-Arn': arn,
      'Lambda-Runtime-Trace-Id': `Root=1-${requestId.slice(0, 8)}-${requestId.replaceAll('-', '').slice(8)};Sampled=0`,
      ...(clientContext === undefined ? {} : { 'Lambda-Runtime-Client-Context': clientContext }),
    })
    asking.end(event)
    asking = undefined
    asked = settable()
  }

  const settle = (requestId: string | undefined, response: ServerResponse, outcome: Outcome): void => {
    if (!pending || pending.requestId !== requestId || asking) {
      refuse(response, 400, 'InvalidRequestID', 'Invalid request ID')
      return
    }
    const { done } = pending
    pending = undefined
    done(outcome)
  }

  const server = createServer((request, response) => {
    void bodyOf(request).then(body => {
      const path = request.url?.replace('/2018-06-01/runtime/', '')
      const [, place, requestId, what] = route.exec(`${request.method} ${path}`) ?? []
      if (place === 'GET invocation/next') {
        asking = response
        started.settle(undefined)
        asked.settle()
        hand()
      } else if (what === 'response' && body.length > maxAnswerBytes) {
        const errorMessage = `Response payload size exceeded maximum allowed payload size (${maxAnswerBytes} bytes).`
        settle(requestId, response, failure('Function.ResponseSizeTooLarge', errorMessage))
        refuse(response, 413, 'RequestEntityTooLarge', errorMessage)
      } else if (what === 'response') {
        settle(requestId, response, { payload: body })
        accept(response)
      } else if (what === 'error') {
        settle(requestId, response, { payload: body, functionError: 'Unhandled' })
        accept(response)
      } else if (place === 'POST init/error' || place === 'POST restore/error') {
        started.settle({ payload: body, functionError: 'Unhandled' })
        accept(response)
      } else if (place === 'GET restore/next') {
        snapshot.settle()
        void restored.promise.then(() => response.writeHead(200).end())
      } else refuse(response, 404, 'NotFound', `no ${request.method} ${request.url}`)
    })
  })
  // A function may wait for its next event as long as it likes.
  server.keepAliveTimeout = 0
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    started: started.promise,
    snapshot: snapshot.promise,
    restore: () => restored.settle(),
    deliver: delivery =>
      new Promise(done => {
        pending = { ...delivery, done }
        hand()
      }),
    idle: () => asked.promise,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** An error as Lambda writes it. */
export function failure(errorType: string, errorMessage: string): Outcome {
  return { payload: Buffer.from(JSON.stringify({ errorType, errorMessage })), functionError: 'Unhandled' }
}

const route =
  /^((?:GET|POST) (?:invocation\/next|init\/error|restore\/next|restore\/error)|POST invocation\/([^/]+)\/(response|error))$/

function accept(response: ServerResponse): void {
  if (response.headersSent) return
  response.writeHead(202, { 'Content-Type': 'application/json' }).end('{"status":"OK"}\n')
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  if (response.headersSent) return
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify({ errorType, errorMessage }))
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      // Of what is too much one piece is enough to know it.
      if (bytes <= maxAnswerBytes) pieces.push(piece)
      bytes += piece.length
    }
  } catch {
    // It died while it spoke; its process says so too.
  }
  return Buffer.concat(pieces)
}

function settable<T>(): { readonly promise: Promise<T>; settle(value: T): void } {
  let settle: (value: T) => void = () => {}
  const promise = new Promise<T>(resolve => {
    settle = resolve
  })
  return { promise, settle }
}
