/** A finished package is unpacked as in Lambda and asked; what it says decides whether it may be uploaded. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, renameSync, statSync, utimesSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { nodeFunction } from '../../../tests/support/lambda/node-function.ts'
import { stageOf } from '../../../tests/support/lambda-models.ts'
import { saveSource } from '../../../tests/support/node-runtime.ts'
import { python, saveModel, temporaryDirectory } from '../../../tests/support/python.ts'
import { readModel } from '../../model/read.ts'
import type { SavedModel } from '../../model/saved-model.ts'
import type { Stage } from '../../settings/stage.ts'
import { digestOfFile } from '../../system/files.ts'
import { realSystem, type System } from '../../system/system.ts'
import type { Bundle, FileEntry } from '../bundle.ts'
import { layerOf } from '../layer.ts'
import { modelLayer } from '../model-layer.ts'
import { pythonRuntime } from '../runtime.ts'
import { writeZip } from '../zip/write.ts'
import type { ZipSource } from '../zip/zip.ts'
import { lambdaPackage } from './pack.ts'
import { type Trial, type TrialFailed, tryPackage } from './trial.ts'

let system: System
beforeEach(() => {
  const home = temporaryDirectory()
  system = { ...realSystem(), places: { home, state: join(home, 'local') } }
})

const adder = `def predict(self, args, context):
    return {"sum": sum(args)}`

describe('a package that is tried', () => {
  it('loads without anything that is installed here, and answers its examples', async () => {
    const dir = saveModel(adder, { examples: '[[1, 2], [3, 4]]' })
    const trial = await tried(dir)
    expect(trial).toEqual({ startSeconds: expect.any(Number), examples: 2 })
    expect(trial.startSeconds).toBeGreaterThan(0)
  })

  it('leaves nothing behind but its layers, which the next trial uses as they are', async () => {
    const dir = saveModel(adder, { examples: '[[1, 2]]' })
    await tried(dir)
    const [layers = '', ...others] = readdirSync(join(system.places.home, 'trials'))
    expect(layers).toMatch(/^layers-[0-9a-f]{16}$/)
    expect(others).toEqual([])
    const file = join(system.places.home, 'trials', layers, 'python/cloudpickle/__init__.py')
    const before = statSync(file)
    await tried(dir)
    expect(statSync(file).ino).toBe(before.ino)
    expect(readdirSync(join(system.places.home, 'trials'))).toEqual([layers])
  })

  it('makes room for what nobody tried for a day', async () => {
    const dir = saveModel(adder, { examples: '[[1, 2]]' })
    await tried(dir)
    const trials = join(system.places.home, 'trials')
    const [layers = ''] = readdirSync(trials)
    const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000)
    renameSync(join(trials, layers), join(trials, 'layers-0123456789abcdef'))
    utimesSync(join(trials, 'layers-0123456789abcdef'), yesterday, yesterday)
    await tried(dir)
    expect(readdirSync(trials)).toEqual([layers])
  })

  it('finds its code and its packages where they will be, and cannot write beside them', async () => {
    const dir = saveModel(`def initialize(self, context):
    import cloudpickle
    self.places = [os.path.basename(os.path.dirname(os.path.dirname(cloudpickle.__file__))), os.getcwd()]
    for place in (os.getcwd(), os.path.dirname(cloudpickle.__file__)):
        self.places.append(os.stat(place).st_mode & 0o222)
def predict(self, args, context):
    return self.places[:1] + [os.path.basename(self.places[1])] + self.places[2:]`)
    const model = await readModel(dir, '/')
    const receipts = [{ data: '1', result: '["python","task",0,0]' }]
    expect(await triedModel({ ...model, receipts })).toMatchObject({ examples: 1 })
  })

  it('sees the settings of its stage, and no credentials of ours', async () => {
    const dir = saveModel(`def predict(self, args, context):
    secret = [name for name in os.environ if name.startswith("AWS_") and ("SECRET" in name or "TOKEN" in name)]
    return [os.environ["MODE"], os.environ["STAGE"], secret]`)
    const receipts = [{ data: '1', result: '["fast","staging",[]]' }]
    const env = { ...system.env, AWS_SECRET_ACCESS_KEY: 'canary', AWS_SESSION_TOKEN: 'canary' }
    system = { ...system, env }
    const stage = stageOf({ environment: { MODE: 'fast' } })
    expect(await triedModel({ ...(await readModel(dir, '/')), receipts }, { stage })).toMatchObject({
      examples: 1,
    })
  })

  it('may print whatever it likes', async () => {
    const dir = saveModel(
      `def predict(self, args, context):
    print('{"answer": {"statusCode": 200, "body": "no"}}')
    return 7`,
      { examples: '[1]' },
    )
    expect(await tried(dir)).toMatchObject({ examples: 1 })
  })
})

describe('a package for Node', () => {
  const doubler = 'export default { predict: (args: number) => ({ double: 2 * args }) }'

  it('loads and answers its examples', async () => {
    const model = await readModel(await saveSource(doubler), '/')
    const receipts = [{ data: '21', result: '{"double":42}' }]
    expect(await triedOnNode({ ...model, receipts })).toMatchObject({ examples: 1 })
  })

  it('is refused when it does not load, in the words of the module', async () => {
    const model = await readModel(await saveSource('throw new Error("no weights")'), '/')
    const error = await triedOnNode(model).catch(error => error)
    expect(error.message).toContain('no weights')
    expect(error.fix).toContain('--no-try')
  })

  it('is refused when it answers differently', async () => {
    const model = await readModel(await saveSource(doubler), '/')
    const receipts = [{ data: '21', result: '{"double":43}' }]
    await expect(triedOnNode({ ...model, receipts })).rejects.toMatchObject({
      code: 'EXAMPLE_DIFFERS',
      why: 'result.double was 43, is 42.',
    })
  })
})

describe('a package that fails', () => {
  it('names the module that is missing when the model needs it to load', async () => {
    const error = await failure(
      saveModel(`def initialize(self, context):
    import not_there.part`),
    )
    expect(error).toMatchObject({ missing: 'not_there' })
    expect(error.message).toContain('Nothing was uploaded.')
  })

  it('names the module that is missing when the model needs it to answer', async () => {
    const dir = saveModel(
      `def predict(self, args, context):
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        from cloudpickle.tests import things
    return 1`,
      { examples: '[1]' },
    )
    expect(await failure(dir)).toMatchObject({ code: 'MODEL_RAISED', missing: 'cloudpickle.tests' })
  })

  it('says what went wrong, also where callers are told nothing', async () => {
    const dir = saveModel(
      `def predict(self, args, context):
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        raise ValueError("not here")
    return 1`,
      { examples: '[1]' },
    )
    const model = await readModel(dir, '/')
    await expect(triedModel(model, { stage: stageOf({ errors: 'terse' }) })).rejects.toMatchObject({
      code: 'MODEL_RAISED',
      message: expect.stringContaining('ValueError'),
    })
  })

  it('says that an answer is another one than was recorded', async () => {
    const dir = saveModel(
      `def predict(self, args, context):
    return {"inside": bool(os.environ.get("AWS_LAMBDA_FUNCTION_NAME"))}`,
      { examples: '[1]' },
    )
    expect(await failure(dir)).toMatchObject({
      code: 'EXAMPLE_DIFFERS',
      why: 'result.inside was false, is true.',
      missing: undefined,
    })
  })

  it('says so when the process dies', async () => {
    const dir = saveModel(`def initialize(self, context):
    os.kill(os.getpid(), 9)`)
    expect(await failure(dir)).toMatchObject({ code: 'MODEL_LOAD_FAILED' })
  })

  it('leaves nothing behind but its layers either', async () => {
    await failure(
      saveModel(`def initialize(self, context):
    raise ValueError("no")`),
    )
    expect(readdirSync(join(system.places.home, 'trials'))).toEqual([expect.stringMatching(/^layers-/)])
  })
})

async function tried(dir: string): Promise<Trial> {
  return triedModel(await readModel(dir, '/'))
}

async function failure(dir: string): Promise<TrialFailed> {
  return tried(dir).then(
    () => expect.unreachable(),
    error => error,
  )
}

async function triedModel(model: SavedModel, { stage = stageOf() }: { stage?: Stage } = {}): Promise<Trial> {
  const bundle = await bundleOf(model)
  const made = await lambdaPackage(bundle, stage, { servedTimeUtc: '2026-11-23T07:00:00' }, system)
  return tryPackage(made, model, { path: python, language: 'python' }, system)
}

async function triedOnNode(model: SavedModel): Promise<Trial> {
  const runtime = temporaryDirectory()
  copyFileSync(join(await nodeFunction(model.dir), 'lambda.mjs'), join(runtime, 'lambda.mjs'))
  const rules = { projectDir: model.dir, includeSecrets: [], home: system.places.home }
  const bundle: Bundle = {
    digest: `sha256:${'0'.repeat(64)}`,
    language: 'node',
    target: { os: 'linux', arch: 'x64', node: '24', glibc: '2.34' },
    layers: [
      layerOf('dependencies', []),
      layerOf('runtime', await entriesIn(runtime)),
      layerOf('code', []),
      await modelLayer(model, rules),
    ],
    environment: { lock: [] },
    properties: model.properties,
    notices: [],
  }
  const made = await lambdaPackage(bundle, stageOf(), { servedTimeUtc: '2026-11-23T07:00:00' }, system)
  return tryPackage(made, model, { path: process.execPath, language: 'node' }, system)
}

async function entriesIn(dir: string): Promise<FileEntry[]> {
  const names = readdirSync(dir)
  return Promise.all(
    names.map(async path => {
      const source = join(dir, path)
      const { size } = statSync(source)
      return { path, digest: await digestOfFile(source), size, source, executable: false }
    }),
  )
}

/** For the Python of the tests, with the one package that every pickle needs. */
async function bundleOf(model: SavedModel): Promise<Bundle> {
  const rules = { projectDir: model.dir, includeSecrets: [], home: system.places.home }
  const archive = await writeZip(join(system.places.home, 'layer.zip'), cloudpickle())
  const packed = { name: 'cloudpickle', version: '1', wheel: 'cloudpickle-1-py3-none-any.whl' }
  return {
    digest: `sha256:${'0'.repeat(64)}`,
    language: 'python',
    target: { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' },
    layers: [
      layerOf('dependencies', []),
      await pythonRuntime(resolve('python/src')),
      layerOf('code', []),
      await modelLayer(model, rules),
    ],
    environment: {
      ...archive,
      packages: [{ ...packed, bytes: archive.unpackedBytes, dropped: { files: 1, bytes: 1 } }],
      lock: [],
    },
    properties: model.properties,
    notices: [],
  }
}

function cloudpickle(): ZipSource[] {
  const dir = execFileSync(
    python,
    ['-c', 'import cloudpickle, os; print(os.path.dirname(cloudpickle.__file__))'],
    {
      encoding: 'utf8',
    },
  ).trim()
  const names = readdirSync(dir).filter(name => statSync(join(dir, name)).isFile())
  return names.map(name => ({
    path: `python/cloudpickle/${name}`,
    executable: false,
    source: readFileSync(join(dir, name)),
  }))
}
