import { describe, expect, it } from 'vitest'
import { refusal } from '../../tests/support/failure.ts'
import { settingsFile } from '../../tests/support/settings-file.ts'

const { write, read, settingsOf } = settingsFile()

describe('a stage', () => {
  it('has the defaults of Zappa for what the file does not say', async () => {
    const settings = await settingsOf({ dev: { project_name: 'wine' } })
    expect(settings.stage('dev')).toEqual({
      name: 'dev',
      model: 'wine',
      platform: 'local',
      meantFor: 'local',
      installer: 'pip',
      memoryMb: 512,
      timeoutSeconds: 30,
      keepWarm: true,
      maxSandboxes: undefined,
      maxBatch: 64,
      maxWaitMs: 0,
      maxConcurrency: 1,
      maxQueue: undefined,
      idempotent: true,
      memoryWall: false,
      dependencySources: [],
      keepBoto3: false,
      fork: true,
      environment: {},
      remoteEnvironment: undefined,
      exclude: [],
      errors: 'full',
      logLevel: 'DEBUG',
      retainedVersions: undefined,
      python: undefined,
      apiKeyRequired: false,
      record: 'off',
      recordHide: [],
      cors: false,
      aws: {},
    })
    expect(settings.warnings).toEqual([])
  })

  it('has what the file says', async () => {
    const settings = await settingsOf({
      live: {
        app_function: 'thampi-app.app',
        runtime: 'python3.12',
        project_name: 'wine',
        profile_name: 'analytics',
        aws_region: 'eu-west-1',
        memory_size: 2048,
        timeout_seconds: 60,
        keep_warm: false,
        lambda_concurrency: 7,
        environment_variables: { MODE: 'fast', BOTH: 'ours' },
        aws_environment_variables: { BOTH: 'theirs', ONLY: 'native' },
        remote_env_bucket: 'settings-store',
        remote_env_file: 'live.json',
        exclude: ['*.csv'],
        exclude_glob: ['data/**'],
        log_level: 'WARNING',
        num_retained_versions: 5,
        api_key_required: true,
        cors: { allowed_origins: ['https://app.example.com'] },
        vpc_config: { SubnetIds: ['subnet-1'] },
        thampi: { package_manager: 'conda', errors: 'terse', max_sandboxes: 3 },
      },
    })
    expect(settings.stage('live')).toEqual({
      name: 'live',
      model: 'wine',
      platform: 'aws',
      meantFor: 'aws',
      installer: 'conda',
      memoryMb: 2048,
      timeoutSeconds: 60,
      keepWarm: false,
      maxSandboxes: 3,
      maxBatch: 64,
      maxWaitMs: 0,
      maxConcurrency: 1,
      maxQueue: undefined,
      idempotent: true,
      memoryWall: false,
      dependencySources: [],
      keepBoto3: false,
      fork: true,
      environment: { MODE: 'fast', BOTH: 'ours', ONLY: 'native' },
      remoteEnvironment: { bucket: 'settings-store', key: 'live.json', replaces: ['ONLY'] },
      exclude: ['*.csv', 'data/**'],
      errors: 'terse',
      logLevel: 'WARNING',
      retainedVersions: 5,
      python: '3.12',
      apiKeyRequired: true,
      record: 'off',
      recordHide: [],
      cors: { allowed_origins: ['https://app.example.com'] },
      aws: {
        profile_name: 'analytics',
        aws_region: 'eu-west-1',
        vpc_config: { SubnetIds: ['subnet-1'] },
      },
    })
    expect(settings.warnings).toEqual([])
  })

  it('inherits every key of the stages it extends, our own ones one by one, and null takes one away', async () => {
    const settings = await settingsOf({
      base: { project_name: 'wine', memory_size: 1024, profile_name: 'analytics', exclude: ['a'] },
      middle: { extends: 'base', exclude: ['b'], thampi: { package_manager: 'conda', errors: 'full' } },
      production: { extends: 'middle', profile_name: null, thampi: { platform: 'local' } },
    })
    expect(settings.stage('production')).toMatchObject({
      model: 'wine',
      memoryMb: 1024,
      exclude: ['b'],
      installer: 'conda',
      platform: 'local',
      errors: 'full',
      aws: {},
    })
    expect(settings.stage('middle').platform).toBe('aws')
  })

  it('keeps what the model raised to itself in production, with debug off, and when told to', async () => {
    const settings = await settingsOf({
      production: {},
      quiet: { debug: false },
      open: { debug: false, thampi: { errors: 'full' } },
      staging: { debug: true },
    })
    const errors = settings.stageNames.map(name => settings.stage(name).errors)
    expect(errors).toEqual(['terse', 'terse', 'full', 'full'])
  })

  it('is named after the directory when no project_name says otherwise', async () => {
    const { model } = (await settingsOf({ dev: {} })).stage('dev')
    expect(model).toMatch(/^iris-project-[a-z0-9]{1,2}$/)
  })

  it.each([
    // --platform, THAMPI_PLATFORM, thampi.platform, profile_name → platform
    ['aws', 'local', 'local', null, 'aws'],
    ['local', 'aws', 'aws', 'analytics', 'local'],
    [undefined, 'aws', 'local', null, 'aws'],
    [undefined, 'local', 'aws', 'analytics', 'local'],
    [undefined, '', 'local', 'analytics', 'local'],
    [undefined, undefined, 'aws', null, 'aws'],
    [undefined, undefined, undefined, 'analytics', 'aws'],
    [undefined, undefined, undefined, null, 'local'],
  ] as const)(
    'with --platform %s, THAMPI_PLATFORM %s, its own word %s and profile %s is served on %s',
    async (...row) => {
      const [flag, variable, own, profile, platform] = row
      const stage = { project_name: 'wine', profile_name: profile, thampi: { platform: own } }
      const settings = await settingsOf({ dev: stage }, { env: { THAMPI_PLATFORM: variable } })
      const { platform: chosen, meantFor } = settings.stage('dev', { platform: flag })
      expect(chosen).toBe(platform)
      expect(meantFor).toBe(own ?? (profile === undefined || profile === null ? 'local' : 'aws'))
    },
  )

  it('is not served on a platform nobody has heard of', async () => {
    const settings = await settingsOf({ dev: {} }, { env: { THAMPI_PLATFORM: 'moon' } })
    const error = await refusal(() => settings.stage('dev'))
    expect(error).toMatchObject({ code: 'USAGE', why: 'It must be "local" or "aws".' })
    expect(error.message).toContain('THAMPI_PLATFORM is "moon"')
  })
})

describe('the choice of a stage', () => {
  const three = { dev: {}, staging: {}, production: {} }

  it('is not needed when there is one', async () => {
    expect((await settingsOf({ live: { project_name: 'wine' } })).stage().name).toBe('live')
  })

  it('is needed when there are several', async () => {
    const settings = await settingsOf(three)
    const error = await refusal(() => settings.stage())
    expect(error).toMatchObject({
      code: 'ENV_REQUIRED',
      message: 'Environment required. Refer to docs.',
      why: 'Stages: dev, staging, production.',
    })
  })

  it('names the nearest stage when there is none of that name', async () => {
    const settings = await settingsOf(three)
    const error = await refusal(() => settings.stage('stagin'))
    expect(error.code).toBe('ENV_UNKNOWN')
    expect(error.message).toBe(
      'No stage `stagin` in zappa_settings.json. Did you mean `staging`? Stages: dev, staging, production.',
    )
  })

  it.each(['constructor', 'toString', '__proto__', ''])('does not find %j where it is not', async name => {
    const settings = await settingsOf(three)
    expect(await refusal(() => settings.stage(name))).toMatchObject({ code: 'ENV_UNKNOWN' })
  })

  it('does not let a name write on the terminal', async () => {
    const settings = await settingsOf(three)
    const { message } = await refusal(() => settings.stage('dev\n\u001b[2J\u202e'))
    expect(message).toContain('`dev\\u000a\\u001b[2J\\u202e`')
  })
})

describe('without a settings file', () => {
  it('the only stage is dev, and the caller names the model', async () => {
    const settings = await read({ modelName: 'iris-sklearn' })
    expect(settings).toMatchObject({ path: undefined, stageNames: ['dev'], warnings: [] })
    expect(settings.stage()).toMatchObject({ name: 'dev', model: 'iris-sklearn', platform: 'local' })
    expect(settings.project()).toEqual({ name: 'iris-sklearn', bucket: undefined })
  })

  it('another stage leads to thampi init', async () => {
    const settings = await read({ modelName: 'iris-sklearn' })
    const error = await refusal(() => settings.stage('staging'))
    expect(error).toMatchObject({ code: 'SETTINGS_MISSING', fix: 'thampi init' })
  })

  it('a model without a name leads to thampi init', async () => {
    const settings = await read()
    expect(await refusal(() => settings.stage())).toMatchObject({ code: 'SETTINGS_MISSING' })
  })

  it('a file asked for by name must be there', async () => {
    const error = await refusal(() => read({ file: 'other.json' }))
    expect(error).toMatchObject({
      code: 'SETTINGS_MISSING',
      message: 'There is no settings file "other.json".',
    })
  })
})

describe('a wrong value', () => {
  it('is named with stage, key, file, line, what it is and what it must be', async () => {
    const settings = await settingsOf({ dev: {}, staging: { project_name: 'wine', memory_size: 'big' } })
    const error = await refusal(() => settings.stage('staging'))
    expect(error.message).toBe(
      '`memory_size` of stage `staging` cannot be "big" (zappa_settings.json, line 5).',
    )
    expect(error).toMatchObject({
      code: 'SETTINGS_INVALID',
      why: 'It must be a whole number of MB, from 128 to 10240.',
    })
  })

  it('leaves the other stages alone', async () => {
    const settings = await settingsOf({ dev: {}, staging: { memory_size: 'big' } })
    expect(settings.stage('dev').memoryMb).toBe(512)
  })

  it('is looked up where it stands when it was inherited', async () => {
    const settings = await settingsOf({ base: { keep_warm: 'yes' }, dev: { extends: 'base' } })
    const { message } = await refusal(() => settings.stage('dev'))
    expect(message).toContain('of stage `dev` (inherited from `base`)')
    expect(message).toContain('line 3')
  })

  it('is found inside our own settings and in YAML', async () => {
    await write('dev:\n  thampi:\n    package_manager: poetry\n', 'zappa_settings.yml')
    const settings = await read()
    const { message, why } = await refusal(() => settings.stage())
    expect(message).toBe(
      '`thampi.package_manager` of stage `dev` cannot be "poetry" (zappa_settings.yml, line 3).',
    )
    expect(why).toBe('It must be "pip" or "conda".')
  })

  it('that may be a secret is not repeated', async () => {
    const settings = await settingsOf({ dev: { environment_variables: { PASSWORD: 4711 } } })
    const { message, why } = await refusal(() => settings.stage())
    expect(message).toContain('`environment_variables.PASSWORD` of stage `dev` cannot be of type number')
    expect(`${message}${why}`).not.toContain('4711')
  })

  it.each([
    { memory_size: 127 },
    { memory_size: 512.5 },
    { timeout_seconds: 0 },
    { timeout_seconds: '30' },
    { lambda_concurrency: -1 },
    { num_retained_versions: 0 },
    { log_level: 'debug' },
    { runtime: 'nodejs20.x' },
    { runtime: 'python3.12\n' },
    { exclude: '*.csv' },
    { environment_variables: { 'A=B': 'x' } },
    { environment_variables: { A: 'x\0y' } },
    { remote_env: 'https://example.com/env.json' },
    { thampi: 'conda' },
    { thampi: { python: 3.1 } },
    { thampi: { platform: 'azure' } },
    { thampi: { max_sandboxes: 0 } },
  ])('%j is refused', async entries => {
    const settings = await settingsOf({ dev: entries })
    expect(await refusal(() => settings.stage())).toMatchObject({ code: 'SETTINGS_INVALID' })
  })

  it('beyond all numbers is refused', async () => {
    const settings = await settingsOf('{"dev": {"memory_size": 1e400}}')
    const { message } = await refusal(() => settings.stage())
    expect(message).toContain('cannot be Infinity (zappa_settings.json, line 1)')
  })

  it.each(['wine\n', 'My Model', '../wine', 'x'.repeat(81)])('%j cannot be a model', async project_name => {
    const settings = await settingsOf({ dev: { project_name } })
    expect(await refusal(() => settings.stage())).toMatchObject({ code: 'NAME_INVALID' })
  })

  it('too long for AWS is a good name elsewhere', async () => {
    const settings = await settingsOf({ production: { project_name: 'x'.repeat(54) } })
    expect(settings.stage().platform).toBe('local')
    const error = await refusal(() => settings.stage('production', { platform: 'aws' }))
    expect(error).toMatchObject({ code: 'NAME_INVALID' })
    expect(error.why).toContain('It has 65 characters')
  })

  it('django_settings is refused with a reason', async () => {
    const settings = await settingsOf({ dev: { django_settings: 'shop.settings' } })
    const error = await refusal(() => settings.stage())
    expect(error.code).toBe('SETTINGS_INVALID')
    expect(error.why).toContain('Thampi serves models, not web applications')
  })
})

describe('the project', () => {
  it('is what its first stage says', async () => {
    const settings = await settingsOf({
      live: { project_name: 'wine', s3_bucket: 'thampi-store' },
      dev: { project_name: 'other' },
    })
    expect(settings.project()).toEqual({ name: 'wine', bucket: 'thampi-store' })
  })
})
