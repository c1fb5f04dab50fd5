/** Directories of MLflow: what is read from them, and which are refused. Nothing of them is run. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readModel } from '../read.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'thampi-mlflow-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, 'm', path)), { recursive: true })
    await writeFile(join(dir, 'm', path), content)
  }
}

/** As MLflow 3 writes it. */
const mlmodel = `flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.11.7
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.9.1
mlflow_version: 3.17.2
model_uuid: 9b108b5f67af4d8d929422ae9bf8dfb2
signature:
  inputs: '[{"type": "double", "name": "area", "required": true}, {"type": "long", "name":
    "rooms", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
utc_time_created: '2026-11-23 03:25:46.321502'
`

test('a directory with an MLmodel is a model, with all of its files', async () => {
  await write({
    MLmodel: mlmodel,
    'model.pkl': 'pickle',
    'requirements.txt': 'scikit-learn',
    'conda.yaml': 'dependencies: []',
    'code/mine.py': 'raise SystemExit',
    'code/__pycache__/mine.pyc': 'x',
    'serving_input_example.json':
      '{"dataframe_split": {"columns": ["area", "rooms"], "data": [[70.50, 3], [1e2, 12345678901234567890]]}}',
  })
  const model = await readModel('m', dir)
  expect(model).toMatchObject({ name: 'm', format: 'mlflow', made: { python: '3.11.7' } })
  expect(model.properties).toEqual({
    thampi_data_version: '0.1',
    trained_time_utc: '2026-11-23T03:25:46.321502',
    instance_id: '9b108b5f67af4d8d929422ae9bf8dfb2',
  })
  expect(Object.keys(model.files)).toEqual([
    'MLmodel',
    'code/mine.py',
    'conda.yaml',
    'model.pkl',
    'requirements.txt',
    'serving_input_example.json',
  ])
  expect(model.dependencyFile).toBe(join('m', 'requirements.txt'))
  // Digits stay as they were written.
  expect(model.receipts).toEqual([
    {
      data: '{"input":[{"area":70.50,"rooms":3},{"area":1e2,"rooms":12345678901234567890}]}',
      result: undefined,
    },
  ])
  expect(model.schema?.input).toMatchObject({
    properties: {
      input: {
        type: 'array',
        items: { properties: { area: { type: 'number' }, rooms: { type: 'integer' } }, required: ['area'] },
      },
    },
  })
  expect(JSON.parse(model.added?.['brought.json'] ?? '')).toMatchObject({
    format: 'mlflow',
    flavors: { sklearn: { pickled_model: 'model.pkl' } },
    signature: {
      inputs: [
        { type: 'double', name: 'area', required: true },
        { name: 'rooms', required: false },
      ],
    },
  })
})

test('the Python that saved it counts where it is a pickle, and not elsewhere', async () => {
  const made = async (text: string): Promise<unknown> => {
    await write({ MLmodel: text })
    return (await readModel('m', dir)).made.python
  }
  expect(await made(mlmodel)).toBe('3.11.7')
  expect(
    await made(mlmodel.replace('serialization_format: cloudpickle', 'serialization_format: skops')),
  ).toBeUndefined()
  expect(
    await made(mlmodel.replace('  sklearn:', '  xgboost:\n    data: model.ubj\n  other:')),
  ).toBeUndefined()
})

test('conda.yaml is the dependency file where there are no requirements; a directory may have neither', async () => {
  await write({ MLmodel: mlmodel, 'conda.yaml': 'dependencies: []' })
  expect((await readModel('m', dir)).dependencyFile).toBe(join('m', 'conda.yaml'))
  await rm(join(dir, 'm', 'conda.yaml'))
  expect((await readModel('m', dir)).dependencyFile).toBeUndefined()
})

test('what save wrote is ours, although MLflow can open it', async () => {
  const facts = { thampi_data_version: '0.1', trained_time_utc: '2018-01-01T00:00:00', instance_id: 'x' }
  await write({ MLmodel: '{"flavors": {}}', 'model.pkl': 'pickle', 'thampi.json': JSON.stringify(facts) })
  expect((await readModel('m', dir)).format).toBe('python')
})

describe('refused before anything is packed', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi']
    .map(
      (name, at) =>
        `${name}: &${name} [${Array(9)
          .fill(`*${String.fromCharCode(97 + at)}`)
          .join(',')}]`,
    )
    .join('\n')}\n`

  test.each([
    ['no YAML', 'flavors: [', 'is not YAML'],
    ['no mapping', '- 1', 'holds no mapping'],
    ['a key twice', 'flavors: {}\nflavors: {}', 'is not YAML'],
    ['a small file that would become a big value', bomb, 'cannot be read'],
    ['no flavour for Python', 'flavors:\n  crate:\n    version: 1', 'no flavour that Python can ask (crate)'],
    ['nothing', '', 'holds no mapping'],
    [
      'a signature that cannot be read',
      mlmodel.replace("inputs: '[", "inputs: '"),
      'signature cannot be read',
    ],
    [
      'a tensor without shape',
      mlmodel.replace(/inputs: '.*?'\n/s, 'inputs: \'[{"type": "tensor"}]\'\n'),
      'no shape',
    ],
  ])('%s', async (_, text, words) => {
    await write({ MLmodel: text })
    await expect(readModel('m', dir)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(words),
    })
  })

  test('tags of YAML make nothing', async () => {
    await write({ MLmodel: `${mlmodel}metadata: !!python/object/apply:os.system ["touch pwned"]\n` })
    await expect(readModel('m', dir)).resolves.toMatchObject({ format: 'mlflow' })
  })

  test('links, whatever they point to', async () => {
    await write({ MLmodel: mlmodel })
    await writeFile(join(dir, 'outside'), 'secret')
    await symlink(join(dir, 'outside'), join(dir, 'm', 'model.pkl'))
    await expect(readModel('m', dir)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('model.pkl is a link'),
    })
  })

  test('examples that are broken are no examples', async () => {
    for (const example of ['{', '[]', '{"other": 1}', '{"dataframe_split": {"columns": 1}}']) {
      await write({ MLmodel: mlmodel, 'serving_input_example.json': example })
      expect((await readModel('m', dir)).receipts).toEqual([])
    }
  })
})
