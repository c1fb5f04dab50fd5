import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type AwsProfile, awsProfiles } from './profiles.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'profiles-'))
})
afterEach(() => rm(home, { recursive: true }))

async function profilesOf(config: string, credentials = ''): Promise<readonly AwsProfile[]> {
  await writeFile(join(home, 'config'), config)
  await writeFile(join(home, 'credentials'), credentials)
  return awsProfiles({
    HOME: home,
    AWS_CONFIG_FILE: '~/config',
    AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials'),
  })
}

it('profiles come in the order of the config file, then those that only the credentials file has', async () => {
  const profiles = await profilesOf(
    '[profile zebra]\nregion = eu-west-1\n[default]\nregion = us-east-1\n[profile 2024]\noutput = json\n',
    '[extra]\naws_access_key_id = A\n[zebra]\naws_access_key_id = B\n[alpha]\naws_access_key_id = C\nregion = eu-north-1\n',
  )
  expect(profiles).toEqual([
    { name: 'zebra', region: 'eu-west-1' },
    { name: 'default', region: 'us-east-1' },
    { name: '2024', region: undefined },
    { name: 'extra', region: undefined },
    { name: 'alpha', region: 'eu-north-1' },
  ])
})

it('sections of SSO sessions and services are no profiles', async () => {
  const profiles = await profilesOf(
    '[sso-session work]\nsso_region = us-east-1\n[services mine]\ns3 =\n  endpoint_url = http://example.com\n' +
      '[profile sso]\nsso_session = work\nregion = us-west-2\n; [profile gone]\n[plain]\nregion = us-east-2\n',
  )
  expect(profiles).toEqual([{ name: 'sso', region: 'us-west-2' }])
})

it('a machine without the files has no profiles', async () => {
  expect(await awsProfiles({ HOME: join(home, 'nobody') })).toEqual([])
  expect(await profilesOf('[broken\n=', '\0')).toEqual([])
  expect(await profilesOf('[profile __proto__]\nregion = x\n')).toEqual([])
})
