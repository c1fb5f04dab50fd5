import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readModel } from '../model/read.ts'
import { digestOf } from '../system/files.ts'
import { findPython, type PythonFound } from '../system/python.ts'
import { realSystem, type System } from '../system/system.ts'
import { type Bundle, localEnvironment } from './bundle.ts'
import { bundleModel, type PythonSource } from './bundle-model.ts'

/** Writes wheels, so that installing needs no network: name, version, text of the module. */
const WHEELS = `import sys, zipfile
for spec in sys.argv[2:]:
    name, version = spec.split("=")
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(f"{sys.argv[1]}/{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", f"version = '{version}'")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\\n" for path in [f"{name}.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"]))
`

let wheels: string
let python: PythonFound
beforeAll(async () => {
  python = await findPython(realSystem())
  wheels = await mkdtemp(join(tmpdir(), 'thampi-wheels-'))
  const names = ['cloudpickle=3.1.2', 'cloudpickle=3.0.0', 'alpha=1.0.0', 'alpha=1.2.0', 'beta=2.0']
  const { env, run } = realSystem()
  const { exitCode, stderr } = await run(python.path, ['-c', WHEELS, wheels, ...names], { env })
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
})
afterAll(() => rm(wheels, { recursive: true, force: true }))

let root: string
let told: string[]
let system: System
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'thampi-bundle-')))
  told = []
  const home = join(root, 'home')
  system = {
    ...realSystem(line => told.push(line)),
    cwd: join(root, 'project'),
    places: { home, state: join(home, 'local') },
  }
  await write({
    'runtime/thampi/__init__.py': '',
    'runtime/thampi/runtime/bootstrap.py': 'start()',
    'runtime/thampi/__pycache__/x.pyc': '',
    'runtime/thampi/_js/cli.mjs': '',
    'project/train.py': 'print("trained")',
    'project/requirements.txt': `thampi==0.2.0\n--no-index\n--find-links ${wheels}\nalpha==1.2.0\n`,
  })
  await save()
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}

/** A model as `save()` leaves it behind; the pickle is never opened here. */
async function save(facts: object = {}, pickle = 'pickle'): Promise<void> {
  const properties = { thampi_data_version: '0.1', trained_time_utc: '2018-09-06T22:03:04', instance_id: 'i' }
  const text = JSON.stringify(properties)
  const saved = {
    schemaVersion: 1,
    python: { version: python.version },
    cloudpickle: '3.1.2',
    packages: { alpha: { distribution: 'alpha', version: '1.2.0' } },
    files: { 'model.pkl': digestOf(pickle), 'thampi.json': digestOf(text) },
    ...facts,
  }
  await write({
    'project/models/iris/model.pkl': pickle,
    'project/models/iris/thampi.json': text,
    'project/models/iris/saved.json': JSON.stringify(saved),
  })
}

async function bundle(options: Partial<PythonSource> = {}, on = system): Promise<Bundle> {
  const model = await readModel('models/iris', on.cwd)
  const { os, arch } = on
  return bundleModel(
    model,
    {
      target: { os, arch, python: python.minor },
      installer: 'pip',
      dependencyFile: 'requirements.txt',
      exclude: [],
      includeSecrets: [],
      projectDir: on.cwd,
      runtimeDir: join(root, 'runtime'),
      python,
      ...options,
    },
    on,
  )
}
const failure = (options?: Partial<PythonSource>, on?: System) =>
  bundle(options, on).then(
    () => expect.unreachable(),
    error => error,
  )

describe('a bundle', () => {
  test('has the dependencies installed, our runtime, the code and the model', async () => {
    const before = await readFile(join(root, 'project/requirements.txt'))
    const made = await bundle()
    expect(made.layers.map(({ kind }) => kind)).toEqual(['dependencies', 'runtime', 'code', 'model'])
    expect(made.layers.map(({ files }) => files.map(({ path }) => path))).toEqual([
      [],
      ['__main__.py', 'thampi/__init__.py', 'thampi/runtime/bootstrap.py'],
      ['requirements.txt', 'train.py'],
      ['model.pkl', 'saved.json', 'thampi.json'],
    ])
    expect(made.environment).toMatchObject({
      version: python.version,
      lock: expect.arrayContaining(['alpha==1.2.0', 'cloudpickle==3.1.2']),
    })
    expect(made.environment.lock.join()).not.toContain('thampi')
    const { stdout } = await system.run(
      localEnvironment(made).program,
      ['-c', 'import alpha; print(alpha.version)'],
      {
        env: system.env,
      },
    )
    expect(stdout.trim()).toBe('1.2.0')
    expect(await readFile(join(root, 'project/requirements.txt'))).toEqual(before)
    expect(told.join('\n')).toMatch(/installing 2 packages with (pip|uv)/)
  })

  test('is the same wherever and whenever it is made, and changes with what goes into it', async () => {
    const first = await bundle()
    await cp(system.cwd, join(root, 'other'), { recursive: true })
    const elsewhere = { ...system, cwd: join(root, 'other') }
    expect((await bundle({}, elsewhere)).digest).toBe(first.digest)
    const digests = new Set([first.digest])
    const changed = async (options?: Partial<PythonSource>): Promise<void> => {
      digests.add((await bundle(options)).digest)
    }
    await write({ 'project/train.py': 'changed' })
    await changed()
    await save({}, 'another pickle')
    await changed()
    await write({ 'runtime/thampi/__init__.py': 'changed' })
    await changed()
    await write({ 'project/requirements.txt': `--no-index\n--find-links ${wheels}\nalpha==1.2.0\nbeta` })
    await changed()
    await changed({
      target: { os: system.os, arch: system.arch === 'x64' ? 'arm64' : 'x64', python: python.minor },
    })
    expect(digests.size).toBe(6)
  })

  test('without a dependency file runs on the Python as it is, and says so', async () => {
    const lean = await environmentWith('alpha==1.0.0', 'cloudpickle==3.1.2')
    const made = await bundle({ dependencyFile: undefined, python: lean })
    const { notices } = made
    const environment = localEnvironment(made)
    expect(environment.program).toBe(lean.path)
    expect(environment.lock).toEqual(expect.arrayContaining(['alpha==1.0.0']))
    expect(notices.join('\n')).toMatch(/No dependency file.*packages as they are/)
    expect(notices.join('\n')).toContain('saved with alpha 1.2.0 and will run with 1.0.0')
  })
})

describe('an environment', () => {
  test('is made once for the same requirements', async () => {
    const first = await bundle()
    told = []
    await write({ 'project/train.py': 'changed' })
    expect((await bundle()).environment).toEqual(first.environment)
    expect(told).toEqual([])
  })

  test('that two callers want at a time is made once', async () => {
    const [a, b] = await Promise.all([bundle(), bundle()])
    expect(a.environment).toEqual(b.environment)
    expect(told.filter(line => line.startsWith('installed'))).toHaveLength(1)
    expect((await readdir(join(root, 'home/environments'))).filter(name => name.includes('lock'))).toEqual([])
  })

  test('left half made by a process that was killed is made again', async () => {
    const environment = localEnvironment(await bundle())
    const dir = dirname(dirname(dirname(environment.program)))
    await rm(join(dir, 'ready.json'))
    await rm(join(dir, 'venv', 'lib'), { recursive: true, force: true })
    await writeFile(`${dir}.lock`, JSON.stringify({ pid: process.pid, started: 'long ago' }))
    expect((await bundle()).environment).toEqual(environment)
    await writeFile(`${dir}.lock`, '{"pid"')
    await rm(join(dir, 'ready.json'))
    expect((await bundle()).environment).toEqual(environment)
  })

  test('is not where PIP_TARGET and PIP_USER point', async () => {
    const env = {
      ...system.env,
      PIP_TARGET: join(root, 'target'),
      PIP_USER: '1',
      PYTHONPATH: join(root, 'target'),
    }
    const { environment } = await bundle({}, { ...system, env })
    expect(environment.lock).toContain('alpha==1.2.0')
    expect(await readdir(root)).not.toContain('target')
  })

  test('has another cloudpickle when the author pinned one', async () => {
    await write({ 'project/requirements.txt': `--no-index\n-f ${wheels}\nalpha\ncloudpickle==3.0.0\n` })
    const { environment, notices = [] } = await bundle()
    expect(environment.lock).toContain('cloudpickle==3.0.0')
    expect(notices.join('\n')).toContain('pins cloudpickle 3.0.0; the model was saved with 3.1.2')
  })

  test('is made from a conda file as well', async () => {
    const text = `dependencies:\n  - thampi=0.1.0\n  - mkl\n  - alpha=1.2.0\n  - pip:\n    - --no-index\n    - -f ${wheels}\n`
    await write({ 'project/requirements.txt': text })
    const { environment, notices = [] } = await bundle({ installer: 'conda' })
    expect(environment.lock).toContain('alpha==1.2.0')
    expect(notices.join('\n')).toContain('mkl')
  })

  test('may be made by uv', async () => {
    const { run, env } = system
    const tools = join(root, 'tools')
    await run(python.path, ['-m', 'venv', tools], { env })
    const bin = join(tools, system.os === 'win32' ? 'Scripts' : 'bin')
    const { exitCode } = await run(join(bin, 'python'), ['-m', 'pip', 'install', '-q', 'uv'], { env })
    expect(exitCode, 'uv comes from the package index').toBe(0)
    const withUv = { ...env, PATH: `${bin}${delimiter}${env.PATH}`, UV_FIND_LINKS: wheels }
    const { environment } = await bundle({}, { ...system, env: withUv })
    expect(environment.lock).toEqual(expect.arrayContaining(['alpha==1.2.0', 'cloudpickle==3.1.2']))
    expect(told.join('\n')).toContain('with uv')
  })
})

describe('what would fail later is said now:', () => {
  test('another Python, before anything is installed', async () => {
    await save({ python: { version: '3.8.1' } })
    expect(await failure()).toMatchObject({
      code: 'PYTHON_MISMATCH',
      exit: 8,
      message: `iris was saved with Python 3.8.1 but would be served with ${python.version}; pickled code cannot cross Python versions.`,
      fix: expect.stringContaining('--python 3.8'),
    })
    expect(told).toEqual([])
  })

  test('a package the file does not bring', async () => {
    await save({ packages: { gamma: { distribution: 'Gamma-Lib', version: '1.9.1' } } })
    expect(await failure()).toMatchObject({
      code: 'MODULE_MISSING',
      message: 'iris needs Gamma-Lib (1.9.1 when saved) but requirements.txt does not list it.',
      fix: 'add `Gamma-Lib==1.9.1` to requirements.txt',
    })
  })

  test('but not when another package brings the same module', async () => {
    await save({ packages: { alpha: { distribution: 'alpha-headless', version: '1.2.0' } } })
    expect((await bundle()).environment.lock).toContain('alpha==1.2.0')
  })

  test('a Python as it is without cloudpickle', async () => {
    const lean = await environmentWith('alpha==1.2.0')
    expect(await failure({ dependencyFile: undefined, python: lean })).toMatchObject({
      code: 'MODULE_MISSING',
      message: expect.stringContaining('cloudpickle (3.1.2 when saved)'),
      fix: expect.stringContaining('pip install cloudpickle==3.1.2'),
    })
  })

  test('a version that does not exist, with the end of the installer’s log', async () => {
    await write({ 'project/requirements.txt': `--no-index\n-f ${wheels}\nalpha==9.9\n` })
    expect(await failure()).toMatchObject({
      code: 'INSTALL_FAILED',
      exit: 8,
      why: expect.stringContaining('There is no alpha==9.9'),
      fix: expect.stringContaining('requirements.txt'),
    })
    expect(told.join('\n')).toContain('alpha==9.9')
    expect(await readdir(join(root, 'home/environments'))).toEqual([])
  })

  test('an index that cannot be reached', async () => {
    await write({ 'project/requirements.txt': '--index-url http://127.0.0.1:9/simple\nalpha==1.2.0\n' })
    const env = {
      ...system.env,
      PIP_RETRIES: '1',
      PIP_FIND_LINKS: undefined,
      http_proxy: undefined,
      HTTP_PROXY: undefined,
    }
    expect(await failure({}, { ...system, env })).toMatchObject({
      code: 'INSTALL_FAILED',
      why: 'The package index could not be reached.',
    })
  })

  test('a secret inside the pickle, unless it is none', async () => {
    await save({}, `\x80\x04\x95X AKIA${'Q3EGRIFTXK7WZ5LM'} \x00`)
    const error = await failure()
    expect(error).toMatchObject({ code: 'SECRET_FOUND', message: expect.stringContaining('model.pkl') })
    const includeSecrets = ['models/iris/model.pkl']
    expect((await bundle({ includeSecrets })).layers.at(-1)?.files).toHaveLength(3)
  })

  test('a model that is trained again meanwhile', async () => {
    const model = await readModel('models/iris', system.cwd)
    await save({}, 'another pickle')
    const source = { projectDir: system.cwd, includeSecrets: [], home: system.places.home }
    const { modelLayer } = await import('./model-layer.ts')
    await expect(modelLayer(model, source)).rejects.toMatchObject({ code: 'INTEGRITY', exit: 9 })
  })
})

/** A small environment of the user's own: wheels of one module only need to be unpacked. */
async function environmentWith(...packages: string[]): Promise<PythonFound> {
  const dir = join(root, 'own')
  const { run, env } = system
  await run(python.path, ['-m', 'venv', '--without-pip', dir], { env })
  const found = await findPython(system, { explicit: dir })
  const unpack = `import sys, sysconfig, zipfile
for wheel in sys.argv[1:]: zipfile.ZipFile(wheel).extractall(sysconfig.get_path("purelib"))`
  const files = packages.map(spec => join(wheels, `${spec.replace('==', '-')}-py3-none-any.whl`))
  const { exitCode } = await run(found.path, ['-c', unpack, ...files], { env })
  expect(exitCode).toBe(0)
  return found
}
