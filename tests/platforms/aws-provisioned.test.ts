/** Processes that wait for callers on the platform aws: when they are there, and when they cost nothing any more. */
import { ListProvisionedConcurrencyConfigsCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openAws } from '../../src/platforms/aws/aws.ts'
import { clientsOf } from '../aws/clients.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { servingOn, stageWith } from '../support/aws-serving.ts'
import { all } from './suite.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())
beforeEach(() => cloud.reset())

const { system, serve } = servingOn(() => cloud)

describe('provisioned concurrency', () => {
  const key = 'thampi.provisioned_concurrency'

  /** Version → processes that wait. */
  async function waiting(): Promise<Record<string, number | undefined>> {
    const about = new ListProvisionedConcurrencyConfigsCommand({ FunctionName: 'mymodel-dev' })
    const { ProvisionedConcurrencyConfigs = [] } = await clientsOf(cloud).lambda.send(about)
    return Object.fromEntries(
      ProvisionedConcurrencyConfigs.map(it => [
        it.FunctionArn?.split(':')[7],
        it.AvailableProvisionedConcurrentExecutions,
      ]),
    )
  }
  const order = (): string[] =>
    cloud
      .writing()
      .map(({ action }) => action)
      .filter(action => /Alias$|Provisioned/.test(action))

  it('is ready before a version gets traffic, and taken from whoever has none any more', async () => {
    const stage = stageWith({ [key]: 2 })
    cloud.behave({ provisionedMs: 300 })
    const first = await serve('one', stage)
    expect(await waiting()).toEqual({ 1: 2 })
    cloud.forget()
    const second = await serve('two', stage)
    expect(order()).toEqual([
      'PutProvisionedConcurrencyConfig',
      'UpdateAlias',
      'DeleteProvisionedConcurrencyConfig',
    ])
    expect(await waiting()).toEqual({ 2: 2 })
    const platform = await openAws(stage, system())
    await platform.route(
      stage,
      new Map([
        [first.version.number, 90],
        [second.version.number, 10],
      ]),
    )
    expect(await waiting()).toEqual({ 1: 2, 2: 2 })
    cloud.forget()
    await platform.route(stage, all(first.version))
    // Going back does not wait for them.
    expect(order()).toEqual(['UpdateAlias', 'DeleteProvisionedConcurrencyConfig'])
    await serve('three')
    expect(await waiting()).toEqual({})
    cloud.forget()
    await serve('four')
    expect(cloud.calls('lambda').filter(({ action }) => action.includes('Provisioned'))).toEqual([])
  })

  it('that does not become ready keeps a version from its traffic, and costs nothing then', async () => {
    await serve('one')
    cloud.behave({ provisionedFails: 'INSUFFICIENT_CAPACITY' })
    const stage = stageWith({ [key]: 2 })
    await expect(serve('two', stage)).rejects.toMatchObject({
      code: 'AWS_REFUSED',
      message: expect.stringContaining('INSUFFICIENT_CAPACITY'),
    })
    expect(await waiting()).toEqual({})
    expect((await (await openAws(stage, system())).find(stage))?.weights).toEqual(new Map([[1, 100]]))
  })

  it('is exchanged after the traffic has moved where both versions cannot have it', async () => {
    const stage = stageWith({ [key]: 2 }, { maxSandboxes: 3 })
    await serve('one', stage)
    cloud.forget()
    await serve('two', stage)
    expect(order()).toEqual([
      'UpdateAlias',
      'DeleteProvisionedConcurrencyConfig',
      'PutProvisionedConcurrencyConfig',
    ])
    expect(await waiting()).toEqual({ 2: 2 })
  })

  it('is refused beside a snapshot, and beyond what the function may have', async () => {
    for (const stage of [
      stageWith({ [key]: 2, snap_start: 'PublishedVersions' }),
      stageWith({ [key]: 2 }, { maxSandboxes: 1 }),
    ])
      await expect(serve('no', stage)).rejects.toMatchObject({
        code: 'SETTINGS_INVALID',
        fix: expect.any(String),
      })
  })
})
