/** Settings of the platform aws that reach beyond the function: its environment in S3, its role. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateRoleCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam'
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openAws } from '../../src/platforms/aws/aws.ts'
import type { Stage } from '../../src/settings/stage.ts'
import { clientsOf } from '../aws/clients.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { servingOn, stageWith } from '../support/aws-serving.ts'
import { temporaryDirectory } from '../support/python.ts'
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

describe('the role', () => {
  const usual = 'mymodel-dev-ZappaLambdaExecutionRole'
  const statement = { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: '*' }
  const toLambda = {
    Effect: 'Allow',
    Principal: { Service: 'lambda.amazonaws.com' },
    Action: 'sts:AssumeRole',
  }
  const policy = (...statements: readonly object[]): string =>
    JSON.stringify({ Version: '2012-10-17', Statement: statements })

  /** Serves from a directory with these files. */
  async function serveWith(
    aws: Readonly<Record<string, unknown>>,
    files: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const cwd = temporaryDirectory()
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
    const stage = stageWith(aws)
    await serve('role', stage, await openAws(stage, system(cwd)))
  }

  async function roleNamed(
    RoleName: string,
  ): Promise<{ trust: string; allowed: string; policies: string[] }> {
    const { iam } = clientsOf(cloud)
    const { Role } = await iam.send(new GetRoleCommand({ RoleName }))
    const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }))
    const documents = PolicyNames.map(async PolicyName => {
      const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))
      return decodeURIComponent(PolicyDocument ?? '')
    })
    return {
      trust: decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ''),
      allowed: (await Promise.all(documents)).join(),
      policies: PolicyNames,
    }
  }

  it('may what the files of the project say beside what it needs, as they are at each serve', async () => {
    const named = { attach_policy: 'more.json', assume_policy: 'trust.json' }
    const more = { ...toLambda, Principal: { Service: ['edgelambda.amazonaws.com', 'lambda.amazonaws.com'] } }
    await serveWith(named, { 'more.json': policy(statement), 'trust.json': policy(more) })
    const first = await roleNamed(usual)
    expect(first.trust).toContain('edgelambda')
    expect(first.allowed).toContain('dynamodb:GetItem')
    expect(first.allowed).toContain('logs:PutLogEvents')
    await serveWith(named, { 'more.json': policy(), 'trust.json': policy(toLambda) })
    expect((await roleNamed(usual)).trust).not.toContain('edgelambda')
    expect((await roleNamed(usual)).allowed).not.toContain('dynamodb')
  })

  it.each([
    ['attach_policy', undefined, 'is not there'],
    ['attach_policy', '{', 'is no JSON object'],
    ['attach_policy', policy({ Action: '*' }), 'has statements that are none'],
    [
      'assume_policy',
      policy({ ...toLambda, Principal: { Service: 'ec2.amazonaws.com' } }),
      'does not let Lambda',
    ],
  ])('%s of a file that is wrong (%s) is refused before anything is made', async (key, text, words) => {
    const files: Record<string, string> = text === undefined ? {} : { 'file.json': text }
    await expect(serveWith({ [key]: 'file.json' }, files)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringMatching(new RegExp(`^file.json .\`${key}\` of stage \`dev\`. ${words}`)),
      fix: expect.any(String),
    })
    expect((await cloud.resources()).filter(it => !it.startsWith('s3 bucket'))).toEqual([])
  })

  it('has the name that the settings say, and goes with the stage', async () => {
    const stage = stageWith({ role_name: 'models' })
    await serve('named', stage)
    const { lambda } = clientsOf(cloud)
    const about = new GetFunctionConfigurationCommand({ FunctionName: 'mymodel-dev' })
    expect((await lambda.send(about)).Role).toMatch(/:role\/models$/)
    expect((await roleNamed('models')).policies).toEqual(['thampi-mymodel-dev'])
    await (await openAws(stage, system())).remove(stage, { removeLogs: true })
    expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
  })

  it('that was there before keeps who may take it on, and stays without what this stage was allowed', async () => {
    const { iam } = clientsOf(cloud)
    const both = policy({
      ...toLambda,
      Principal: { Service: ['lambda.amazonaws.com', 'ecs.amazonaws.com'] },
    })
    await iam.send(new CreateRoleCommand({ RoleName: 'shared', AssumeRolePolicyDocument: both }))
    const stage = stageWith({ role_name: 'shared' })
    await serve('shared', stage)
    expect((await roleNamed('shared')).trust).toContain('ecs.amazonaws.com')
    const { left } = await (await openAws(stage, system())).remove(stage, { removeLogs: true })
    expect(left.join()).toContain('the role shared, which others use or have made')
    expect((await roleNamed('shared')).policies).toEqual([])
  })

  it('and the description of the function are those of the settings', async () => {
    await serve('said', stageWith({ lambda_description: 'Flowers by petals' }))
    const about = new GetFunctionConfigurationCommand({ FunctionName: 'mymodel-dev' })
    const { Description } = await clientsOf(cloud).lambda.send(about)
    expect(Description).toMatch(/^Flowers by petals\. Configuration [0-9a-f]{16}$/)
  })
})
