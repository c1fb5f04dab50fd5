/** `thampi status` on AWS: what Lambda and CloudWatch say of a stage, also to somebody who may not see all of it. */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { functionPage } from '../../src/cli/commands/function-status.ts'
import { openAws } from '../../src/platforms/aws/aws.ts'
import { deployerPolicy } from '../../src/platforms/aws/permissions/deployer-policy.ts'
import type { FunctionStatus } from '../../src/platforms/platform.ts'
import { places } from '../../src/system/places.ts'
import { realSystem, type System } from '../../src/system/system.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { awsStage } from '../support/aws-stage.ts'
import { saveSource } from '../support/node-runtime.ts'
import { temporaryDirectory } from '../support/python.ts'
import { all, bundleOf } from './suite.ts'

let cloud: Cloud
let system: System
const stage = awsStage('dev', { s3_bucket: 'thampi-tests' })
beforeAll(async () => {
  cloud = await startCloud()
  const env = { ...process.env, ...cloud.env, THAMPI_HOME: temporaryDirectory() }
  system = { ...realSystem(), env, cwd: temporaryDirectory(), places: places(env) }
})
afterAll(() => cloud.close())

async function status(): Promise<FunctionStatus> {
  const platform = await openAws(stage, system)
  const found = await platform.status?.(stage)
  if (found?.kind !== 'function') throw new Error('not the status of a function')
  return found
}

/** Columns are wide or narrow as it comes. */
const pageOf = (now: FunctionStatus): string => functionPage(now).join('\n').replace(/ +/g, ' ')

const policy = deployerPolicy(
  { prefix: 'mymodel', bucket: 'thampi-tests', keepsWarm: true },
  { partition: 'aws', region: 'eu-central-1', account: '123456789012' },
)

it('says where nothing is deployed in the words that Zappa has for it', async () => {
  await expect(status()).rejects.toMatchObject({
    code: 'NOT_DEPLOYED',
    message: 'No Lambda mymodel-dev detected in eu-central-1 - have you deployed yet?',
    fix: 'thampi serve dev',
  })
})

it('shows the function as it has the traffic, its versions, and what was counted in a day', async () => {
  cloud.allowOnly(policy as never)
  const platform = await openAws(stage, system)
  const release = async (text: string) => {
    const dir = await saveSource(`export default class { predict() { return '${text}' } }`)
    return platform.release(await bundleOf(dir, stage, { platform, system }), stage)
  }
  const one = await release('one')
  const { url } = await platform.route(stage, all(one))
  const two = await release('two')
  await platform.route(
    stage,
    new Map([
      [one.number, 75],
      [two.number, 25],
    ]),
  )
  const before = (await status()).traffic?.invocations ?? 0
  for (let i = 0; i < 3; i++) await (await fetch(url, { method: 'POST', body: '{"data": 1}' })).arrayBuffer()
  cloud.forget()
  const now = await status()
  expect(cloud.writing()).toEqual([])
  expect(now.traffic).toEqual({ invocations: before + 3, errors: 0 })
  expect(now.versions).toEqual([
    { number: 1, weight: 75 },
    { number: 2, weight: 25 },
  ])
  expect(now).toMatchObject({ url, schedules: 1, missing: undefined, region: 'eu-central-1' })
  expect(now.function).toMatchObject({
    name: 'mymodel-dev',
    version: '2',
    memoryMb: 512,
    timeoutSeconds: 20,
    state: 'Active',
    vpc: undefined,
  })
  const page = pageOf(now)
  for (const row of [
    'Status for mymodel-dev: ',
    '\tLambda Versions: 2',
    '\tLambda Role ARN: arn:aws:iam::123456789012:role/mymodel-dev-ZappaLambdaExecutionRole',
    `\tInvocations (24h): ${before + 3}`,
    '\tError Rate (24h): 0.00%',
    `\tAPI Gateway URL: ${url}`,
    '\tDomain URL: None Supplied',
    '\tNum. Event Rules: 1',
    'Version 2 has 25 % of the traffic, Active.',
  ])
    expect(page).toContain(row)
})

it('counts what ended in an error of the function', async () => {
  const platform = await openAws(stage, system)
  const dir = await saveSource(`export default class { predict() { throw new Error('no') } }`)
  const { number } = await platform.release(await bundleOf(dir, stage, { platform, system }), stage)
  const before = (await status()).traffic?.errors ?? 0
  const lambda = new LambdaClient(cloud.client)
  const about = { FunctionName: 'mymodel-dev', Qualifier: String(number) }
  // Called directly a function fails; through the API it answers with a problem, which Lambda counts as well done.
  const { FunctionError } = await lambda.send(
    new InvokeCommand({ ...about, Payload: Buffer.from('{"data": 1}') }),
  )
  expect(FunctionError).toBeDefined()
  expect((await status()).traffic?.errors).toBe(before + 1)
})

it('leaves out what one may not see, and names the permission', async () => {
  const { Statement, ...rest } = policy
  cloud.allowOnly({ ...rest, Statement: Statement.filter(({ Sid }) => Sid !== 'Metrics') } as never)
  const now = await status()
  expect(now).toMatchObject({ traffic: undefined, missing: 'cloudwatch:GetMetricData' })
  const page = pageOf(now)
  expect(page).toContain('\tInvocations (24h): not allowed to see: cloudwatch:GetMetricData')
  expect(page).not.toContain('Errors')
  expect(page).toContain('\tLambda Memory Size:')
})
