import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../system/files.ts'
import { newestModel, readModel } from './read.ts'

const PROPERTIES = {
  thampi_data_version: '0.1',
  trained_time_utc: '2018-09-06T22:03:04.886644',
  instance_id: '9dbc56dd-936d-4dff-953c-8c22267ebe84',
}

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'thampi-model-'))
})
afterEach(() => rm(cwd, { recursive: true, force: true }))

async function save(dir: string, files: Record<string, string>): Promise<string> {
  await mkdir(join(cwd, dir), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, dir, name), text)
  return dir
}

const old = (properties: object = PROPERTIES): Record<string, string> => ({
  'model.pkl': 'pickle',
  'thampi.json': JSON.stringify(properties, null, 4),
})

function observed(files: Record<string, string>, more: object = {}): Record<string, string> {
  const digests = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, digestOf(text)]))
  const facts = {
    schemaVersion: 1,
    thampi: '0.2.0',
    python: { version: '3.11.7', implementation: 'cpython' },
    machine: 'linux-x86_64',
    cloudpickle: '3.1.2',
    packages: { sklearn: { distribution: 'scikit-learn', version: '1.9.1' } },
    localModules: ['features'],
    files: digests,
    format: 'python',
    ...more,
  }
  return { ...files, 'saved.json': JSON.stringify(facts) }
}

const failure = (dir: string) =>
  readModel(dir, cwd).then(
    () => expect.unreachable(),
    error => ({ code: error.code, exit: error.exit, message: error.message, why: error.why, fix: error.fix }),
  )

describe('a saved model', () => {
  test('that has lost its pickle is not taken for a directory of MLflow, whose file it also has', async () => {
    const { 'model.pkl': _, ...left } = observed(old())
    const MLmodel = 'flavors:\n  python_function:\n    loader_module: thampi.mlflow\n'
    expect(await failure(await save('models/iris', { ...left, MLmodel }))).toMatchObject({
      code: 'MODEL_MISSING',
      message: 'No model at "models/iris": model.pkl is missing.',
    })
  })

  test('of the original of 2018 loads, and nothing is claimed about how it was made', async () => {
    const model = await readModel(await save('models/iris', old()), cwd)
    expect(model).toMatchObject({ name: 'iris', format: 'python', properties: PROPERTIES, receipts: [] })
    expect(model.made).toEqual({
      python: undefined,
      cloudpickle: undefined,
      machine: undefined,
      thampi: undefined,
      packages: {},
      localModules: [],
    })
    expect(model.files).toEqual({
      'model.pkl': digestOf('pickle'),
      'thampi.json': digestOf(old()['thampi.json'] ?? ''),
    })
  })

  test('brings what save observed', async () => {
    const model = await readModel(await save('m', observed(old())), cwd)
    expect(model.made).toMatchObject({ python: '3.11.7', cloudpickle: '3.1.2', localModules: ['features'] })
    expect({ ...model.made.packages }).toEqual({
      sklearn: { distribution: 'scikit-learn', version: '1.9.1' },
    })
  })

  test('keeps tags, whatever JSON they are', async () => {
    const model = await readModel(await save('m', old({ ...PROPERTIES, tags: { é: [1] } })), cwd)
    expect(model.properties.tags).toEqual({ é: [1] })
  })

  test('keeps receipts to the last digit and space', async () => {
    const lines = [
      '{"data":{"x":[1.0, 12345678901234567890]},"result":1.50}',
      ' { "result" : "a,}:\\"{" , "data" : null } ',
      '',
      '{"data":[],"extra":{"data":1},"result":{"result": 2}}',
    ]
    const model = await readModel(await save('m', { ...old(), 'receipts.jsonl': lines.join('\n') }), cwd)
    expect(model.receipts).toEqual([
      { data: '{"x":[1.0, 12345678901234567890]}', result: '1.50' },
      { data: 'null', result: '"a,}:\\"{"' },
      { data: '[]', result: '{"result": 2}' },
    ])
  })

  test('gives any recorded JSON back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), fc.nat(3), async (data, result, indent) => {
        const [a, b] = [data, result].map(value => JSON.stringify(value, null, indent).replaceAll('\n', ' '))
        await save('any', { ...old(), 'receipts.jsonl': `{"data":${a},"result":${b}}\n` })
        expect((await readModel('any', cwd)).receipts).toEqual([{ data: a, result: b }])
      }),
      { numRuns: 50 },
    )
  })
})

describe('what is not a saved model is refused in its user’s words:', () => {
  test('a directory that does not exist', async () => {
    expect(await failure('models/iris')).toMatchObject({
      code: 'MODEL_MISSING',
      exit: 4,
      message: 'No model at "models/iris": there is no such directory.',
    })
  })

  test('a directory without thampi.json', async () => {
    await save('models/iris', { 'model.pkl': 'x' })
    expect(await failure('models/iris')).toMatchObject({
      message: 'No model at "models/iris": thampi.json is missing.',
      fix: 'run your training script, or pass the directory given to save()',
    })
  })

  test('a directory without the pickle', async () => {
    await save('m', { 'thampi.json': JSON.stringify(PROPERTIES) })
    expect((await failure('m')).message).toBe('No model at "m": model.pkl is missing.')
  })

  test('the file inside the directory', async () => {
    await save('models/iris-sklearn', old())
    expect(await failure('./models/iris-sklearn/model.pkl')).toMatchObject({
      code: 'MODEL_INVALID',
      message: '`./models/iris-sklearn/model.pkl` is a file; `--model_dir` takes the directory around it.',
      fix: '--model_dir=./models/iris-sklearn',
    })
  })

  test.each([
    ['{', 'is not JSON'],
    ['[]', 'holds no JSON object'],
    ['{"thampi_data_version": 0.1}', '"thampi_data_version" is 0.1 and must be a text'],
    ['{"thampi_data_version": "0.1", "trained_time_utc": "t"}', '"instance_id" is missing'],
  ])('thampi.json with %s', async (text, words) => {
    await save('m', { ...old(), 'thampi.json': text })
    const error = await failure('m')
    expect(error).toMatchObject({ code: 'MODEL_INVALID', exit: 2 })
    expect(error.message).toContain(join('m', 'thampi.json'))
    expect(error.message).toContain(words)
  })

  test('bytes other than those that were saved, with both digests', async () => {
    await save('m', { ...observed(old()), 'model.pkl': 'other' })
    const error = await failure('m')
    expect(error).toMatchObject({ code: 'INTEGRITY', exit: 9 })
    expect(error.message).toContain(join('m', 'model.pkl'))
    expect(error.why).toContain(digestOf('pickle'))
    expect(error.why).toContain(digestOf('other'))
  })

  test('receipts that were changed or taken away', async () => {
    const files = observed({ ...old(), 'receipts.jsonl': '{"data":1,"result":1}' })
    await save('m', { ...files, 'receipts.jsonl': '{"data":1,"result":2}' })
    expect(await failure('m')).toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringContaining('receipts.jsonl'),
    })
    await rm(join(cwd, 'm', 'receipts.jsonl'))
    expect((await failure('m')).message).toContain('receipts.jsonl is missing')
  })

  test('a digest for a file elsewhere', async () => {
    await save('m', observed(old(), { files: { '../secret': digestOf('') } }))
    expect((await failure('m')).code).toBe('INTEGRITY')
  })

  test('facts of a later version', async () => {
    await save('m', observed(old(), { schemaVersion: 2, thampi: '9.0' }))
    expect(await failure('m')).toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('9.0'),
    })
  })

  test('a receipt that is cut off, with its line', async () => {
    await save('m', { ...old(), 'receipts.jsonl': '{"data":1,"result":1}\n{"data":1,"res' })
    expect((await failure('m')).message).toContain(`${join('m', 'receipts.jsonl')}:2`)
  })

  test.skipIf(process.platform === 'win32')('a device in the place of the pickle', async () => {
    await save('m', { 'thampi.json': JSON.stringify(PROPERTIES) })
    await symlink('/dev/zero', join(cwd, 'm', 'model.pkl'))
    expect((await failure('m')).message).toContain('is not a regular file')
  })
})

describe('the newest model', () => {
  test('is the one trained last, whenever its files were copied', async () => {
    await save('models/a', old({ ...PROPERTIES, trained_time_utc: '2026-01-02T00:00:00' }))
    await save('models/b', old({ ...PROPERTIES, trained_time_utc: '2026-01-01T00:00:00.5' }))
    await save('models/c', old({ ...PROPERTIES, trained_time_utc: '2026-01-02T00:00:00.000001' }))
    await utimes(join(cwd, 'models/a/thampi.json'), 1, 1)
    expect(await newestModel(join(cwd, 'models'))).toBe(join(cwd, 'models', 'c'))
  })

  test('may be one that cannot be read, so that its error is seen', async () => {
    await save('models/a', old())
    await save('models/broken', { 'thampi.json': '{' })
    expect(await newestModel(join(cwd, 'models'))).toBe(join(cwd, 'models', 'broken'))
  })

  test('is nothing where there is no model', async () => {
    expect(await newestModel(join(cwd, 'models'))).toBeUndefined()
    await save('models', { 'notes.txt': '' })
    expect(await newestModel(join(cwd, 'models'))).toBeUndefined()
  })
})
