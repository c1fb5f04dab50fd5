import { expect, it } from 'vitest'
import { healthPages, type StageHealth, type State, worst } from './health.ts'
import { type PageAnswer, placesOf } from './page.ts'

async function ask(path: string, ...states: State[]): Promise<PageAnswer> {
  const stages = states.map(
    (state, i): StageHealth => ({ stage: `s${i}`, model: 'iris', state, versions: [] }),
  )
  const place = placesOf(healthPages({ version: '1.2.3', stages: () => stages }))(path)
  const page = place?.page('GET')
  if (!page) throw new Error(`no page at ${path}`)
  return page.answer({
    requestId: 'id',
    params: {},
    query: '',
    headers: {},
    body: Buffer.alloc(0),
    isAbandoned: false,
  })
}

const paths = ['/readyz', '/healthz', '/health', '/ping']

it.each(paths)('%s is 200 when every stage could answer, asleep or busy or not', async path => {
  expect((await ask(path, 'READY', 'BUSY', 'UNHEALTHY')).status).toBe(200)
})

it.each(paths)('%s is 503 and says of which stage while one cannot', async path => {
  for (const [state, code] of [
    ['STARTING', 'starting'],
    ['SETUP_FAILED', 'model-unavailable'],
    ['DEFUNCT', 'model-unavailable'],
  ] as const) {
    const answer = await ask(path, 'READY', state)
    expect(answer).toMatchObject({ status: 503, headers: ['Retry-After', '1'] })
    expect(JSON.parse(String(answer.body))).toMatchObject({ code, stage: 's1', model: 'iris' })
  }
})

it('a platform that serves nothing is alive and not ready', async () => {
  expect((await ask('/livez')).status).toBe(200)
  expect((await ask('/readyz')).status).toBe(503)
})

it('SageMaker gets an empty body', async () => {
  expect((await ask('/ping', 'READY')).body).toBe('')
})

it('the status page lists what is served', async () => {
  expect(JSON.parse(String((await ask('/-/status', 'BUSY')).body))).toEqual({
    version: '1.2.3',
    stages: [{ stage: 's0', model: 'iris', state: 'BUSY', versions: [] }],
  })
})

it('a stage is as bad as the worst of its versions', () => {
  expect(worst([])).toBe('READY')
  expect(worst(['READY', 'SETUP_FAILED', 'BUSY'])).toBe('SETUP_FAILED')
})
