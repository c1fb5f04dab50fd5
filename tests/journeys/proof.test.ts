/** One line in the training script, and production has to give the notebook's numbers. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { project } from '../support/journey.ts'

const training = `
from typing import Dict

import numpy as np
from sklearn import datasets
from sklearn.linear_model import LogisticRegression

import thampi


class IrisModel(thampi.Model):
    def __init__(self, sklearn_model):
        self.sklearn_model = sklearn_model
        super().__init__()

    def predict(self, args: Dict, context) -> Dict:
        shares = self.sklearn_model.predict_proba(np.array([args['input']], dtype=float))[0]
        return {'result': int(shares.argmax()), 'probability': float(shares.max())}


if __name__ == '__main__':
    iris = datasets.load_iris()
    model = LogisticRegression(max_iter=1000).fit(iris.data, iris.target)
    model.feature_names_in_ = iris.feature_names
    thampi.save(IrisModel(model), 'iris-sklearn', './models', examples=[{'input': [5.9, 3.2, 4.8, 1.8]}])
    print(repr(float(model.coef_[0][0])))
`

describe('a model with one recorded example', () => {
  const shop = project()
  const dir = join(shop.dir, 'models/iris-sklearn')
  let weight = 0
  let url = ''

  it('is served once it has given the recorded answer', async () => {
    shop.write('train.py', training)
    weight = Number(await shop.python(['train.py']))
    const { status, out, err } = await shop.thampi(['serve'])
    expect(err).toContain('1 example replayed, identical')
    expect(status).toBe(0)
    url = out.trim()
  })

  it('shows with its version how the proof went', async () => {
    const [version] = JSON.parse((await shop.thampi(['versions', '--json'])).out) as Record<string, unknown>[]
    expect(version?.receipts).toMatchObject({ examples: 1, max_deviation: 0 })
    const info = JSON.parse((await shop.thampi(['info', '--json'])).out) as Record<string, unknown>
    expect(info.receipts).toEqual(version?.receipts)
    expect(info.schema).toMatchObject({ declared: false, input: { required: ['input'] } })
  })

  it('takes more examples, and gives them back', async () => {
    const added = await shop.thampi([
      'examples',
      'add',
      'models/iris-sklearn',
      '--data={"input": [5, 3, 1, 0.2]}',
    ])
    expect(added.status, added.err).toBe(0)
    expect(JSON.parse(added.out)).toMatchObject({ result: 0 })
    const bad = await shop.thampi(['examples', 'add', 'models/iris-sklearn', '--data={input: 1}'])
    expect({ status: bad.status, out: bad.out }).toEqual({ status: 2, out: '' })
    const listed = JSON.parse((await shop.thampi(['examples', 'list', dir, '--json'])).out) as unknown[]
    expect(listed).toMatchObject([{ example: 1 }, { example: 2, data: { input: [5, 3, 1, 0.2] } }])
    const { status, err } = await shop.thampi(['serve'])
    expect(err).toContain('2 examples replayed, identical')
    expect(status).toBe(0)
  })

  it('with a flipped bit in a weight is not even loaded', async () => {
    const pickle = join(dir, 'model.pkl')
    const bytes = readFileSync(pickle)
    flip(bytes, weight)
    writeFileSync(pickle, bytes)
    const { status, err } = await shop.thampi(['serve'])
    expect(err).toContain('INTEGRITY')
    expect(status).toBe(9)
  })

  it('with a flipped bit whose digest was made to fit is stopped by the example, readably', async () => {
    const saved = join(dir, 'saved.json')
    const made = JSON.parse(readFileSync(saved, 'utf8')) as { files: Record<string, string> }
    const digest = createHash('sha256')
      .update(readFileSync(join(dir, 'model.pkl')))
      .digest('hex')
    writeFileSync(
      saved,
      JSON.stringify({ ...made, files: { ...made.files, 'model.pkl': `sha256:${digest}` } }),
    )
    const before = await ask('{"data": {"input": [5.9, 3.2, 4.8, 1.8]}}')
    const { status, out, err } = await shop.thampi(['serve', '--json'])
    expect(status).toBe(7)
    const { error, problem } = JSON.parse(out) as Record<string, Record<string, unknown>>
    expect(error?.code).toBe('EXAMPLE_DIFFERS')
    expect(error?.message).toMatch(
      /The new version answers (example 1 of 2|2 of 2 examples) differently .*result\.probability was 0\.\d+, is 0\.\d+ \(Δ 0\.\d+\)/s,
    )
    expect(problem?.differences).toContainEqual(
      expect.objectContaining({ example: 1, path: 'result.probability', delta: expect.any(Number) }),
    )
    expect(err).not.toContain('identical')
    expect(await ask('{"data": {"input": [5.9, 3.2, 4.8, 1.8]}}')).toEqual(before)
  })

  it('answers mistakes in words that need no knowledge of the model', async () => {
    const hints = {
      '{"data": {"inputs": [5.9, 3.2, 4.8, 1.8]}}':
        'By its examples, `data.input` is missing (got `inputs`). Did you mean `input`? Expected: 4 numbers (sepal length (cm), sepal width (cm), petal length (cm), petal width (cm)), e.g. [5.9, 3.2, 4.8, 1.8]',
      '{"data": {"input": [5.9, 3.2, 4.8]}}':
        'By its examples, `data.input` needs 4 numbers (sepal length (cm), sepal width (cm), petal length (cm), petal width (cm)); you sent 3. For example: [5.9, 3.2, 4.8, 1.8]',
      '{"data": {"input": [5.9, "wide", 4.8, 1.8]}}':
        'By its examples, `data.input[1]` must be a number; you sent the text "wide". For example: 3.2',
      '{"input": [5.9, 3.2, 4.8, 1.8]}':
        '`data` is missing (got `input`). Send {"data": …}, e.g. {"data": {"input": [5.9, 3.2, 4.8, 1.8]}}',
    }
    for (const [body, hint] of Object.entries(hints)) {
      expect(await ask(body)).toMatchObject({ status: 500, code: 'model-error', hint })
    }
  })

  it('refuses the same mistakes itself once its schema is declared', async () => {
    await shop.python(['train.py'])
    const schema = join(dir, 'schema.json')
    writeFileSync(schema, readFileSync(schema, 'utf8').replace('"declared": false', '"declared": true'))
    expect((await shop.thampi(['serve'])).status).toBe(0)
    expect(await ask('{"data": {"input": [5.9, 3.2, 4.8]}}')).toMatchObject({
      status: 422,
      code: 'model-rejected-input',
      detail: expect.stringContaining('`data.input` needs 4 numbers (sepal length (cm), '),
      errors: [{ pointer: '/data/input', code: 'minItems' }],
    })
    expect(await ask('{"data": {"input": [5.9, 3.2, 4.8, 1.8]}}')).toMatchObject({ result: { result: 2 } })
  })

  it('can be compared with what it was', async () => {
    shop.write('train.py', training.replace('max_iter=1000', 'max_iter=1000, C=0.5'))
    await shop.python(['train.py'])
    expect((await shop.thampi(['serve'])).status).toBe(0)
    const numbers = (
      JSON.parse((await shop.thampi(['versions', '--json'])).out) as { version: number }[]
    ).map(({ version }) => version)
    const [before, now] = numbers.slice(-2)
    const { status, out } = await shop.thampi(['diff', `dev@${before}`, `dev@${now}`])
    expect(status).toBe(1)
    expect(out).toMatch(/answers: 1 of 1 differ; largest Δ 0\.\d+ at result\.probability/)
    expect(out).toContain('~ train.py')
    const same = await shop.thampi(['diff', 'dev', 'models/iris-sklearn'])
    expect(same.status).toBe(0)
    expect(same.out).toContain('answers: the one example has the same')
  })

  it('is asked again what it failed to answer, when its stage keeps such requests', async () => {
    const thampi = { platform: 'local', record: 'errors', record_hide: ['data.name'] }
    shop.write('zappa_settings.json', JSON.stringify({ dev: { project_name: 'iris-sklearn', thampi } }))
    expect((await shop.thampi(['serve'])).status).toBe(0)
    await ask('{"data": {"name": "Ada", "inputs": [1, 2, 3, 4]}}', 'lost-1')
    // The answer does not wait for the disk.
    await expect
      .poll(async () => (await shop.thampi(['replay', 'lost-1'])).status, { timeout: 20_000 })
      .toBe(1)
    const { out, err } = await shop.thampi(['replay', 'lost-1', 'dev'])
    expect(out).toBe('')
    expect(err).toMatch(/^Version \d+ answered 500 on .*, now 500\. Parts of the request are hidden/m)
    expect(err).toMatch(/KeyError in train\.py:\d+, `predict`: 'input'/)
    const debugged = await shop.thampi(['replay', 'lost-1', '--pdb'], { input: 'p args\nq\n' })
    expect(debugged.out).toContain("{'name': '(hidden)', 'inputs': [1, 2, 3, 4]}")
    expect((await shop.thampi(['replay', 'another'])).status).toBe(4)
  })

  async function ask(body: string, requestId = ''): Promise<unknown> {
    const headers = requestId === '' ? {} : { 'X-Request-Id': requestId }
    const response = await fetch(url, { method: 'POST', body, headers })
    return response.json()
  }
})

describe('a model that is served with another version of a library than it was saved with', () => {
  const shop = project()

  it('is stopped before it gets traffic, when the version answers differently', async () => {
    const libraries = join(shop.dir, 'libraries')
    const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', libraries]
    await shop.python([...install, 'wcwidth==0.2.5'])
    shop.write(
      'train.py',
      `
import thampi, wcwidth

class Width(thampi.Model):
    def predict(self, args, context):
        return wcwidth.wcswidth(args)

thampi.save(Width(), 'width', './models', examples=['café', 'a 🫠'])
`,
    )
    await shop.python(['train.py'], { env: { PYTHONPATH: libraries } })
    const serve = (version: string) => {
      shop.write('requirements.txt', `wcwidth==${version}\n`)
      return shop.thampi(['serve', '--dependency_file=requirements.txt', '--project_dir=models'])
    }
    expect(await serve('0.2.5')).toMatchObject({
      status: 0,
      err: expect.stringContaining('2 examples replayed, identical'),
    })
    const { status, err } = await serve('0.2.13')
    expect({ status, err }).toEqual({ status: 7, err: expect.stringContaining('EXAMPLE_DIFFERS') })
    expect(err).toContain('result was 3, is 4')
    const [only, ...others] = JSON.parse((await shop.thampi(['versions', '--json'])).out) as object[]
    expect({ only, others }).toMatchObject({ only: { version: 1, weight: 100 }, others: [] })
  }, 600_000)
})

/** The bit of a weight that makes it half or twice as large. */
function flip(bytes: Buffer, weight: number): void {
  const wanted = Buffer.alloc(8)
  wanted.writeDoubleLE(weight)
  const at = bytes.indexOf(wanted)
  if (at === -1) throw new Error(`the pickle does not hold ${weight}`)
  bytes.writeUInt8(bytes.readUInt8(at + 6) ^ 0x10, at + 6)
}
