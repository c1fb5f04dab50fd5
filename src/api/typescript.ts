/** A client in TypeScript: one file without dependencies, for Node, Deno, Bun and browsers. */
import { type Api, predictPath } from './api.ts'
import { type NamedShape, type Shape, shapesOf } from './shapes.ts'

/** Names that the file has without our types. */
const ours = [
  'Data',
  'Result',
  'Answer',
  'Properties',
  'Problem',
  'ProblemDocument',
  'Client',
  'ClientOptions',
]
const subclasses = ['InputRefused', 'NotAuthorized', 'NotServed', 'ModelFailed', 'Unavailable']

/**
 * The text of the client.
 *
 * @example
 * writeFileSync('iris.ts', typescriptClient(api))
 */
export function typescriptClient(api: Api): string {
  const taken = new Set([...ours, ...subclasses])
  const shapes = [
    ...shapesOf('Data', api.schema?.input ?? {}, taken),
    ...shapesOf('Result', api.schema?.output ?? {}, taken),
  ]
  return [head(api), ...shapes.map(definition), rest].join('\n')
}

function head(api: Api): string {
  const url = JSON.stringify(`${api.server}${predictPath(api)}`)
  const key = api.needsKey ? ", { apiKey: process.env.THAMPI_API_KEY ?? '' }" : ''
  const example = api.examples[0]?.data ?? '…'
  return `/**
 * Client of ${api.model} on ${api.stage}, made by \`thampi client typescript ${api.stage}\` from version ${api.version}.
 *
 *     const client = new Client(${key.replace(/^, /, '')})
 *     const { result } = await client.predict(${inComment(example)})
 */

export const URL_OF_MODEL: string = ${url}
`
}

function definition({ name, shape, description }: NamedShape): string {
  const comment = description === undefined ? [] : [`/** ${inComment(description)} */`]
  const text =
    shape.kind === 'object'
      ? `export interface ${name} ${typeOf(shape)}`
      : `export type ${name} = ${typeOf(shape)}`
  return [...comment, text, ''].join('\n')
}

function typeOf(shape: Shape, indent = ''): string {
  switch (shape.kind) {
    case 'any':
      return 'unknown'
    case 'number':
    case 'whole':
      return 'number'
    case 'text':
      return 'string'
    case 'flag':
      return 'boolean'
    case 'null':
      return 'null'
    case 'literals':
      return shape.values.map(value => JSON.stringify(value)).join(' | ')
    case 'list':
      return `readonly ${bracketed(shape.of, indent)}[]`
    case 'row':
      return `readonly [${shape.of.map(part => typeOf(part, indent)).join(', ')}]`
    case 'map':
      return `{ readonly [key: string]: ${typeOf(shape.of, indent)} }`
    case 'object':
      return objectType(shape, indent)
    case 'either':
      return shape.of.map(part => bracketed(part, indent)).join(' | ')
    case 'named':
      return shape.name
  }
}

function bracketed(shape: Shape, indent: string): string {
  const isSimple = ['any', 'number', 'whole', 'text', 'flag', 'null', 'named', 'object', 'map'].includes(
    shape.kind,
  )
  return isSimple ? typeOf(shape, indent) : `(${typeOf(shape, indent)})`
}

function objectType({ members }: Extract<Shape, { kind: 'object' }>, indent: string): string {
  const inner = `${indent}  `
  const lines = members.flatMap(({ name, shape, required, description }) => [
    ...(description === undefined ? [] : [`${inner}/** ${inComment(description)} */`]),
    `${inner}readonly ${propertyName(name)}${required ? '' : '?'}: ${typeOf(shape, inner)}`,
  ])
  return ['{', ...lines, `${indent}}`].join('\n')
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
}

function inComment(text: string): string {
  return text.replaceAll('*/', '*\\/').replace(/\s+/g, ' ')
}

const rest = `/** Which training and which release answered. */
export interface Properties {
  readonly instance_id: string
  readonly served_time_utc: string
  readonly tags?: unknown
  readonly thampi_data_version: string
  readonly trained_time_utc: string
}

export interface Answer {
  readonly properties: Properties
  readonly result: Result
}

/** RFC 9457. Switch on \`code\`; there may be more members. */
export interface ProblemDocument {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly retryable: boolean
  readonly hint?: string
  readonly instance?: string
  readonly executed?: 'no' | 'maybe' | 'yes'
  readonly retryAfterMs?: number
  readonly errors?: readonly { readonly pointer: string; readonly code: string; readonly message: string }[]
}

/** The server answered with a problem. Where none of the classes below fits, it is just this. */
export class Problem extends Error {
  readonly document: ProblemDocument

  constructor(document: ProblemDocument) {
    super(document.hint === undefined ? document.detail : \`\${document.detail} \${document.hint}\`)
    this.name = new.target.name
    this.document = document
  }

  get code(): string {
    return this.document.code
  }

  get status(): number {
    return this.document.status
  }
}

/** The input is not what the model takes: 400, 413, 415, 422. */
export class InputRefused extends Problem {}
/** No API key, a wrong one, or a place that may not ask: 401, 403. */
export class NotAuthorized extends Problem {}
/** Nothing is served there: 404. */
export class NotServed extends Problem {}
/** The model raised, died or took too long: 500, 502, 504. */
export class ModelFailed extends Problem {}
/** Not now: 429, 503. */
export class Unavailable extends Problem {}

const classes: Readonly<Record<number, typeof Problem>> = {
  400: InputRefused,
  413: InputRefused,
  415: InputRefused,
  422: InputRefused,
  401: NotAuthorized,
  403: NotAuthorized,
  404: NotServed,
  500: ModelFailed,
  502: ModelFailed,
  504: ModelFailed,
  429: Unavailable,
  503: Unavailable,
}

export interface ClientOptions {
  /** Where the model is asked; the place it was served at unless said. */
  readonly url?: string
  readonly apiKey?: string
  /** For one prediction, further tries included. 60000 unless said. */
  readonly timeoutMs?: number
  /** Further tries when the server says that one may succeed; 2 unless said. */
  readonly retries?: number
}

export class Client {
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeoutMs: number
  readonly #retries: number

  constructor({ url = URL_OF_MODEL, apiKey, timeoutMs = 60_000, retries = 2 }: ClientOptions = {}) {
    this.#url = url
    this.#headers = {
      'Content-Type': 'application/json',
      ...(apiKey === undefined ? {} : { 'X-API-Key': apiKey }),
    }
    this.#timeoutMs = timeoutMs
    this.#retries = retries
  }

  /** Asks the model. Throws a \`Problem\`, or what \`fetch\` throws when nobody answers. */
  async predict(data: Data): Promise<Answer> {
    const signal = AbortSignal.timeout(this.#timeoutMs)
    const body = JSON.stringify({ data })
    for (let left = this.#retries; ; left--) {
      const response = await fetch(this.#url, { method: 'POST', headers: this.#headers, body, signal })
      const text = await response.text()
      if (response.ok) return JSON.parse(text) as Answer
      const problem = problemOf(response.status, text)
      if (!problem.document.retryable || left <= 0) throw problem
      await pause(pauseMs(response.headers.get('Retry-After'), problem.document), signal)
    }
  }
}

function problemOf(status: number, text: string): Problem {
  const document = documentOf(text) ?? {
    code: 'unknown',
    status,
    title: 'The answer is no problem document',
    detail: \`HTTP \${status}: \${text.slice(0, 200)}\`,
    retryable: false,
  }
  const Class = classes[status] ?? Problem
  return new Class(document)
}

function documentOf(text: string): ProblemDocument | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProblemDocument> | null
    return typeof value?.code === 'string' && typeof value.detail === 'string' ? (value as ProblemDocument) : undefined
  } catch {
    return undefined
  }
}

function pauseMs(retryAfter: string | null, { retryAfterMs }: ProblemDocument): number {
  return retryAfterMs ?? (Number(retryAfter) || 1) * 1000
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}
`
