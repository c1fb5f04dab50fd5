import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  realpath,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeLayer } from './code.ts'
import { excludedBy } from './ignore.ts'

let root: string
let project: string
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'thampi-code-')))
  project = join(root, 'project')
  await mkdir(project)
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function write(files: Record<string, string | Buffer>, dir = project): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), content)
  }
}

interface Options {
  readonly exclude?: readonly string[]
  readonly includeSecrets?: readonly string[]
}
const pack = (options: Options = {}, dir = project) =>
  codeLayer(dir, { exclude: [], includeSecrets: [], own: [], ...options })
const packed = async (options?: Options): Promise<string[]> =>
  (await pack(options)).layer.files.map(({ path }) => path)
const failure = (options?: Options) =>
  pack(options).then(
    () => expect.unreachable(),
    error => error,
  )

/** Made of pieces, so that this file holds no secret itself. */
const tokens = {
  aws: `AKIA${'Q3EGRIFTXK7WZ5LM'}`,
  session: `ASIA${'Q3EGRIFTXK7WZ5LM'}`,
  awsSecret: `aws_secret_access_key = ${'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzqT8uVwX2n'}`,
  pem: `-----BEGIN RSA ${'PRIVATE KEY'}-----\nMIIEowIBAAKCAQEA7bq0Zw9cWmT3\n`,
  pemInJson: `{"private_key": "-----BEGIN ${'PRIVATE KEY'}-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEF"}`,
  openssh: `-----BEGIN OPENSSH ${'PRIVATE KEY'}-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n`,
  github: `ghp_${'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dE3fG6'}`,
  githubFine: `github_pat_${'11ABCDEFG0aB3dE6gH9jK2_mN5pQ8sT1vW4yZ7bC0dE3fG6hI9jK2lM5nO8pQ1rS4tU7vW0x'}`,
  gitlab: `glpat-${'aB3dE6gH9jK2mN5pQ8sT'}`,
  slack: `xoxb-${'203948576120-918273645546-aB3dE6gH9jK2mN5pQ8sT1vW4'}`,
  npm: `//example.com/:_authToken=npm_${'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dE3fG6'}`,
  jwt: `eyJ${'hbGciOiJIUzI1NiJ9'}.eyJ${'zdWIiOiJtZSIsImlhdCI6MX0'}.${'dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk'}`,
  openai: `sk-proj-${'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dE3fG6'}`,
  stripe: `sk_live_${'aB3dE6gH9jK2mN5pQ8sT1vW4'}`,
  thampi: `thampi_${'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dE3fG6hI9jK2l'}`,
  google: `AIza${'SyB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dE3f'}`,
  huggingFace: `hf_${'aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH'}`,
}

describe('of a project directory', () => {
  test('the code travels; what no prediction needs stays, and is named', async () => {
    await write({
      'train.py': '',
      'features/__init__.py': '',
      'labels.txt': '',
      'lib/build/__init__.py': '',
      '.git/config': '',
      'venv/pyvenv.cfg': '',
      'venv/lib/python3/site-packages/numpy/__init__.py': '',
      'conda/conda-meta/history': '',
      'node_modules/x/index.js': '',
      '__pycache__/train.cpython-311.pyc': '',
      'models/iris/model.pkl': '',
      'models/iris/thampi.json': '{}',
      'explore.ipynb': '',
      'iris.csv': '',
      'build/lib/train.py': '',
      'x.egg-info/PKG-INFO': '',
      'zappa_settings.json': '{}',
    })
    const { layer, leftOut, notices } = await pack()
    expect(layer.files.map(({ path }) => path)).toEqual([
      'features/__init__.py',
      'labels.txt',
      'lib/build/__init__.py',
      'train.py',
    ])
    expect(Object.fromEntries(leftOut.map(({ path, reason }) => [path, reason]))).toEqual({
      '.git/': 'version control',
      'venv/': 'virtual environment',
      'conda/': 'virtual environment',
      'node_modules/': 'installed packages',
      '__pycache__/': 'cache',
      'models/iris/': 'saved model',
      'explore.ipynb': 'notebook',
      'iris.csv': 'data',
      'build/': 'build output',
      'x.egg-info/': 'build output',
      'zappa_settings.json': 'settings',
    })
    expect(notices.join('\n')).toContain('models/iris/ (saved model)')
  })

  test('patterns of the settings leave more out', async () => {
    await write({
      'a.py': '',
      'docs/a.md': '',
      'docs/b/c.md': '',
      'src/docs/d.py': '',
      'src/old/e.py': '',
      'f.tmp': '',
    })
    expect(await packed({ exclude: ['*.tmp', '/docs/', 'src/**/e.py'] })).toEqual(['a.py', 'src/docs/d.py'])
    expect(await packed({ exclude: ['docs', './src', '[!a].tmp'] })).toEqual(['a.py'])
  })

  test('nothing of Thampi’s own travels', async () => {
    await write({ 'a.py': '', 'home/environments/x': '' })
    const { layer } = await codeLayer(project, {
      exclude: [],
      includeSecrets: [],
      own: [join(project, 'home')],
    })
    expect(layer.files.map(({ path }) => path)).toEqual(['a.py'])
  })
})

describe('the digest of a layer', () => {
  const files = { 'a.py': 'a', 'b/c.py': 'c', 'b/Ä.py': 'ä', 'z.txt': 'z' }

  test('depends on nothing but paths, modes and bytes', async () => {
    await write(files)
    const before = (await pack()).layer.digest
    const elsewhere = join(root, 'elsewhere')
    const umask = process.umask(0o077)
    const zone = process.env.TZ
    try {
      process.env.TZ = 'Asia/Kathmandu'
      await write(Object.fromEntries(Object.entries(files).reverse()), elsewhere)
      for (const path of Object.keys(files)) await utimes(join(elsewhere, path), 1, 1)
      expect((await pack({}, elsewhere)).layer.digest).toBe(before)
    } finally {
      process.umask(umask)
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
  })

  test.each([
    ['a byte', () => write({ 'a.py': 'A' })],
    ['a name', () => rename(join(project, 'a.py'), join(project, 'a2.py'))],
    ['a further file', () => write({ 'new.py': '' })],
    ['what may be executed', () => chmod(join(project, 'a.py'), 0o744)],
    ['a border between two files', () => write({ 'a.py': '', 'b/c.py': 'ac' })],
  ])('changes with %s', async (_, change) => {
    await write(files)
    const before = (await pack()).layer.digest
    await change()
    expect((await pack()).layer.digest).not.toBe(before)
  })
})

describe('links', () => {
  test('to something inside are packed as what they point to', async () => {
    await write({ 'lib/a.py': 'a' })
    await symlink('lib/a.py', join(project, 'b.py'))
    await symlink('lib', join(project, 'same'))
    const { layer } = await pack()
    expect(layer.files.map(({ path }) => path)).toEqual(['b.py', 'lib/a.py', 'same/a.py'])
    expect(new Set(layer.files.map(({ digest }) => digest)).size).toBe(1)
  })

  test.each([
    ['to itself', 'me', 'circle'],
    ['to its directory', '.', 'circle'],
    ['to the directory above', '..', 'out of the project'],
    ['to a file outside', '../outside.py', 'out of the project'],
    ['to a directory whose name only begins like ours', '../project-evil', 'out of the project'],
    ['to the machine', '/etc/hostname', 'out of the project'],
  ])('%s are refused', async (_, target, words) => {
    await write({ '../outside.py': '', '../project-evil/x.py': '' })
    await symlink(target, join(project, 'me'))
    expect(await failure()).toMatchObject({
      code: 'PROJECT_INVALID',
      exit: 8,
      message: expect.stringMatching(new RegExp(`"me".*${words}`)),
      fix: expect.stringContaining('"exclude"'),
    })
    expect(await packed({ exclude: ['me'] })).toEqual([])
  })

  test('that form a circle over two directories are refused', async () => {
    await write({ 'a/x.py': '', 'b/y.py': '' })
    await symlink('../b', join(project, 'a', 'b'))
    await symlink('../a', join(project, 'b', 'a'))
    expect((await failure()).message).toContain('in a circle')
  })

  test('to nothing are left out', async () => {
    await symlink('nowhere', join(project, 'gone.py'))
    await symlink('me@host.1234', join(project, '.#train.py'))
    expect(await packed()).toEqual([])
  })

  test('into what is left out stay with it', async () => {
    await write({ 'venv/pyvenv.cfg': '', 'venv/bin/tool': '', '.git/config': '', '.env': 'A=b' })
    for (const [from, to] of [
      ['venv/bin/tool', 'tool'],
      ['.git/config', 'config'],
      ['.env', 'plain.txt'],
      ['venv', 'v'],
    ] as const) {
      await symlink(from, join(project, to))
    }
    expect(await packed()).toEqual([])
  })
})

describe('secrets', () => {
  test('known by name are never packed, and each is named', async () => {
    const names = [
      ...[
        '.env',
        '.env.production',
        '.envrc',
        '.npmrc',
        '.pypirc',
        '.netrc',
        'server.pem',
        'tls.key',
        'id_rsa',
        'id_ed25519.pub',
      ],
      ...[
        'credentials',
        'credentials.json',
        'passwords.kdbx',
        'terraform.tfstate',
        'terraform.tfstate.backup',
        'x.p12',
      ],
      ...['sub/.env', 'service-account.json', 'client_secret_1.json', 'secrets.yaml'],
    ]
    const inside = ['.aws/credentials', '.ssh/known_hosts', '.terraform/x', '.kube/config']
    await write(Object.fromEntries([...names, ...inside, 'train.py'].map(path => [path, 'harmless'])))
    const { layer, notices } = await pack()
    expect(layer.files.map(({ path }) => path)).toEqual(['train.py'])
    const notice = notices.at(-1) ?? ''
    for (const name of [...names, ...inside.map(path => `${dirname(path)}/`)]) expect(notice).toContain(name)
  })

  test('are found behind a hard link with a harmless name', async () => {
    await write({ '.env': 'PASSWORD=x' })
    await link(join(project, '.env'), join(project, 'settings.txt'))
    expect(await packed()).toEqual([])
  })

  test.each(Object.entries(tokens))('inside a file stop the packing, with its line: %s', async (_, token) => {
    await write({ 'lib/config.py': `# ours\nKEY = """${token}"""\n` })
    const error = await failure()
    expect(error).toMatchObject({
      code: 'SECRET_FOUND',
      exit: 8,
      fix: expect.stringContaining('lib/config.py'),
    })
    expect(error.message).toContain('lib/config.py:2')
    expect(JSON.stringify([error.message, error.why, error.fix])).not.toContain(token.slice(-12))
    expect(await packed({ includeSecrets: ['lib/config.py'] })).toEqual(['lib/config.py'])
  })

  test('inside UTF-16 are seen too', async () => {
    await write({ 'notes.txt': Buffer.from(`\uFEFF${tokens.aws}`, 'utf16le') })
    expect((await failure()).code).toBe('SECRET_FOUND')
  })

  test('with a name of their own travel only when they are named', async () => {
    await write({ '.env': 'A=b', 'sub/.env': 'A=b' })
    expect(await packed({ includeSecrets: ['./.env'] })).toEqual(['.env'])
  })

  test('are not seen where there are none', async () => {
    await write({
      'page.html':
        '<div class="sk-top-container sk-toggleable__label-arrow sk-estimator-doc-link fitted"></div>',
      'readme.md': 'Put AKIAIOSFODNN7EXAMPLE and ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx here',
      'keys.py': "HEADER = '-----BEGIN PRIVATE KEY-----'\nif HEADER in text: pass",
      'names.py': 'npm_config_registry = xoxb = "task-based-risk-free-desk-top-sk-learn-estimators"',
      'package-lock.json': '"integrity": "sha512-AKIAv3rYl0ngH4shThatIsN0tAKeyAtAllButLooksL1keOne+/=="',
      'credentials.py': 'class Credentials: ...',
      'id_mapping.py': '',
      'environment.py': '',
      'monkey.py': 'hf_hub_download = sk_live = thampi_version_of_the_model_that_was_saved_here_ = None',
    })
    expect((await packed()).length).toBe(9)
  })
})

describe('what cannot be packed is told apart:', () => {
  test.skipIf(process.platform === 'win32')('a socket is left out', async () => {
    const server = createServer()
    await new Promise<void>(done => server.listen(join(project, 'ipc.sock'), done))
    try {
      const { leftOut } = await pack()
      expect(leftOut).toEqual([expect.objectContaining({ path: 'ipc.sock', reason: 'not a regular file' })])
    } finally {
      server.close()
    }
  })

  test.skipIf(process.getuid?.() === 0)(
    'an unreadable file is named (cannot be tried as root, who may read everything)',
    async () => {
      await write({ 'a.py': '' })
      await chmod(join(project, 'a.py'), 0)
      expect(await failure()).toMatchObject({ code: 'PERMISSION', message: expect.stringContaining('a.py') })
    },
  )

  test.each(['a\\b.py', 'a\nb.py', 'a\u0007.py'])('a name that other systems cannot hold: %j', async name => {
    await write({ [name]: '' })
    expect(await failure()).toMatchObject({ code: 'PROJECT_INVALID', fix: expect.stringContaining('rename') })
  })

  test.each([
    ['Model.py', 'model.py'],
    ['\u00e4.py', 'a\u0308.py'],
  ])('twins: %s and %s', async (a, b) => {
    await write({ [a]: '', [b]: '' })
    expect((await failure()).message).toContain('differ')
  })

  test.each(['; touch hacked', '$(touch hacked).py', '-rf', '__proto__', 'con', ' '])(
    'an odd name is only a name: %j',
    async name => {
      await write({ [name]: '' })
      expect(await packed()).toEqual([name])
    },
  )

  test('no directory at all', async () => {
    expect(
      await codeLayer(join(root, 'none'), { exclude: [], includeSecrets: [], own: [] }).catch(error => error),
    ).toMatchObject({
      code: 'PROJECT_INVALID',
      message: expect.stringContaining('none'),
    })
  })

  test('too many files, with the directories that hold them', async () => {
    await mkdir(join(project, 'thumbs'))
    const names = Array.from({ length: 20_001 }, (_, index) => `thumbs/${index}.txt`)
    for (let at = 0; at < names.length; at += 500) {
      await Promise.all(names.slice(at, at + 500).map(name => writeFile(join(project, name), '')))
    }
    await write({ 'a.py': '' })
    const error = await failure()
    expect(error).toMatchObject({ code: 'PROJECT_TOO_BIG', exit: 8 })
    expect(error.message).toContain('20002 files')
    expect(error.why).toContain('thumbs/ (20001 files')
    expect(error.fix).toContain('"exclude": ["thumbs/"]')
    expect(await packed({ exclude: ['thumbs/'] })).toEqual(['a.py'])
  })
})

test.each([
  ['*.py', 'a/b.py', true],
  ['a/*.py', 'a/b.py', true],
  ['a/*.py', 'x/a/b.py', false],
  ['**/b.py', 'b.py', true],
  ['a/**', 'a/b/c', true],
  ['a.py', 'axpy', false],
  ['?.py', 'ab.py', false],
  ['[a-c].py', 'b.py', true],
  ['[z-a].py', 'b.py', false],
  ['[', '[', true],
  ['a(b|c)+$', 'a(b|c)+$', true],
  ['', 'a', false],
  ['/', 'a', false],
])('the pattern %j and the path %j: %s', (pattern, path, expected) => {
  expect(excludedBy([pattern])(path, false)).toBe(expected)
})
