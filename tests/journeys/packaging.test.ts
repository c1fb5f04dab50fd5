import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentOf, readZip } from '../../src/bundle/zip/read.ts'
import { unpackZip } from '../../src/bundle/zip/unpack.ts'
import { cloudpickleWheel } from '../support/cloudpickle.ts'
import { pinned } from '../support/doors.ts'
import { type Ended, type Project, project } from '../support/journey.ts'
import { newerPackages, savedWithNewerPython } from '../support/newer-model.ts'
import { newerPython } from '../support/newer-python.ts'
import { type PackageIndex, startPackageIndex } from '../support/package-index.ts'
import { temporaryDirectory } from '../support/python.ts'
import { runFunction } from '../support/runtime-api.ts'

const newer = await newerPython()
const uv = resolve('.venv/bin/uv')

/** Who looks for a Python 3.13 finds it, and uv as well; nothing of AWS is there. */
function around(more: Readonly<Record<string, string>> = {}): { readonly env: Record<string, string> } {
  const bin = 'path' in newer ? resolve(newer.path, '..') : ''
  return { env: { THAMPI_UV: uv, PATH: `${bin}:${made.env.PATH}`, ...more } }
}

const made = project()

describe.skipIf('missing' in newer)(
  `scikit-learn for Lambda${'missing' in newer ? `: ${newer.missing}` : ''}`,
  () => {
    beforeAll(async () => {
      mkdirSync(join(made.dir, 'models'), { recursive: true })
      cpSync(await savedWithNewerPython(), join(made.dir, 'models/iris'), { recursive: true })
      made.write('features.py', 'rows = 3\n')
      settings(made)
    }, 120_000)

    it('is planned in seconds: what is packed, what fits, what it would make and cost', async () => {
      const before = made.snapshot()
      const plan = await json(made.thampi(['plan', 'production', '--json'], around()))
      expect(plan).toMatchObject({
        platform: 'aws',
        runtime: 'python3.13',
        architecture: 'x86_64',
        fits: true,
        configuration: { memory_mb: 1024, model_in: 'function' },
        start: { basis: 'bytes' },
        cost: { usage: { requestsPerMonth: 100_000, durationMs: 100 } },
      })
      const names = plan.packages.map(({ name }: { name: string }) => name)
      expect(names).toEqual(expect.arrayContaining(['scipy', 'numpy', 'scikit-learn', 'cloudpickle']))
      expect(names[0]).toBe('scipy')
      expect(plan.limits[0]).toMatchObject({ what: 'unpacked, layers included', allowed: 258_144_000 })
      expect(plan.limits[0].used).toBeGreaterThan(150e6)
      expect(plan.limits[0].used).toBeLessThan(258e6)
      const resources = plan.resources.map(
        ({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`,
      )
      expect(resources).toEqual(
        expect.arrayContaining([
          'function iris-production',
          'bucket thampi-store',
          'HTTP API iris-production',
        ]),
      )
      expect(made.snapshot()).toEqual(before)
    }, 60_000)

    it('shows the same to people, on lines that fit a terminal', async () => {
      const { out, status } = await made.thampi(
        ['plan', 'production', '--requests', '1000000', '--duration', '20'],
        around(),
      )
      expect(status).toBe(0)
      expect(out).toMatch(/^ {2}scipy [\d.]+ +█{24} +\d+\.\d MB$/m)
      expect(out).toMatch(/^ {2}unpacked, layers included +\d+\.\d MB of 258\.1 MB +\d+ % {2}ok$/m)
      expect(out).toMatch(/^About \$\d+\.\d\d a month: 1,000,000 requests of 20 ms a month$/m)
      expect(out).toContain('Left out of them: ')
      for (const line of out.split('\n')) {
        expect(line.length, line).toBeLessThanOrEqual(80)
      }
    }, 60_000)

    it('is packaged, and Amazon’s own client runs it and gets the recorded answer', async () => {
      const before = made.snapshot()
      const ended = await made.thampi(['package', 'production', '-o', 'dist'], around())
      expect(ended).toMatchObject({ status: 0, out: 'dist\n' })
      expect(ended.err).toMatch(/^tried here: loads in [\d.]+ s, 1 example answered as recorded$/m)
      const { dist, ...others } = split(made.snapshot())
      expect(others.others).toEqual(before)
      expect(Object.keys(dist).sort()).toEqual([
        'README.md',
        'function.zip',
        expect.stringMatching(/^layers\/thampi-py313-x86_64-[0-9a-f]{16}\.zip$/),
        'thampi-package.json',
      ])
      const answer = await inLambda(join(made.dir, 'dist'), { data: { input: [5.9, 3.2, 4.8, 1.8] } })
      const { result } = JSON.parse(made.read('models/iris/receipts.jsonl'))
      expect(JSON.parse(answer)).toMatchObject({ result })
    }, 90_000)

    it('is not packaged again when nothing changed', async () => {
      const before = made.snapshot()
      const { status, err } = await made.thampi(['package', 'production', '-o', 'dist'], around())
      expect(status).toBe(0)
      expect(err).toContain('Unchanged: the same package was there already.')
      expect(made.snapshot()).toEqual(before)
    }, 60_000)

    it('tells where every file comes from', async () => {
      const { out } = await made.thampi(['package', 'production', '-o', 'dist', '--explain'], around())
      expect(out).toMatch(/^ +\d+ {2}thampi_handler\.py {2}\(handler\)$/m)
      expect(out).toMatch(/^ +9 {2}code\/features\.py {2}\(project\)$/m)
      expect(out).toMatch(/^ +\d+ {2}model\/model\.pkl {2}\(model\)$/m)
      expect(out).toMatch(/^ +\d+ {2}layer python\/sklearn\/__init__\.py {2}\(wheel scikit-learn [\d.]+\)$/m)
      expect(out).toMatch(
        /layer python\/sklearn\/__pycache__\/__init__\.cpython-313\.pyc {2}\(bytecode scikit-learn/,
      )
      expect(out).not.toMatch(/sklearn\/tests\//)
    }, 60_000)

    it('is locked: every wheel with its hash', async () => {
      const ended = await made.thampi(['lock', 'production', '-o', 'pylock.toml'], around())
      expect(ended).toMatchObject({ status: 0, out: 'pylock.toml\n' })
      const text = made.read('pylock.toml')
      expect(text).toContain('lock-version = "1.0"')
      const pinnedName = pinned('scikit-learn').split('==')[1] ?? ''
      expect(text).toContain(`name = "scikit-learn"\nversion = "${pinnedName}"`)
      expect(text.match(/sha256 = "[0-9a-f]{64}"/g)?.length).toBe(text.match(/^\[\[packages\]\]$/gm)?.length)
      expect((await made.thampi(['lock', 'production'], around())).out).toBe(text)
    }, 60_000)
  },
)

describe.skipIf('missing' in newer)(
  `a package on its way${'missing' in newer ? `: ${newer.missing}` : ''}`,
  () => {
    const shop = project()
    let index: PackageIndex
    beforeAll(async () => {
      index = await startPackageIndex()
      await index.addWheel(cloudpickleWheel())
      await index.addWheel({
        name: 'widgets',
        version: '1.0',
        files: {
          'widgets/__init__.py': 'size = 3\n',
          'widgets/tests/__init__.py': '',
          'widgets/tests/data.py': 'answer = 42\n',
          'widgets/include/widgets.h': '// for compilers\n',
        },
      })
      await index.addWheel({ name: 'only-for-windows', version: '1.0', tags: 'cp313-cp313-win_amd64' })
      const source = `import importlib, os, thampi
os.makedirs("widgets/tests")
for name, text in {"__init__": "size = 3", "tests/__init__": "", "tests/data": "answer = 42"}.items():
    open(f"widgets/{name}.py", "w").write(text)
class Model(thampi.Model):
    def predict(self, args, context):
        return importlib.import_module(args).answer if args else importlib.import_module("widgets").size
thampi.save(Model(), "model", ".", examples=[None, "widgets.tests.data"])`
      mkdirSync(join(shop.dir, 'models'), { recursive: true })
      cpSync(await savedWithNewerPython(source), join(shop.dir, 'models/shop'), { recursive: true })
      settings(shop)
      shop.write('requirements.txt', 'widgets==1.0\n')
      shop.write('code.py', 'rows = 3\n')
    }, 120_000)
    afterAll(() => index.stop())

    const pack = (words: string, more: Readonly<Record<string, string>> = {}): Promise<Ended> =>
      shop.thampi([...words.split(' '), '--dependency_file=requirements.txt'], indexed(more))
    const indexed = (more: Readonly<Record<string, string>> = {}): ReturnType<typeof around> =>
      around({
        UV_DEFAULT_INDEX: index.url,
        UV_CACHE_DIR: join(shop.dir, '..', 'uv'),
        UV_HTTP_RETRIES: '0',
        ...more,
      })

    it('gets back what was left out of it when the model turns out to need it', async () => {
      const { status, err } = await pack('package production -o dist')
      expect(err).toContain('widgets: needs widgets.tests')
      expect(err).toContain('2 examples answered as recorded')
      expect(status).toBe(0)
      const answer = await inLambda(join(shop.dir, 'dist'), { data: 'widgets.tests.data' })
      expect(JSON.parse(answer)).toMatchObject({ result: 42 })
      const again = await pack('package production -o dist')
      expect(again.err).toContain('Unchanged')
    }, 90_000)

    it('has the same bytes on another machine', async () => {
      const time = '--served_time_utc=2026-11-23T07:00:00'
      const digests: Record<string, string>[] = []
      for (const home of ['one', 'other']) {
        const { status, err } = await pack(`package production -o out-${home} ${time}`, {
          THAMPI_HOME: join(shop.dir, '..', home),
          TZ: home === 'one' ? 'UTC' : 'Asia/Tokyo',
        })
        expect(status, err).toBe(0)
        digests.push(filesIn(join(shop.dir, `out-${home}`)))
      }
      expect(digests[1]).toEqual(digests[0])
      expect(Object.keys(digests[0] ?? {})).toHaveLength(4)
    }, 90_000)

    it('never holds a secret, wherever it stands', async () => {
      const canary = 'hunter2-canary'
      shop.write('.env', `TOKEN=${canary}\n`)
      shop.write('.aws/credentials', `[default]\naws_secret_access_key = ${canary}\n`)
      settings(shop, { environment_variables: { PASSWORD: canary } })
      const env = { AWS_SECRET_ACCESS_KEY: canary, AWS_ACCESS_KEY_ID: canary, AWS_SESSION_TOKEN: canary }
      const { status, err } = await pack('package production -o dist-secret', env)
      expect(err).toContain('Never packed, because they hold secrets: .aws/, .env.')
      expect(status, err).toBe(0)
      for (const [path, bytes] of Object.entries(await everythingIn(join(shop.dir, 'dist-secret')))) {
        expect(bytes.includes(canary), path).toBe(false)
      }
      expect(shop.read('.env')).toBe(`TOKEN=${canary}\n`)
      settings(shop)
    }, 60_000)

    it('is stopped by a key in the code', async () => {
      shop.write('leak.py', `key = "AKIA${'ABCDEFGHIJKLMNOP'}"\n`)
      const { status, err } = await pack('package production -o dist-leak')
      expect(err).toContain('leak.py:1 holds what looks like')
      expect(status).toBe(8)
      expect(existsSync(join(shop.dir, 'dist-leak'))).toBe(false)
      rmSync(join(shop.dir, 'leak.py'))
    }, 60_000)

    it.each([
      [
        'a line that nobody can read',
        'widgets==1.0\n=broken\n',
        2,
        'REQUIREMENTS_INVALID',
        'requirements.txt:2',
      ],
      ['a package that is not there', 'widgets==1.0\nno-such-thing\n', 8, 'INSTALL_FAILED', 'no-such-thing'],
      ['a package without a wheel for Lambda', 'only-for-windows\n', 8, 'WHEEL_PLATFORM', 'only-for-windows'],
    ])(
      'is refused for %s',
      async (_, text, exit, code, words) => {
        shop.write('requirements.txt', text)
        const before = shop.snapshot()
        const { status, err } = await pack('plan production')
        expect(err).toContain(words)
        expect(err).toContain(code)
        expect(status).toBe(exit)
        expect(shop.snapshot()).toEqual(before)
        shop.write('requirements.txt', 'widgets==1.0\n')
      },
      60_000,
    )

    it('is planned and refused when it is too big, with what is biggest in it', async () => {
      shop.write('huge.py', hugeWheel)
      await shop.python(['huge.py'])
      rmSync(join(shop.dir, 'huge.py'))
      shop.write('requirements.txt', './huge-1.0-py3-none-any.whl\n')
      settings(shop, { thampi: { platform: 'aws', dependency_sources: ['local'] } })
      const plan = await pack('plan production')
      expect(plan.status, plan.err).toBe(8)
      expect(plan.out).toMatch(/^ {2}huge 1\.0 +█{24} +275\.\d MB$/m)
      expect(plan.out).toMatch(
        /^ {2}unpacked, layers included +27\d\.\d MB of 258\.1 MB +10\d % {2}TOO BIG$/m,
      )
      const packed = await pack('package production -o dist-huge')
      expect(packed.status).toBe(8)
      expect(packed.err).toContain('PACKAGE_TOO_BIG')
      expect(packed.err).toContain('Left out already: 9.8 MB')
      expect(existsSync(join(shop.dir, 'dist-huge'))).toBe(false)
      rmSync(join(shop.dir, 'huge-1.0-py3-none-any.whl'))
      settings(shop)
      shop.write('requirements.txt', 'widgets==1.0\n')
    }, 120_000)

    it('can be made of its own lock', async () => {
      expect((await pack('lock production -o pylock.toml')).status).toBe(0)
      const words = 'package production -o dist-locked --dependency_file=pylock.toml'.split(' ')
      const { status, err } = await shop.thampi(words, indexed())
      expect(status, err).toBe(0)
      const layers = (dir: string): string[] => readdirSync(join(shop.dir, dir, 'layers'))
      expect(layers('dist-locked')).toEqual(layers('dist'))
      rmSync(join(shop.dir, 'pylock.toml'))
    }, 60_000)

    it('says so when there is no network', async () => {
      const nowhere = {
        UV_DEFAULT_INDEX: 'http://127.0.0.1:9/simple',
        THAMPI_HOME: join(shop.dir, '..', 'offline'),
      }
      const { status, err } = await pack('plan production', nowhere)
      expect(err).toMatch(/NETWORK|INSTALL_FAILED/)
      expect(err).toContain('reach')
      expect([6, 8]).toContain(status)
    }, 60_000)

    it('is whole or absent when the command is killed', async () => {
      const home = join(shop.dir, '..', 'killed')
      for (const after of [300, 700, 1100, 1500, 2000, 2600]) {
        rmSync(join(shop.dir, 'dist-killed'), { recursive: true, force: true })
        const words = ['package', 'production', '-o', 'dist-killed', '--dependency_file=requirements.txt']
        const run = shop.start(words, indexed({ THAMPI_HOME: home }))
        await sleep(after)
        run.kill('SIGKILL')
        await run.ended
        if (existsSync(join(shop.dir, 'dist-killed'))) {
          const record = JSON.parse(shop.read('dist-killed/thampi-package.json'))
          for (const file of record.files)
            expect(existsSync(join(shop.dir, 'dist-killed', file)), file).toBe(true)
        }
      }
      const { status } = await pack('package production -o dist-killed', { THAMPI_HOME: home })
      expect(status).toBe(0)
    }, 90_000)

    it('is not put over files of somebody else', async () => {
      shop.write('mine/notes.txt', 'mine')
      const foreign = await pack('package production -o mine')
      expect(foreign).toMatchObject({ status: 5 })
      expect(foreign.err).toContain('OUTPUT_EXISTS')
      shop.write('dist/notes.txt', 'mine')
      const added = await pack('package production -o dist')
      expect(added.err).toContain('It holds "notes.txt", which Thampi did not write.')
      expect(added.status).toBe(5)
      expect(shop.read('mine/notes.txt')).toBe('mine')
      expect((await pack('lock production -o code.py')).status).toBe(5)
      expect(shop.read('code.py')).toBe('rows = 3\n')
      rmSync(join(shop.dir, 'dist/notes.txt'))
    }, 60_000)

    it('is refused when the model was saved with a Python that Lambda does not run', async () => {
      const saved = JSON.parse(shop.read('models/shop/saved.json'))
      shop.write('models/old/saved.json', JSON.stringify({ ...saved, python: { version: '3.11.7' } }))
      for (const file of ['model.pkl', 'thampi.json', 'receipts.jsonl']) {
        cpSync(join(shop.dir, 'models/shop', file), join(shop.dir, 'models/old', file))
      }
      const { status, err } = await pack('plan production --model_dir=models/old')
      expect(err).toContain('old was saved with Python 3.11.7, which Lambda runs on glibc 2.26')
      expect(err).toContain('thampi serve production --platform local')
      expect(status).toBe(8)
      renameSync(join(shop.dir, 'models/old'), join(shop.dir, '..', 'old'))
    }, 60_000)

    it('is planned for this machine as well', async () => {
      const { out, status } = await shop.thampi(
        ['plan', 'dev', '--dependency_file=requirements.txt'],
        indexed(),
      )
      expect(status).toBe(0)
      expect(out).toContain('shop on stage dev, on this machine')
      expect(out).toMatch(/^ {2}packages +1 of requirements\.txt/m)
      expect(await shop.host()).toBeUndefined()
    }, 60_000)
  },
)

/** 275 MB that pack to two: more than a deflater can look back, less than a reader takes for an attack. */
const hugeWheel = `import base64, hashlib, os, zipfile
block = os.urandom(8192).hex().encode() * 600
lines = []
with zipfile.ZipFile("huge-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
    def add(path, content):
        wheel.writestr(path, content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        lines.append(f"{path},sha256={digest},{len(content)}")
    for path in ["tests/x", *[f"data{at}" for at in range(28)]]:
        add(f"huge/{path}.bin", block)
    add("huge/__init__.py", b"")
    add("huge-1.0.dist-info/METADATA", b"Metadata-Version: 2.1\\nName: huge\\nVersion: 1.0\\n")
    add("huge-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    lines.append("huge-1.0.dist-info/RECORD,,")
    wheel.writestr("huge-1.0.dist-info/RECORD", "\\n".join(lines) + "\\n")
`

function settings({ write }: Project, more: object = {}): void {
  const base = { project_name: 'shop', s3_bucket: 'thampi-store', aws_region: 'eu-west-1' }
  const production = { memory_size: 1024, thampi: { platform: 'aws' }, ...more }
  const stages = {
    dev: { ...base, thampi: { platform: 'local' } },
    production: { ...base, project_name: made.write === write ? 'iris' : 'shop', ...production },
  }
  write('zappa_settings.json', JSON.stringify(stages))
}

async function json(ended: Promise<Ended>) {
  const { status, out, err } = await ended
  expect(status, err).toBe(0)
  return JSON.parse(out)
}

function split(snapshot: Record<string, string>): {
  readonly dist: Record<string, string>
  readonly others: Record<string, string>
} {
  const [dist, others]: [Record<string, string>, Record<string, string>] = [{}, {}]
  for (const [path, digest] of Object.entries(snapshot)) {
    if (path.startsWith('dist/')) dist[path.slice('dist/'.length)] = digest
    else others[path] = digest
  }
  return { dist, others }
}

/** The answer of a packed function to a direct call, through Amazon's client for Python. */
async function inLambda(dir: string, event: unknown): Promise<string> {
  const record = JSON.parse(readFileSync(join(dir, 'thampi-package.json'), 'utf8'))
  const root = temporaryDirectory()
  await unpackZip(join(dir, record.function.zip), join(root, 'task'))
  for (const { zip } of record.layers) await unpackZip(join(dir, zip), join(root, 'opt'))
  const { program } = await newerPackages()
  const fn = await runFunction({
    taskRoot: join(root, 'task'),
    layerRoot: join(root, 'opt'),
    runtime: record.function.runtime,
    handler: record.function.handler,
    program,
    memoryMb: record.function.memoryMb,
    timeoutSeconds: record.function.timeoutSeconds,
    initSeconds: 60,
  })
  try {
    const { payload, functionError, log } = await fn.invoke(event)
    expect(functionError, log).toBeUndefined()
    return payload.toString('utf8')
  } finally {
    await fn.close()
  }
}

/** Every file of a package, and every file in its archives. */
async function everythingIn(dir: string): Promise<Record<string, Buffer>> {
  const found: Record<string, Buffer> = {}
  for (const path of Object.keys(filesIn(dir))) {
    found[path] = readFileSync(join(dir, path))
    if (!path.endsWith('.zip')) continue
    const { entries, close } = await readZip(join(dir, path))
    for (const entry of entries) found[`${path}!${entry.path}`] = await contentOf(entry)
    await close()
  }
  return found
}

function filesIn(dir: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files[path.slice(dir.length + 1)] = createHash('sha256').update(readFileSync(path)).digest('hex')
  }
  return files
}
