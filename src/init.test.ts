import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ThampiError } from './errors.ts'
import { type InitAnswers, init } from './init.ts'
import { settingsSchema } from './settings/schema.ts'
import { readSettings } from './settings/settings.ts'
import type { Terminal } from './system/dialogue.ts'
import { realSystem } from './system/system.ts'

const several = '[profile research]\nregion = eu-central-1\n[default]\nregion = us-west-2\n'
const single = '[profile lonely]\noutput = json\n'
const none = ''

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'init-'))
})
afterEach(() => rm(dir, { recursive: true }))

interface Run {
  readonly flags?: InitAnswers
  readonly typed?: string | readonly Buffer[]
  readonly profiles?: string
  readonly python?: string | undefined
  readonly terminal?: Partial<Terminal>
}

/** Runs the verb in `dir`; gives what was printed, with the made-up bucket name replaced, and the error if any. */
async function run({ flags = {}, typed = '', profiles = several, python, terminal }: Run) {
  const config = join(dir, '..', `${dir.split('/').pop()}.ini`)
  await writeFile(config, profiles)
  let printed = ''
  const system = {
    ...realSystem(),
    cwd: dir,
    env: { HOME: dir, AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: join(dir, 'no-credentials') },
  }
  const input =
    typeof typed === 'string' ? Readable.from(typed === '' ? [] : [Buffer.from(typed)]) : Readable.from(typed)
  const io: Terminal = {
    input,
    write: text => {
      printed += text
    },
    color: false,
    ...terminal,
  }
  let error: ThampiError | undefined
  try {
    await init(flags, io, { system, pythonMinor: async () => python })
  } catch (thrown) {
    if (!(thrown instanceof ThampiError)) throw thrown
    error = thrown
  } finally {
    await rm(config)
  }
  return { printed: printed.replace(/thampi-[a-z0-9]{9}\b/g, 'thampi-RANDOM'), error }
}

async function written(): Promise<Record<string, Record<string, unknown>>> {
  return JSON.parse(await readFile(join(dir, 'zappa_settings.json'), 'utf8'))
}

const welcome = `Welcome to Thampi!
-------------
Enter Model Name. If your model name is 'mymodel', the predict endpoint will be myendpoint.com/mymodel/predict
What do you want to call your model: `
const regions = `-----------------

AWS Lambda and API Gateway are only available in certain regions. Let's check to make sure you have a profile set up in one that will work.
`
const choice =
  "We found the following profiles: research, and default. Which would you like us to use? (default 'default'): "
const bucket = `------------

Your Zappa deployments will need to be uploaded to a private S3 bucket.
If you don't have a bucket yet, we'll create one for you too.
What do you want to call your bucket? (default 'thampi-RANDOM'): -----------------
`
const manager = "Enter package manager:['conda', 'pip'](default: pip):"
const closing =
  'A file zappa_settings.json has been created. If you made a mistake, delete it and run `thampi init` again\n'

describe('the transcript', () => {
  it('through a pipe is the published one', async () => {
    const { printed } = await run({ typed: 'wine\nresearch\nwine-store\nconda\n' })
    expect(printed).toBe(welcome + regions + choice + bucket + manager + closing)
  })

  it('takes the defaults for empty lines', async () => {
    await run({ typed: 'wine\n\n\n\n' })
    const { dev } = await written()
    expect(dev).toMatchObject({
      profile_name: 'default',
      aws_region: 'us-west-2',
      thampi: { package_manager: 'pip' },
    })
    expect(dev?.s3_bucket).toMatch(/^thampi-[a-z0-9]{9}$/)
  })

  it('reads lines however they are cut, ended and encoded', async () => {
    const text = Buffer.from('wine\r\nresearch\r\nwine-störe\r\npip')
    const { error } = await run({ typed: Array.from(text, byte => Buffer.of(byte)) })
    expect(error).toBeUndefined()
    expect((await written()).dev).toMatchObject({ profile_name: 'research', s3_bucket: 'wine-störe' })
  })

  it('asks again for a name, a profile and a package manager that cannot be', async () => {
    const { printed } = await run({ typed: 'my wine\n\nwine\nnobody\nresearch\n\npoetry\npip\n' })
    expect(printed).toBe(
      `${welcome}Model Name must match ^[a-zA-Z0-9_-]+$\n${welcome}Model Name is required\n${welcome}${regions}` +
        `${choice}Please enter a valid name for your AWS profile.\n${choice}${bucket}` +
        `${manager}Only ['conda', 'pip'] are supported\n${manager}${closing}`,
    )
  })

  it('does not ask which of one profiles', async () => {
    const { printed } = await run({ profiles: single, typed: 'wine\n\n\n' })
    expect(printed).toBe(`${welcome}${regions}Okay, using profile lonely!\n${bucket}${manager}${closing}`)
    expect((await written()).staging).toMatchObject({
      profile_name: 'lonely',
      aws_region: null,
      thampi: { platform: 'aws' },
    })
  })

  it('without a profile says where help is, and everything is served locally', async () => {
    const { printed } = await run({ profiles: none, typed: 'wine\n\n\n' })
    expect(printed).toBe(
      `${welcome}${regions}We couldn't find an AWS profile to use. Before using Zappa, you'll need to set one up. ` +
        'See here for more info: https://boto3.readthedocs.io/en/latest/guide/quickstart.html#configuration\n' +
        `Until then your stages are served on this machine, which needs no account.\n${bucket}${manager}${closing}`,
    )
    const stages = await written()
    for (const stage of Object.values(stages)) {
      expect(stage).toMatchObject({ profile_name: null, aws_region: null, thampi: { platform: 'local' } })
    }
  })

  it('on a terminal has the colours of the original', async () => {
    const color = { color: true }
    const named = await run({ terminal: color, profiles: single, typed: 'a b\nwine\n\n\n' })
    expect(named.printed).toContain('\u001b[31mModel Name must match ^[a-zA-Z0-9_-]+$\u001b[39m\n')
    expect(named.printed).toContain('Okay, using profile \u001b[1mlonely\u001b[22m!\n')
    expect(named.printed).toContain('uploaded to a \u001b[1mprivate S3 bucket\u001b[22m.\n')
    await rm(join(dir, 'zappa_settings.json'))
    const { printed } = await run({ terminal: color, profiles: none, typed: 'wine\n\n\n' })
    expect(printed).toContain('\u001b[34m\u001b[4mhttps://boto3.')
  })
})

describe('the file', () => {
  it('has the keys of the original in its order, and ours', async () => {
    await run({ typed: 'wine\nresearch\nwine-store\nconda\n', python: '3.12' })
    const text = await readFile(join(dir, 'zappa_settings.json'), 'utf8')
    expect(text).toMatch(
      /^\{\n {4}"dev": \{\n {8}"app_function": "thampi-app.app",\n {8}"runtime": "python3.12",\n/,
    )
    const stages = await written()
    expect(Object.keys(stages)).toEqual(['dev', 'staging', 'production'])
    const base = {
      app_function: 'thampi-app.app',
      runtime: 'python3.12',
      project_name: 'wine',
      profile_name: 'research',
      aws_region: 'eu-central-1',
      s3_bucket: 'wine-store',
    }
    const remote = {
      ...base,
      thampi: { package_manager: 'conda', platform: 'aws' },
      keep_warm: true,
      memory_size: 3008,
      slim_handler: true,
      timeout_seconds: 300,
    }
    expect(stages.dev).toEqual({ ...base, thampi: { package_manager: 'conda', platform: 'local' } })
    expect(stages.staging).toEqual(remote)
    expect(stages.production).toEqual(remote)
    expect(Object.keys(stages.staging ?? {})).toEqual(Object.keys(remote))
  })

  it('has no runtime when there is no Python', async () => {
    await run({ flags: { name: 'wine', yes: true } })
    expect((await written()).dev).not.toHaveProperty('runtime')
  })

  it.each([several, single, none])('is accepted by the schema and read without a warning', async profiles => {
    await run({ flags: { name: 'wine', yes: true }, profiles, python: '3.11' })
    expect(settingsSchema().parse(await written())).toEqual(await written())
    const settings = await readSettings({ dir, env: {} })
    expect(settings.warnings).toEqual([])
    expect(settings.stage('dev')).toMatchObject({ model: 'wine', platform: 'local', python: '3.11' })
    expect(settings.stage('production')).toMatchObject({
      memoryMb: 3008,
      timeoutSeconds: 300,
      errors: 'terse',
    })
  })

  it.each(['zappa_settings.json', 'zappa_settings.yml'])(
    'is not written, nor a question asked, where %s is',
    async name => {
      await writeFile(join(dir, name), 'mine')
      const { printed, error } = await run({ typed: 'wine\n\n\n\n' })
      expect(error).toMatchObject({
        code: 'SETTINGS_EXISTS',
        exit: 5,
        message: `${name} already exists. Delete it and run again.`,
      })
      expect(printed).toBe('')
      expect(await readdir(dir)).toEqual([name])
    },
  )

  it('of somebody who was faster stays', async () => {
    const typed = new PassThrough()
    const running = run({ terminal: { input: typed } })
    typed.write('wine\n\n\n')
    await writeFile(join(dir, 'zappa_settings.json'), 'theirs')
    typed.end('pip\n')
    expect((await running).error).toMatchObject({ code: 'SETTINGS_EXISTS' })
    expect(await readFile(join(dir, 'zappa_settings.json'), 'utf8')).toBe('theirs')
    expect(await readdir(dir)).toEqual(['zappa_settings.json'])
  })
})

describe('flags', () => {
  it('answer questions, which are then not asked', async () => {
    const flags = { name: 'wine', profile: 'research', region: 'ap-south-1', bucket: 'wine-store' }
    const { printed } = await run({ flags: { ...flags, packageManager: 'conda', platform: 'local' } })
    expect(printed).toBe(closing)
    expect((await written()).production).toMatchObject({
      profile_name: 'research',
      aws_region: 'ap-south-1',
      s3_bucket: 'wine-store',
      thampi: { package_manager: 'conda', platform: 'local' },
    })
  })

  it('leave the other questions', async () => {
    const { printed } = await run({
      flags: { name: 'wine', bucket: 'wine-store' },
      typed: 'research\nconda\n',
    })
    expect(printed).toBe(`${regions.replace(/^-+\n/, '')}${choice}------------\n${manager}${closing}`)
  })

  it('can put everything but dev on AWS on a machine without profiles', async () => {
    await run({ flags: { name: 'wine', platform: 'aws', yes: true }, profiles: none })
    const { dev, staging } = await written()
    expect(dev?.thampi).toMatchObject({ platform: 'local' })
    expect(staging?.thampi).toMatchObject({ platform: 'aws' })
  })

  it('--yes leaves only the name to be asked', async () => {
    const { printed } = await run({ flags: { yes: true }, typed: 'wine\n' })
    expect(printed).toBe(`${welcome}-----------------\n${closing}`)
  })

  it.each([
    [{ name: 'my wine' }, 'NAME_INVALID', '`--name` is "my wine"'],
    [{ name: '' }, 'NAME_INVALID', '`--name` is ""'],
    [{ profile: 'nobody' }, 'USAGE', 'There is no AWS profile "nobody"'],
    [{ packageManager: 'poetry' }, 'USAGE', '`--package-manager` is "poetry"'],
    [{ platform: 'moon' }, 'USAGE', '`--platform` is "moon"'],
  ])('%j is refused before the first question', async (flags, code, message) => {
    const { printed, error } = await run({ flags, typed: 'wine\n\n\n\n' })
    expect(error?.code).toBe(code)
    expect(error?.message).toContain(message)
    expect(printed).toBe('')
    expect(await readdir(dir)).toEqual([])
  })
})

describe('an early end', () => {
  it.each([
    ['', {}, several, '--name, --profile, --bucket and --package-manager'],
    ['', {}, single, '--name, --bucket and --package-manager'],
    ['wine\n', {}, several, '--profile, --bucket and --package-manager'],
    ['wine\n\n\n', {}, several, '--package-manager'],
    ['', { yes: true }, several, '--name'],
    ['', { name: 'wine', profile: 'research' }, several, '--bucket and --package-manager'],
  ])('of the input after %j with %j names every missing answer', async (typed, flags, profiles, missing) => {
    const { printed, error } = await run({ typed, flags, profiles })
    expect(error).toMatchObject({
      code: 'USAGE',
      exit: 2,
      message: `thampi init needs ${missing} when it cannot ask.`,
    })
    expect(printed).toMatch(/\n$/)
    expect(await readdir(dir)).toEqual([])
  })

  it('shows one complete command', async () => {
    const { error } = await run({ typed: 'wine\n' })
    expect(error?.fix).toBe(
      'thampi init --name wine --profile default --bucket thampi-store --package-manager pip --yes',
    )
  })

  it('by Ctrl-C leaves nothing behind', async () => {
    const ctrlC = new AbortController()
    const typed = new PassThrough()
    typed.write('wine\nresearch\n')
    const running = run({
      terminal: {
        input: typed,
        signal: ctrlC.signal,
        write: text => text.includes('bucket?') && ctrlC.abort(),
      },
    })
    expect((await running).error).toMatchObject({ code: 'INTERRUPTED', exit: 130 })
    expect(await readdir(dir)).toEqual([])
  })
})
