import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PackageIndex, startPackageIndex } from '../../tests/support/package-index.ts'
import { ThampiError } from '../errors.ts'
import { findPython, type PythonFound } from '../system/python.ts'
import { realSystem, type System } from '../system/system.ts'
import { lockFor } from './lock/lock-for.ts'
import { readLockFile } from './lock-files.ts'
import { readRequirements } from './requirements.ts'

let index: PackageIndex
let cwd: string
let system: System
let python: PythonFound
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'thampi-locks-'))
  python = await findPython(realSystem(), { explicit: '.venv' })
  index = await startPackageIndex()
  await index.addWheel({
    name: 'branches',
    version: '1.0',
    requires: ['old; python_version < "3.12"', 'new; python_version >= "3.12"'],
  })
  await index.addWheel({ name: 'old', version: '1.0', requires: ['shared'] })
  await index.addWheel({ name: 'new', version: '1.0', requires: ['shared', 'circle'] })
  await index.addWheel({ name: 'circle', version: '1.0', requires: ['new; sys_platform == "linux"'] })
  await index.addWheel({ name: 'shared', version: '1.0' })
  await index.addWheel({ name: 'shared', version: '2.0' })
  await index.addWheel({
    name: 'fast',
    version: '1.0',
    requires: ['shared; extra == "quick"', 'speedup; extra == "quick"'],
  })
  await index.addWheel({ name: 'speedup', version: '1.0' })
  await index.addWheel({ name: 'only-windows', version: '1.0', tags: 'py3-none-win_amd64' })
  await index.addWheel({ name: 'only-dev', version: '1.0' })
  const env = {
    PATH: process.env.PATH,
    HOME: cwd,
    THAMPI_UV: resolve('.venv/bin/uv'),
    UV_DEFAULT_INDEX: index.url,
    UV_CACHE_DIR: join(cwd, 'uv-cache'),
  }
  system = { ...realSystem(), env, cwd, places: { home: join(cwd, 'home'), state: join(cwd, 'state') } }
  const project = [
    '[project]',
    'name = "mine"',
    'version = "0.1"',
    'requires-python = ">=3.11"',
    'dependencies = ["branches", "fast[quick]", "shared<2", "only-windows; sys_platform == \'win32\'"]',
    '[dependency-groups]',
    'dev = ["only-dev"]',
  ]
  await writeFile(join(cwd, 'pyproject.toml'), `${project.join('\n')}\n`)
  await promisify(execFile)(
    resolve('.venv/bin/uv'),
    ['lock', '--quiet', '--python', python.path, '--no-python-downloads'],
    { cwd, env },
  )
})
afterAll(async () => {
  await index.stop()
  await rm(cwd, { recursive: true, force: true })
})

describe('a uv.lock', () => {
  test('is a list of versions with conditions and hashes, without what is only for developing', async () => {
    const lines = readLockFile(await readFile(join(cwd, 'uv.lock'), 'utf8'), 'uv.lock')
      .trim()
      .split('\n')
    expect(lines.every(line => /( --hash=sha256:[0-9a-f]{64})+$/.test(line))).toBe(true)
    expect(lines.map(line => line.replace(/ --hash=\S+/g, ''))).toEqual([
      'branches==1.0',
      "circle==1.0 ; (python_full_version >= '3.12')",
      'fast==1.0',
      "new==1.0 ; (python_full_version >= '3.12')",
      "old==1.0 ; (python_full_version < '3.12')",
      "only-windows==1.0 ; (sys_platform == 'win32')",
      'shared==1.0',
      'speedup==1.0',
    ])
  })

  test('gives the same wheels when it is the dependency file of a model', async () => {
    const requirements = await readRequirements('uv.lock', { cwd, env: {} })
    const lock = await lockFor(
      requirements,
      { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' },
      system,
      { python },
    )
    expect(lock.wheels.map(({ name, version }) => `${name}==${version}`)).toEqual([
      'branches==1.0',
      'circle==1.0',
      'fast==1.0',
      'new==1.0',
      'shared==1.0',
      'speedup==1.0',
    ])
  })
})

test('whatever is done to a lock, it is read or refused', async () => {
  const text = await readFile(join(cwd, 'uv.lock'), 'utf8')
  const lines = text.split('\n')
  const broken = [
    'name = 1',
    '[[package]]',
    'dependencies = 3',
    'wheels = [1]',
    'version = []',
    'sdist = "x"',
    '}',
  ]
  const change = fc.record({ at: fc.nat(lines.length - 1), to: fc.constantFrom('', ...broken) })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), changes => {
      const changed = [...lines]
      for (const { at, to } of changes) changed[at] = to
      try {
        readLockFile(changed.join('\n'), 'uv.lock')
      } catch (error) {
        if (!(error instanceof ThampiError)) throw error
      }
    }),
    { numRuns: 500 },
  )
})

test('a hundred packages that depend on each other under conditions are read at once', () => {
  const names = Array.from({ length: 100 }, (_, at) => `p${at}`)
  const edges = (at: number): string =>
    [1, 7, 13]
      .map(step => `{ name = "p${(at + step) % 100}", marker = "python_version > '3.${at % 17}'" }`)
      .join(', ')
  const wheel = `{ url = "https://a.example/w.whl", hash = "sha256:${'a'.repeat(64)}" }`
  const packages = names.map(
    (name, at) =>
      `[[package]]\nname = "${name}"\nversion = "1"\nsource = { ${at === 0 ? 'virtual = "."' : 'registry = "x"'} }\ndependencies = [${edges(at)}]\nwheels = [${wheel}]\n`,
  )
  expect(
    readLockFile(`version = 1\n${packages.join('')}`, 'uv.lock')
      .trim()
      .split('\n'),
  ).toHaveLength(99)
})

describe('a pylock.toml', () => {
  test('of ours gives itself', async () => {
    const target = { os: 'linux', arch: 'arm64', python: '3.13', glibc: '2.34' } as const
    await writeFile(join(cwd, 'requirements.txt'), 'branches\n')
    const first = await lockFor(
      await readRequirements('requirements.txt', { cwd, env: {} }),
      target,
      system,
      { python },
    )
    await writeFile(join(cwd, 'pylock.toml'), first.text)
    const second = await lockFor(await readRequirements('pylock.toml', { cwd, env: {} }), target, system, {
      python,
    })
    expect(second.text).toBe(first.text)
  })

  test.each([
    ['lock-version = "2.0"\n', /version 2\.0/],
    [
      'lock-version = "1.0"\n[[packages]]\nname = "a"\n[packages.vcs]\ntype = "git"\n',
      /a comes from no index/,
    ],
    ['lock-version = "1.0"\n[[packages]]\nversion = "1"\n', /has no name/],
    ['lock-version = "1.0"\n[[packages\n', /not TOML/],
    [
      'version = 1\n[[package]]\nname = "a"\nversion = "1"\nsource = { registry = "x" }\n',
      /which of its packages is the project/,
    ],
  ])('%j is refused', async (text, message) => {
    await writeFile(join(cwd, 'pylock.broken.toml'), text)
    const error = await readRequirements('pylock.broken.toml', { cwd, env: {} }).catch(error => error)
    expect(error).toMatchObject({ code: 'REQUIREMENTS_INVALID' })
    expect(error.message).toMatch(message)
  })
})
