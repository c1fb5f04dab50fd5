import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type PackageIndex,
  startPackageIndex,
  type WheelToMake,
} from '../../../tests/support/package-index.ts'
import type { ThampiError } from '../../errors.ts'
import { findPython, type PythonFound } from '../../system/python.ts'
import { realSystem, type System } from '../../system/system.ts'
import type { Target } from '../bundle.ts'
import { readRequirements } from '../requirements.ts'
import type { Lock } from './lock.ts'
import { type LockOptions, lockFor } from './lock-for.ts'

const target: Target = { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' }
const uv = resolve('.venv/bin/uv')

let index: PackageIndex
let python: PythonFound
beforeAll(async () => {
  python = await findPython(realSystem(), { explicit: '.venv' })
  index = await startPackageIndex()
  const wheels: readonly WheelToMake[] = [
    { name: 'plain', version: '1.0', uploaded: '2025-01-01T00:00:00Z' },
    { name: 'plain', version: '2.0', uploaded: '2026-06-01T00:00:00Z' },
    { name: 'cloudpickle', version: '3.1.2' },
    {
      name: 'branches',
      version: '1.0',
      requires: [
        'plain==1.0; python_version < "3.12"',
        'plain==2.0; python_version >= "3.12"',
        'for-arm; platform_machine == "aarch64"',
        'for-windows; sys_platform == "win32"',
      ],
    },
    { name: 'for-arm', version: '1.0' },
    { name: 'compiled', version: '1.0', tags: 'cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64' },
    { name: 'compiled', version: '1.0', tags: 'cp313-cp313-manylinux_2_28_x86_64' },
    { name: 'compiled', version: '1.0', tags: 'cp313-cp313-manylinux_2_28_aarch64' },
    { name: 'compiled', version: '1.0', tags: 'cp312-cp312-manylinux_2_28_x86_64' },
    { name: 'compiled', version: '1.0', tags: 'cp313-cp313-macosx_11_0_arm64' },
    { name: 'compiled', version: '1.0', tags: 'cp313-cp313-musllinux_1_2_x86_64' },
    { name: 'windows-only', version: '3.0', tags: 'py3-none-win_amd64' },
    { name: 'newest-glibc', version: '5.0', tags: 'cp313-cp313-manylinux_2_39_x86_64' },
    {
      name: 'old-python',
      version: '1.26.0',
      tags: 'cp312-cp312-manylinux_2_28_x86_64',
      requiresPython: '>=3.9',
    },
    {
      name: 'old-python',
      version: '1.26.0',
      tags: 'cp311-cp311-manylinux_2_28_x86_64',
      requiresPython: '>=3.9',
    },
    { name: 'wants-old', version: '1.0', requires: ['plain<2'] },
    { name: 'wants-windows', version: '1.0', requires: ['windows-only'] },
    { name: 'refuses', version: '1.0', requiresPython: '>=3.14' },
    { name: 'boto3', version: '1.40.0', requires: ['botocore'] },
    { name: 'botocore', version: '1.40.0' },
    { name: 'uses-boto', version: '1.0', requires: ['boto3'] },
    { name: 'torch', version: '2.9.0' },
    { name: 'xgboost', version: '3.0', requires: ['nvidia-nccl-cu12'] },
    { name: 'nvidia-nccl-cu12', version: '2.0' },
  ]
  for (const wheel of wheels) await index.addWheel(wheel)
})
afterAll(() => index.stop())

let cwd: string
let told: string[]
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'thampi-lock-'))
  told = []
})
afterEach(() => rm(cwd, { recursive: true, force: true }))

/** A machine that knows one index, has an empty cache, and uv from the environment of the tests. */
function machine(env: Record<string, string | undefined> = {}): System {
  const real = realSystem(line => told.push(line))
  const mine = {
    PATH: process.env.PATH,
    HOME: cwd,
    THAMPI_UV: uv,
    UV_DEFAULT_INDEX: index.url,
    UV_CACHE_DIR: join(cwd, 'uv-cache'),
    UV_HTTP_RETRIES: '0',
    ...env,
  }
  return { ...real, env: mine, cwd, places: { home: join(cwd, 'home'), state: join(cwd, 'state') } }
}

async function lock(
  text: string,
  { system = machine(), to = target, ...options }: LockOptions & { system?: System; to?: Target } = {},
): Promise<Lock> {
  await writeFile(join(cwd, 'requirements.txt'), text)
  const requirements = await readRequirements('requirements.txt', { cwd, env: system.env })
  return lockFor(requirements, to, system, { python, ...options })
}

const files = ({ wheels }: Lock): string[] => wheels.map(({ file }) => file)
const failure = (text: string, options: Parameters<typeof lock>[1] = {}): Promise<ThampiError> =>
  lock(text, options).then(
    found => expect.unreachable(`it found ${files(found)}`),
    error => error,
  )

describe('a lock', () => {
  test('has the wheel that the target likes best, with where it is, its hash and its size', async () => {
    const { wheels, by } = await lock('compiled\n')
    const file = 'compiled-1.0-cp313-cp313-manylinux_2_28_x86_64.whl'
    expect(wheels).toEqual([
      {
        name: 'compiled',
        version: '1.0',
        file,
        url: `${index.url.replace('/simple', '')}/files/${file}`,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        bytes: expect.any(Number),
      },
    ])
    expect(by).toBe('uv')
  })

  test('is for the target where markers and tags are concerned, and not for the machine that makes it', async () => {
    expect(files(await lock('branches\ncompiled'))).toEqual([
      'branches-1.0-py3-none-any.whl',
      'compiled-1.0-cp313-cp313-manylinux_2_28_x86_64.whl',
      'plain-2.0-py3-none-any.whl',
    ])
    expect(files(await lock('branches\ncompiled', { to: { ...target, arch: 'arm64' } }))).toEqual([
      'branches-1.0-py3-none-any.whl',
      'compiled-1.0-cp313-cp313-manylinux_2_28_aarch64.whl',
      'for_arm-1.0-py3-none-any.whl',
      'plain-2.0-py3-none-any.whl',
    ])
    expect(files(await lock('compiled', { to: { ...target, glibc: '2.26' } }))).toEqual([
      'compiled-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
    ])
  })

  test('is the same text in two checkouts, whatever the umask, the clock’s zone and the order of lines', async () => {
    const first = await lock('plain\ncompiled  # fast\n')
    const second = await mkdtemp(join(tmpdir(), 'thampi-elsewhere-'))
    const before = process.umask(0o077)
    try {
      cwd = second
      const other = await lock('compiled\n\nplain', { system: machine({ TZ: 'Pacific/Kiritimati' }) })
      expect(other.text).toBe(first.text)
      expect(other.digest).toBe(first.digest)
    } finally {
      process.umask(before)
    }
  })

  test('is made once: the second time no program is started', async () => {
    const first = await lock('plain\n')
    const system = { ...machine(), run: () => expect.unreachable('a program was started') }
    expect(await lock('plain\n', { system })).toEqual(first)
    expect(await lock('# the same\nplain\n', { system })).toEqual(first)
  })

  test('is made again when what was kept is damaged, or when somebody wants it', async () => {
    const first = await lock('plain\n')
    const [name = ''] = (await readdir(join(cwd, 'home', 'locks'))).filter(name => name.endsWith('.toml'))
    const file = join(cwd, 'home', 'locks', name)
    const whole = await readFile(file, 'utf8')
    for (const damaged of ['', whole.slice(0, 200), whole.replace('version = "2.0"', 'version = "2.1"')]) {
      await writeFile(file, damaged)
      expect(await lock('plain\n')).toEqual(first)
      expect(await readFile(file, 'utf8')).toBe(whole)
    }
    const asked = index.asked.length
    await lock('plain\n', { again: true })
    expect(index.asked.length).toBeGreaterThan(asked)
  })

  test('can be that of a day in the past, to the second', async () => {
    expect(files(await lock('plain', { excludeNewer: '2026-01-01' }))).toEqual(['plain-1.0-py3-none-any.whl'])
    expect(files(await lock('plain', { excludeNewer: '2026-06-01T00:00:01Z' }))).toEqual([
      'plain-2.0-py3-none-any.whl',
    ])
    // A day ends at midnight in Greenwich, wherever the clock stands.
    for (const TZ of ['Pacific/Pago_Pago', 'Pacific/Kiritimati']) {
      const found = await lock('plain', { excludeNewer: '2026-05-31', system: machine({ TZ }), again: true })
      expect(files(found)).toEqual(['plain-1.0-py3-none-any.whl'])
    }
    expect((await failure('plain', { excludeNewer: 'yesterdy' })).message).toMatch(/"yesterdy" is no date/)
    expect((await failure('plain', { excludeNewer: '2020-01-01' })).message).toMatch(/plain.*2020-01-01/)
  })

  test('leaves the dependency file as it is, and no work files', async () => {
    const text = 'thampi==0.1.0\nplain\n'
    await lock(text)
    expect(await readFile(join(cwd, 'requirements.txt'), 'utf8')).toBe(text)
    expect((await readdir(join(cwd, 'home', 'locks'))).every(name => name.endsWith('.toml'))).toBe(true)
  })

  test('follows files that are included, and constraints ask for nothing', async () => {
    await writeFile(join(cwd, 'base.txt'), 'branches\n')
    await writeFile(join(cwd, 'limits.txt'), 'plain<3\ncompiled==0.1\n')
    expect(files(await lock('-r base.txt\n-c limits.txt\n'))).toEqual([
      'branches-1.0-py3-none-any.whl',
      'plain-2.0-py3-none-any.whl',
    ])
  })

  test('has the cloudpickle that the model was saved with, and needs no hash for it', async () => {
    const wheel = (await lock('plain==2.0')).wheels[0]
    await writeFile(join(cwd, 'requirements.txt'), `plain==2.0 --hash=sha256:${wheel?.sha256}\n`)
    const requirements = await readRequirements('requirements.txt', { cwd, env: {} })
    const made = await lockFor({ ...requirements, extra: ['cloudpickle==3.1.2'] }, target, machine(), {
      python,
    })
    expect(files(made)).toEqual(['cloudpickle-3.1.2-py3-none-any.whl', 'plain-2.0-py3-none-any.whl'])
  })
})

describe('what Lambda brings or cannot use', () => {
  test('boto3 and its kin are left out, asked for or needed, unless they are wanted', async () => {
    const { notices } = await lock('boto3==1.40.0\nplain')
    expect(notices).toEqual(['Not packed, because Lambda brings them: boto3.'])
    expect(files(await lock('uses-boto'))).toEqual(['uses_boto-1.0-py3-none-any.whl'])
    expect(files(await lock('boto3', { keepBoto3: true }))).toHaveLength(2)
  })

  test('a big package is named with the one that is smaller', async () => {
    expect((await lock('xgboost')).notices.join()).toContain('xgboost-cpu')
  })
})

describe('hashes in the file', () => {
  test('are held against those of the index', async () => {
    const error = await failure(`plain==2.0 --hash=sha256:${'0'.repeat(64)}\n`)
    expect(error).toMatchObject({ code: 'INSTALL_FAILED' })
    expect(error.message).toMatch(/plain 2\.0 does not have the hash that requirements\.txt gives/)
  })

  test('choose among the wheels of a version', async () => {
    const all = await lock('compiled', { to: { ...target, glibc: '2.26' } })
    const { file, sha256 } = all.wheels[0] ?? expect.unreachable()
    expect(files(await lock(`compiled==1.0 \\\n  --hash=sha256:${sha256}\n`))).toEqual([file])
  })

  test('are wanted for every package when one has them', async () => {
    const [wheel] = (await lock('branches')).wheels
    const error = await failure(`branches==1.0 --hash=sha256:${wheel?.sha256}\n`)
    expect(error.message).toMatch(/plain 2\.0 is needed, and requirements\.txt has no hash for it/)
  })
})

describe('where packages come from', () => {
  test('the index of pip counts for who has set none for uv', async () => {
    const system = machine({
      UV_DEFAULT_INDEX: undefined,
      PIP_INDEX_URL: index.url,
      PIP_FIND_LINKS: '/not/there',
    })
    expect(files(await lock('plain', { system }))).toHaveLength(1)
    await mkdir(join(cwd, '.config', 'pip'), { recursive: true })
    await writeFile(join(cwd, '.config', 'pip', 'pip.conf'), `[global]\nindex-url =\n  ${index.url}\n`)
    const withFile = machine({ UV_DEFAULT_INDEX: undefined })
    expect(files(await lock('compiled', { system: withFile }))).toHaveLength(1)
  })

  test('the index of the file wins', async () => {
    const system = machine({ UV_DEFAULT_INDEX: 'http://127.0.0.1:1/simple' })
    expect(files(await lock(`--index-url ${index.url}\nplain`, { system }))).toHaveLength(1)
  })

  test('passwords are used, and stand in no lock, no message and no name', async () => {
    const secret = 'hunter2-XyZ'
    const closed = await startPackageIndex({ user: `me:${secret}` })
    try {
      await closed.addWheel({ name: 'inhouse', version: '1.0' })
      const url = closed.url.replace('://', `://me:${secret}@`)
      const found = await lock('inhouse', { system: machine({ UV_DEFAULT_INDEX: url }) })
      expect(found.wheels[0]?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/files\/inhouse-1\.0/)
      const kept = (await readdir(join(cwd, 'home', 'locks'))).filter(name => name.endsWith('.toml'))
      const texts = await Promise.all(kept.map(name => readFile(join(cwd, 'home', 'locks', name), 'utf8')))
      expect([...texts, ...told, JSON.stringify(found)].join('\n')).not.toContain(secret)
      // Another password is the same index: the name of the lock is made without it.
      const other = { ...machine({ UV_DEFAULT_INDEX: closed.url }), run: () => expect.unreachable() }
      expect(await lock('inhouse', { system: other })).toEqual(found)

      const error = await failure('inhouse', {
        system: machine({ UV_DEFAULT_INDEX: closed.url }),
        again: true,
      })
      expect(error).toMatchObject({ code: 'NETWORK' })
      expect(error.message).toMatch(/wants a user name and a password/)
      await writeFile(join(cwd, '.netrc'), `machine 127.0.0.1 login me password ${secret}\n`, { mode: 0o600 })
      const netrc = machine({ UV_DEFAULT_INDEX: closed.url })
      expect(files(await lock('inhouse', { system: netrc, again: true }))).toHaveLength(1)
    } finally {
      await closed.stop()
    }
  })

  test('where an index publishes no hashes, they are made of what it gives now', async () => {
    const plain = await startPackageIndex({ plain: true })
    try {
      const { sha256 } = await plain.addWheel({ name: 'inhouse', version: '1.0' })
      const { wheels } = await lock('inhouse', { system: machine({ UV_DEFAULT_INDEX: plain.url }) })
      expect(wheels[0]?.sha256).toBe(sha256)
    } finally {
      await plain.stop()
    }
  })

  test('neither settings of a project nor variables that choose versions have a part', async () => {
    await writeFile(join(cwd, 'uv.toml'), 'resolution = "lowest"\nno-index = true\n')
    const system = machine({ UV_RESOLUTION: 'lowest', UV_CONSTRAINT: '/not/there', UV_PRERELEASE: 'allow' })
    expect(files(await lock('plain', { system }))).toEqual(['plain-2.0-py3-none-any.whl'])
  })

  test('who chose an index gets torch from there too, and not from that of builds without CUDA', async () => {
    expect((await lock('torch')).wheels[0]?.url).toMatch(/^http:\/\/127\.0\.0\.1:/)
  })
})

describe('with the index of this machine', () => {
  test.each(['x64', 'arm64'] as const)('scikit-learn is locked for Linux on %s', async arch => {
    const system = { ...machine(), env: { ...process.env, THAMPI_UV: uv } }
    const { wheels } = await lock('scikit-learn\n', { system, to: { ...target, arch } })
    const machineOf = { x64: 'x86_64', arm64: 'aarch64' }[arch]
    expect(wheels.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['joblib', 'numpy', 'scikit-learn', 'scipy', 'threadpoolctl']),
    )
    for (const { file } of wheels) {
      const compiled = new RegExp(`-cp313-cp313-manylinux_2_(\\d+)_${machineOf}(\\.|$)`).exec(
        file.replace('.whl', ''),
      )
      if (compiled) expect(Number(compiled[1])).toBeLessThanOrEqual(34)
      else expect(file).toMatch(/-py3-none-any\.whl$/)
    }
  })
})

describe('what cannot be locked', () => {
  test.each([
    ['timeout-decorator\n', 'INSTALL_FAILED', /has no timeout-decorator/, /spelling of timeout-decorator/],
    ['plain==403\n', 'INSTALL_FAILED', /has no plain==403/, /line of plain/],
    [
      'no-such-thing\n',
      'INSTALL_FAILED',
      /has no no-such-thing/,
      /spelling of no-such-thing in requirements\.txt/,
    ],
    ['plain==99\n', 'INSTALL_FAILED', /has no plain==99/, /line of plain in requirements\.txt/],
    ['plain==2.0\nwants-old\n', 'INSTALL_FAILED', /exclude each other/, /loosen/],
    ['windows-only\n', 'WHEEL_PLATFORM', /windows-only 3\.0 .* Python 3\.13 on Linux x86_64/, /sys_platform/],
    ['wants-windows\n', 'WHEEL_PLATFORM', /windows-only 3\.0/, /what needs windows-only/],
    ['newest-glibc\n', 'WHEEL_PLATFORM', /newest-glibc 5\.0 .*glibc 2\.34/, /older version/],
    [
      'old-python==1.26.0\n',
      'WHEEL_PLATFORM',
      /newest it has one for is 3\.12/,
      /save the model with Python 3\.12/,
    ],
    ['refuses\n', 'WHEEL_PLATFORM', /refuses .*does not run on Python 3\.13/, /refuses in requirements\.txt/],
  ])('%j', async (text, code, message, fix) => {
    const error = await failure(text)
    expect(error).toMatchObject({ code })
    expect(error.message).toMatch(message)
    expect(error.fix).toMatch(fix)
  })

  test('says which platforms there are, and which glibc they want', async () => {
    expect((await failure('windows-only')).why).toBe('It has wheels for Windows amd64.')
    expect((await failure('newest-glibc')).why).toBe('It has wheels for Linux x86_64 with glibc 2.39.')
  })

  test.each([
    [403, /user name and a password/],
    [503, /answered 503 Service Unavailable/],
  ])('with an index that answers %i', async (status, message) => {
    const server = createServer((_, response) => response.writeHead(status).end())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const system = machine({ UV_DEFAULT_INDEX: `http://127.0.0.1:${port}/simple` })
      const error = await failure('plain', { system })
      expect(error).toMatchObject({ code: 'NETWORK', why: expect.stringContaining(`127.0.0.1:${port}`) })
      expect(error.message).toMatch(message)
    } finally {
      server.close()
    }
  })

  test('without a network, says where it asked', async () => {
    const error = await failure('plain', {
      system: machine({ UV_DEFAULT_INDEX: 'http://127.0.0.1:1/simple' }),
    })
    expect(error).toMatchObject({ code: 'NETWORK' })
    expect(error.why).toContain('http://127.0.0.1:1/simple/plain/')
  })
})
