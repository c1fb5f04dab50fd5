import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ThampiError } from '../../errors.ts'
import type { AllowedSource } from '../../settings/stage.ts'
import type { Target } from '../bundle.ts'
import { readRequirements } from '../requirements.ts'
import { type Wanted, wantedOf } from './wanted.ts'

const target: Target = { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' }

let cwd: string
let projectDir: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'thampi-wanted-'))
  projectDir = join(cwd, 'project')
  await mkdir(join(projectDir, 'pkg'), { recursive: true })
  await mkdir(join(cwd, 'elsewhere'))
  await writeFile(join(projectDir, 'pkg', 'pyproject.toml'), '[project]\nname = "pkg"\n')
})
afterEach(() => rm(cwd, { recursive: true, force: true }))

async function wanted(text: string, allow: readonly AllowedSource[] = [], env = {}): Promise<Wanted> {
  await writeFile(join(projectDir, 'requirements.txt'), text)
  const requirements = await readRequirements('requirements.txt', { cwd: projectDir, env })
  return wantedOf(requirements, { allow, projectDir, brought: ['boto3'], target, cwd: projectDir, env })
}

const failure = (text: string, allow: readonly AllowedSource[] = [], env = {}): Promise<ThampiError> =>
  wanted(text, allow, env).then(
    found => expect.unreachable(JSON.stringify(found)),
    error => error,
  )

describe('requirements', () => {
  test('reach the index as they are, without comments, options and what is ours', async () => {
    const { lines } = await wanted(
      [
        'Pandas[excel] >= 2 ,<3   # frames',
        'thampi==0.1.0',
        'boto3',
        'six==1.16.0 \\',
        `    --hash=sha256:${'a'.repeat(64)} --hash=sha256:${'b'.repeat(64)}`,
        'numpy; python_version < "3.14" and sys_platform != "win32"  # and so on',
        'pywin32 @ file:///c/wheels/pywin32.whl ; sys_platform == "win32"',
        'old (>=1.0)',
      ].join('\n'),
    )
    expect(lines).toEqual([
      'Pandas[excel] >= 2 ,<3',
      'numpy; python_version < "3.14" and sys_platform != "win32"',
      'old (>=1.0)',
      'six==1.16.0',
    ])
  })

  test('have their hashes, of constraints too', async () => {
    await writeFile(join(projectDir, 'c.txt'), `numpy==2.4.6 --hash=sha256:${'c'.repeat(64)}\n`)
    const { hashes, hashed, constraints, lines } = await wanted(`numpy\n-c c.txt\n`)
    expect(hashes.get('numpy')).toEqual(new Set(['c'.repeat(64)]))
    expect({ hashed, constraints, lines }).toEqual({
      hashed: true,
      constraints: ['numpy==2.4.6'],
      lines: ['numpy'],
    })
    expect((await failure('six==1.16.0 --hash=md5:0123\n')).why).toMatch(/another kind than SHA-256/)
  })

  test('have options of the file that choose neither packages nor places', async () => {
    const { sources, prereleases, hashed, notices } = await wanted(
      '--index-url https://index.example/simple\n--pre\n--no-index --require-hashes\n--no-binary :all:\n--prefer-binary\nsix\n',
    )
    expect(sources).toMatchObject({ index: 'https://index.example/simple', none: true })
    expect({ prereleases, hashed }).toEqual({ prereleases: true, hashed: true })
    expect(notices.join()).toContain('--no-binary :all:')
  })
})

describe('a line that could bring something else than its author thinks is refused, with the reason and the way out', () => {
  test.each([
    ['--extra-index-url https://b.example/simple', /second source.*take the place/, /"index"/],
    ['-f https://b.example/wheels', /second source/, /"index"/],
    ['--trusted-host b.example', /second source/, /"index"/],
    [
      '--index-url https://a.example/simple --extra-index-url https://b.example/simple',
      /second source/,
      /"index"/,
    ],
    ['--pre --trusted-host=b.example', /second source/, /"index"/],
    ['-e ./pkg', /only when the settings allow it/, /"local"/],
    ['./pkg', /only when the settings allow it/, /"local"/],
    ['pkg @ file:pkg', /only when the settings allow it/, /"local"/],
    ['pkg[a] @ file:./pkg ; python_version > "3"', /only when the settings allow it/, /"local"/],
    ['-e ../elsewhere', /outside the project/, /index of yours/],
    ['certifi @ file:///croot/certifi_1671487769961/work/certifi', /outside the project/, /certifi==VERSION/],
    ['git+https://example.com/a/b.git@main#egg=b', /no wheels, and no hash/, /build a wheel/],
    ['-e git+ssh://git@example.com/a/b.git#egg=b', /no wheels, and no hash/, /build a wheel/],
    ['b @ git+https://example.com/a/b.git', /no wheels, and no hash/, /build a wheel/],
    ['b @ https://example.com/b-1.0-py3-none-any.whl', /not from addresses/, /"url"/],
    ['https://example.com/b-1.0.tar.gz', /not from addresses/, /NAME==VERSION/],
    ['--index-url https://u:p@a.example/simple', /user name or a password/, /netrc/],
    ['--index-url https://$\u007bTOKEN}@a.example/simple', /send a secret/, /"environment"/],
    ['b @ https://example.com/$\u007bAWS_SECRET_ACCESS_KEY}.whl', /send a secret/, /"environment"/],
    ['-r https://example.com/more.txt', /something else tomorrow/, /save that file/],
    ['--target /etc', /no option of a requirements file/, /take the line out/],
    ['six --install-option=x --target=/etc', undefined, undefined],
  ])('%s', async (line, why, fix) => {
    const env = { TOKEN: 'secret-token', AWS_SECRET_ACCESS_KEY: 'secret-key' }
    if (why === undefined) {
      expect((await wanted(line, [], env)).lines).toEqual(['six'])
      return
    }
    const error = await failure(`# first\nnumpy\n${line}\n`, [], env)
    expect(error).toMatchObject({ code: 'REQUIREMENTS_INVALID' })
    expect(error.message).toMatch(/^requirements\.txt:3: /)
    expect(error.why).toMatch(why)
    expect(error.fix).toMatch(fix)
    expect(JSON.stringify([error.message, error.why, error.fix])).not.toMatch(/secret-|u:p@/)
  })

  test('also in a file that is included, named with its own line', async () => {
    await writeFile(join(projectDir, 'more.txt'), '\n-e ../elsewhere\n')
    expect((await failure('-r more.txt\n')).message).toMatch(/^more\.txt:2: /)
  })

  test('and a link that leads out of the project is outside', async () => {
    await symlink(join(cwd, 'elsewhere'), join(projectDir, 'inside'))
    expect((await failure('./inside\n', ['local'])).why).toMatch(/outside the project/)
  })
})

describe('what the settings allow', () => {
  test('a package of the project', async () => {
    const { local } = await wanted('-e ./pkg[fast]\n', ['local'])
    expect(local).toEqual([{ path: join(projectDir, 'pkg'), extras: '[fast]', shown: 'pkg' }])
  })

  test('a directory of wheels, further indexes, and variables', async () => {
    const text = `--find-links ./pkg\n--extra-index-url https://$\u007bHOST}/simple\nsix\n`
    const { sources } = await wanted(text, ['local', 'index', 'environment'], { HOST: 'b.example' })
    expect(sources).toMatchObject({ links: [join(projectDir, 'pkg')], extra: ['https://b.example/simple'] })
  })

  test('a wheel at an address, and nothing else there', async () => {
    const { lines } = await wanted('b @ https://example.com/b-1.0-py3-none-any.whl\n', ['url'])
    expect(lines).toEqual(['b @ https://example.com/b-1.0-py3-none-any.whl'])
    expect((await failure('b @ https://example.com/b-1.0.tar.gz\n', ['url'])).why).toMatch(/Only wheels/)
  })
})

test('no text makes it throw anything but a refusal, or lets an option or a place through', async () => {
  const piece = fc.constantFrom(
    ...[
      'six',
      '==1.0',
      ' ',
      '\n',
      '-',
      '--',
      'e',
      'r',
      '-e .',
      '-i',
      'https://a.example',
      '@',
      ';',
      '#',
      '\\',
      '"',
      "'",
    ],
    ...[
      'git+',
      'file:',
      '../',
      '--extra-index-url=',
      '--hash=sha256:',
      '$\u007bA}',
      '[x]',
      'python_version',
      '<',
      '\t',
      '\u2028',
    ],
  )
  const requirementsOf = (text: string) => ({
    shown: 'requirements.txt',
    files: [{ name: 'requirements.txt', shown: 'requirements.txt', constraint: false, text }],
    listed: [],
    count: 0,
    hashed: false,
    local: [],
    extra: [],
    notices: [],
  })
  const limits = { allow: [], projectDir, brought: [], target, cwd: projectDir, env: { A: 'secret' } }
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
      try {
        const { lines, constraints, sources, local } = wantedOf(requirementsOf(pieces.join('')), limits)
        for (const line of [...lines, ...constraints]) {
          expect(line).not.toMatch(/^-|\s-|[\n\r]|\$\{A\}|secret|^[^;]*(:\/\/|@)/)
        }
        expect({ ...sources, index: undefined, none: false }).toMatchObject({
          extra: [],
          links: [],
          trusted: [],
        })
        expect(local).toEqual([])
      } catch (error) {
        if (!(error instanceof ThampiError)) throw error
        expect(error.code).toBe('REQUIREMENTS_INVALID')
      }
    }),
    { numRuns: 3000, examples: [[['six', '<', ' ', '--']]] },
  )
})
