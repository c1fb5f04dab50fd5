/** Settings of the platform aws that reach beyond the function: its environment in S3, its role, what it costs. */
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openAws } from '../../src/platforms/aws/aws.ts'
import type { Stage } from '../../src/settings/stage.ts'
import { clientsOf } from '../aws/clients.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { servingOn, stageWith } from '../support/aws-serving.ts'
import { all, ask } from './suite.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())
beforeEach(() => cloud.reset())

const { told, system, serve, serveSource } = servingOn(() => cloud)

describe('remote_env', () => {
  /** Tells what of its environment is given by name. */
  const telling = `export default class {
  initialize() { this.at = process.env.GREETING ?? 'nothing' }
  predict(args) {
    if (args === 'die') process.kill(process.pid, 'SIGKILL')
    return { says: this.at, native: process.env.NATIVE, own: process.env.OWN, region: process.env.AWS_REGION }
  }
}`
  const at = (key: string): Partial<Stage> => ({
    remoteEnvironment: { bucket: 'secrets', key, replaces: ['NATIVE'] },
    environment: { NATIVE: 'native', OWN: 'ours' },
  })

  async function put(key: string, content: unknown): Promise<void> {
    const { s3 } = clientsOf(cloud)
    const Body = typeof content === 'string' ? content : JSON.stringify(content)
    await s3.send(new PutObjectCommand({ Bucket: 'secrets', Key: key, Body }))
  }

  /** The next one has to read it anew. */
  async function endProcess(url: string): Promise<void> {
    expect((await fetch(url, { method: 'POST', body: '{"data": "die"}' })).status).toBe(500)
  }

  beforeEach(async () => {
    const LocationConstraint = cloud.region as 'eu-central-1'
    await clientsOf(cloud).s3.send(
      new CreateBucketCommand({ Bucket: 'secrets', CreateBucketConfiguration: { LocationConstraint } }),
    )
  })

  it('is read by the function itself, with no more rights than that; settings and Lambda win over it', async () => {
    await put('live.json', { GREETING: 'remote', NATIVE: 'remote', OWN: 'remote', AWS_REGION: 'moon' })
    told.length = 0
    const { url } = await serveSource(telling, stageWith({}, at('live.json')))
    const answer = await (await fetch(url, { method: 'POST', body: '{}' })).json()
    expect(answer).toMatchObject({
      result: { says: 'remote', native: 'remote', own: 'ours', region: cloud.region },
    })
    expect(told.join('\n')).toContain('s3://secrets/live.json ("remote_env") is read whenever')
    expect(told.join('\n')).not.toContain('remote"')
  })

  it('of an earlier version can still be read when traffic goes back to that version', async () => {
    await put('old.json', { GREETING: 'old' })
    await put('new.json', { GREETING: 'new' })
    const stage = stageWith({}, at('old.json'))
    const old = await serveSource(telling, stage)
    expect((await ask((await serveSource(telling, stageWith({}, at('new.json')))).url)).says).toBe('new')
    const platform = await openAws(stage, system())
    const { url } = await platform.route(stage, all(old.version))
    await endProcess(url)
    expect((await ask(url)).says).toBe('old')
  })

  it.each([
    ['is not there', undefined, 'PERMISSION', 's3://secrets/live.json'],
    ['is not flat', { DB: { PASSWORD: 'hunter2' } }, 'SETTINGS_INVALID', 'no text as the value of DB'],
  ])(
    'that %s keeps a version from its traffic, and no message shows a value',
    async (_, content, code, words) => {
      await serve('before')
      if (content !== undefined) await put('live.json', content)
      const failed = await serveSource(telling, stageWith({}, at('live.json'))).catch(error => error)
      expect(failed).toMatchObject({ code, message: expect.stringContaining(words) })
      expect(failed.fix).toBeDefined()
      expect(JSON.stringify([failed, failed.problem, told])).not.toContain('hunter2')
      const platform = await openAws(stageWith(), system())
      expect((await platform.find(stageWith()))?.weights).toEqual(new Map([[1, 100]]))
    },
  )

  it('that disappears later is a problem for callers, until it is there again', async () => {
    await put('live.json', { GREETING: 'here' })
    const { url } = await serveSource(telling, stageWith({}, at('live.json')))
    const { s3 } = clientsOf(cloud)
    await s3.send(new DeleteObjectCommand({ Bucket: 'secrets', Key: 'live.json' }))
    await endProcess(url)
    expect((await ask(url)).status).toBe(503)
    await put('live.json', { GREETING: 'again' })
    expect((await ask(url)).says).toBe('again')
  })
})
