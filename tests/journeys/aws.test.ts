/** A person serves a model on AWS: the command line against a cloud of this machine, from the first serve to nothing left. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { type Ended, project } from '../support/journey.ts'
import { installIn, tsx } from '../support/typescript.ts'

const made = project({ door: 'npm' })
let cloud: Cloud
let url = ''

const says = (text: string): string =>
  `export default class {
  predict(args: { input: number[] }) {
    console.log('asked', args.input.length)
    return { says: '${text}', sum: args.input.reduce((a, b) => a + b, 0) }
  }
}
`

beforeAll(async () => {
  cloud = await startCloud()
  installIn(made)
  made.write('model.ts', says('one'))
  made.write(
    'zappa_settings.json',
    JSON.stringify({
      dev: { project_name: 'mymodel', thampi: { platform: 'local' } },
      staging: {
        extends: 'dev',
        s3_bucket: 'thampi-mine',
        tags: { team: 'flowers' },
        thampi: { platform: 'aws' },
      },
    }),
  )
})
afterAll(() => cloud.close())

function thampi(...args: string[]): Promise<Ended> {
  return made.thampi(args, { env: { ...cloud.env } })
}

it('prints a policy, under which all the rest works', async () => {
  const { status, out } = await thampi('iam', 'print')
  expect(status).toBe(0)
  cloud.allowOnly(JSON.parse(out))
})

it('lists what a first serve would change, and changes nothing', async () => {
  const { status, out, err } = await thampi('serve', 'staging', '--model_dir=model.ts', '--dry-run')
  expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining('Nothing was changed') })
  for (const step of [/s3:CreateBucket +thampi-mine/, /lambda:CreateFunction +mymodel-staging {2}\d+\.\d kB/])
    expect(out).toMatch(step)
  expect(out).toContain('Version 1 loads its model before the traffic moves')
  expect(cloud.calls().length).toBeGreaterThan(0)
  expect(cloud.writing()).toEqual([])
  expect(await cloud.resources()).toEqual([])
})

it('serves, and says each step and that everybody may call', async () => {
  const { status, out, err } = await thampi('serve', 'staging', '--model_dir=model.ts')
  expect({ status, err }).toEqual({
    status: 0,
    err: expect.stringContaining('Version 1 serves staging on the aws platform'),
  })
  for (const step of [
    'Bucket thampi-mine created',
    'Function mymodel-staging created',
    'Version published',
    'HTTP API',
  ])
    expect(err).toContain(step)
  expect(err).toContain('Everybody who knows the URL may call it')
  url = out.trim()
  expect(url).toMatch(/\/staging\/mymodel\/predict$/)
})

it('answers whoever asks, and the owner in the words of the tutorial', async () => {
  const response = await fetch(url, { method: 'POST', body: '{"data": {"input": [1, 2.5]}}' })
  expect(response.headers.get('thampi-version')).toBe('1')
  expect(await response.json()).toMatchObject({ result: { says: 'one', sum: 3.5 } })
  const { out } = await thampi('predict', 'staging', '--data', '{"input": [1, 2.5]}')
  expect(out).toContain("'result': {'says': 'one', 'sum': 3.5}")
  expect((await thampi('info', 'staging')).out).toContain(`{'url': '${url}'}`)
})

it('tells callers what they may know, as the local platform does', async () => {
  const response = await fetch(url.replace(/predict$/, 'openapi.json'))
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  const told = (await response.json()) as { info: object; servers: { url: string }[]; paths: object }
  expect(told.info).toMatchObject({ title: 'mymodel', version: '1' })
  expect(Object.keys(told.paths)).toEqual(['/staging/mymodel/predict'])
  // What a stage is told by its owner's command is the same document.
  const { out } = await thampi('openapi', 'staging')
  expect({ ...told, servers: [] }).toEqual({ ...JSON.parse(out), servers: [] })
  expect(told.servers[0]?.url).toMatch(/^https?:\/\/[^/{}]+$/)
})

it('changes nothing when it is served again as it is', async () => {
  cloud.forget()
  const { status, out, err } = await thampi('serve', 'staging', '--model_dir=model.ts')
  expect({ status, out: out.trim() }).toEqual({ status: 0, out: url })
  expect(err).toContain('Unchanged: version 1 of staging')
  expect(cloud.writing().map(({ service, action }) => `${service} ${action}`)).toEqual([])
})

it('serves a changed model at the same URL with a handful of changes, and goes back with one', async () => {
  made.write('model.ts', says('two'))
  cloud.forget()
  expect((await thampi('serve', 'staging', '--model_dir=model.ts')).out.trim()).toBe(url)
  expect(changes('lambda')).toEqual(['UpdateFunctionCode', 'PublishVersion', 'UpdateAlias'])
  expect(await askedFor()).toEqual({ version: '2', says: 'two' })

  cloud.forget()
  expect((await thampi('rollback', 'staging')).out).toBe('Done!\n')
  expect(cloud.writing().map(({ action }) => action)).toEqual(['UpdateAlias'])
  expect(await askedFor()).toEqual({ version: '1', says: 'one' })
})

it('gives no traffic to a version that answers there otherwise than it was recorded', async () => {
  made.write('package.json', '{"type": "module"}')
  made.write(
    'where.ts',
    `import { Model } from 'thampi/model'
export class Where extends Model {
  override predict(): unknown {
    return { at: process.env.AWS_LAMBDA_FUNCTION_NAME === undefined ? 'here' : 'there' }
  }
}
`,
  )
  made.write(
    'train.ts',
    `import { save } from 'thampi'
import { Where } from './where.ts'
await save(new Where(), 'where', './models', { examples: [1] })
`,
  )
  const trained = await tsx(made, 'train.ts')
  expect(trained.status, trained.err).toBe(0)
  // Not tried on this machine either, where that would show as well.
  const { status, err } = await thampi('serve', 'staging', '--model_dir=models/where', '--no-try')
  expect({ status, err }).toEqual({ status: 7, err: expect.stringContaining('EXAMPLE_DIFFERS') })
  expect(err).toContain('result.at was "here", is "there"')
  expect(await askedFor()).toEqual({ version: '1', says: 'one' })
  const { out } = await thampi('versions', 'staging', '--json')
  expect((JSON.parse(out) as { version: number }[]).map(({ version }) => version)).toEqual([1, 2])
})

it('tells what the model printed, by request', async () => {
  await fetch(url, {
    method: 'POST',
    body: '{"data": {"input": [1]}}',
    headers: { 'X-Request-Id': 'flower-1' },
  })
  const { out } = await thampi('logs', 'staging', '--since=5m', '--filter', 'flower-1')
  expect(out).toContain('asked 1')
  expect(out).toContain('POST /staging/mymodel/predict 200')
})

it('leaves nothing behind but the bucket, and says so', async () => {
  const { status, out, err } = await thampi('undeploy', 'staging', '--yes', '--remove-logs')
  expect({ status, out }).toEqual({ status: 0, out: 'Done!\n' })
  expect(err).toContain('s3://thampi-mine, its bucket')
  expect(await cloud.resources()).toEqual(['s3 bucket thampi-mine'])
  expect((await thampi('info', 'staging')).status).toBe(4)
})

async function askedFor(): Promise<{ version: string | null; says: unknown }> {
  const response = await fetch(url, { method: 'POST', body: '{"data": {"input": []}}' })
  const { result } = (await response.json()) as { result: { says: unknown } }
  return { version: response.headers.get('thampi-version'), says: result.says }
}

function changes(service: 'lambda'): string[] {
  return cloud.writing(service).map(({ action }) => action)
}
