import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findPython } from './python.ts'
import { realSystem, type System } from './system.ts'

let dir: string
let told: string[]
let system: System
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'thampi-python-')))
  told = []
  await mkdir(join(dir, 'bin'))
  await mkdir(join(dir, 'project'))
  const env = { PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, HOME: dir }
  system = { ...realSystem(line => told.push(line)), env, cwd: join(dir, 'project') }
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A small program that answers our one question as a Python of this version would. */
async function install(path: string, version: string): Promise<string> {
  const file = join(dir, path)
  await mkdir(dirname(file), { recursive: true })
  const answer = {
    path: file,
    version,
    implementation: 'cpython',
    platform: 'any',
    prefix: dir,
    isVirtual: false,
  }
  await writeFile(file, `#!/bin/sh\ncat <<'END'\nprinted by sitecustomize\n${JSON.stringify(answer)}\nEND\n`)
  await chmod(file, 0o755)
  return file
}

const withEnv = (more: Record<string, string>): System => ({ ...system, env: { ...system.env, ...more } })

describe.skipIf(process.platform === 'win32')('finding Python', () => {
  test('the real one tells about itself', async () => {
    const found = await findPython(realSystem())
    expect(found.version.startsWith(`${found.minor}.`)).toBe(true)
    expect(found.implementation).not.toBe('')
  })

  test('goes from the most deliberate choice to the least', async () => {
    await install('bin/python3', '3.9.1')
    const steps = [
      ['python-version', '3.10.1'],
      ['conda', '3.11.1'],
      ['venv', '3.12.1'],
      ['thampi', '3.13.1'],
      ['flag', '3.14.1'],
    ] as const
    for (const [name, version] of steps) await install(`${name}/bin/python`, version)
    await install('bin/python3.10', '3.10.1')
    expect((await findPython(system)).version).toBe('3.9.1')
    await writeFile(join(system.cwd, '.python-version'), '# ours\n3.10\n')
    expect((await findPython(system)).version).toBe('3.10.1')
    const env: Record<string, string> = { CONDA_PREFIX: join(dir, 'conda') }
    expect((await findPython(withEnv(env))).version).toBe('3.11.1')
    env.VIRTUAL_ENV = join(dir, 'venv')
    expect((await findPython(withEnv(env))).version).toBe('3.12.1')
    env.THAMPI_PYTHON = join(dir, 'thampi', 'bin', 'python')
    expect((await findPython(withEnv(env))).version).toBe('3.13.1')
    expect((await findPython(withEnv(env), { explicit: '../flag/bin/python' })).version).toBe('3.14.1')
    expect((await findPython(withEnv(env), { explicit: '../flag' })).version).toBe('3.14.1')
  })

  test('takes an installed Python of the model’s minor, and says so', async () => {
    await install('bin/python3', '3.12.1')
    await install('.pyenv/versions/3.77.4/bin/python', '3.77.4')
    const newest = await install('.pyenv/versions/3.77.10/bin/python', '3.77.10')
    await install('.pyenv/versions/3.7.1/bin/python', '3.7.1')
    expect(await findPython(system, { minor: '3.77' })).toMatchObject({ version: '3.77.10', path: newest })
    expect(told.join()).toContain('3.77')
  })

  test('gives the active one when the model’s minor is not installed: the caller explains', async () => {
    await install('bin/python3', '3.12.1')
    expect((await findPython(system, { minor: '3.87' })).version).toBe('3.12.1')
  })

  test('never replaces what was chosen', async () => {
    const chosen = await install('mine/python', '3.12.1')
    await install('bin/python3.11', '3.11.4')
    expect((await findPython(system, { explicit: chosen, minor: '3.11' })).version).toBe('3.12.1')
  })

  test('takes a version as a choice, whole parts only', async () => {
    await install('bin/python3', '3.12.1')
    await install('bin/python3.10', '3.10.1')
    expect((await findPython(system, { explicit: '3.10' })).version).toBe('3.10.1')
    expect((await findPython(system, { explicit: '3.12.1' })).version).toBe('3.12.1')
    await expect(findPython(system, { explicit: '3.87' })).rejects.toMatchObject({
      code: 'PYTHON_MISSING',
      message: 'No usable Python 3.87 was found.',
    })
  })

  test('passes over an environment that was deleted', async () => {
    await install('bin/python3', '3.12.1')
    expect((await findPython(withEnv({ VIRTUAL_ENV: join(dir, 'gone') }))).version).toBe('3.12.1')
  })

  test.each(['/no/such/python', './missing; touch hacked', '$(touch hacked)', 'py\nthon'])(
    'a choice that cannot start is an error that names it: %j',
    async explicit => {
      await install('bin/python3', '3.12.1')
      await expect(findPython(system, { explicit })).rejects.toMatchObject({
        code: 'PYTHON_MISSING',
        exit: 8,
        why: expect.stringContaining(explicit),
        fix: expect.stringContaining('--python'),
      })
    },
  )

  test('a Python that is too old is named with its version', async () => {
    const old = await install('mine/python', '3.6.15')
    await expect(findPython(system, { explicit: old })).rejects.toMatchObject({
      why: expect.stringContaining('3.6.15, and 3.9 or newer is needed'),
    })
  })

  test('has one path, under whichever of its names it is called', async () => {
    const { path, minor } = await findPython(realSystem())
    const venv = join(dir, 'venv')
    await realSystem().run(path, ['-I', '-m', 'venv', '--without-pip', venv], { env: process.env })
    const names = ['python', 'python3', `python${minor}`].map(name => join(venv, 'bin', name))
    const found = await Promise.all(names.map(explicit => findPython(realSystem(), { explicit })))
    expect(new Set(found.map(python => python.path))).toEqual(new Set([names[0]]))
  })

  test('a module of the project is not run', async () => {
    await writeFile(join(system.cwd, 'json.py'), 'raise SystemExit("ran the project")')
    const real = await findPython(realSystem())
    expect((await findPython(system, { explicit: real.path })).version).toBe(real.version)
  })
})
