/**
 * The paths of other protocols that lead to the same models: Open Inference Protocol V2, KServe V1, MLflow. Which model
 * is meant is decided here; what the bodies mean is the runtime's business, which is told by which door they came.
 */
import type { StageHealth } from './health.ts'
import type { Page, PageAnswer, PageRequest } from './page.ts'
import { type ProblemCode, type ProblemDetails, problemAnswer } from './problem.ts'

export type Door = 'v2' | 'v1' | 'mlflow'

/** Which model a path means. */
export interface Place {
  readonly stage: string
  readonly model: string
  readonly version?: number | undefined
}

export interface TensorMetadata {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
}

export interface Protocols {
  /** Of Thampi. */
  readonly version: string
  readonly stages: () => readonly StageHealth[]
  /** What a version takes and gives; undefined when there is no such version. */
  tensors(
    place: Place,
  ): Promise<{ inputs: readonly TensorMetadata[]; outputs: readonly TensorMetadata[] } | undefined>
  /** Asks a model that is served; a problem of the host comes as a problem document. */
  ask(place: Place, door: Door, request: PageRequest): Promise<PageAnswer>
}

/**
 * Every path stands once below `/STAGE` and once at the root, where it means the one stage that has the model.
 *
 * @example
 * placesOf(protocolPages(protocols))('/staging/v2/models/iris/infer')
 */
export function protocolPages(protocols: Protocols): Page[] {
  const both = (path: string, method: Page['method'], answer: Page['answer']): Page[] =>
    ['', '/{stage}'].map(prefix => ({ template: prefix + path, method, answer }))
  const get = (path: string, answer: Page['answer']): Page[] => both(path, 'GET', answer)
  const ask = (path: string, door: Door): Page[] =>
    both(path, 'POST', request => asked(protocols, door, request))
  const version = '/versions/{version}'
  const model = '/v2/models/{model}'
  return [
    ...get('/v2', () => json({ name: 'thampi', version: protocols.version, extensions: [] })),
    ...get('/v2/health/live', () => json({ live: true, ready: true })),
    ...get('/v2/health/ready', request => health(protocols, request)),
    ...[model, model + version].flatMap(path => [
      ...get(path, request => metadata(protocols, request)),
      ...get(`${path}/ready`, request => readiness(protocols, request)),
      ...ask(`${path}/infer`, 'v2'),
    ]),
    ...get('/v1/models', request => json({ models: namesOf(within(protocols, request)) })),
    ...get('/v1/models/{model}', request => readiness(protocols, request)),
    ...ask('/v1/models/{model}:predict', 'v1'),
    ...ask('/invocations', 'mlflow'),
    {
      template: '/{stage}/{model}/invocations',
      method: 'POST',
      answer: request => asked(protocols, 'mlflow', request),
    },
    ...get('/version', () => text(protocols.version)),
    // A client of MLflow is given one address, below which it looks for all of these.
    { template: '/{stage}/{model}/version', method: 'GET', answer: () => text(protocols.version) },
    ...['/{stage}', '/{stage}/{model}'].flatMap(place =>
      ['ping', 'health'].map(
        (name): Page => ({
          template: `${place}/${name}`,
          method: 'GET',
          answer: request => health(protocols, request),
        }),
      ),
    ),
  ]
}

async function asked(protocols: Protocols, door: Door, request: PageRequest): Promise<PageAnswer> {
  const found = placeOf(protocols, request)
  if ('code' in found) return refused(door, request, found.code, found)
  // Triton's binary extension: the document is only the beginning of such a body.
  if (request.headers['inference-header-content-length'] !== undefined) {
    return refused(door, request, 'unsupported-media-type', {
      detail: 'Binary tensors are not read.',
      hint: 'Send `data` as JSON. In tritonclient: set_data_from_numpy(…, binary_data=False).',
    })
  }
  return spoken(door, await protocols.ask(found, door, request))
}

async function metadata(protocols: Protocols, request: PageRequest): Promise<PageAnswer> {
  const found = placeOf(protocols, request)
  const tensors = 'code' in found ? undefined : await protocols.tensors(found)
  if ('code' in found) return refused('v2', request, found.code, found)
  if (!tensors) return noVersion(request)
  const versions = protocols
    .stages()
    .find(({ stage, model }) => stage === found.stage && model === found.model)
    ?.versions.map(({ version }) => String(version))
  return json({ name: found.model, versions, platform: 'thampi', ...tensors })
}

function readiness(protocols: Protocols, request: PageRequest): PageAnswer {
  const found = placeOf(protocols, request)
  if ('code' in found) return refused('v2', request, found.code, found)
  const stage = protocols.stages().find(one => one.stage === found.stage && one.model === found.model)
  const version = stage?.versions.find(one => one.version === found.version)
  if (found.version !== undefined && !version) return noVersion(request)
  const ready = answers((version ?? stage)?.state)
  return { ...json({ name: found.model, ready }), status: ready ? 200 : 503 }
}

/** Ready is who would answer a prediction now, if need be after loading the model. */
function answers(state: StageHealth['state'] | undefined): boolean {
  return state === 'READY' || state === 'BUSY' || state === 'UNHEALTHY'
}

function health(protocols: Protocols, request: PageRequest): PageAnswer {
  const stages = within(protocols, request)
  const ready = stages.length > 0 && stages.every(({ state }) => answers(state))
  // The specification shows `live` here, servers in the field say `ready`.
  return { ...json({ live: true, ready }), status: ready ? 200 : 503 }
}

interface Nowhere extends ProblemDetails {
  readonly code: ProblemCode
}

/** The one model that a path means: by its stage and its name, as far as they stand in it. */
function placeOf(protocols: Protocols, request: PageRequest): Place | Nowhere {
  const { model, version } = request.params
  const there = within(protocols, request)
  const [only] = there
  const what = model === undefined ? 'model' : `model "${model}"`
  if (!only) return { code: 'no-such-model', detail: `No ${what} is served here.`, ...names(protocols) }
  if (there.length > 1) {
    const detail = `More than one ${what} is served here, and the path does not say which is meant.`
    return { code: 'no-such-model', detail, ...names(protocols) }
  }
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) {
    return { code: 'no-such-version', detail: `"${version}" is not the number of a version.` }
  }
  const number = version === undefined ? {} : { version: Number(version) }
  return { stage: only.stage, model: only.model, ...number }
}

/** What is served of the stage and under the name that stand in a path, as far as they do. */
function within({ stages }: Protocols, { params }: PageRequest): readonly StageHealth[] {
  return stages().filter(
    ({ stage, model }) => (params.stage ?? stage) === stage && (params.model ?? model) === model,
  )
}

function names({ stages }: Protocols): { hint?: string } {
  const all = stages().map(({ stage, model }) => `${model} on /${stage}`)
  return all.length === 0 ? {} : { hint: `There is: ${all.join(', ')}.` }
}

function namesOf(stages: readonly StageHealth[]): string[] {
  return [...new Set(stages.map(({ model }) => model))].sort()
}

function noVersion(request: PageRequest): PageAnswer {
  const detail = `There is no version ${request.params.version} of ${request.params.model} that is in service.`
  return refused('v2', request, 'no-such-version', { detail })
}

function refused(door: Door, request: PageRequest, code: ProblemCode, details: ProblemDetails): PageAnswer {
  const { detail, hint } = details
  const { status, body } = problemAnswer(code, request.requestId, { detail, hint })
  return spoken(door, { status, body, contentType: 'application/problem+json' })
}

/** A refusal as the door has it. The runtime writes its own that way; this is for those of the host. */
function spoken(door: Door, answer: PageAnswer): PageAnswer {
  if (answer.status < 400 || door === 'mlflow') return answer
  const problem = JSON.parse(answer.body.toString()) as { detail?: string; hint?: string; error?: string }
  const error = problem.error ?? [problem.detail, problem.hint].filter(Boolean).join(' ')
  return { ...answer, contentType: 'application/json', body: `${JSON.stringify({ error })}\n` }
}

function json(value: unknown): PageAnswer {
  return {
    status: 200,
    contentType: 'application/json',
    body: `${JSON.stringify(value)}\n`,
    headers: ['Cache-Control', 'no-store'],
  }
}

function text(value: string): PageAnswer {
  return { status: 200, contentType: 'text/plain', body: `${value}\n` }
}
