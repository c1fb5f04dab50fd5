/** Problems: what a caller hears when there is no result (RFC 9457); the catalogue is that of the Python runtime. */

/** code → status, title, whether predict ran */
const catalogue: Readonly<Record<ProblemCode, readonly [status: number, title: string, executed: string]>> = {
  'malformed-json': [400, 'The body is not JSON', 'no'],
  'invalid-utf8': [400, 'The body is not UTF-8', 'no'],
  'invalid-request': [400, 'The body is not a JSON object', 'no'],
  'duplicate-key': [400, 'A key of the body appears twice', 'no'],
  'too-deep': [400, 'The body is nested too deeply', 'no'],
  'unsupported-media-type': [415, 'The content cannot be decoded', 'no'],
  'no-such-route': [404, 'Nothing is served at this path', 'no'],
  'no-such-model': [404, 'No such model', 'no'],
  'no-such-version': [404, 'No such version', 'no'],
  'method-not-allowed': [405, 'The method is not allowed here', 'no'],
  'model-rejected-input': [422, 'The model refused the input', 'yes'],
  'model-error': [500, 'The model raised an exception', 'yes'],
  'batch-shape': [500, 'The results of a batch do not fit its inputs', 'yes'],
  'result-not-serialisable': [500, 'The result cannot be written as JSON', 'yes'],
  'result-too-large': [500, 'The result is too large', 'yes'],
  internal: [500, 'A mistake of Thampi', 'maybe'],
  'model-unavailable': [503, 'The model cannot be loaded', 'no'],
  'artifact-corrupt': [503, 'The model is not the one that was packed', 'no'],
}

export type ProblemCode =
  | 'malformed-json'
  | 'invalid-utf8'
  | 'invalid-request'
  | 'duplicate-key'
  | 'too-deep'
  | 'unsupported-media-type'
  | 'no-such-route'
  | 'no-such-model'
  | 'no-such-version'
  | 'method-not-allowed'
  | 'model-rejected-input'
  | 'model-error'
  | 'batch-shape'
  | 'result-not-serialisable'
  | 'result-too-large'
  | 'internal'
  | 'model-unavailable'
  | 'artifact-corrupt'

/** A place in the body or in the result. */
export interface Place {
  /** JSON Pointer, `/data/input/3`. */
  readonly pointer: string
  readonly code: string
  readonly message: string
}

/** What is particular about one case. */
export interface ProblemParts {
  readonly detail: string
  readonly hint?: string | undefined
  readonly errors?: readonly Place[]
  /** When the same request may succeed: in so many milliseconds. */
  readonly retryAfterMs?: number | undefined
}

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly parts: ProblemParts

  constructor(code: ProblemCode, parts: ProblemParts) {
    super(parts.detail)
    this.code = code
    this.parts = parts
  }

  get status(): number {
    return catalogue[this.code][0]
  }
}

/** Who answers: the members that every problem of one sandbox shares. */
export interface Source {
  readonly model: string | null
  readonly stage: string | null
  readonly version: number | null
}

/** The problem document as bytes: keys sorted, plain ASCII, one line feed at the end. */
export function problemDocument(
  { code, parts: { detail, hint, errors = [], retryAfterMs } }: Problem,
  source: Source,
  requestId: string,
  pretty: boolean,
): Buffer {
  const [status, title, executed] = catalogue[code]
  const members = {
    code,
    detail,
    ...(errors.length > 0
      ? {
          errors: errors.map(place => ({ code: place.code, message: place.message, pointer: place.pointer })),
        }
      : {}),
    executed,
    ...(hint === undefined ? {} : { hint }),
    instance: `urn:thampi:request:${requestId}`,
    model: source.model,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    retryable: retryAfterMs !== undefined,
    stage: source.stage,
    status,
    title,
    type: `urn:thampi:problem:${code}`,
    version: source.version,
  }
  return Buffer.from(`${asAscii(JSON.stringify(members, null, pretty ? 2 : 0))}\n`, 'latin1')
}

/** Whatever a model puts into its messages stays valid in every encoding. */
function asAscii(json: string): string {
  return json.replace(/[\x7f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
