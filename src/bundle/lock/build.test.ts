import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type PackageIndex, startPackageIndex } from '../../../tests/support/package-index.ts'
import { ThampiError } from '../../errors.ts'
import { findPython, type PythonFound } from '../../system/python.ts'
import { realSystem, type System } from '../../system/system.ts'
import type { Target } from '../bundle.ts'
import { readRequirements } from '../requirements.ts'
import type { Lock } from './lock.ts'
import { type LockOptions, lockFor } from './lock-for.ts'

const target: Target = { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' }

/** A package that builds itself without any other: it needs no network. */
function project(
  name: string,
  version: string,
  tag: string,
  requires: readonly string[] = [],
): Record<string, string> {
  const backend = [
    'import os, zipfile',
    `NAME, VERSION, TAG, REQUIRES = ${JSON.stringify([name, version, tag, requires])}`,
    'def files():',
    '    info = f"{NAME}-{VERSION}.dist-info/"',
    '    lines = [f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: {VERSION}\\n"] + [f"Requires-Dist: {r}\\n" for r in REQUIRES]',
    '    return {f"{NAME}.py": "x = 1\\n", info + "METADATA": "".join(lines), info + "WHEEL": f"Wheel-Version: 1.0\\nTag: {TAG}\\n", info + "RECORD": ""}',
    'def build_wheel(directory, config_settings=None, metadata_directory=None):',
    '    open("left-behind.txt", "w").close()',
    '    if TAG == "broken": raise RuntimeError("error: no compiler")',
    '    file = f"{NAME}-{VERSION}-{TAG}.whl"',
    '    with zipfile.ZipFile(os.path.join(directory, file), "w") as archive:',
    '        for path, text in files().items(): archive.writestr(zipfile.ZipInfo(path), text)',
    '    return file',
  ]
  return {
    'pyproject.toml': `[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "${name}"\nversion = "${version}"\ndependencies = ${JSON.stringify(requires)}\n`,
    'backend.py': `${backend.join('\n')}\n`,
    'PKG-INFO': `Metadata-Version: 2.2\nName: ${name}\nVersion: ${version}\n`,
  }
}

let index: PackageIndex
let python: PythonFound
beforeAll(async () => {
  python = await findPython(realSystem(), { explicit: '.venv' })
  index = await startPackageIndex()
  await index.addWheel({ name: 'plain', version: '1.0' })
  await index.addWheel({ name: 'needs-source', version: '1.0', requires: ['pure'] })
  await index.addSource('pure', '1.0', project('pure', '1.0', 'py3-none-any'))
  await index.addSource('compiled', '1.0', project('compiled', '1.0', 'cp311-cp311-linux_x86_64'))
  await index.addSource('unbuildable', '1.0', project('unbuildable', '1.0', 'broken'))
})
afterAll(() => index.stop())

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'thampi-build-'))
})
afterEach(() => rm(cwd, { recursive: true, force: true }))

function machine(): System {
  const env = {
    PATH: process.env.PATH,
    HOME: cwd,
    THAMPI_UV: resolve('.venv/bin/uv'),
    UV_DEFAULT_INDEX: index.url,
    UV_CACHE_DIR: join(cwd, 'uv-cache'),
  }
  return { ...realSystem(), env, cwd, places: { home: join(cwd, 'home'), state: join(cwd, 'state') } }
}

async function lock(text: string, options: LockOptions = {}): Promise<Lock> {
  await writeFile(join(cwd, 'requirements.txt'), text)
  const requirements = await readRequirements('requirements.txt', { cwd, env: {} })
  return lockFor(requirements, target, machine(), { python, ...options })
}

async function failure(text: string, options: LockOptions = {}): Promise<ThampiError> {
  const error: unknown = await lock(text, options).catch(error => error)
  return error instanceof ThampiError ? error : expect.unreachable(String(error))
}

async function write(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(cwd, dir, path)), { recursive: true })
    await writeFile(join(cwd, dir, path), text)
  }
}

test('what comes as source only is built when it is pure Python, also when another package needs it', async () => {
  const made = await lock('needs-source\n')
  expect(made.wheels.map(({ file }) => file)).toEqual([
    'needs_source-1.0-py3-none-any.whl',
    'pure-1.0-py3-none-any.whl',
  ])
  expect(made.notices).toEqual(['pure 1.0 has no wheel: one was built here, of pure Python.'])
  const url = made.wheels[1]?.url ?? ''
  expect(url).toMatch(/^file:/)
  // The wheel is part of the answer: when it is gone, it is made again, to the same bytes.
  expect(await lock('needs-source\n')).toEqual(made)
  await rm(fileURLToPath(url))
  expect(await lock('needs-source\n')).toEqual(made)
})

test('what is compiled, or does not build, is refused by name', async () => {
  const compiled = await failure('compiled==1.0\n')
  expect(compiled).toMatchObject({ code: 'WHEEL_PLATFORM' })
  expect(compiled.message).toBe(
    'compiled 1.0 comes as source only, and holds compiled code: what is built here runs here only.',
  )
  const unbuildable = await failure('unbuildable\n')
  expect(unbuildable).toMatchObject({ code: 'INSTALL_FAILED' })
  expect(unbuildable.message).toMatch(/unbuildable 1\.0 .* did not build here/)
  expect(unbuildable.why).toContain('no compiler')
})

test('with hashes in the file nothing is built: a wheel of ours has none of them', async () => {
  const error = await failure(`pure==1.0 --hash=sha256:${'0'.repeat(64)}\n`)
  expect(error.message).toMatch(/pure 1\.0 comes as source only/)
})

test('a package of the project is built from a copy, with what it needs, when the settings allow it', async () => {
  await write('pkg', project('mine', '0.3', 'py3-none-any', ['plain']))
  const before = await readdir(join(cwd, 'pkg'))
  const made = await lock('-e ./pkg\n', { allow: ['local'] })
  expect(made.wheels.map(({ file }) => file)).toEqual([
    'mine-0.3-py3-none-any.whl',
    'plain-1.0-py3-none-any.whl',
  ])
  expect(made.notices).toEqual(['mine 0.3 comes from pkg, as it is now.'])
  expect(await readdir(join(cwd, 'pkg'))).toEqual(before)
  await write('pkg', project('mine', '0.4', 'py3-none-any'))
  expect((await lock('-e ./pkg\n', { allow: ['local'] })).wheels.map(({ file }) => file)).toEqual([
    'mine-0.4-py3-none-any.whl',
  ])
})

test('a wheel of the project is taken as it is, when it fits', async () => {
  await write('.', { 'keep.txt': '' })
  const made = await lock('needs-source\n')
  const wheel = fileURLToPath(made.wheels[1]?.url ?? '')
  await cp(wheel, join(cwd, 'wheels', 'pure-1.0-py3-none-any.whl'))
  const again = await lock('./wheels/pure-1.0-py3-none-any.whl\n', { allow: ['local'] })
  expect(again.wheels[0]).toMatchObject({ name: 'pure', sha256: made.wheels[1]?.sha256 })
  await cp(wheel, join(cwd, 'wheels', 'pure-1.0-cp313-cp313-win_amd64.whl'))
  const error = await failure('./wheels/pure-1.0-cp313-cp313-win_amd64.whl\n', { allow: ['local'] })
  expect(error.message).toContain('pure')
})

test('a day in the past counts for what is built, too', async () => {
  expect((await lock('needs-source\n', { excludeNewer: '2026-06-01' })).wheels).toHaveLength(2)
  const error = await failure('pure\n', { excludeNewer: '2020-01-01' })
  expect(error.message).toContain('pure')
  expect(error.message).toContain('2020-01-01')
})
