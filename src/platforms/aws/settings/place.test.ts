import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { awsStage } from '../../../../tests/support/aws-stage.ts'
import { temporaryDirectory } from '../../../../tests/support/python.ts'
import { realSystem, type System } from '../../../system/system.ts'
import { placeOf } from './place.ts'

const none = join(temporaryDirectory(), 'none')

function systemWith(env: Record<string, string>): System {
  return { ...realSystem(), env: { AWS_CONFIG_FILE: none, AWS_SHARED_CREDENTIALS_FILE: none, ...env } }
}

function profiles(text: string): Record<string, string> {
  const file = join(temporaryDirectory(), 'config')
  writeFileSync(file, text)
  return { AWS_CONFIG_FILE: file }
}

it('names the profiles there are when the one of the settings is not among them', async () => {
  const system = systemWith(
    profiles('[default]\nregion = eu-west-1\n[profile private]\nregion = eu-west-1\n'),
  )
  const stage = awsStage('staging', { profile_name: 'work' })
  await expect(placeOf(stage, system)).rejects.toMatchObject({
    code: 'NO_AWS_PROFILE',
    why: 'It has: default, private.',
    fix: expect.stringContaining('aws configure --profile work'),
  })
})

it('says that no region is named, and how to name one', async () => {
  await expect(placeOf(awsStage('staging'), systemWith({}))).rejects.toMatchObject({
    code: 'NO_REGION',
    fix: expect.stringContaining('aws configure set region'),
  })
})

it('takes the region of the settings before that of the environment, and that before the profile’s', async () => {
  const config = profiles('[profile work]\nregion = eu-west-1\n')
  const region = async (aws: Record<string, unknown>, env: Record<string, string>): Promise<string> =>
    (await placeOf(awsStage('staging', { profile_name: 'work', ...aws }), systemWith({ ...config, ...env })))
      .region
  expect(await region({}, {})).toBe('eu-west-1')
  expect(await region({}, { AWS_REGION: 'eu-central-1' })).toBe('eu-central-1')
  expect(await region({ aws_region: 'us-east-1' }, { AWS_REGION: 'eu-central-1' })).toBe('us-east-1')
})

it('reaches services where the settings or the environment say they are', async () => {
  const system = systemWith({ AWS_REGION: 'eu-central-1', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' })
  const stage = awsStage('staging', {
    aws_endpoint_urls: { s3: 'http://127.0.0.1:2', apigateway: 'http://127.0.0.1:3' },
  })
  expect((await placeOf(stage, system)).endpoints).toMatchObject({
    lambda: 'http://127.0.0.1:1',
    s3: 'http://127.0.0.1:2',
    apigatewayv2: 'http://127.0.0.1:3',
  })
})
