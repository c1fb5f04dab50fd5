import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ThampiError } from '../errors.ts'
import { type ReadOptions, readSettings, type Settings } from './settings.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'Iris_Project-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function write(content: unknown, name = 'zappa_settings.json'): Promise<void> {
  await writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content, null, 4))
}

function read(options: Partial<ReadOptions> = {}): Promise<Settings> {
  return readSettings({ dir, env: {}, ...options })
}

async function settingsOf(content: unknown, options?: Partial<ReadOptions>): Promise<Settings> {
  await write(content)
  return read(options)
}

async function refusal(act: () => unknown): Promise<ThampiError> {
  try {
    await act()
  } catch (error) {
    if (error instanceof ThampiError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a stage', () => {
  it('has the defaults of Zappa for what the file does not say', async () => {
    const settings = await settingsOf({ dev: { project_name: 'wine' } })
    expect(settings.stage('dev')).toEqual({
      name: 'dev',
      model: 'wine',
      platform: 'local',
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
      expect(settings.stage('dev', { platform: flag }).platform).toBe(platform)
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

describe('the file', () => {
  const toml = '[dev]\nproject_name = "wine"\nkeep_warm = false\n[dev.thampi]\npackage_manager = "conda"\n'
  const yaml = 'dev:\n  project_name: wine\n  keep_warm: no\n  thampi: {package_manager: conda}\n'

  it.each([
    ['zappa_settings.toml', toml],
    ['zappa_settings.yml', yaml],
    ['zappa_settings.yaml', yaml],
    ['elsewhere.toml', toml],
    [
      'zappa.conf',
      '{"dev": {"project_name": "wine", "keep_warm": false, "thampi": {"package_manager": "conda"}}}',
    ],
  ])('may be %s', async (name, text) => {
    await write(text, name)
    const settings = await read(name.startsWith('zappa_settings') ? {} : { file: name })
    expect(settings.path).toBe(join(dir, name))
    expect(settings.stage()).toMatchObject({ model: 'wine', keepWarm: false, installer: 'conda' })
  })

  it('in JSON wins over the other formats', async () => {
    await write(toml, 'zappa_settings.toml')
    await write({ live: {} })
    expect((await read()).stageNames).toEqual(['live'])
  })

  it('may share lines by the anchors of YAML', async () => {
    await write(
      'dev: &base\n  memory_size: 1024\nlive:\n  <<: *base\n  project_name: wine\n',
      'zappa_settings.yml',
    )
    expect((await read()).stage('live')).toMatchObject({ model: 'wine', memoryMb: 1024 })
  })

  it('may start with a byte order mark and a $schema, which is no stage', async () => {
    await write('\uFEFF{"$schema": "https://example.com/zappa_settings.schema.json", "dev": {}}')
    expect(await read()).toMatchObject({ stageNames: ['dev'], warnings: [] })
  })

  it.each([
    ['nothing at all', '', 'It is empty.'],
    ['white space', '\uFEFF \n', 'It is empty.'],
    ['a list', '[1]', 'It must be an object of stages'],
    ['a number', '1e999', 'It must be an object of stages'],
    ['no stage', '{"$schema": "x"}', 'It has no stage.'],
    ['text in UTF-16', '\uFFFD\uFFFD{\0}\0', 'It is not text in UTF-8'],
    ['a comment', '// mine\n{}', 'It is not JSON'],
  ])('cannot be %s', async (_, text, why) => {
    await write(text)
    const error = await refusal(read)
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID' })
    expect(error.message).toMatch(/^zappa_settings\.json/)
    expect(error.why).toContain(why)
  })

  it('cannot be a link to itself', async () => {
    await symlink('zappa_settings.json', join(dir, 'zappa_settings.json'))
    expect(await refusal(read)).toMatchObject({ code: 'SETTINGS_INVALID', why: 'It cannot be read (ELOOP).' })
  })

  it('cannot be a directory', async () => {
    const error = await refusal(() => read({ file: '.' }))
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', why: 'It is a directory.' })
  })

  it.each([
    ['zappa_settings.json', '{\n "dev": {\n  "memory_size": 1,\n }\n}', 'line 4, cannot be used.'],
    ['zappa_settings.json', '{\n "dev": {\n', 'line 2, cannot be used.'],
    ['zappa_settings.json', '{\n "dev": {},\n "live": 3\n}', 'line 3, cannot be used.'],
    ['zappa_settings.toml', '[dev]\nmemory_size =\n', 'line 2, cannot be used.'],
    ['zappa_settings.toml', '[dev]\nmemory_size = 99999999999999999999\n', 'line 2, cannot be used.'],
    ['zappa_settings.yml', 'dev:\n  a: 1\n  a: 2\n', 'line 3, cannot be used.'],
    ['zappa_settings.yml', 'dev:\n  a: *nowhere\n', 'cannot be used.'],
  ])('%s says on which line it is broken: %j', async (name, text, expected) => {
    await write(text, name)
    const { code, message } = await refusal(read)
    expect(code).toBe('SETTINGS_INVALID')
    expect(message).toContain(expected)
  })

  it('that expands without end is refused', async () => {
    const levels = 'abcdefghij'.split('')
    const bomb = levels.map((name, i) => `${name}: &${name} [${`*${levels[i - 1]},`.repeat(i && 9)}1]`)
    await write(bomb.join('\n'), 'zappa_settings.yml')
    expect(await refusal(read)).toMatchObject({ code: 'SETTINGS_INVALID' })
  })

  it.each(['my-stage', '__proto__', 'a\nb', '', 'x'.repeat(65)])(
    'cannot have a stage named %j',
    async name => {
      const error = await refusal(() => settingsOf(`{"dev": {}, ${JSON.stringify(name)}: {}}`))
      expect(error.code).toBe('NAME_INVALID')
      expect(error.message).not.toMatch(/[\n]/)
    },
  )

  it('may have a stage named constructor', async () => {
    const settings = await settingsOf({ constructor: { project_name: 'wine' } })
    expect(settings.stage('constructor').model).toBe('wine')
  })

  it('is not changed by being read', async () => {
    const text = '{"dev":{"project_name":"wine",\n\n"colour": 1.0}}'
    await write(text)
    ;(await read()).stage()
    expect(await readFile(join(dir, 'zappa_settings.json'), 'utf8')).toBe(text)
  })

  it('cannot have two stages that share a function on AWS', async () => {
    const error = await refusal(() =>
      settingsOf({ dev: { project_name: 'My_wine' }, Dev: { project_name: 'my-wine' } }),
    )
    expect(error).toMatchObject({ code: 'NAME_TAKEN', exit: 5 })
    expect(error.message).toBe('Stages `dev` and `Dev` of zappa_settings.json would share one function.')
    expect(error.why).toContain('`my-wine-dev`')
  })

  it.each([
    [{ a: { extends: 'b' }, b: { extends: 'c' }, c: { extends: 'a' } }, '`a` → `b` → `c` → `a`'],
    [{ a: { extends: 'a' } }, '`a` → `a`'],
    [{ a: { extends: 'basis' }, base: {}, bases: {} }, 'Did you mean `bases`?'],
    [{ a: { extends: 'toString' } }, 'It extends `toString`, which is not in zappa_settings.json.'],
    [{ a: { extends: ['b'] }, b: {} }, 'must be the name of a stage'],
  ])('cannot extend what leads nowhere: %j', async (content, why) => {
    const error = await refusal(() => settingsOf(content))
    expect(error.code).toBe('SETTINGS_INVALID')
    expect(error.why).toContain(why)
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

describe('warnings', () => {
  it('name everything without effect in one sentence', async () => {
    const settings = await settingsOf({
      dev: { binary_support: false, app_function: 'thampi-app.app' },
      live: { binary_support: true, events: [], app_function: 'shop.app', authorizer: { function: 'a.b' } },
      safe: { authorizer: { arn: 'arn:aws:lambda:eu-west-1:1:function:a' }, alb_enabled: null },
    })
    expect(settings.warnings).toEqual([
      'Settings without effect here: `binary_support` (dev, live), `events` (live), `app_function` (live), ' +
        '`authorizer` (live). Why: docs/reference/settings.md',
    ])
    // Still there for AWS, where it is refused: without it the endpoint would be open.
    expect(settings.stage('live').aws).toEqual({ authorizer: { function: 'a.b' } })
  })

  it('name unknown settings with the nearest known spelling', async () => {
    const settings = await settingsOf({
      dev: { memory_sise: 1, thampi: { packagemanager: 'conda' } },
      live: { memory_sise: 1, 'zzz\u001b[2J': 2 },
    })
    expect(settings.warnings).toEqual([
      'Unknown settings, ignored: `memory_sise` (dev, live; did you mean `memory_size`?), ' +
        '`thampi.packagemanager` (dev; did you mean `thampi.package_manager`?), `zzz\\u001b[2J` (live).',
    ])
  })

  it('do not go on for ever', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`~${i}`, i]))
    const [warning] = (await settingsOf({ dev: unknown })).warnings
    expect(warning).toContain('`~9` (dev) and 490 more.')
  })

  it('say once that the Python of 2018 stands for the one that saved the model', async () => {
    const settings = await settingsOf({ dev: { runtime: 'python3.6' }, live: { extends: 'dev' } })
    expect(settings.warnings).toHaveLength(1)
    expect(settings.warnings[0]).toContain('(dev)')
    expect(settings.stage('live').python).toBeUndefined()
  })

  it('are not caused by our own word for the Python', async () => {
    const settings = await settingsOf({ dev: { runtime: 'python3.11', thampi: { python: '3.13' } } })
    expect(settings.warnings).toEqual([])
    expect(settings.stage().python).toBe('3.13')
  })

  it('are not caused by the Node of a model that needs no Python', async () => {
    const settings = await settingsOf({ dev: { runtime: 'nodejs22.x' } })
    expect(settings.warnings).toEqual([])
    expect(settings.stage()).toMatchObject({ node: '22', python: undefined })
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

describe('whatever the file holds', () => {
  const knownKeys = fc.constantFrom(
    'memory_size',
    'extends',
    'thampi',
    'runtime',
    'cors',
    'project_name',
    '__proto__',
  )
  const stages = fc.dictionary(
    fc.constantFrom('dev', 'staging', 'production', 'constructor'),
    fc.dictionary(fc.oneof(knownKeys, fc.string()), fc.oneof(fc.jsonValue(), fc.constant('dev'))),
  )

  async function readAll(text: string, name: string): Promise<void> {
    await write(text, name)
    try {
      const settings = await read({ file: name })
      for (const stage of settings.stageNames) {
        try {
          settings.stage(stage)
        } catch (error) {
          expect(error).toBeInstanceOf(ThampiError)
        }
      }
    } catch (error) {
      expect(error).toBeInstanceOf(ThampiError)
    }
  }

  it('only a ThampiError is thrown: well-formed files', async () => {
    await fc.assert(
      fc.asyncProperty(stages, async content => readAll(JSON.stringify(content), 'a.json')),
      { numRuns: 300 },
    )
  })

  it.each(['a.json', 'a.toml', 'a.yml'])('only a ThampiError is thrown: any text as %s', async name => {
    const pieces = fc.constantFrom(
      'dev',
      ':',
      '=',
      '{',
      '}',
      '[',
      ']',
      '"',
      '\n',
      ' ',
      ',',
      '&a',
      '*a',
      '!!set',
      '1',
      '?',
      '-',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces).map(parts => parts.join('')),
    )
    await fc.assert(
      fc.asyncProperty(text, async content => readAll(content, name)),
      { numRuns: 300 },
    )
  })

  it('unknown keys change nothing but the warnings', async () => {
    const key = fc.string({ minLength: 1 }).map(name => `~${name}`)
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, fc.jsonValue(), { minKeys: 1 }), async unknown => {
        const plain = (await settingsOf({ dev: { project_name: 'wine', memory_size: 1024 } })).stage()
        const settings = await settingsOf({ dev: { project_name: 'wine', ...unknown, memory_size: 1024 } })
        expect(settings.stage()).toEqual(plain)
        expect(settings.warnings.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 100 },
    )
  })
})
