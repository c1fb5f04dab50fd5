/** `thampi doctor --live` against the cloud of the tests: it finds what is as assumed and what is not, and leaves nothing. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Engine, openEngine } from '../../src/engine.ts'
import { examine, type LiveReport } from '../../src/live.ts'
import { assumptions } from '../../src/platforms/aws/live/assumptions.ts'
import { places } from '../../src/system/places.ts'
import { realSystem } from '../../src/system/system.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { temporaryDirectory } from '../support/python.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())
beforeEach(() => cloud.reset())

const home = temporaryDirectory()

async function engine(tell: (line: string) => void = () => {}): Promise<Engine> {
  const cwd = temporaryDirectory()
  const staging = {
    project_name: 'mymodel',
    s3_bucket: 'thampi-tests',
    domain: 'models.example.org',
    environment_variables: { TOKEN: 'very-secret' },
    thampi: { platform: 'aws' },
  }
  writeFileSync(
    join(cwd, 'zappa_settings.json'),
    JSON.stringify({ staging, dev: { project_name: 'mymodel' } }),
  )
  const env = { ...process.env, ...cloud.env, THAMPI_HOME: home }
  return openEngine({ system: { ...realSystem(tell), env, cwd, places: places(env) } })
}

const different = ({ findings }: LiveReport): string[] =>
  findings.filter(({ asAssumed }) => asAssumed === false).map(({ id, seen }) => `${id}: ${seen}`)

it('finds a cloud that behaves as documented to be as assumed, times it, and leaves the bucket alone', async () => {
  cloud.behave({ roleMs: 1_500, createMs: 200, apiMs: 600 })
  const found = await examine('staging', {}, await engine())
  expect(found.error).toBeUndefined()
  expect(different(found)).toEqual([])
  expect(found.findings.map(({ id }) => id)).toEqual(assumptions.map(({ id }) => id))
  // Only Amazon's own addresses can be Amazon's.
  expect(found.findings.filter(({ asAssumed }) => asAssumed === undefined).map(({ id }) => id)).toEqual([
    'address',
  ])
  const times = new Map(found.timings.map(({ step, ms }) => [step, ms]))
  expect(times.get('role known to Lambda, function made')).toBeGreaterThan(1_000)
  expect(times.get('function Active')).toBeGreaterThan(100)
  expect([...times.keys()]).toEqual(
    expect.arrayContaining([
      'bucket made',
      'layer published',
      'first invocation (cold)',
      'rolled back: first version answers',
    ]),
  )
  expect(found.residue).toEqual([])
  expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
  expect(found.left).toEqual([expect.stringContaining('s3://thampi-tests')])
  expect(JSON.stringify(cloud.calls())).not.toContain('very-secret')
})

it('shows where the cloud is otherwise than documented', async () => {
  cloud.behave({ deviations: ['publishes-unchanged', 'alias-unguarded'] })
  const found = await examine('staging', {}, await engine())
  expect(different(found)).toEqual(['same-version: version 2, then version 3', 'guarded-alias: it was done'])
  expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
})

it('says what kept it from its end, and has cleaned up all the same', async () => {
  cloud.fail({ action: 'CreateApi' }, 'denied', { times: Infinity })
  const found = await examine('staging', {}, await engine())
  expect(found.error).toMatchObject({ code: 'AWS_DENIED' })
  expect(found.timings.map(({ step }) => step)).toContain('function Active')
  expect(found.residue).toEqual([])
  expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
})

it('cleans up when it is interrupted', async () => {
  const stop = new AbortController()
  const at = await engine(line => {
    if (line.startsWith('Role ')) stop.abort()
  })
  const found = await examine('staging', { signal: stop.signal }, at)
  expect(found.error).toMatchObject({ code: 'INTERRUPTED' })
  expect(found.residue).toEqual([])
  expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
})

it('names what it could not remove', async () => {
  for (const action of ['CreateFunction', 'DeleteRole']) cloud.fail({ action }, 'denied', { times: Infinity })
  const found = await examine('staging', {}, await engine())
  expect(found.error).toMatchObject({ message: expect.stringContaining('lambda:CreateFunction') })
  expect(found.residue).toEqual([expect.stringContaining('iam:DeleteRole')])
})

it('looks at AWS only, and says how', async () => {
  await expect(examine('dev', {}, await engine())).rejects.toMatchObject({
    code: 'USAGE',
    fix: 'thampi doctor --live dev --platform aws',
  })
})

it('is described as it is: every assumption stands on the page about AWS', () => {
  const page = readFileSync('docs/aws.md', 'utf8')
  expect(assumptions.filter(({ id }) => !page.includes(`\`${id}\``))).toEqual([])
})
