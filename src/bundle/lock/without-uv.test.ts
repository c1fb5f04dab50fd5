import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type PackageIndex, startPackageIndex } from '../../../tests/support/package-index.ts'
import type { ThampiError } from '../../errors.ts'
import { findPython, type PythonFound } from '../../system/python.ts'
import { realSystem, type System } from '../../system/system.ts'
import type { Target } from '../bundle.ts'
import { readRequirements } from '../requirements.ts'
import type { Lock } from './lock.ts'
import { lockFor } from './lock-for.ts'
import { findUv, pinned } from './uv.ts'

const target: Target = { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' }

let index: PackageIndex
let environment: string
let python: PythonFound
beforeAll(async () => {
  environment = await mkdtemp(join(tmpdir(), 'thampi-no-uv-'))
  const { path } = await findPython(realSystem(), { explicit: '.venv' })
  execFileSync(path, ['-m', 'venv', environment])
  python = await findPython(realSystem(), { explicit: environment })
  index = await startPackageIndex()
  await index.addWheel({ name: 'plain', version: '1.0' })
  await index.addWheel({
    name: 'branches',
    version: '1.0',
    requires: ['plain; python_version >= "3.12"', 'boto3'],
  })
  await index.addWheel({ name: 'compiled', version: '1.0', tags: 'cp313-cp313-manylinux_2_28_x86_64' })
  await index.addWheel({ name: 'compiled', version: '1.0', tags: 'cp311-cp311-manylinux_2_28_x86_64' })
})
afterAll(async () => {
  await index.stop()
  await rm(environment, { recursive: true, force: true })
})

let cwd: string
let told: string[]
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'thampi-lock-'))
  told = []
})
afterEach(() => rm(cwd, { recursive: true, force: true }))

/** A machine with Python and pip, and no uv anywhere. */
function machine(env: Record<string, string | undefined> = {}): System {
  const real = realSystem(line => told.push(line))
  const mine = {
    PATH: join(cwd, 'nothing'),
    HOME: cwd,
    PIP_INDEX_URL: index.url,
    PIP_NO_CACHE_DIR: '1',
    ...env,
  }
  return { ...real, env: mine, cwd, places: { home: join(cwd, 'home'), state: join(cwd, 'state') } }
}

async function lock(text: string, system = machine(), using = python): Promise<Lock> {
  await writeFile(join(cwd, 'requirements.txt'), text)
  const requirements = await readRequirements('requirements.txt', { cwd, env: system.env })
  return lockFor(requirements, target, system, { python: using })
}

const failure = (...args: Parameters<typeof lock>): Promise<ThampiError> =>
  lock(...args).then(
    () => expect.unreachable(),
    error => error,
  )

describe('without uv, and with an index that has none', () => {
  test('a list that says everything is looked up by pip, for the target', async () => {
    const { wheels, by } = await lock(
      'branches==1.0\nplain==1.0; python_version >= "3.12"\ncompiled==1.0\nboto3\n',
    )
    expect(by).toBe('pip')
    expect(wheels.map(({ file }) => file)).toEqual([
      'branches-1.0-py3-none-any.whl',
      'compiled-1.0-cp313-cp313-manylinux_2_28_x86_64.whl',
      'plain-1.0-py3-none-any.whl',
    ])
    expect(wheels[0]?.sha256).toMatch(/^[0-9a-f]{64}$/)
    const system = { ...machine(), run: () => expect.unreachable() }
    expect(
      (await lock('branches==1.0\nplain==1.0; python_version >= "3.12"\ncompiled==1.0\nboto3\n', system)).by,
    ).toBe('pip')
  })

  test.each([
    ['plain>=1\n', /`plain` of requirements\.txt has no exact version/],
    ['branches==1.0\n', /not complete: branches 1\.0 needs plain, which it does not list/],
    ['-c limits.txt\nplain==1.0\n', /wants plain 1\.0, and a constraint wants plain <1/],
    ['plain==2.0\n', /no wheel of plain==2\.0 that runs with Python 3\.13/],
  ])('%j is refused', async (text, message) => {
    await writeFile(join(cwd, 'limits.txt'), 'plain<1\n')
    const error = await failure(text)
    expect(error.message).toMatch(message)
    expect(error.fix).toBeDefined()
  })

  test('the way to get uv is said, with what stood in the way', async () => {
    const error = await failure('plain\n')
    expect(error).toMatchObject({ code: 'INSTALL_FAILED' })
    expect(error.why).toMatch(/No matching distribution found for uv==/)
    expect(error.fix).toContain(`pip install uv==${pinned}`)
  })

  test('and without pip, that there is no pip', async () => {
    const bare = join(cwd, 'bare')
    execFileSync(python.path, ['-m', 'venv', '--without-pip', bare])
    const without = await findPython(realSystem(), { explicit: bare })
    const error = await failure('plain\n', machine(), without)
    expect(error.why).toMatch(/has no pip that could fetch it/)
  })
})

describe('uv', () => {
  test('that is not the one we know is not unpacked, and nothing of it stays', async () => {
    const strange = await startPackageIndex()
    try {
      await strange.addWheel({ name: 'uv', version: pinned })
      const error = await failure('plain\n', machine({ PIP_INDEX_URL: strange.url }))
      expect(error).toMatchObject({ code: 'INTEGRITY' })
      expect(error.message).toMatch(/uv-.*\.whl that is not the one we know/)
      expect(await readdir(join(cwd, 'home', 'tools'))).toEqual([])
    } finally {
      await strange.stop()
    }
  })

  test('is fetched once from the user’s own index, checked, kept, and fetched again when it is damaged', async () => {
    const real = { ...process.env, HOME: cwd, THAMPI_UV: undefined, PATH: join(cwd, 'nothing') }
    const system = { ...machine(), env: real }
    const kept = join(cwd, 'home', 'tools', `uv-${pinned}`, process.platform === 'win32' ? 'uv.exe' : 'uv')
    await mkdir(join(cwd, 'home', 'tools', `uv-${pinned}-killed`), { recursive: true })
    const first = await findUv(python, system)
    expect(await readdir(join(cwd, 'home', 'tools'))).toEqual([`uv-${pinned}`])
    expect(first).toEqual({ command: [kept], version: pinned })
    expect(told).toEqual([`fetching uv ${pinned}, which resolves dependencies for other machines`])
    expect(
      await findUv(python, { ...system, env: { ...real, PIP_INDEX_URL: 'http://127.0.0.1:1' } }),
    ).toEqual(first)
    await writeFile(kept, 'half a file')
    expect(await findUv(python, system)).toEqual(first)
    expect((await readFile(kept)).length).toBeGreaterThan(1_000_000)
    expect(told).toHaveLength(2)
  })

  test('that is too old is passed over, and refused when somebody names it', async () => {
    const bin = join(cwd, 'bin')
    await mkdir(bin)
    await writeFile(join(bin, 'uv'), '#!/bin/sh\necho "uv 0.4.30 (an old one)"\n', { mode: 0o755 })
    expect(await findUv(python, machine({ PATH: bin }))).toEqual({ why: expect.stringContaining('uv==') })
    const error = await findUv(python, machine({ THAMPI_UV: join(bin, 'uv') })).catch(error => error)
    expect(error.message).toBe(`THAMPI_UV is "${join(bin, 'uv')}", which is uv 0.4.30.`)
    const nowhere = await findUv(python, machine({ THAMPI_UV: '/not/there/uv' })).catch(error => error)
    expect(nowhere.message).toMatch(/does not start as uv/)
  })
})
