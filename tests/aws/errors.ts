/** Errors as each service writes them: four protocols, one meaning. */
import { randomUUID } from 'node:crypto'
import type { Service } from './actions.ts'
import type { Answer } from './moto.ts'

/** Thrown anywhere in the cloud; becomes the answer to the call. */
export class AwsError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** 400; the reason is in the text, and clients tell cases apart by it. */
export function invalid(message: string): AwsError {
  return new AwsError(400, 'InvalidParameterValueException', message)
}

/** 400 of the layer that knows only the shape of a request. */
export function malformed(name: string, value: unknown, constraint: string): AwsError {
  const text = `1 validation error detected: Value '${value}' at '${name}' failed to satisfy constraint: ${constraint}`
  return new AwsError(400, 'ValidationException', text)
}

export function notFound(message: string): AwsError {
  return new AwsError(404, 'ResourceNotFoundException', message)
}

export function conflict(message: string): AwsError {
  return new AwsError(409, 'ResourceConflictException', message)
}

export function errorAnswer(service: Service, { status, code, message }: AwsError): Answer {
  const id = randomUUID()
  const xml = (inner: string): Answer => ({
    status,
    headers: { 'content-type': 'application/xml', 'x-amz-request-id': id },
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${inner}`),
  })
  const about = `<Code>${code}</Code><Message>${escaped(message)}</Message>`
  if (service === 's3') return xml(`<Error>${about}<RequestId>${id}</RequestId></Error>`)
  if (service === 'iam' || service === 'sts' || service === 'route53') {
    const type = status < 500 ? 'Sender' : 'Receiver'
    const error = `<Error><Type>${type}</Type>${about}</Error>`
    return xml(`<ErrorResponse>${error}<RequestId>${id}</RequestId></ErrorResponse>`)
  }
  const body =
    service === 'logs' || service === 'monitoring'
      ? { __type: code, message }
      : { Type: 'User', Message: message, message }
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': code, 'x-amzn-requestid': id },
    body: Buffer.from(JSON.stringify(body)),
  }
}

export function jsonAnswer(status: number, document?: unknown): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-requestid': randomUUID() },
    body: document === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(document)),
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
