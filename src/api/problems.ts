/** The problems a caller of `predict` can meet, by status. The rows of docs/reference/http.md are the same; a test compares. */

export interface ProblemStatus {
  readonly status: number
  readonly codes: readonly string[]
  readonly when: string
}

export const problemStatuses: readonly ProblemStatus[] = [
  {
    status: 400,
    codes: ['malformed-json', 'invalid-utf8', 'invalid-request', 'duplicate-key', 'too-deep'],
    when: 'The body cannot be read.',
  },
  { status: 401, codes: ['unauthenticated'], when: 'An API key is needed, and it is missing or wrong.' },
  {
    status: 403,
    codes: ['host-not-allowed', 'cross-site'],
    when: 'The request comes from where it may not.',
  },
  {
    status: 404,
    codes: ['no-such-route', 'no-such-stage', 'no-such-model', 'no-such-version'],
    when: 'Nothing is served here.',
  },
  { status: 405, codes: ['method-not-allowed'], when: 'Only POST and OPTIONS are allowed.' },
  { status: 408, codes: ['request-timeout'], when: 'The request came too slowly.' },
  { status: 413, codes: ['body-too-large'], when: 'The body is too large.' },
  { status: 414, codes: ['uri-too-long'], when: 'The path is too long.' },
  { status: 415, codes: ['unsupported-media-type'], when: 'The content cannot be decoded.' },
  { status: 417, codes: ['expectation-failed'], when: 'The expectation cannot be met.' },
  { status: 422, codes: ['model-rejected-input'], when: 'The input is not what the model takes.' },
  { status: 431, codes: ['headers-too-large'], when: 'The headers are too large.' },
  {
    status: 500,
    codes: ['model-error', 'batch-shape', 'result-not-serialisable', 'result-too-large', 'internal'],
    when: 'The model raised, or its result cannot be sent.',
  },
  { status: 502, codes: ['worker-crashed'], when: 'The process of the model died.' },
  {
    status: 503,
    codes: ['overloaded', 'draining', 'model-unavailable'],
    when: 'It cannot be answered now; `Retry-After` says when to come back.',
  },
  { status: 504, codes: ['deadline-exceeded'], when: 'The model took too long.' },
]
