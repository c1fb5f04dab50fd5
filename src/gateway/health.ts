/** Health: one truth under the names that different systems ask for. No key is needed, and nothing secret is told. */
import type { Page, PageAnswer, PageRequest } from './page.ts'
import { problemAnswer } from './problem.ts'

/**
 * How a version, or the stage in front of it, does.
 *
 * `STARTING`: the model is being loaded, and no process has it yet · `READY`: it can be asked, also when it sleeps and is
 * loaded by the next request · `BUSY`: every process works and requests wait · `SETUP_FAILED`: the model could not be
 * loaded · `DEFUNCT`: it was loaded before, and cannot be any more · `UNHEALTHY`: it answers, but its processes keep dying.
 */
export type State = 'STARTING' | 'READY' | 'BUSY' | 'SETUP_FAILED' | 'DEFUNCT' | 'UNHEALTHY'

/** Worst last: the state of a stage is the worst of its versions that have traffic. */
const order: readonly State[] = ['READY', 'BUSY', 'STARTING', 'UNHEALTHY', 'DEFUNCT', 'SETUP_FAILED']

export function worst(states: readonly State[]): State {
  return states.reduce<State>((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), 'READY')
}

export interface StageHealth {
  readonly stage: string
  readonly model: string
  readonly state: State
  readonly versions: readonly {
    readonly version: number
    readonly weight: number
    readonly state: State
    /** Processes that have the model loaded. */
    readonly sandboxes: number
  }[]
}

export interface Health {
  /** Of Thampi. */
  readonly version: string
  readonly stages: () => readonly StageHealth[]
}

/** Kubernetes and BentoML, MLflow and LitServe, SageMaker. */
const readyPaths = ['/readyz', '/healthz', '/health']
const retryAfterSeconds = '1'

export function healthPages(health: Health): Page[] {
  const ready = (request: PageRequest): PageAnswer => readiness(health, request)
  return [
    get('/livez', () => json({ live: true })),
    ...readyPaths.map(path => get(path, ready)),
    // SageMaker wants no body.
    get('/ping', request => {
      const answer = ready(request)
      return answer.status === 200 ? { ...answer, body: '' } : answer
    }),
    get('/-/status', () => json({ version: health.version, stages: health.stages() })),
  ]
}

/** Ready is who would answer a prediction now, if need be after loading the model. */
function readiness({ stages }: Health, { requestId }: PageRequest): PageAnswer {
  const known = stages()
  const failed = known.find(({ state }) => state === 'SETUP_FAILED' || state === 'DEFUNCT')
  const starting = known.find(({ state }) => state === 'STARTING')
  if (known.length > 0 && !failed && !starting) return json({ ready: true })
  const { stage, model } = failed ?? starting ?? {}
  const { status, body } = problemAnswer(failed ? 'model-unavailable' : 'starting', requestId, {
    detail: failed
      ? `The model of ${stage}/${model} cannot be loaded.`
      : starting
        ? `The model of ${stage}/${model} is being loaded.`
        : 'No stage is served here yet.',
    retryable: true,
    stage,
    model,
  })
  return {
    status,
    contentType: 'application/problem+json',
    body,
    headers: ['Retry-After', retryAfterSeconds],
  }
}

function get(template: string, answer: Page['answer']): Page {
  return { template, method: 'GET', answer }
}

function json(value: unknown): PageAnswer {
  return {
    status: 200,
    contentType: 'application/json',
    body: `${JSON.stringify(value)}\n`,
    headers: ['Cache-Control', 'no-store'],
  }
}
