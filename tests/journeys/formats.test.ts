/** Models that others wrote: ONNX files, MLflow directories, bare estimators; and one model in all of them. */
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Formats, formats } from '../support/formats.ts'
import { type Project, project } from '../support/journey.ts'
import { identity, types } from '../support/onnx-file.ts'
import { installIn } from '../support/typescript.ts'

/** A minute or two, several where other things are done at the same time. */
const installing = { timeout: 600_000 }

let made: Formats
beforeAll(async () => {
  made = await formats()
})

interface Answer {
  readonly status: number
  readonly code: unknown
  readonly result: unknown
  readonly detail: unknown
}

async function ask(url: string, body: string, method = 'POST'): Promise<Answer> {
  const response = await fetch(url, { method, ...(method === 'GET' ? {} : { body }) })
  const { code, result, detail } = (await response.json()) as Record<string, unknown>
  return { status: response.status, code, result, detail }
}

/** Runs a training script of the author's; throws what it said when it fails. */
async function train(shop: Project, script: string, args: readonly string[] = []): Promise<void> {
  const { status, err } = await shop.run(join(made.venv, 'bin', 'python'), [script, ...args], {
    env: made.env,
  })
  if (status !== 0) throw new Error(`${script} ended with ${status}:\n${err}`)
}

/** What `npm install onnxruntime-web` would have done. */
function linkRuntime(shop: Project): void {
  const modules = join(shop.dir, 'node_modules')
  mkdirSync(modules, { recursive: true })
  for (const name of ['onnxruntime-web', 'onnxruntime-common'])
    symlinkSync(join(made.nodeModules, name), join(modules, name))
}

async function serve(shop: Project, stage: string, modelDir: string, ...more: string[]): Promise<string> {
  const args = ['serve', stage, `--model_dir=${modelDir}`, ...more]
  const { status, out, err } = await shop.thampi(args, { env: made.chosen })
  expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining('serves') })
  return out.trim()
}

/** Weights that are sums of a few powers of two: what is computed with them is exact, also in 32 bits. */
const iris = `
import json
import pickle
import joblib
import mlflow
import numpy as np
import skops.io
from pathlib import Path
from skl2onnx import to_onnx
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

features, targets = load_iris(return_X_y=True)
iris = LogisticRegression(max_iter=1000).fit(features, targets)
iris.coef_ = np.round(iris.coef_ * 16) / 16
# No two classes can have the same score.
iris.intercept_ = np.round(iris.intercept_ * 16) / 16 + np.arange(3) / 1024

joblib.dump(iris, 'bare.joblib')
Path('bare.pkl').write_bytes(pickle.dumps(iris))
skops.io.dump(iris, 'bare.skops')
graph = to_onnx(iris, features[:1].astype(np.float32), options={'zipmap': False})
Path('all.onnx').write_bytes(graph.SerializeToString())
label = select_model_inputs_outputs(graph, 'label').SerializeToString()
Path('iris.onnx').write_bytes(label)
Path('pyiris.onnx').write_bytes(label)
Path('weights.json').write_text(json.dumps({'coef': iris.coef_.tolist(), 'intercept': iris.intercept_.tolist()}))
signature = mlflow.models.infer_signature(features, iris.predict(features))
mlflow.sklearn.save_model(iris, 'irisml', signature=signature, input_example=features[:3],
                          pip_requirements=['mlflow-skinny==3.17.2', 'PANDAS', 'NUMPY', 'SKLEARN', 'skops==0.16.0'])
`

/** Asks an address, and the model in this process. */
const mlflowClient = `
import json, sys
import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
place, directory = sys.argv[1:]
client = ScoringServerClient('127.0.0.1', 0)
client.url_prefix = place
client.wait_server_ready()
model = mlflow.pyfunc.load_model(directory)
rows = np.array([[5.9, 3.2, 4.8, 1.8], [5.1, 3.5, 1.4, 0.2], [5.5, 2.4, 3.8, 1.1]])
def alike(data):
    return client.invoke(data).get_predictions('ndarray').tolist() == model.predict(data).tolist()
try:
    refused = str(client.invoke(rows[:, :3]))
except Exception as error:
    refused = str(error)
print(json.dumps({'table': alike(pd.DataFrame(rows)), 'array': alike(rows), 'refused': refused}))
`

/** The same in TypeScript. */
const irisTs = `
import { BadInput, defineModel } from 'thampi/model'
import weights from './weights.json' with { type: 'json' }

function species(row: unknown): number {
  if (!Array.isArray(row) || row.length !== 4 || !row.every(value => typeof value === 'number'))
    throw new BadInput('a row has 4 numbers', '/data/input')
  const scores = weights.coef.map((column, at) =>
    column.reduce((sum, weight, feature) => sum + weight * row[feature], weights.intercept[at] ?? 0),
  )
  return scores.indexOf(Math.max(...scores))
}

export default defineModel({
  predict(args: { input?: unknown } | null) {
    const input = args?.input
    return Array.isArray(input) && Array.isArray(input[0]) ? input.map(species) : species(input)
  },
})
`

describe('the same model as a pickle, in TypeScript, as an ONNX file and as an MLflow directory', () => {
  const shop = project()
  const urls: Record<string, string> = {}

  beforeAll(async () => {
    const pins = { PANDAS: 'pandas', NUMPY: 'numpy', SKLEARN: 'scikit-learn' }
    const script = Object.entries(pins).reduce(
      (text, [mark, name]) => text.replace(mark, made.pinned(name)),
      iris,
    )
    shop.write('train.py', script)
    await train(shop, 'train.py')
    installIn(shop)
    linkRuntime(shop)
  })

  it('is wrapped by one command, which says that it runs what it reads', async () => {
    const { status, out, err } = await shop.thampi(
      [
        'wrap',
        'bare.joblib',
        '-o',
        './models',
        '--name',
        'pickled',
        '--example',
        '{"input": [5.9, 3.2, 4.8, 1.8]}',
      ],
      { env: made.chosen },
    )
    expect({ status, out }).toEqual({ status: 0, out: 'models/pickled\n' })
    expect(err).toContain('Reading bare.joblib runs whatever code is in it')
    expect(err).toContain('thampi serve --model_dir=models/pickled')
    urls.pickle = await serve(shop, 'dev', 'models/pickled')
  })

  it('is served from the ONNX file alone, without Python', async () => {
    const { env } = shop
    const { status, out, err } = await shop.thampi(['serve', '--model_dir=./iris.onnx'], {
      env: { VIRTUAL_ENV: '', THAMPI_PYTHON: join(env.THAMPI_HOME ?? '', 'no-python') },
    })
    expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining('onnxruntime-web') })
    urls.onnx = out.trim()
  })

  it('is served from the ONNX file by the onnxruntime of a Python, where one is asked for', async () => {
    urls.onnxInPython = await serve(shop, 'dev', './pyiris.onnx', `--python=${made.venv}`)
  })

  it('is served from a TypeScript file', async () => {
    shop.write('tsiris.ts', irisTs)
    urls.typescript = await serve(shop, 'dev', './tsiris.ts')
  })

  it('is served from the MLflow directory, with what that asks for', installing, async () => {
    urls.mlflow = await serve(shop, 'dev', 'irisml')
  })

  it('answers alike, whatever is asked', async () => {
    const chance = Array.from({ length: 2000 - hostile.length }, (_, seed) => randomBody(seed))
    const bodies = [...hostile, ...chance]
    const counts = new Map<number, number>()
    for (const [index, body] of bodies.entries()) {
      const method = index % 40 === 39 ? 'GET' : 'POST'
      const answers = await Promise.all(
        Object.entries(urls).map(async ([name, url]) => [name, await ask(url, body, method)] as const),
      )
      const alike = answers.map(
        ([name, { status, code, result }]) => [name, { status, code, result }] as const,
      )
      const [[, first]] = alike as [(typeof alike)[number]]
      expect({ body, answers: Object.fromEntries(alike) }).toEqual({
        body,
        answers: Object.fromEntries(alike.map(([name]) => [name, first])),
      })
      counts.set(first.status, (counts.get(first.status) ?? 0) + 1)
    }
    // The comparison has looked at good ones and at bad ones.
    expect([...counts.keys()].sort()).toEqual([200, 400, 405, 422])
    expect(counts.get(200)).toBeGreaterThan(1000)
  })

  it('answers alike when requests come together', async () => {
    const bodies = Array.from({ length: 60 }, (_, seed) => randomBody(10_000 + seed))
    const [pickled, ...others] = await Promise.all(
      Object.values(urls).map(url => Promise.all(bodies.map(body => ask(url ?? '', body)))),
    )
    const bare = (answers: readonly Answer[] | undefined) =>
      answers?.map(({ status, code, result }) => ({ status, code, result }))
    for (const other of others) expect(bare(other)).toEqual(bare(pickled))
    expect(others).toHaveLength(4)
  })

  it("is asked by MLflow's own client what MLflow itself answers", async () => {
    const place = (urls.mlflow ?? '').replace(/\/predict$/, '')
    const said = await shop.run(join(made.venv, 'bin', 'python'), ['-c', mlflowClient, place, 'irisml'])
    expect({ status: said.status, err: said.err }).toEqual({ status: 0, err: expect.any(String) })
    expect(JSON.parse(said.out.trim().split('\n').at(-1) ?? '')).toEqual({
      table: true,
      array: true,
      refused: expect.stringContaining('4 are wanted'),
    })
  })

  it('what ONNX refuses comes with what it expects', async () => {
    const answer = await ask(urls.onnx ?? '', '{"data": {"input": [[1, 2, 3]]}}')
    expect(answer.detail).toBe('`data.input[0]` has 3 values; 4 are wanted. Expected: input: float32 [n, 4].')
  })

  it('several outputs stand under their names', async () => {
    const url = await serve(shop, 'dev', 'all.onnx')
    const { result } = await ask(url, '{"data": {"X": [[5.9, 3.2, 4.8, 1.8]]}}')
    expect(result).toMatchObject({
      label: [expect.any(Number)],
      probabilities: [[expect.any(Number), expect.any(Number), expect.any(Number)]],
    })
  })

  it('a skops file is wrapped without running anything', async () => {
    const { status, err } = await shop.thampi(['wrap', 'bare.skops', '--name', 'fromskops'], {
      env: made.chosen,
    })
    expect({ status, err }).toEqual({
      status: 0,
      err: expect.stringContaining('makes only objects of types it knows'),
    })
    expect(existsSync(join(shop.dir, 'models', 'fromskops', 'model.pkl'))).toBe(true)
  })
})

describe('an ONNX file with inputs of many types', () => {
  const shop = project()
  const urls: string[] = []

  beforeAll(async () => {
    linkRuntime(shop)
    const file = identity(
      ['whole', types.int64, [null]],
      ['big', types.uint64, [null]],
      ['text', types.string, [null]],
      ['flag', types.bool, [null]],
      ['half', types.float16, [null]],
      ['exact', types.double, [null, 2]],
    )
    for (const name of ['web', 'python']) shop.write(`${name}.onnx`, file)
    urls.push(
      await serve(shop, 'dev', './web.onnx'),
      await serve(shop, 'dev', './python.onnx', `--python=${made.venv}`),
    )
  })

  it('gives everything back as it came, to the last digit', async () => {
    const sent =
      '"big":[18446744073709551615,0],"exact":[[0.1,-2.5e-10],[1.5,3.25]],"flag":[true,false],"half":[0.5,-65504],' +
      '"text":["","\u00fcn\u00efc\u00f6de \\" "],"whole":[9007199254740993,-9223372036854775808]'
    for (const url of urls) {
      const response = await fetch(url, { method: 'POST', body: `{"data":{${sent}}}` })
      const text = await response.text()
      expect(text.replaceAll('_out":', '":').replace('-65504.0', '-65504')).toContain(
        `"result":{${sent.replaceAll('-2.5e-10', '-2.5e-10')}}`,
      )
    }
  })

  it('refuses what it cannot take, with the whole signature', async () => {
    const good = { whole: [1], big: [1], text: ['a'], flag: [true], half: [1], exact: [[1, 2]] }
    const signature =
      'Expected: whole: int64 [n], big: uint64 [n], text: string [n], flag: bool [n], half: float16 [n], exact: float64 [n, 2].'
    const wrong: [object, string][] = [
      [{ whole: [1.5] }, '`data.whole[0]` must be a whole number.'],
      [{ big: [-1] }, 'does not fit into uint64.'],
      [{ text: [1] }, '`data.text[0]` must be a text.'],
      [{ flag: [1] }, '`data.flag[0]` must be true or false.'],
      [{ half: [1e6] }, 'does not fit into float16.'],
      [{ exact: [[1]] }, '`data.exact[0]` has 1 value; 2 are wanted.'],
      [{ whole: undefined }, '`data.whole` is missing.'],
      [{ whole: 1 }, 'Either all inputs are lists of items or none.'],
    ]
    for (const url of urls) {
      for (const [part, words] of wrong) {
        const answer = await ask(url, JSON.stringify({ data: { ...good, ...part } }))
        expect(answer).toMatchObject({
          status: 422,
          code: 'model-rejected-input',
          detail: expect.stringContaining(words),
        })
        expect(answer.detail).toContain(signature)
      }
      expect((await ask(url, JSON.stringify({ data: good }))).status).toBe(200)
    }
  })
})

describe('a skops file with a type that skops does not know', () => {
  const shop = project()

  it('is refused by name, and loaded when the type is trusted', async () => {
    shop.write(
      'mine.py',
      'from sklearn.linear_model import LinearRegression\nclass Mine(LinearRegression):\n    pass\n',
    )
    shop.write(
      'train.py',
      'import skops.io\nfrom mine import Mine\nskops.io.dump(Mine().fit([[1.0], [2.0]], [2.0, 4.0]), "mine.skops")\n',
    )
    await train(shop, 'train.py')
    const around = { env: made.chosen }
    const { status, err } = await shop.thampi(['wrap', 'mine.skops'], around)
    expect(status).toBe(2)
    expect(err).toContain('holds types that skops does not know: mine.Mine. Nothing was loaded.')
    expect(err).toContain('--trust mine.Mine')
    expect((await shop.thampi(['wrap', 'mine.skops', '--trust', 'mine.Mine'], around)).status).toBe(0)
    const { result } = await ask(await serve(shop, 'dev', 'models/mine'), '{"data": {"input": [3]}}')
    expect(result).toBeCloseTo(6)
  })
})

describe('a model of ours', () => {
  const shop = project()

  it('opens in MLflow', async () => {
    shop.write(
      'train.py',
      `
import mlflow, numpy, thampi
class Double(thampi.Model):
    def initialize(self, context):
        self.factor = 2
    def predict(self, args, context):
        return [self.factor * value for value in args['input']]
path = thampi.save(Double(), 'double', './models').path
model = mlflow.pyfunc.load_model(str(path))
assert model.predict({'input': [1, 2]}) == [2, 4]
assert model.predict(numpy.array([[1.0, 2.0], [3.0, 4.0]])) == [[2.0, 4.0], [6.0, 8.0]]
`,
    )
    await train(shop, 'train.py')
  })
})

describe('the examples', () => {
  const shop = project()

  it('digits in ONNX: exported from scikit-learn, served without Python', async () => {
    await train(shop, resolve('examples/digits-onnx/train.py'))
    linkRuntime(shop)
    const url = await serve(shop, 'dev', './digits.onnx')
    const { status, result } = await ask(url, JSON.stringify({ data: { input: [zero, zero] } }))
    expect({ status, result }).toMatchObject({ status: 200, result: { label: [0, 0] } })
  })

  it(
    'prices with LightGBM through MLflow: its own requirements, no MLflow among them',
    installing,
    async () => {
      await train(shop, resolve('examples/mlflow-lightgbm/train.py'))
      const url = await serve(shop, 'dev', './prices')
      const house = { area: 100, rooms: 4, garden: false }
      const { result } = await ask(url, JSON.stringify({ data: house }))
      // What the invented formula says, about.
      expect(result as number).toBeGreaterThan(120_000)
      expect(result as number).toBeLessThan(200_000)
      const { garden, ...less } = house
      expect(await ask(url, JSON.stringify({ data: { input: [less] } }))).toMatchObject({
        status: 422,
        detail: '`garden` is missing. Expected: area: double, rooms: long, garden: boolean.',
      })
      expect(await ask(url, JSON.stringify({ data: { ...house, rooms: 4.5, garden } }))).toMatchObject({
        status: 422,
        detail: '`data.rooms` must be a whole number of 64 bits.',
      })
      const several = await ask(
        url,
        JSON.stringify({ data: { input: [house, { ...house, colour: 'red' }] } }),
      )
      expect(several.result).toEqual([result, result])
    },
  )
})

/** The first image of the data set. */
const zero = [
  ...[0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0, 8, 8, 0],
  ...[0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0],
]

/** What no caller should send. */
const hostile = [
  ...['', '{', '[]', '1', 'null', '"x"', '{"data": }', '{"data": NaN}', '\ufeff{}', '{"data":1,"data":2}'],
  ...[
    '{}',
    '{"data": null}',
    '{"data": []}',
    '{"data": {}}',
    '{"data": "input"}',
    '{"data": {"inputs": [1,2,3,4]}}',
  ],
  ...[
    'null',
    '[]',
    '[[]]',
    '{}',
    '"5"',
    '5',
    '[1,2,3]',
    '[1,2,3,4,5]',
    '[[1,2,3]]',
    '[[1,2,3,4],[1,2,3]]',
  ].map(input => `{"data": {"input": ${input}}}`),
  ...['[1,2,3,"x"]', '[[1,2,3,"x"]]', '[[1,2,3,null]]', '[[[1,2,3,4]]]', '[[1,2,3,[4]]]', '[1,[2],3,4]'].map(
    input => `{"data": {"input": ${input}}}`,
  ),
]

/** Rows whose values are eighths; one in five has something wrong with it. Numbers from a seed, not from chance. */
function randomBody(seed: number): string {
  let state = (seed + 1) * 2_654_435_761
  const next = (below: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0
    return state % below
  }
  const row = (): number[] => Array.from({ length: 4 }, () => next(64) / 8)
  const input: unknown[] = next(2) === 0 ? row() : Array.from({ length: 1 + next(5) }, row)
  if (next(5) > 0) return JSON.stringify({ data: { input } })
  const wrong = [
    () => input.push('x'),
    () => input.splice(next(input.length), 1, {}),
    () => input.unshift([1]),
    () => input.push(null),
  ]
  wrong[next(wrong.length)]?.()
  return JSON.stringify({ data: { input } })
}
