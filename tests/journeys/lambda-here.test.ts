/** A stage that is meant for Lambda, served on this machine: with Lambda's packages, a twin of them, or those of this machine. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { arch } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unpackZip } from '../../src/bundle/zip/unpack.ts'
import { cloudpickleFiles, cloudpickleWheel } from '../support/cloudpickle.ts'
import { type Around, type Ended, project } from '../support/journey.ts'
import { savedWithNewerPython } from '../support/newer-model.ts'
import { newerPython } from '../support/newer-python.ts'
import { type PackageIndex, startPackageIndex } from '../support/package-index.ts'
import { runFunction } from '../support/runtime-api.ts'

const newer = await newerPython()
const runsLambda = process.platform === 'linux' && !('missing' in newer)
const why = 'missing' in newer ? `: ${newer.missing}` : ''
const [own, other] = arch() === 'arm64' ? ['arm64', 'x86_64'] : ['x86_64', 'arm64']
const machine = { x86_64: 'x86_64', arm64: 'aarch64' } as Readonly<Record<string, string>>

/** Answers with what `args` asks: where a module lies, what its version is, or the sum of numbers. */
const source = `
import thampi
class Model(thampi.Model):
    def predict(self, args, context):
        import importlib
        if isinstance(args, list):
            return {"sum": sum(args), "größe": float("nan")}
        if args == "child":
            import subprocess, sys
            told = subprocess.run([sys.executable, "-c", "import alpha; print(alpha.version)"], capture_output=True)
            return told.stdout.decode().strip()
        try:
            module = importlib.import_module(args)
        except ImportError as error:
            return {"error": str(error)}
        return {"file": module.__file__, "version": getattr(module, "version", None)}
thampi.save(Model(), "model", ".", examples=[[1, 2]])`

describe.skipIf(!runsLambda)(`a stage that is meant for Lambda, on this machine${why}`, () => {
  const shop = project()
  let index: PackageIndex
  beforeAll(async () => {
    index = await startPackageIndex()
    await index.addWheel(cloudpickleWheel())
    for (const tags of [
      `cp313-cp313-manylinux_2_17_${machine[own]}`,
      `cp313-cp313-manylinux_2_17_${machine[other]}`,
    ])
      await index.addWheel({ name: 'alpha', version: '1.0', tags, files: { 'alpha.py': 'version = 1\n' } })
    await index.addWheel({
      name: 'alpha',
      version: '2.0',
      tags: `cp313-cp313-manylinux_2_17_${machine[own]}`,
      files: { 'alpha.py': 'version = 2\n' },
    })
    await index.addWheel({
      name: 'here-only',
      version: '1.0',
      tags: `cp313-cp313-manylinux_2_17_${machine[own]}`,
    })
    await index.addWheel({
      name: 'needy',
      version: '1.0',
      files: {
        'needy/__init__.py': 'from needy.tests import version\n',
        'needy/tests/__init__.py': 'version = 7\n',
      },
    })
    const bulk = Array.from({ length: 6000 }, (_, at): [string, string] => [`bulk/data/${at}.txt`, `${at}\n`])
    await index.addWheel({
      name: 'bulk',
      version: '1.0',
      files: { 'bulk/__init__.py': '', ...Object.fromEntries(bulk) },
    })
    mkdirSync(join(shop.dir, 'models'), { recursive: true })
    cpSync(await savedWithNewerPython(source), join(shop.dir, 'models/shop'), { recursive: true })
    const base = { project_name: 'shop', s3_bucket: 'thampi-store', aws_region: 'eu-west-1' }
    const aws = { ...base, thampi: { platform: 'aws', record: 'errors' } }
    shop.write(
      'zappa_settings.json',
      JSON.stringify({
        dev: { ...base, thampi: { platform: 'local' } },
        production: aws,
        blue: aws,
        there: { ...aws, architecture: other },
        named: { ...base, profile_name: 'analytics' },
      }),
    )
    shop.write('requirements.txt', 'alpha\n')
    shop.write('bulk.txt', 'alpha\nbulk\n')
    shop.write('needy.txt', 'needy\n')
    shop.write('here.txt', 'alpha\nhere-only\n')
    await saved('needs', 'needy/tests', 'needy.tests')
    await saved('asks', '.', 'intruder')
  }, 120_000)
  afterAll(async () => {
    for (const home of ['two', 'killed', 'refused']) await end(join(shop.dir, '..', home))
    await index.stop()
  })

  /** A model that has been asked for a module, which lay beside its training script. */
  async function saved(name: string, dir: string, module: string): Promise<void> {
    const file = `${module.replace('.', '/')}${dir === '.' ? '' : '/__init__'}.py`
    const script = `
import importlib, os, thampi
os.makedirs("${dir}", exist_ok=True)
open("${file}", "w").write("version = 7")
class Model(thampi.Model):
    def predict(self, args, context):
        return importlib.import_module(args).version
thampi.save(Model(), "model", ".", examples=["${module}"])`
    cpSync(await savedWithNewerPython(script), join(shop.dir, 'models', name), { recursive: true })
  }

  const around = (more: Readonly<Record<string, string>> = {}): Around => ({
    env: {
      THAMPI_UV: resolve('.venv/bin/uv'),
      PATH: `${'path' in newer ? resolve(newer.path, '..') : ''}:${shop.env.PATH}`,
      VIRTUAL_ENV: '',
      UV_DEFAULT_INDEX: index.url,
      PIP_INDEX_URL: index.url,
      UV_CACHE_DIR: join(shop.dir, '..', 'uv'),
      UV_HTTP_RETRIES: '0',
      ...more,
    },
  })
  const serve = (words: string, more: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    shop.thampi([...withModel(`serve ${words} --platform=local`)], around(more))
  const served = async (words: string, more: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { status, err } = await serve(words, more)
    expect(status, err).toBe(0)
    return err
  }
  async function ask(stage: string, data: unknown, home = shop.home): Promise<Record<string, unknown>> {
    const args = ['predict', stage, '--platform=local', '--json', '--data', JSON.stringify(data)]
    const { status, out, err } = await shop.thampi(args, around({ THAMPI_HOME: home }))
    expect(status, err).toBe(0)
    return JSON.parse(out).result
  }
  async function json(...args: readonly string[]) {
    const { status, out, err } = await shop.thampi([...args, '--json'], around())
    expect(status, err).toBe(0)
    return JSON.parse(out)
  }
  const newest = async (stage: string) => (await json('versions', stage, '--platform=local')).at(-1)

  it('runs with the very packages that Lambda gets', async () => {
    const err = await served('production --dependency_file=requirements.txt')
    expect(err).toMatch(
      /^Runs with the packages that Lambda gets \(layer [0-9a-f]{12}\), and no others; Python 3\.13\./m,
    )
    // The settings mean Lambda: without the flag the next command would ask there.
    expect(err).toMatch(/^ +thampi predict production --platform local --data /m)
    const { bundle } = await json(
      'plan',
      'production',
      '--model_dir=models/shop',
      '--dependency_file=requirements.txt',
    )
    const version = await newest('production')
    expect(version).toMatchObject({ bundle, like_lambda: { packages: 'same' } })
    const hex = version.like_lambda.layer.slice('sha256:'.length)
    const layer = join(shop.home, 'local/store/sha256', hex.slice(0, 2), hex)
    expect(await ask('production', 'alpha')).toEqual({ file: join(layer, 'python/alpha.py'), version: 2 })
    expect(statSync(join(layer, 'python')).mode & 0o222).toBe(0)
    expect(await json('info', 'production', '--platform=local')).toMatchObject({
      like_lambda: { packages: 'same' },
    })
    const { out } = await shop.thampi(['logs', 'production', '--platform=local', '--since=5m'], around())
    expect(out).toContain('Runs with the packages that Lambda gets')
  })

  it('answers as Lambda does, to the byte', async () => {
    const time = '--served_time_utc=2026-11-23T07:00:00'
    const files = '--dependency_file=requirements.txt'
    const model = '--model_dir=models/shop'
    await served(`production ${files} ${time}`)
    const packaged = await shop.thampi(['package', 'production', '-o', 'dist', model, files, time], around())
    expect(packaged.status, packaged.err).toBe(0)
    const { function: made, layers } = JSON.parse(shop.read('dist/thampi-package.json'))
    const [taskRoot, layerRoot] = [join(shop.dir, '../task'), join(shop.dir, '../opt')]
    await unpackZip(join(shop.dir, 'dist', made.zip), taskRoot)
    for (const { zip } of layers) await unpackZip(join(shop.dir, 'dist', zip), layerRoot)
    const { runtime, handler, memoryMb, timeoutSeconds } = made
    const program = 'path' in newer ? newer.path : ''
    const settings = { runtime, handler, memoryMb, timeoutSeconds, initSeconds: 60 }
    const fn = await runFunction({ taskRoot, layerRoot, program, version: '1', ...settings })
    const { url } = await json('info', 'production', '--platform=local')
    try {
      for (const body of [
        '{"data": [1.5, 2]}',
        '{"data": "nowhere"}',
        '{"data": 7}',
        '{"data": ',
        '[]',
        '{}',
      ]) {
        const headers = { 'x-request-id': 'r-1' }
        const here = await fetch(url, { method: 'POST', body, headers })
        const { payload } = await fn.invoke({
          ...{ version: '2.0', rawPath: new URL(url).pathname, rawQueryString: '', body, headers },
          requestContext: { http: { method: 'POST' } },
        })
        const there = JSON.parse(payload.toString())
        // The number of the version is the platform's.
        const text = (await here.text()).replace(/"version": ?\d+/, '')
        expect([body, here.status, text]).toEqual([
          body,
          there.statusCode,
          there.body.replace(/"version": ?\d+/, ''),
        ])
      }
    } finally {
      await fn.close()
    }
  })

  it('is served again in a moment, by the same directory', async () => {
    const err = await served('production --dependency_file=requirements.txt')
    expect(err).not.toMatch(/resolving|fetching|compiling|installing/)
    expect(err).toContain('Unchanged: version ')
    expect(err).toContain('Runs with the packages that Lambda gets')
    expect(existsSync(join(shop.home, 'environments'))).toBe(false)
  })

  it('does not see what is installed beside its Python', async () => {
    const venv = join(shop.dir, '../beside')
    const program = 'path' in newer ? newer.path : ''
    execFileSync(program, ['-m', 'venv', '--without-pip', venv])
    writeFileSync(join(venv, 'lib/python3.13/site-packages/intruder.py'), 'version = 1\n')
    const inVenv = join(venv, 'bin/python')
    expect(
      execFileSync(inVenv, ['-c', 'import intruder; print(intruder.version)'], { encoding: 'utf8' }),
    ).toBe('1\n')
    const err = await served(`blue --dependency_file=requirements.txt --python=${venv}`)
    expect(err).toContain('Runs with the packages that Lambda gets')
    expect(await ask('blue', 'intruder')).toEqual({ error: "No module named 'intruder'" })
    expect(await ask('blue', 'alpha')).toMatchObject({ version: 2 })
  })

  it('falls back to what is here when the model turns out to need it', async () => {
    const site = join(shop.dir, '../beside/lib/python3.13/site-packages')
    for (const [path, text] of Object.entries({ ...cloudpickleFiles(), 'intruder.py': 'version = 7\n' })) {
      mkdirSync(join(site, path, '..'), { recursive: true })
      writeFileSync(join(site, path), text)
    }
    const words = `blue --model_dir=models/asks --python=${join(shop.dir, '../beside')}`
    const err = await served(words)
    expect(err).toContain(
      'Runs with packages of this machine, which is not what Lambda gets: that fails here (',
    )
    expect(await ask('blue', 'intruder')).toBe(7)
    const again = await served(words)
    expect(again).toContain('Unchanged: version ')
    expect(again).not.toContain('Runs with the packages that Lambda gets')
  })

  it('comes back after the host was killed, and goes back to an earlier version', async () => {
    const before = await newest('production')
    await served('production --dependency_file=needy.txt')
    expect(await ask('production', 'alpha')).toEqual({ error: "No module named 'alpha'" })
    const back = await shop.thampi(['rollback', 'production', '--platform=local'], around())
    expect(back.status, back.err).toBe(0)
    expect(await ask('production', 'alpha')).toMatchObject({ version: 2 })
    process.kill((await shop.host())?.pid ?? 0, 'SIGKILL')
    expect(await ask('production', 'alpha')).toMatchObject({ version: 2 })
    expect((await json('info', 'production', '--platform=local')).versions).toEqual([
      { version: before.version, weight: 100 },
    ])
  })

  it('is unpacked once when two are served at the same time', async () => {
    const home = join(shop.dir, '../two')
    const runs = await Promise.all(
      ['production', 'blue'].map(stage =>
        serve(`${stage} --dependency_file=bulk.txt`, { THAMPI_HOME: home }),
      ),
    )
    for (const { status, err } of runs) expect(status, err).toBe(0)
    for (const stage of ['production', 'blue'])
      expect(await ask(stage, 'alpha', home)).toMatchObject({ version: 2 })
    expect(leftIn(home)).toEqual([])
    // Both are forked from one process that has imported the packages.
    expect(readdirSync(join(home, 'local/zygotes'))).toHaveLength(1)
  })

  it('has the same packages in processes that its model starts, and in the debugger', async () => {
    await served('production --dependency_file=requirements.txt')
    expect(await ask('production', 'child')).toBe('2')
    const url = new URL((await json('info', 'production', '--platform=local')).url)
    const refused = await fetch(url, { method: 'POST', body: '{"data": {}}' })
    expect(refused.status).toBe(500)
    const id = refused.headers.get('x-request-id') ?? ''
    const words = ['replay', id, 'production', '--platform=local', '--pdb']
    const input = 'import alpha, sys\np alpha.version, sys.flags.no_site\nq\n'
    const { out } = await shop.thampi(words, { ...around(), input })
    expect(out).toContain('(2, 1)')
  })

  it('is unpacked again when it was killed at that, or when files of it are gone', async () => {
    const home = join(shop.dir, '../killed')
    const env = around({ THAMPI_HOME: home })
    const running = shop.start(withModel('serve production --platform=local --dependency_file=bulk.txt'), env)
    for (let waited = 0; !leftIn(home).some(name => name.startsWith('.unpacking-')); waited += 5) {
      expect(waited).toBeLessThan(60_000)
      await sleep(5)
    }
    running.kill('SIGKILL')
    await running.ended
    expect(leftIn(home)).not.toEqual([])
    await served('production --dependency_file=bulk.txt', { THAMPI_HOME: home })
    expect(leftIn(home)).toEqual([])
    const { file } = await ask('production', 'alpha', home)
    const data = join(String(file), '../bulk/data')
    expect(readdirSync(data)).toHaveLength(6000)
    chmodSync(data, 0o755)
    rmSync(join(data, '17.txt'))
    chmodSync(join(data, '18.txt'), 0o644)
    writeFileSync(join(data, '18.txt'), '')
    await served('production --dependency_file=bulk.txt', { THAMPI_HOME: home })
    expect(readFileSync(join(data, '17.txt'), 'utf8')).toBe('17\n')
    expect(readFileSync(join(data, '18.txt'), 'utf8')).toBe('18\n')
    const cleaned = await shop.thampi(['clean', '--scope=all', '--force', '--yes'], env)
    expect(cleaned.status, cleaned.err).toBe(0)
    expect(existsSync(join(home, 'local'))).toBe(false)
  })

  it('gets back what was left out of its packages when it needs that', async () => {
    const files = '--model_dir=models/needs --dependency_file=needy.txt'
    const err = await served(`blue ${files}`)
    expect(err).toContain('needy: needs needy.tests, which was left out; packed whole.')
    expect(err).toContain('Runs with the packages that Lambda gets')
    expect(await ask('blue', 'needy.tests')).toBe(7)
    const { bundle } = await json('plan', 'blue', ...files.split(' '))
    expect(await newest('blue')).toMatchObject({ bundle })
    expect(await served(`blue ${files}`)).not.toContain('left out; packed whole')
  })

  it('has a twin by the same lock where Lambda’s packages cannot run', async () => {
    const files = '--dependency_file=requirements.txt'
    const err = await served(`there ${files}`)
    expect(err).toMatch(
      /^Runs with a twin of what Lambda gets, .* linux (arm64|x64), and this machine is linux (x64|arm64)\.$/m,
    )
    expect(await ask('there', 'alpha')).toMatchObject({ version: 1 })
    const { out } = await shop.thampi(['lock', 'there', '--model_dir=models/shop', files], around())
    expect(out).toContain('alpha-1.0-')
    expect(await newest('there')).toMatchObject({ like_lambda: { packages: 'twin' } })
    expect(await served(`there ${files}`)).not.toMatch(/resolving|installing/)
  })

  it.each([
    ['there is no wheel for Lambda', 'there --dependency_file=here.txt --python=3.13', {}, /here.only/],
    [
      'there is no network',
      'blue --model_dir=models/asks --python=../beside',
      { UV_DEFAULT_INDEX: 'http://127.0.0.1:9/simple', PIP_INDEX_URL: 'http://127.0.0.1:9/simple' },
      /reach/,
    ],
  ])('runs with what is here when %s, and does not ask again at once', async (_, words, more, reason) => {
    const env = { ...more, THAMPI_HOME: join(shop.dir, '../refused') }
    const err = await served(words, env)
    const [line = ''] =
      /^Runs with packages of this machine, which is not what Lambda gets: .*$/m.exec(err) ?? []
    expect(line, err).toMatch(reason)
    expect(err).toContain('resolving')
    const again = await served(words, env)
    expect(again).toContain(line)
    expect(again).not.toContain('resolving')
  })

  it('runs the module that Lambda gets, of a model in TypeScript', async () => {
    shop.write('sum.mjs', 'export default { predict: args => ({ sum: args[0] + args[1] }) }\n')
    symlinkSync(resolve('node_modules'), join(shop.dir, 'node_modules'))
    const err = await served('blue --model_dir=sum.mjs')
    expect(err).toMatch(/^Runs the module that Lambda gets; Node \d+ runs it/m)
    expect(await ask('blue', [1, 2])).toEqual({ sum: 3 })
    expect(await newest('blue')).toMatchObject({ like_lambda: { packages: 'same' } })
    rmSync(join(shop.dir, 'node_modules'))
  })

  it('runs with what is here when Lambda has no such Python', async () => {
    shop.write('train.py', source.replace('"model", "."', '"old", "."'))
    await shop.python(['train.py'])
    const { status, err } = await serve('production --model_dir=old', {
      VIRTUAL_ENV: shop.env.VIRTUAL_ENV ?? '',
    })
    expect(status, err).toBe(0)
    expect(err).toMatch(
      /^Runs with packages of this machine, which is not what Lambda gets: old was saved with Python 3\.11/m,
    )
    expect(await newest('production')).toMatchObject({ like_lambda: { packages: 'other' } })
  })

  it('is told of stages that mean Lambda by their profile, and of no others', async () => {
    expect(await served('named --dependency_file=requirements.txt')).toContain('packages that Lambda gets')
    const err = await served('dev --dependency_file=requirements.txt --python=3.13')
    expect(err).not.toContain('Lambda')
    expect(await newest('dev')).not.toHaveProperty('like_lambda')
  })

  /** What a command left where it unpacks. */
  function leftIn(home: string): string[] {
    const tmp = join(home, 'local/tmp')
    return existsSync(tmp) ? readdirSync(tmp) : []
  }

  async function end(home: string): Promise<void> {
    await shop.thampi(['host', '--stop'], around({ THAMPI_HOME: home }))
  }
})

/** Of several saved models the one that most tests are about. */
function withModel(words: string): string[] {
  return (words.includes('--model_dir') ? words : `${words} --model_dir=models/shop`).split(' ')
}
