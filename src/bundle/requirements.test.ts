import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readRequirements } from './requirements.ts'

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'thampi-requirements-'))
})
afterEach(() => rm(cwd, { recursive: true, force: true }))

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(cwd, path)), { recursive: true })
  await writeFile(join(cwd, path), content)
}

const read = (path = 'requirements.txt', env = {}) => readRequirements(path, { cwd, env })
const failure = (path?: string) =>
  read(path).then(
    () => expect.unreachable(),
    error => error,
  )
const rootText = async (path?: string): Promise<string | undefined> => (await read(path)).files[0]?.text

describe('a dependency file', () => {
  test('is only read', async () => {
    const bytes = Buffer.from('\uFEFFthampi==0.1.0\r\nsix==1.16.0\r\n')
    await write('requirements.txt', bytes)
    expect(await rootText()).toBe('\nsix==1.16.0\n')
    expect(await readFile(join(cwd, 'requirements.txt'))).toEqual(bytes)
  })

  test('brings the files it includes, wherever they stand, each of them cleaned', async () => {
    await write(
      'requirements.txt',
      '-r sub/base.txt\n--constraint=$\u007bKIND}.txt\nsix\n-r https://example.com/more.txt\n',
    )
    await write('sub/base.txt', 'thampi\niniconfig\n-r ../shared.txt\n')
    await write('shared.txt', '-c c.txt\npluggy\n')
    await write('c.txt', 'six==1.16.0\nthampi==1\n')
    const { files, listed, count } = await read('requirements.txt', { KIND: 'c' })
    expect(Object.fromEntries(files.map(({ name, text }) => [name, text]))).toEqual({
      'requirements.txt':
        '-r requirements-1.txt\n-c requirements-3.txt\nsix\n-r https://example.com/more.txt\n',
      'requirements-1.txt': '\niniconfig\n-r requirements-2.txt\n',
      'requirements-2.txt': '-c requirements-3.txt\npluggy\n',
      'requirements-3.txt': 'six==1.16.0\n\n',
    })
    expect(files[1]?.shown).toBe(join('sub', 'base.txt'))
    expect(listed.map(({ name }) => name).sort()).toEqual(['iniconfig', 'pluggy', 'six'])
    expect(count).toBe(3)
  })

  test('may be UTF-16, as Windows shells write it', async () => {
    await write('requirements.txt', Buffer.from('\uFEFFsix==1.16.0\r\nthampi\r\n', 'utf16le'))
    expect(await rootText()).toBe('six==1.16.0\n\n')
  })

  test('may have comments in another encoding', async () => {
    await write('requirements.txt', Buffer.from('# modèle\nsix\n', 'latin1'))
    expect(await rootText()).toContain('six')
  })

  test('that asks for a directory installs what stands in it now, not later', async () => {
    await write('lib/pyproject.toml', '[project]\nname = "lib"\n')
    await write('lib/lib.py', 'x = 1')
    await write('requirements.txt', '-e ./lib[extra]\n')
    const before = await read()
    expect(before.files[0]?.text).toBe(`${join(cwd, 'lib')}[extra]\n`)
    expect((await read()).local).toEqual(before.local)
    await write('lib/lib.py', 'x = 2')
    expect((await read()).local).not.toEqual(before.local)
  })

  test('drops a local checkout of ours', async () => {
    await write('src/pyproject.toml', '[project]\nname = "thampi"\n')
    await write('requirements.txt', '-e ./src\nsix\n')
    expect(await rootText()).toBe('\nsix\n')
  })

  test('says where else it takes packages from, without passwords', async () => {
    await write('requirements.txt', '--extra-index-url https://me:secret@example.com/simple\nsix\n')
    const { notices } = await read()
    expect(notices.join()).toContain('--extra-index-url https://example.com/simple')
    expect(notices.join()).not.toContain('secret')
  })

  test('may be a pyproject.toml', async () => {
    await write('pyproject.toml', '[project]\nname = "x"\ndependencies = ["six>=1", "thampi"]\n')
    expect(await rootText('pyproject.toml')).toBe('six>=1\n\n')
  })
})

describe('a conda file', () => {
  test('is told by what is in it: the tutorial’s, saved as requirements.txt', async () => {
    await write(
      'requirements.txt',
      'name: thampi-tutorial\ndependencies:\n  - thampi=0.1.0\n  - numpy=1.15.*\n  - scikit-learn=0.20.0\n  - scipy=1.1.0\n',
    )
    expect(await rootText()).toBe('\nnumpy==1.15.*\nscikit-learn==0.20.0\nscipy==1.1.0\n')
  })

  test('as exported, with builds, channels, a Python and a list for pip', async () => {
    await write(
      'environment.yml',
      `name: x
channels: [pytorch, defaults]
dependencies:
  - _libgcc_mutex=0.1=main
  - python=3.6.7=h0371630_0
  - mkl=2018.0.3
  - conda-forge::pytorch=1.0
  - libgcc-ng=8.2.0=hdf63c60_1
  - pandas>=1.0,<2
  - librosa
  - scipy 1.1.0 py36_0
  - pip:
    - thampi==0.1.0
    - six==1.16.0
prefix: /home/me/envs/x
`,
    )
    const { files, notices } = await read('environment.yml')
    expect(files[0]?.text).toBe('torch==1.0.*\npandas>=1.0,<2\nlibrosa\nscipy==1.1.0\n\nsix==1.16.0\n')
    expect(notices.join('\n')).toContain('_libgcc_mutex, mkl, libgcc-ng')
    expect(notices.join('\n')).toContain('python=3.6')
    expect(notices.join('\n')).toContain('pytorch')
  })

  test('as a list of name, version and build', async () => {
    await write('requirements.txt', '# platform: linux-64\nnumpy=1.15.4=py37h7e9124_0\nsix=1.16.0=pypi_0\n')
    expect(await rootText()).toBe('numpy==1.15.4\nsix==1.16.0\n')
  })

  test.each([
    ['dependencies: [', 'not YAML'],
    ['dependencies: numpy', 'is not a list'],
    ['dependencies:\n  - {a: b}', 'neither a package'],
    ['dependencies:\n  - "!!"', 'no package'],
  ])('that cannot be read is refused: %j', async (text, words) => {
    await write('requirements.txt', text)
    expect(await failure()).toMatchObject({
      code: 'REQUIREMENTS_INVALID',
      message: expect.stringContaining(words),
    })
  })
})

describe('what cannot be used is named:', () => {
  test('nothing there', async () => {
    expect(await failure('deps.txt')).toMatchObject({
      code: 'REQUIREMENTS_INVALID',
      exit: 2,
      message: 'There is no dependency file "deps.txt".',
      fix: 'pip freeze > requirements.txt',
    })
  })

  test('a directory', async () => {
    await mkdir(join(cwd, 'deps'))
    expect((await failure('deps')).message).toContain('is a directory')
  })

  test('an included file that is not there, and who wants it', async () => {
    await write('requirements.txt', '-r base.txt')
    expect((await failure()).message).toBe(
      'There is no dependency file "base.txt" (included by requirements.txt).',
    )
  })

  test('files that include each other', async () => {
    await write('requirements.txt', '-r a.txt')
    await write('a.txt', '-c requirements.txt')
    expect((await failure()).message).toContain('requirements.txt → a.txt → requirements.txt')
  })

  test('bytes that are no text', async () => {
    await write('requirements.txt', Buffer.from([0x80, 0x04, 0x95, 0, 0, 0]))
    expect((await failure()).message).toContain('is not a text')
  })

  test.skipIf(process.getuid?.() === 0)(
    'a file that may not be read (cannot be tried as root, who may read everything)',
    async () => {
      await write('requirements.txt', 'six')
      await chmod(join(cwd, 'requirements.txt'), 0)
      expect((await failure()).message).toContain('cannot be read')
    },
  )

  test.each([
    ['[project]\nname = "x"\ndynamic = ["dependencies"]', 'dynamic'],
    ['[tool.poetry.dependencies]\nsix = "*"', 'no list "dependencies"'],
    ['project = [', 'not TOML'],
    ['project = 1', 'no list'],
    [
      '[project]\ndependencies = ["six", "In_House>=1"]\n[tool.uv.sources]\nin-house = { index = "ours" }\n',
      'takes in-house from a place that only uv knows',
    ],
  ])('a pyproject.toml without a plain list: %j', async (text, words) => {
    await write('pyproject.toml', text)
    expect((await failure('pyproject.toml')).message).toContain(words)
  })
})
