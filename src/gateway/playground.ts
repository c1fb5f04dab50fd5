/** The paths of the playground: its files, what it shows, and the one thing that it can change. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { type KeyRing, refuseKeyless } from './api-key.ts'
import type { Page, PageAnswer, PageRequest } from './page.ts'
import { type ProblemCode, problemAnswer } from './problem.ts'

export interface ServedModel {
  readonly stage: string
  readonly model: string
}

export interface Playground {
  /** Allows to move traffic; 256 random bits, of this process only. */
  readonly token: string
  /** A file of the page by its name. */
  file(name: string): Promise<Buffer>
  /** What is deployed, for the page at `/`. */
  stages(): readonly ServedModel[]
  /** Who may see what of a model; undefined when it is not served. */
  access(of: ServedModel): Access | undefined
  /** What the page of a model shows beside the OpenAPI document. */
  status(of: ServedModel, whole: boolean): Promise<unknown>
  /** The document as text; undefined when there is no such version. */
  openApi(of: ServedModel & { readonly version?: number }, whole: boolean): Promise<string | undefined>
  /** Gives all traffic to a version; undefined when that was done, else why not. */
  route(of: ServedModel, version: number): Promise<RouteRefusal | undefined>
}

export interface Access {
  /** Undefined when everybody may ask. */
  readonly keys: KeyRing | undefined
  /** False when schema and examples are for the owner and for callers with a key. */
  readonly isOpen: boolean
}

export interface RouteRefusal {
  readonly code: ProblemCode
  readonly detail: string
}

const types: Readonly<Record<string, string>> = {
  'playground.html': 'text/html; charset=utf-8',
  'playground.css': 'text/css; charset=utf-8',
  'playground.svg': 'image/svg+xml',
  'main.js': 'text/javascript; charset=utf-8',
}

/** Nothing but our own files runs, in nobody's frame; forms go nowhere, and no address of ours reaches others. */
const guarded = [
  ...[
    'Content-Security-Policy',
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  ],
  ...['X-Content-Type-Options', 'nosniff', 'Referrer-Policy', 'no-referrer', 'Cache-Control', 'no-store'],
]

export function playgroundPages(playground: Playground): Page[] {
  const get = (template: string, answer: Page['answer']): Page => ({ template, method: 'GET', answer })
  const file = (name: string) => () => fileAnswer(playground, name)
  return [
    get('/', file('playground.html')),
    get('/{stage}/{model}/', request =>
      isServed(playground, request) ? fileAnswer(playground, 'playground.html') : nothing(request),
    ),
    ...['main.js', 'playground.css', 'playground.svg'].map(name => get(`/-/playground/${name}`, file(name))),
    get('/-/stages', () => json({ stages: playground.stages() })),
    get('/{stage}/{model}/status', request =>
      seen(playground, request, async whole => json(await playground.status(modelIn(request), whole))),
    ),
    get('/{stage}/{model}/openapi.json', request => openApi(playground, request)),
    get('/{stage}/{model}@{version}/openapi.json', request => openApi(playground, request)),
    { template: '/{stage}/{model}/route', method: 'POST', answer: request => route(playground, request) },
  ]
}

async function fileAnswer(playground: Playground, name: string): Promise<PageAnswer> {
  const contentType = types[name] as string
  return { status: 200, contentType, body: await playground.file(name), headers: guarded }
}

function openApi(playground: Playground, request: PageRequest): Promise<PageAnswer> {
  const version = Number(request.params.version ?? 0)
  return seen(playground, request, async whole => {
    const text = await playground.openApi({ ...modelIn(request), ...(version > 0 ? { version } : {}) }, whole)
    return text === undefined ? nothing(request) : { ...json({}), body: text }
  })
}

/**
 * What a model takes, and the examples it was proven with, may be nobody's business: then only the owner and callers
 * with a key see the whole.
 */
async function seen(
  playground: Playground,
  request: PageRequest,
  show: (whole: boolean) => Promise<PageAnswer>,
): Promise<PageAnswer> {
  const access = playground.access(modelIn(request))
  if (!access) return nothing(request)
  const isOwner = isToken(request.headers['thampi-token'], playground.token)
  const refusal = isOwner ? undefined : refuseKeyless(request.headers, access.keys)
  if (refusal) return { ...problem(request, refusal.code, refusal), headers: refusal.headers }
  return show(isOwner || access.isOpen || access.keys !== undefined)
}

/** A web page of another site cannot send this: it does not know the token, and may not set the header. */
async function route(playground: Playground, request: PageRequest): Promise<PageAnswer> {
  if (!isToken(request.headers['thampi-token'], playground.token)) {
    return problem(request, 'unauthenticated', {
      detail: 'Moving traffic needs the token of this host, and the request has none that is right.',
      hint: `Open the page anew: thampi open ${request.params.stage}`,
    })
  }
  const version = versionIn(request.body)
  if (version === undefined) {
    return problem(request, 'invalid-request', { detail: 'The body is not {"version": NUMBER}.' })
  }
  const refusal = await playground.route(modelIn(request), version)
  return refusal ? problem(request, refusal.code, refusal) : json({ version, weight: 100 })
}

/** Takes the same time for every token that is wrong. */
function isToken(given: string | string[] | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return typeof given === 'string' && timingSafeEqual(digest(given), digest(token))
}

function versionIn(body: Buffer): number | undefined {
  try {
    const { version } = JSON.parse(body.toString('utf8')) as { version?: unknown }
    return typeof version === 'number' && Number.isSafeInteger(version) && version > 0 ? version : undefined
  } catch {
    return undefined
  }
}

function isServed(playground: Playground, request: PageRequest): boolean {
  const { stage, model } = modelIn(request)
  return playground.stages().some(served => served.stage === stage && served.model === model)
}

function modelIn({ params }: PageRequest): ServedModel {
  return { stage: params.stage as string, model: params.model as string }
}

function nothing(request: PageRequest): PageAnswer {
  return problem(request, 'no-such-model', {
    detail: 'Nothing is served here.',
    hint: 'What is, shows the page at /.',
  })
}

function problem(
  { requestId }: PageRequest,
  code: ProblemCode,
  { detail, hint }: { readonly detail: string; readonly hint?: string },
): PageAnswer {
  const { status, body } = problemAnswer(code, requestId, { detail, hint })
  return { status, contentType: 'application/problem+json', body, headers: ['Cache-Control', 'no-store'] }
}

function json(value: unknown): PageAnswer {
  return {
    status: 200,
    contentType: 'application/json',
    body: `${JSON.stringify(value)}\n`,
    headers: ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'],
  }
}
