/** Bundles become what Lambda takes: where each part goes, how the function is configured, what is refused and why. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { properties, stageOf } from '../../../tests/support/lambda-models.ts'
import type { Stage } from '../../settings/stage.ts'
import { digestOf } from '../../system/files.ts'
import { realSystem, type System } from '../../system/system.ts'
import type { Bundle, DependencyArchive, FileEntry, PackedPackage } from '../bundle.ts'
import { layerOf } from '../layer.ts'
import { contentOf, readZip } from '../zip/read.ts'
import { writeZip } from '../zip/write.ts'
import { lambdaPackage } from './pack.ts'
import type { LambdaPackage, LambdaRelease } from './package.ts'

let root: string
let system: System
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'thampi-lambda-'))
  system = { ...realSystem(), places: { home: join(root, 'home'), state: join(root, 'state') } }
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const MB = 1_000_000
const blobs = { bucket: 'thampi-store', prefix: 'thampi/blobs/sha256/' }

describe('the function of a small model', () => {
  it('holds runtime, project, model and manifest where Lambda looks for them', async () => {
    const made = await packed(await pythonBundle())
    expect(await textsIn(made.functionZip.file)).toEqual({
      'code/features.py': 'rows = 1',
      'model/model.pkl': 'pickle',
      'model/receipts.jsonl': '{"data":{"input":[1]},"result":2}\n',
      'model/thampi.json': '{}',
      'thampi-manifest.json': expect.any(String),
      'thampi/__init__.py': '',
      'thampi_handler.py': 'from thampi.runtime.aws_lambda import handler\n',
    })
    expect(made).toMatchObject({
      runtime: 'python3.13',
      architecture: 'x86_64',
      handler: 'thampi_handler.handler',
      model: { in: 'function' },
    })
  })

  it('says in its manifest what runs there', async () => {
    const stage = stageOf({ cors: true, errors: 'terse', logLevel: 'INFO' })
    const made = await packed(await pythonBundle(), stage)
    expect(await manifestOf(made)).toEqual({
      schemaVersion: 1,
      start: {
        model: 'iris',
        stage: 'staging',
        servedTimeUtc: '2026-11-23T07:00:00',
        errors: 'terse',
        logLevel: 'INFO',
        maxResultBytes: 6_291_456,
        maxBatch: 1,
        maxConcurrency: 1,
        digests: {
          'model.pkl': digestOf('pickle'),
          'receipts.jsonl': digestOf('{"data":{"input":[1]},"result":2}\n'),
          'thampi.json': digestOf('{}'),
        },
      },
      properties,
      model: { in: 'function' },
      cors: { origin: '*', headers: expect.stringContaining('Content-Type'), methods: 'POST, OPTIONS' },
      key: made.key,
    })
  })

  it('finds its dependencies in one layer, named by what is in it', async () => {
    const bundle = await pythonBundle()
    const made = await packed(bundle)
    const digest = bundle.layers[0]?.digest ?? ''
    expect(made.layers).toEqual([
      { name: `thampi-py313-x86_64-${digest.slice(7, 23)}`, archive: bundle.environment },
    ])
  })

  it('has no layer when it needs no package', async () => {
    const bundle = await pythonBundle()
    expect((await packed({ ...bundle, environment: { lock: [] } })).layers).toEqual([])
  })

  it('is made again to the same bytes', async () => {
    const [one, other] = [await packed(await pythonBundle()), await packed(await pythonBundle())]
    expect(other).toEqual(one)
  })

  it('has another zip but the same key when nothing but the time of serving differs', async () => {
    const bundle = await pythonBundle()
    const one = await packed(bundle)
    const other = await packed(bundle, stageOf(), { servedTimeUtc: '2026-11-24T07:00:00' })
    expect(other.key).toBe(one.key)
    expect(other.functionZip.digest).not.toBe(one.functionZip.digest)
  })

  it.each([
    ['its memory', { memoryMb: 1024 }],
    ['its environment', { environment: { MODE: 'fast' } }],
    ['who may call it', { cors: true }],
    ['its timeout', { timeoutSeconds: 20 }],
  ])('has another key when the settings change %s', async (_, changes) => {
    const bundle = await pythonBundle()
    expect((await packed(bundle, stageOf(changes))).key).not.toBe((await packed(bundle)).key)
  })

  it('runs on Node without a layer when it is written in TypeScript', async () => {
    const made = await packed(await nodeBundle())
    expect(made).toMatchObject({ runtime: 'nodejs24.x', layers: [], model: { in: 'function' } })
    expect(Object.keys(await textsIn(made.functionZip.file))).toEqual([
      'lambda.mjs',
      'model/model.mjs',
      'thampi-manifest.json',
      'thampi_handler.mjs',
    ])
  })

  it('is refused when a file of it is not the one that was hashed', async () => {
    const bundle = await pythonBundle()
    writeFileSync(join(root, 'code/features.py'), 'rows = 2')
    await expect(packed(bundle)).rejects.toMatchObject({ code: 'PROJECT_INVALID' })
  })
})

describe('a big model', () => {
  it('lies in S3 under the name of its content, and its small files in the function', async () => {
    const bundle = withModel(await pythonBundle(), 60 * MB)
    const made = await packed(bundle, stageOf(), { servedTimeUtc, blobs })
    const big = bundle.layers[3]?.files.find(({ path }) => path === 'model.pkl') as FileEntry
    const sha256 = big.digest.slice('sha256:'.length)
    const key = `thampi/blobs/sha256/${sha256}`
    expect(made.model).toEqual({
      in: 's3',
      bucket: 'thampi-store',
      load: 'memory',
      blobs: [{ path: 'model.pkl', digest: big.digest, source: big.source, key, sha256, bytes: 60 * MB }],
    })
    expect(await manifestOf(made)).toMatchObject({
      start: { digests: { 'model.pkl': big.digest, 'thampi.json': digestOf('{}') } },
      model: { in: 's3', load: 'memory', files: { 'model.pkl': { key, sha256, bytes: 60 * MB } } },
    })
    expect(
      Object.keys(await textsIn(made.functionZip.file)).filter(path => path.startsWith('model/')),
    ).toEqual(['model/receipts.jsonl', 'model/thampi.json'])
    expect(made.ephemeralMb).toBe(512)
  })

  it('needs a bucket', async () => {
    await expect(packed(withModel(await pythonBundle(), 60 * MB))).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      fix: '"s3_bucket": "my-store" in stage `staging`',
    })
  })

  it('goes to scratch disk when that has to be bigger, unless it starts from a snapshot', async () => {
    const bundle = withModel(await pythonBundle(), 900 * MB)
    const release = { servedTimeUtc, blobs }
    expect(await packed(bundle, stageOf(), release)).toMatchObject({
      model: { load: 'scratch' },
      ephemeralMb: 945,
      snapStart: false,
    })
    const snapshot = stageOf({ aws: { snap_start: 'PublishedVersions' } })
    expect(await packed(bundle, snapshot, release)).toMatchObject({
      model: { load: 'memory' },
      ephemeralMb: 512,
      snapStart: true,
    })
  })

  it('goes to scratch disk when its format opens files itself', async () => {
    const bundle = withModel(await pythonBundle(), 60 * MB, 'brought.json')
    const made = await packed(bundle, stageOf(), { servedTimeUtc, blobs })
    expect(made).toMatchObject({ model: { load: 'scratch' }, ephemeralMb: 512 })
  })

  it('is refused when no disk of Lambda holds it', async () => {
    const bundle = withModel(await pythonBundle(), 12_000 * MB)
    await expect(packed(bundle, stageOf(), { servedTimeUtc, blobs })).rejects.toMatchObject({
      code: 'PACKAGE_TOO_BIG',
      message: 'The model of iris has 12000.0 MB; the disk of a function holds 10240 MB.',
    })
  })
})

describe('packages that are too big', () => {
  it('are named, biggest first, with what was left out already and a way out', async () => {
    const sizes = [700, 300, 51, 9, 3, 2]
    const packages = sizes.map((size, at) => packageOf(`part-${at}`, size * MB, 10 * MB))
    const bundle = withPackages(await pythonBundle(), packages)
    const error = await packed(bundle).catch(error => error)
    expect(error).toMatchObject({
      code: 'PACKAGE_TOO_BIG',
      message: 'iris takes 1065.0 MB unpacked; Lambda has room for 258.1 MB.',
      fix: expect.stringContaining('thampi serve staging --platform local'),
    })
    expect(error.why.split('\n')).toEqual([
      'part-0 1.0  ████████████████████████  700.0 MB',
      'part-1 1.0  ██████████                300.0 MB',
      'part-2 1.0  ██                         51.0 MB',
      'part-3 1.0  █                           9.0 MB',
      'part-4 1.0  █                           3.0 MB',
      'Left out already: 60.0 MB of tests, headers and the like.',
    ])
  })

  it.each([
    [257, true],
    [259, false],
  ])('%s MB beside the project: fits is %s', async (size, fits) => {
    const bundle = withPackages(await pythonBundle(), [packageOf('big', size * MB, 0)])
    const result = await packed(bundle).then(
      () => true,
      () => false,
    )
    expect(result).toBe(fits)
  })
})

describe('the configuration', () => {
  it('starts from a snapshot where a start took longer than restoring one', async () => {
    const slow = await packed({ ...(await pythonBundle()), startSeconds: 2.6, example: '{"input":[1]}' })
    expect(slow).toMatchObject({ snapStart: true, keepWarm: undefined })
    expect(slow.notices).toEqual([expect.stringContaining('took 2.6 s here')])
    expect(await manifestOf(slow)).toMatchObject({ prime: { data: { input: [1] } } })
    const quick = await packed({ ...(await pythonBundle()), startSeconds: 1.4, example: '{"input":[1]}' })
    expect(quick).toMatchObject({ snapStart: false, keepWarm: 'rate(4 minutes)' })
    expect(await manifestOf(quick)).not.toHaveProperty('prime')
  })

  it.each([
    ['on Node', async () => ({ ...(await nodeBundle()), startSeconds: 9 }), {}],
    ['with more scratch disk', () => slowBundle(), { ephemeral_storage: { Size: 1024 } }],
    ['against the settings', () => slowBundle(), { snap_start: 'None' }],
  ])('never starts from a snapshot %s', async (_, bundle, aws) => {
    expect((await packed(await bundle(), stageOf({ aws }))).snapStart).toBe(false)
  })

  it('says so when a snapshot is wanted and cannot be', async () => {
    const made = await packed(await nodeBundle(), stageOf({ aws: { snap_start: 'PublishedVersions' } }))
    expect(made.notices).toEqual([expect.stringContaining('"snap_start" has no effect')])
  })

  it('is kept warm as the settings say', async () => {
    const bundle = await pythonBundle()
    expect((await packed(bundle, stageOf({ keepWarm: false }))).keepWarm).toBeUndefined()
    const often = stageOf({ aws: { keep_warm_expression: 'rate(1 minute)' } })
    expect((await packed(bundle, often)).keepWarm).toBe('rate(1 minute)')
  })

  it('sets what the original set, and the settings win', async () => {
    const made = await packed(await pythonBundle(), stageOf({ environment: { STAGE: 'mine', A1: 'x' } }))
    expect(made.environment).toEqual({ PROJECT: 'iris', STAGE: 'mine', SERVERTYPE: 'AWS Lambda', A1: 'x' })
  })

  it('has the layers of the settings behind its own', async () => {
    const layers = ['arn:aws:lambda:eu-west-1:123456789012:layer:mine:3']
    expect((await packed(await pythonBundle(), stageOf({ aws: { layers } }))).layerArns).toEqual(layers)
  })

  it.each<[string, Partial<Stage>, string]>([
    ['5 layers and its own', { aws: { layers: ['a', 'b', 'c', 'd', 'e'] } }, 'more than 5'],
    ['a variable that Lambda sets', { environment: { AWS_REGION: 'x' } }, 'AWS_REGION, which Lambda sets'],
    ['a variable that Lambda cannot set', { environment: { 'my.mode': 'x' } }, '"my.mode", which is no name'],
    ['variables over 4 KB', { environment: { BIG: 'x'.repeat(5000) } }, 'Lambda takes 4096'],
  ])('is refused with %s', async (_, changes, words) => {
    await expect(packed(await pythonBundle(), stageOf(changes))).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining(words),
    })
  })

  it('never shows the value of a variable', async () => {
    const environment = { SECRET: 'hunter2'.repeat(900) }
    const error = await packed(await pythonBundle(), stageOf({ environment })).catch(error => error)
    expect(`${error.message}${error.why}${error.fix}`).not.toContain('hunter2')
    expect(error.fix).toContain('keep SECRET (6306 bytes) elsewhere')
  })

  it('warns of a model that hardly fits its memory, and of a timeout that API Gateway does not keep', async () => {
    const bundle = withModel(await pythonBundle(), 300 * MB)
    const made = await packed(bundle, stageOf({ timeoutSeconds: 300 }), { servedTimeUtc, blobs })
    expect(made.notices).toEqual([
      '"memory_size" is 512 MB; a model of 300 MB usually wants 723 MB or more while it is loaded.',
      expect.stringContaining('API Gateway gives up after 30 s'),
    ])
  })
})

const servedTimeUtc = '2026-11-23T07:00:00'

function packed(
  bundle: Bundle,
  stage: Stage = stageOf(),
  release: LambdaRelease = { servedTimeUtc },
): Promise<LambdaPackage> {
  return lambdaPackage(bundle, stage, release, system)
}

async function pythonBundle(): Promise<Bundle> {
  const layers = [
    layerOf('dependencies', []),
    layerOf('runtime', [file('thampi/__init__.py', ''), file('__main__.py', 'start()')]),
    layerOf('code', [file('features.py', 'rows = 1', 'code/')]),
    layerOf('model', [
      file('model.pkl', 'pickle', 'model/'),
      file('thampi.json', '{}', 'model/'),
      file('receipts.jsonl', '{"data":{"input":[1]},"result":2}\n', 'model/'),
    ]),
  ]
  const zip = join(root, 'layer.zip')
  const archive = await writeZip(zip, [
    { path: 'python/six.py', executable: false, source: Buffer.from('version = 1') },
  ])
  return {
    digest: digestOf('bundle'),
    language: 'python',
    target: { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' },
    layers,
    environment: { ...archive, packages: [packageOf('six', 11, 0)], lock: ['six==1.0'] },
    properties,
    notices: [],
  }
}

async function nodeBundle(): Promise<Bundle> {
  return {
    ...(await pythonBundle()),
    language: 'node',
    target: { os: 'linux', arch: 'x64', node: '24', glibc: '2.34' },
    layers: [
      layerOf('dependencies', []),
      layerOf('runtime', [file('lambda.mjs', 'export const handler = 1'), file('runtime.mjs', 'start()')]),
      layerOf('code', []),
      layerOf('model', [file('model.mjs', 'export default 1', 'model/')]),
    ],
    environment: { lock: [] },
  }
}

async function slowBundle(): Promise<Bundle> {
  return { ...(await pythonBundle()), startSeconds: 9 }
}

function file(path: string, text: string, below = ''): FileEntry {
  const source = join(root, below, path)
  mkdirSync(dirname(source), { recursive: true })
  writeFileSync(source, text)
  return { path, digest: digestOf(text), size: Buffer.byteLength(text), source, executable: false }
}

/** The same with a pickle of that size, which is not on the disk: what goes to S3 is not read here. */
function withModel(bundle: Bundle, size: number, ...more: string[]): Bundle {
  const layers = bundle.layers.map(layer => {
    if (layer.kind !== 'model') return layer
    const files = layer.files.map(entry => (entry.path === 'model.pkl' ? { ...entry, size } : entry))
    return layerOf('model', [...files, ...more.map(path => file(path, '{}', 'model/'))])
  })
  return { ...bundle, layers }
}

function withPackages(bundle: Bundle, packages: readonly PackedPackage[]): Bundle {
  const unpackedBytes = packages.reduce((total, { bytes }) => total + bytes, 0)
  return { ...bundle, environment: { ...(bundle.environment as DependencyArchive), unpackedBytes, packages } }
}

function packageOf(name: string, bytes: number, dropped: number): PackedPackage {
  return { name, version: '1.0', wheel: `${name}-1.0.whl`, bytes, dropped: { files: 1, bytes: dropped } }
}

async function manifestOf({ functionZip }: LambdaPackage): Promise<object> {
  return JSON.parse((await textsIn(functionZip.file))['thampi-manifest.json'] ?? '')
}

async function textsIn(zip: string): Promise<Record<string, string>> {
  expect(digestOf(readFileSync(zip)).slice(7)).toBe(zip.replace(/^.*\//, '').replace('.zip', ''))
  const { entries, close } = await readZip(zip)
  const texts: Record<string, string> = {}
  for (const entry of entries) texts[entry.path] = (await contentOf(entry)).toString('utf8')
  await close()
  return texts
}
