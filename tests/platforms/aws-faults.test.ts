/** Each fault of deploying to AWS by its name: what a person reads, what is left, and that the next run ends well. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openAws } from '../../src/platforms/aws/aws.ts'
import type { Policy } from '../../src/platforms/aws/permissions/policy.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { AwsError } from '../aws/errors.ts'
import { servingOn, stageWith } from '../support/aws-serving.ts'
import { failureOf } from '../support/failure.ts'
import { passed } from '../support/pauses.ts'
import { temporaryDirectory } from '../support/python.ts'
import { ask } from './suite.ts'

vi.mock('node:timers/promises', () => import('../support/pauses.ts'))

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())
beforeEach(() => cloud.reset())

const { serve, system } = servingOn(() => cloud)

/** Seconds by that clock. */
async function secondsOf(work: Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work
  return (performance.now() - began) / 1000
}

/** Runs it again and again with the permission that its message asked for; gives them in order. */
async function givenOneByOne(before: readonly string[], run: () => Promise<unknown>): Promise<string[]> {
  const given: string[] = []
  for (;;) {
    const Action = [...before, ...given]
    cloud.allowOnly({ Statement: [{ Effect: 'Allow', Action, Resource: '*' }] })
    const error = await run().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (error === undefined) return given
    const said = await failureOf(Promise.reject(error))
    const [named = said] = /\b(sts|s3|iam|lambda|apigateway|logs|scheduler):[A-Za-z]+/.exec(said) ?? []
    // The same again would be a message that names the wrong one.
    expect(given).not.toContain(named)
    expect(said).toMatch(/AWS_DENIED|BUCKET_UNUSABLE/)
    given.push(named)
  }
}

const resume = 'run the same command again; it goes on where it stopped'

it('D3: an S3 that is not itself is asked again', async () => {
  const troubles = ['unavailable', 'failed', 'throttled', 'reset', 'conflict'] as const
  const faults = troubles.map(how => cloud.fail({ service: 's3', action: 'PutObject' }, how))
  expect((await ask((await serve('patient')).url)).says).toBe('patient')
  expect(faults.map(({ hits }) => hits)).toEqual(troubles.map(() => 1))
})

describe('D5: too much is asked of AWS', () => {
  it('for a minute: it takes a minute longer', async () => {
    const end = performance.now() + 60_000
    const fault = cloud.fail(({ writing }) => writing && performance.now() < end, 'throttled', {
      times: Infinity,
    })
    expect(await secondsOf(serve('patient'))).toBeGreaterThan(60)
    // Waiting, not hammering.
    expect(fault.hits).toBeLessThan(60)
  })

  it('for ever: it says which call, and gives up', async () => {
    cloud.fail({ action: 'CreateRole' }, 'throttled', { times: Infinity })
    expect(
      await failureOf(serve('patient')),
    ).toBe(`AWS takes no more calls of iam:CreateRole at the moment (Throttling).
It was tried again for more than a minute.
Fix: run the same command again in a while
AWS_UNAVAILABLE · docs/reference/errors.md#aws_unavailable`)
  })
})

describe('D6: something is in progress', () => {
  const busy = new AwsError(
    409,
    'ResourceConflictException',
    'The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-central-1:123456789012:function:mymodel-dev',
  )

  const first = ['CreateAlias', 'AddPermission', 'PublishVersion', 'PutFunctionConcurrency']
  const next = ['UpdateFunctionConfiguration', 'UpdateFunctionCode', 'PublishVersion', 'UpdateAlias']

  it('whichever call hears of it, it is made again', async () => {
    const made = first.map(action => cloud.fail({ action }, busy, { times: 2 }))
    await serve('one', stageWith({}, { maxSandboxes: 5 }))
    expect(made.map(({ hits }) => hits)).toEqual(first.map(() => 2))
    const changed = next.map(action => cloud.fail({ action }, busy, { times: 2 }))
    const { url } = await serve('two', stageWith({}, { memoryMb: 256 }))
    expect(changed.map(({ hits }) => hits)).toEqual(next.map(() => 2))
    expect((await ask(url)).says).toBe('two')
  })

  it('and stays so for a call that nothing stands before: it says that it can be taken up again', async () => {
    cloud.fail({ action: 'PublishVersion' }, busy, { times: Infinity })
    expect(await failureOf(serve('busy'))).toBe(`AWS could not do lambda:PublishVersion yet: ${busy.message}
Fix: ${resume}
AWS_UNAVAILABLE · docs/reference/errors.md#aws_unavailable`)
  })

  it('for many polls, and is waited for', async () => {
    cloud.behave({ createMs: 90_000, publishMs: 240_000 })
    expect(await secondsOf(serve('slow'))).toBeGreaterThan(330)
  })

  it('and stays so: after ten minutes that is said; what was served goes on, and the next run ends it', async () => {
    const { url } = await serve('one')
    cloud.behave({ updateMs: 3_600_000 })
    expect(await failureOf(serve('two'))).toBe(`After 600 s function mymodel-dev is still not ready.
Fix: ${resume}
AWS_UNAVAILABLE · docs/reference/errors.md#aws_unavailable`)
    expect((await ask(url)).says).toBe('one')
    passed.ms += 3_600_000
    cloud.behave({ updateMs: 30 })
    expect((await ask((await serve('two')).url)).says).toBe('two')
  })
})

describe('D7: a role that Lambda does not know yet', () => {
  it('is tried with again for a minute and more', async () => {
    cloud.behave({ roleMs: 60_000 })
    expect(await secondsOf(serve('role'))).toBeGreaterThan(60)
  })

  it('and never will: what Lambda says is said after two minutes', async () => {
    cloud.behave({ roleMs: 3_600_000 })
    const said = await failureOf(serve('role'))
    expect(said).toContain(
      'AWS refused lambda:CreateFunction: The role defined for the function cannot be assumed by Lambda.',
    )
    expect(cloud.calls('lambda').filter(({ action }) => action === 'CreateFunction').length).toBeLessThan(40)
  })

  it('is told apart from everything else that is invalid, which is tried once', async () => {
    const message = 'Unzipped size must be smaller than 262144000 bytes'
    const fault = cloud.fail(
      { action: 'CreateFunction' },
      new AwsError(400, 'InvalidParameterValueException', message),
      { times: Infinity },
    )
    expect(await failureOf(serve('big'))).toBe(`AWS refused lambda:CreateFunction: ${message}
AWS_REFUSED · docs/reference/errors.md#aws_refused`)
    expect(fault.hits).toBe(1)
  })
})

describe('D9: credentials', () => {
  it('that have expired', async () => {
    cloud.fail({ service: 'lambda' }, 'expired', { times: Infinity })
    expect(await failureOf(serve('late'))).toBe(`There are no AWS credentials that work.
The security token included in the request is expired
Fix: aws configure   # or serve it here: --platform local
AWS_CREDENTIALS · docs/reference/errors.md#aws_credentials`)
  })

  it('of a single sign-on that is over name the command that begins it anew', async () => {
    const dir = temporaryDirectory()
    const file = join(dir, 'config')
    const lines = [
      '[profile flowers]',
      'region = eu-central-1',
      'sso_session = garden',
      'sso_account_id = 123456789012',
      'sso_role_name = deployer',
      '[sso-session garden]',
      'sso_start_url = https://garden.example/start',
      'sso_region = eu-central-1',
    ]
    writeFileSync(file, lines.join('\n'))
    mkdirSync(join(dir, '.aws', 'sso', 'cache'), { recursive: true })
    vi.stubEnv('AWS_CONFIG_FILE', file)
    vi.stubEnv('HOME', dir)
    const stage = stageWith({ profile_name: 'flowers' })
    const here = system()
    const env = { ...here.env, AWS_CONFIG_FILE: file, HOME: dir }
    const said = await failureOf(openAws(stage, { ...here, env }).then(platform => platform.find(stage)))
    vi.unstubAllEnvs()
    expect(said).toBe(`The sign-in of profile "flowers" has ended.
The SSO session token associated with profile=flowers was not found or is invalid. To refresh this SSO session run 'aws sso login' with the corresponding profile.
Fix: aws sso login --profile flowers
AWS_CREDENTIALS · docs/reference/errors.md#aws_credentials`)
  })

  it('whose signature does not fit, for the clock is wrong', async () => {
    const skewed = 'Signature expired: 20261130T010000Z is now earlier than 20261130T015500Z'
    cloud.fail({ service: 'sts' }, new AwsError(403, 'SignatureDoesNotMatch', skewed), { times: Infinity })
    expect(
      await failureOf(serve('yesterday')),
    ).toBe(`AWS refuses the signature of sts:GetCallerIdentity (SignatureDoesNotMatch).
Usually the clock of this machine is wrong, or the secret key is.
Fix: date -u   # compare with the right time, then: aws sts get-caller-identity
AWS_CREDENTIALS · docs/reference/errors.md#aws_credentials`)
  })
})

describe('D9: permissions', () => {
  it('given one by one, each as the message names it, end in what all of them at once end in', async () => {
    const stage = stageWith({}, { keepWarm: true })
    await serve('whole', stage)
    const whole = await cloud.resources()
    await cloud.reset()
    // Without that one a turn is given back all the same, so that no message asks for it.
    const given = await givenOneByOne(['s3:DeleteObject'], () => serve('whole', stage))
    expect(await cloud.resources()).toEqual(whole)
    const platform = await openAws(stage, system())
    const printed = (await platform.permissions?.(stage)) as Policy | undefined
    const allowed = printed?.Statement.flatMap(({ Action }) => Action)
    expect(given.filter(action => !allowed?.includes(action))).toEqual([])
    expect(given.length).toBeGreaterThan(25)
  })

  it('that a call names by another name are named as policies do', async () => {
    // S3 does not always say what is missing.
    cloud.fail({ action: 'PutPublicAccessBlock' }, new AwsError(403, 'AccessDenied', 'Access Denied'), {
      times: Infinity,
    })
    expect(
      await failureOf(serve('terse')),
    ).toBe(`AWS does not let these credentials do s3:PutBucketPublicAccessBlock.
Access Denied
Fix: thampi iam print   # the policy that deploying needs
AWS_DENIED · docs/reference/errors.md#aws_denied`)
  })

  it('that an organisation withholds are not to be had from a policy', async () => {
    const denial =
      'User: arn:aws:iam::123456789012:user/deployer is not authorized to perform: lambda:CreateFunction on resource: arn:aws:lambda:eu-central-1:123456789012:function:mymodel-dev with an explicit deny in a service control policy'
    cloud.fail({ action: 'CreateFunction' }, new AwsError(403, 'AccessDeniedException', denial))
    expect(
      await failureOf(serve('forbidden')),
    ).toBe(`AWS does not let these credentials do lambda:CreateFunction.
${denial}
Fix: ask whoever wrote the service control policy; a policy of your own does not lift it
AWS_DENIED · docs/reference/errors.md#aws_denied`)
  })
})

describe('D9: the bucket', () => {
  it('lies in another region', async () => {
    const there = new S3Client({ ...cloud.client, region: 'eu-west-1', forcePathStyle: true })
    const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const
    await there.send(new CreateBucketCommand({ Bucket: 'thampi-tests', CreateBucketConfiguration }))
    expect(
      await failureOf(serve('far')),
    ).toBe(`The bucket "thampi-tests" lies in eu-west-1, and dev is served in eu-central-1.
Lambda takes code only from a bucket of its own region.
Fix: choose another "s3_bucket" or "aws_region" in the settings of dev
BUCKET_UNUSABLE · docs/reference/errors.md#bucket_unusable`)
  })

  it('is somebody else’s, or may not be looked at', async () => {
    cloud.takeAway('thampi-tests')
    expect(
      await failureOf(serve('theirs')),
    ).toBe(`The bucket "thampi-tests" belongs to another AWS account, or these credentials may not look at it.
Names of buckets are shared by everybody. If it is yours, s3:ListBucket on it is missing: thampi iam print
Fix: choose another "s3_bucket" in the settings of dev
BUCKET_UNUSABLE · docs/reference/errors.md#bucket_unusable`)
  })
})

it('D16: an undeploy that stops for want of a permission is taken up again, and leaves nothing', async () => {
  const stage = stageWith({}, { keepWarm: true })
  await serve('gone', stage)
  const remove = async () => (await openAws(stage, system())).remove(stage, { removeLogs: true })
  const given = await givenOneByOne(['s3:*'], remove)
  expect(given).toContain('scheduler:DeleteSchedule')
  expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
  expect(await remove()).toMatchObject({ removed: false })
})

describe('D17: no room is left', () => {
  it('for code in the account', async () => {
    await serve('one')
    cloud.behave({ codeStorageBytes: 1 })
    expect(
      await failureOf(serve('two')),
    ).toBe(`There is no room left for code in this account and region (lambda:UpdateFunctionCode).
Code storage limit exceeded.
Fix: thampi undeploy STAGE   # one that nobody needs; or a lower "num_retained_versions"
AWS_REFUSED · docs/reference/errors.md#aws_refused`)
  })

  it('for as much memory as the stage wants, in a new account', async () => {
    cloud.behave({ memoryQuotaMb: 256 })
    expect(
      await failureOf(serve('hungry')),
    ).toBe(`Functions of this account may have 256 MB of memory at most.
New accounts begin with less than others; AWS Support raises it.
Fix: "memory_size": 256   # in the settings of the stage, then run the same command again
AWS_REFUSED · docs/reference/errors.md#aws_refused`)
  })

  it('for as many requests at a time as the stage wants', async () => {
    cloud.behave({ concurrencyQuota: 10 })
    expect(
      await failureOf(serve('many', stageWith({}, { maxSandboxes: 50 }))),
    ).toBe(`This account has not so many requests at a time to reserve as "lambda_concurrency" wants.
Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].
Fix: write a lower "lambda_concurrency", or take it out, and run the same command again
AWS_REFUSED · docs/reference/errors.md#aws_refused`)
  })
})

describe('D19: said by others through Lambda, in their own words', () => {
  const kms =
    'Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the function’s KMS key settings.'
  it.each([
    ['KMS', 'Invoke', new AwsError(502, 'KMSAccessDeniedException', kms)],
    ['a network', 'Invoke', new AwsError(502, 'EC2AccessDeniedException', 'no ec2:CreateNetworkInterface')],
    ['addresses', 'Invoke', new AwsError(502, 'SubnetIPAddressLimitReachedException', 'no addresses left')],
  ])('%s', async (_, action, error) => {
    const fault = cloud.fail({ action }, error, { times: Infinity })
    expect(await failureOf(serve('locked'))).toBe(`AWS refused lambda:InvokeFunction: ${error.message}
AWS_REFUSED · docs/reference/errors.md#aws_refused`)
    expect(fault.hits).toBe(1)
  })
})
