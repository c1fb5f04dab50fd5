import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The command line as it is shipped. `npm run build` makes it; here only when there is none at all.
const cli = resolve('lib/cli.mjs')
let base: string
let empty: string
let project: string

beforeAll(async () => {
  if (!existsSync(cli)) await promisify(execFile)(process.execPath, ['scripts/build.mjs'])
  base = await mkdtemp(join(tmpdir(), 'thampi-cli-'))
  empty = await mkdtemp(join(base, 'empty-'))
  project = await mkdtemp(join(base, 'project-'))
  const stage = { project_name: 'mymodel', s3_bucket: 'thampi-store', thampi: { platform: 'local' } }
  await writeFile(join(project, 'zappa_settings.json'), JSON.stringify({ dev: stage, staging: stage }))
})

afterAll(() => rm(base, { recursive: true, force: true }))

interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

interface Around {
  readonly cwd?: string
  readonly input?: string
  readonly env?: Record<string, string>
}

async function thampi(args: readonly string[], around: Around = {}): Promise<Ended> {
  const child = start(args, around)
  child.stdin?.end(around.input ?? '')
  return ended(child)
}

function start(args: readonly string[], { cwd = empty, env = {} }: Around = {}): ChildProcess {
  const { PATH, SYSTEMROOT } = process.env
  return spawn(process.execPath, [cli, ...args], {
    cwd,
    env: { PATH, SYSTEMROOT, HOME: base, THAMPI_HOME: join(base, 'home'), ...env },
  })
}

async function ended(child: ChildProcess): Promise<Ended> {
  const said = { out: '', err: '' }
  child.stdout?.on('data', piece => {
    said.out += piece
  })
  child.stderr?.on('data', piece => {
    said.err += piece
  })
  const status = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { status, ...said }
}

const commands = [
  'init',
  'serve',
  'predict',
  'info',
  'logs',
  'tail',
  'status',
  'versions',
  'keys',
  'doctor',
  'version',
  'undeploy',
  'clean',
  'host',
]

describe('version', () => {
  it.each([['--version'], ['-v'], ['version']])('%s is one line', async arg => {
    expect(await thampi([arg])).toMatchObject({ status: 0, out: 'thampi 0.2.0\n', err: '' })
  })

  it('for programs names the Python package and Node too, and null where there is none', async () => {
    const { status, out } = await thampi(['--version', '--json'], {
      env: { THAMPI_PYTHON: '/nowhere/python' },
    })
    expect(status).toBe(0)
    expect(JSON.parse(out)).toEqual({ cli: '0.2.0', sdk: null, node: process.versions.node })
  })
})

describe('help', () => {
  it('lists every command when nothing was asked', async () => {
    const { status, out, err } = await thampi([])
    expect({ status, err }).toEqual({ status: 0, err: '' })
    for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
    expect(out).not.toMatch(/^ {2}(deploy|update)\b/m)
  })

  it.each([[], ...commands.map(command => [command])])(
    'of "%s" fits 80 columns and shows an example',
    async (...args) => {
      const { status, out } = await thampi([...args, '--help'])
      expect(status).toBe(0)
      expect(out).toContain('Example: thampi')
      expect(out.split('\n').filter(line => line.length > 80)).toEqual([])
    },
  )
})

describe('a mistake in the line', () => {
  it.each<[string, string[], string]>([
    ['a command', ['serv', '--model_dir', 'a b'], "Fix: thampi serve --model_dir 'a b'"],
    ['an option', ['info', '--jsno'], 'Fix: thampi info --json'],
    ['an option with a value', ['serve', '--modle-dir=x'], 'Fix: thampi serve --model-dir=x'],
    ['one too many', ['info', 'dev', 'staging'], 'Fix: thampi info --help'],
    ['no command', ['--quiet'], 'Fix: thampi --help'],
    ['the required option', ['clean'], "'--scope <scope>' not specified"],
    ['one of few choices', ['clean', '--scope', 'everything'], 'project, all'],
    ["Zappa's deploy", ['deploy', 'staging', '-z', 'x.zip'], 'Fix: thampi serve staging'],
    ["Zappa's update", ['update', 'staging', '--no-upload'], 'Fix: thampi serve staging'],
    ['a duration', ['logs', 'dev', '--since', '3 minutes'], '"3 minutes" is not a duration'],
    ['a level', ['logs', '--level', 'loud'], '"loud" is not a level'],
    ['a number of a version', ['logs', '--version', 'one'], '"one" is not a whole number'],
    ['what is to be done with keys', ['keys', 'delete', 'dev'], 'create, list, revoke'],
    ['a key without its stage', ['keys', 'revoke', 'billing'], 'needs the stage and the name'],
    ['both of two opposites', ['logs', '--http', '--non-http'], 'cannot be used with'],
    ['a port', ['host', '--port', '123456'], '"123456" is not a port'],
    ['a time', ['serve', '--served_time_utc', '2018-02-30T00:00:00'], '"2018-02-30T00:00:00" is not a time'],
    ['the data', ['predict', 'dev'], 'needs --data'],
    ['broken data', ['predict', 'dev', '--data', '{"a": 1,}'], 'at character 9'],
    ['data in single quotes', ['predict', 'dev', '--data', "{'a': 1}"], 'double quotes'],
    ['a data file', ['predict', 'dev', '--data', '@nowhere.json'], 'no file "nowhere.json"'],
  ])('%s: exit 2, nothing on stdout, and what to do', async (_, args, wanted) => {
    const { status, out, err } = await thampi(args)
    expect({ status, out }).toEqual({ status: 2, out: '' })
    expect(err).toContain(wanted)
    expect(err).toContain('USAGE · docs/reference/errors.md#usage')
    expect(err.trimEnd().split('\n').length).toBeLessThanOrEqual(4)
  })

  it('does not offer what is not built', async () => {
    for (const command of ['certify', 'manage']) {
      expect((await thampi([command])).err).toContain(`Unknown command '${command}'.`)
    }
  })

  it.each([
    ['--json', 'serv'],
    ['info', '-j', '--bogus'],
    ['predict', '--json'],
    ['-j', 'serve', '--platform=mars'],
  ])('"%s %s" is one document for programs', async (...args) => {
    const { status, out, err } = await thampi(args)
    expect({ status, err }).toEqual({ status: 2, err: '' })
    expect(JSON.parse(out).error).toMatchObject({ code: 'USAGE', docs: 'docs/reference/errors.md#usage' })
  })
})

describe('spellings', () => {
  it.each([
    ['--settings_file=other.json'],
    ['--settings-file=other.json'],
    ['--zappa_settings_file=other.json'],
    ['--zappa-settings-file=other.json'],
    ['-sother.json'],
  ])('%s chooses the settings file', async flag => {
    for (const args of [
      ['info', flag],
      [flag, 'info'],
    ]) {
      const { status, err } = await thampi(args)
      expect(status).toBe(4)
      expect(err).toContain('"other.json"')
    }
  })

  it.each([['--model_dir'], ['--model-dir']])('%s chooses the model', async flag => {
    const { status, out, err } = await thampi(['serve', 'dev', flag, 'nowhere'], { cwd: project })
    expect({ status, out }).toEqual({ status: 4, out: '' })
    expect(err.split('\n')[0]).toBe('..Waking up The Whale. This will take a while...')
    expect(err).toContain('nowhere')
    expect(err).toContain('MODEL_MISSING')
  })

  it("Zappa's harmless flags change nothing", async () => {
    const flags = ['-a', 'thampi-app.app', '--app_function=x.y', '--disable_progress', '--no_venv']
    const { status, err } = await thampi(['info', 'nowhere', ...flags], { cwd: project })
    expect(status).toBe(4)
    expect(err).toContain('ENV_UNKNOWN')
  })
})

describe('a stage', () => {
  it('that was not named is asked for, with the list', async () => {
    const { status, err } = await thampi(['info'], { cwd: project })
    expect(status).toBe(2)
    expect(err).toContain('Environment required. Refer to docs.')
    expect(err).toContain('dev, staging')
  })

  it('that is not served is exit 4 and the command that serves it', async () => {
    for (const args of [
      ['info', 'staging'],
      ['predict', 'staging', '--data={}'],
      ['predict', 'staging', '--data=-'],
    ]) {
      const { status, err } = await thampi(args, { cwd: project, input: '{"input": 1}' })
      expect(status).toBe(4)
      expect(err).toContain('Fix: thampi serve staging')
    }
  })
})

describe('a question', () => {
  const clean = ['clean', '--scope=project']
  const question = [
    'This will delete the following project related files:',
    'Locally:',
    'S3://thampi-store/thampi/{dev,staging}/mymodel',
    "Are you sure?: (default 'n') [y/n]:",
  ]

  it("is asked in the original's words, on stderr", async () => {
    const { status, out, err } = await thampi(clean, { cwd: project, input: 'n\n' })
    expect({ status, out }).toEqual({ status: 0, out: '' })
    const lines = err.split('\n')
    expect(lines[0]).toBe(question[0])
    expect(lines[1]?.startsWith(`${question[1]}${base}`)).toBe(true)
    expect(lines[2]).toBe(question[2])
    expect(lines[3]).toBe(`${question[3]}Nothing was changed.`)
  })

  it.each(['\n', 'n\n', 'Y\n', 'yes\n', 'no way\n'])('is a no when answered with %j', async input => {
    const undeploy = await thampi(['undeploy', 'dev'], { cwd: project, input })
    expect(undeploy.status).toBe(0)
    expect(undeploy.err).toBe('Are you sure you want to undeploy? [y/n] Nothing was changed.\n')
  })

  it('that nobody can answer is exit 2 and names the flag', async () => {
    for (const args of [clean, ['undeploy', 'dev'], ['undeploy', 'dev', '--no-input']]) {
      const { status, err } = await thampi(args, { cwd: project, input: '' })
      expect(status).toBe(2)
      expect(err).toContain('--yes is missing')
    }
  })

  it('is not asked for what only shows', async () => {
    const { status, out, err } = await thampi([...clean, '--dry-run'], { cwd: project })
    expect({ status, out }).toEqual({ status: 0, out: '' })
    expect(err).toBe('There is nothing to delete.\n')
  })

  it('ends with 130 when the answer is Ctrl-C', async () => {
    const child = start(['undeploy', 'dev'], { cwd: project })
    child.stderr?.once('data', () => child.kill('SIGINT'))
    const { status, err } = await ended(child)
    expect(status).toBe(130)
    expect(err).toContain('INTERRUPTED')
    expect(err).not.toContain('    at ')
  })
})

describe('init', () => {
  it('without answers names what is missing, writes nothing and says so in one document', async () => {
    const { status, out } = await thampi(['init', '--json'], { input: '' })
    expect(status).toBe(2)
    expect(JSON.parse(out).error.message).toContain('--name')
    expect(existsSync(join(empty, 'zappa_settings.json'))).toBe(false)
  })

  it('for programs keeps the transcript off stdout', async () => {
    const cwd = await mkdtemp(join(base, 'init-'))
    const { status, out } = await thampi(['init', '--json', '--name=mymodel', '--yes'], { cwd })
    expect(status).toBe(0)
    const { path, stages } = JSON.parse(out)
    expect(path.endsWith('zappa_settings.json')).toBe(true)
    expect(Object.keys(stages)).toEqual(['dev', 'staging', 'production'])
  })
})

describe('doctor', () => {
  it('fails, names the problem and its fix when the chosen Python is none', async () => {
    const env = { THAMPI_PYTHON: '/nowhere/python' }
    const { status, out } = await thampi(['doctor'], { env })
    expect(status).toBe(1)
    expect(out).toMatch(/^FAIL {2}Python /m)
    const { status: again, out: document } = await thampi(['doctor', '--json'], { env })
    expect(again).toBe(1)
    const { healthy, checks } = JSON.parse(document)
    expect(healthy).toBe(false)
    expect(checks.find((check: { name: string }) => check.name === 'Python')).toMatchObject({ state: 'fail' })
  })

  it('only warns where there is no Python at all: models in TypeScript need none', async () => {
    const env = { PATH: '/nowhere', VIRTUAL_ENV: '', CONDA_PREFIX: '', THAMPI_PYTHON: '' }
    const { checks } = JSON.parse((await thampi(['doctor', '--json'], { env })).out)
    expect(checks.find((check: { name: string }) => check.name === 'Python')).toMatchObject({
      state: 'warn',
      found: expect.stringContaining('Models in TypeScript and ONNX need none.'),
    })
  })

  it('says which limits hold for models and connections', async () => {
    const { checks } = JSON.parse((await thampi(['doctor', '--json'], {})).out)
    const { found } = checks.find((check: { name: string }) => check.name === 'limits')
    expect(found).toMatch(
      process.platform === 'win32' ? /not limited/ : /^memory_size is watched.*; \d+ connections$/,
    )
  })

  it('fails when its own directory cannot be made', async () => {
    const file = join(base, 'a-file')
    await writeFile(file, '')
    const { status, out } = await thampi(['doctor'], { env: { THAMPI_HOME: join(file, 'home') } })
    expect(status).toBe(1)
    expect(out).toContain('export THAMPI_HOME=')
  })

  it('sees a local platform that runs, which SIGTERM ends well', async () => {
    const home = join(base, 'other-home')
    const host = start(['host', '--port=0'], { env: { THAMPI_HOME: home } })
    const url = await new Promise<string>(resolve => {
      host.stderr?.on('data', piece => {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(String(piece))
        if (found) resolve(found[0])
      })
    })
    const { out } = await thampi(['doctor'], { env: { THAMPI_HOME: home } })
    expect(out).toContain(url)
    expect(out).toContain('serves nothing')
    host.kill('SIGTERM')
    expect((await ended(host)).status).toBe(0)
  })
})

it('a reader who has seen enough is not an error', async () => {
  const child = start(['--help'])
  child.stdout?.destroy()
  expect(await ended(child)).toMatchObject({ status: 0, err: '' })
})
