/** What a person reads when something is wrong: each mistake is really made, and nothing but the message changes. */
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, cpSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/errors.ts'
import { pathThrough, pinned } from '../support/doors.ts'
import { type Around, project } from '../support/journey.ts'

const training = `
import json, os, pickle, sys
import cloudpickle
import numpy as np
import thampi
from sklearn.tree import DecisionTreeClassifier
import features

class Tree(thampi.Model):
    def __init__(self, tree):
        self.tree = tree
    def predict(self, args, context):
        return {'leaf': int(self.tree.predict(np.array([args['input']]))[0])}

class Mood:
    pass

class Moody(thampi.Model):
    def predict(self, args, context):
        if args == 'raise':
            raise ValueError('not in the mood')
        if args == 'leave':
            sys.exit(4)
        if args == 'object':
            return {'scores': [1, 2, 3, Mood()]}
        return {'mood': 'fine'}

class Hollow(thampi.Model):
    def initialize(self, context):
        raise RuntimeError('no weights here')
    def predict(self, args, context):
        return None

class Leaving(thampi.Model):
    def initialize(self, context):
        sys.exit(3)
    def predict(self, args, context):
        return None

class Doubling(thampi.Model):
    def predict(self, args, context):
        return features.double(args)

class Lost(thampi.Model):
    def predict(self, args, context):
        return None

def save_as_in_2018(pickled, name):
    os.makedirs('models/' + name)
    facts = dict(thampi_data_version='0.1', trained_time_utc='2018-09-06T22:03:04.886644', instance_id='an-id')
    with open(f'models/{name}/thampi.json', 'w') as file:
        json.dump(facts, file, indent=4)
    with open(f'models/{name}/model.pkl', 'wb') as file:
        file.write(pickled)

tree = DecisionTreeClassifier().fit([[0], [1]], [0, 1])
thampi.save(Tree(tree), 'tree', './models', input_example={'input': [1]})
thampi.save(Moody(), 'moody', './models')
thampi.save(Hollow(), 'hollow', './models')
thampi.save(Leaving(), 'leaving', './models')
save_as_in_2018(cloudpickle.dumps(Doubling()), 'by-reference')
save_as_in_2018(pickle.dumps(Lost()), 'lost-class')
`
const stage = { project_name: 'shop', thampi: { platform: 'local' } }
const settings = {
  dev: stage,
  staging: stage,
  production: { extends: 'staging' },
  cloud: { extends: 'staging', thampi: { platform: 'aws' } },
}

const shop = project()
let url: string

beforeAll(async () => {
  shop.write('train.py', training)
  shop.write('features.py', 'def double(value):\n    return 2 * value\n')
  await shop.python(['train.py'])
  shop.write('zappa_settings.json', JSON.stringify(settings, null, 4))
  const { out, err } = await shop.thampi(['serve', 'dev', '--model_dir=models/moody'])
  expect(err).toContain('Version 1 serves dev')
  url = out.trim()
})

describe('before anything is packed', () => {
  it('a stage that is not there, with the one that was meant', () =>
    refused(['serve', 'stagin', '--model_dir=models/tree'], 4, 'ENV_UNKNOWN', [
      'No stage `stagin` in zappa_settings.json. Did you mean `staging`? Stages: dev, staging, production, cloud.',
    ]))

  it('a stage where there is no settings file', () =>
    refused(
      ['serve', 'staging'],
      4,
      'SETTINGS_MISSING',
      ['No stage `staging`: there is no settings file, so the only stage is `dev`.', 'Fix: thampi init'],
      { cwd: 'models' },
    ))

  it('no stage where there are several', () =>
    refused(['predict', '--data={}'], 2, 'ENV_REQUIRED', [
      'Environment required. Refer to docs.',
      'Stages: dev, staging, production, cloud.',
    ]))

  it('a stage on AWS, on a machine that knows nothing of AWS', () =>
    refused(['serve', 'cloud', '--model_dir=models/tree'], 2, 'NO_REGION', ['--platform local']))

  it('what a platform does not have', () =>
    refused(['iam', 'print', 'dev'], 1, 'PLATFORM_UNAVAILABLE', ['thampi iam print dev --platform aws']))

  it('a model that is not there', () =>
    refused(['serve', 'staging', '--model_dir=models/tee'], 4, 'MODEL_MISSING', ['"models/tee"']))

  it('a file where its directory is wanted', () =>
    refused(['serve', 'staging', '--model_dir=./models/tree/model.pkl'], 2, 'MODEL_INVALID', [
      '`./models/tree/model.pkl` is a file; `--model_dir` takes the directory around it.',
      'Fix: --model_dir=./models/tree',
    ]))

  it('a mistyped command, with the line corrected', () =>
    refused(['sevre', 'staging', '--model_dir=models/tree'], 2, 'USAGE', [
      "Unknown command 'sevre'.",
      'Fix: thampi serve staging --model_dir=models/tree',
    ]))

  it('a mistyped option, with the line corrected', () =>
    refused(['serve', 'staging', '--model-dri=models/tree'], 2, 'USAGE', [
      'Did you mean --model-dir?',
      'Fix: thampi serve staging --model-dir=models/tree',
    ]))

  it('data that is no JSON', () =>
    refused(['predict', 'dev', "--data={'input': 1}"], 2, 'USAGE', ['double quotes']))

  it('a pickle that is not the one that was saved', async () => {
    copyModel('tree', 'changed')
    appendFileSync(join(shop.dir, 'models/changed/model.pkl'), 'x')
    await refused(['serve', 'staging', '--model_dir=models/changed'], 9, 'INTEGRITY', [
      'models/changed/model.pkl is not the file that was saved.',
    ])
  })

  it('a model of another Python', async () => {
    copyModel('tree', 'older')
    const made = JSON.parse(shop.read('models/older/saved.json'))
    shop.write('models/older/saved.json', JSON.stringify({ ...made, python: { version: '3.99.1' } }))
    await refused(['serve', 'staging', '--model_dir=models/older'], 8, 'PYTHON_MISMATCH', [
      /^older was saved with Python 3\.99\.1 but would be served with 3\.\d+\.\d+; pickled code cannot cross/m,
      /^Fix: thampi serve … --python 3\.99, or run your training script again under 3\.\d+$/m,
    ])
  })

  // As many as the machine has: none is asked for.
  it.each(otherPythons())('a real %s instead of the one that saved the model', async python => {
    await refused(['serve', 'staging', '--model_dir=models/tree', '--python', python], 8, 'PYTHON_MISMATCH', [
      'tree was saved with Python',
    ])
  })
})

describe('a dependency file', () => {
  const serve = ['serve', 'staging', '--model_dir=models/tree', '--dependency_file=wanted.txt']

  it('that is not there', () =>
    refused(serve, 2, 'REQUIREMENTS_INVALID', ['There is no dependency file "wanted.txt".']))

  it('that is a directory', () =>
    refused([...serve.slice(0, -1), '--dependency_file=models'], 2, 'REQUIREMENTS_INVALID', [
      '"models" is a directory',
    ]))

  it('that is no text', async () => {
    shop.write('wanted.txt', Buffer.concat([randomBytes(200), Buffer.of(0, 255)]))
    await refused(serve, 2, 'REQUIREMENTS_INVALID', ['"wanted.txt" is not a text.'])
  })

  it('with a line that pip cannot read', async () => {
    shop.write('wanted.txt', 'numpy\nscikit learn 1.2\n')
    await refused(serve, 2, 'REQUIREMENTS_INVALID', ['wanted.txt:2', 'scikit learn 1.2'])
  })

  it('with a version that does not exist', async () => {
    shop.write('wanted.txt', 'thampi==0.1.0\nnumpy==0.0.999\n')
    await refused(serve, 8, 'INSTALL_FAILED', [
      'There is no numpy==0.0.999 for this Python',
      'change that line of wanted.txt',
    ])
  })

  it('that does not bring what the model needs', async () => {
    shop.write('wanted.txt', `thampi==0.1.0\n${pinned('numpy')}\n`)
    const [name, version] = pinned('scikit-learn').split('==')
    await refused(serve, 8, 'MODULE_MISSING', [
      `tree needs ${name} (${version} when saved) but wanted.txt does not list it.`,
      `\`${name}==${version}\``,
    ])
  })
})

describe('a model', () => {
  const serve = (model: string): string[] => ['serve', 'staging', `--model_dir=models/${model}`]

  it('that raises when it is loaded, with the line in the training script', () =>
    refused(serve('hollow'), 7, 'MODEL_RAISED', [
      /RuntimeError in train\.py:\d+, `initialize`: no weights here/,
      'thampi logs staging --since=3m',
    ]))

  it('of 2018 whose pickle is none', async () => {
    shop.write('models/garbage/model.pkl', 'garbage, not a pickle')
    shop.write('models/garbage/thampi.json', shop.read('models/by-reference/thampi.json'))
    await refused(serve('garbage'), 7, 'MODEL_LOAD_FAILED', ['shop could not be loaded: UnpicklingError'])
  })

  it('of 2018 that needs a file of the project which is not packed', () =>
    refused([...serve('by-reference'), '--project_dir=models'], 8, 'MODULE_MISSING', [
      'shop needs the module `features`',
      'save the model again',
    ]))

  it('of 2018 that needs a class of its training script', () =>
    refused(serve('lost-class'), 8, 'LOCAL_MODULE', [
      'shop needs `Lost` from your training script, which is not in the saved model.',
      'Fix: save it again with thampi 0.2 or later.',
    ]))

  it('that ends the process when it is loaded', () =>
    refused(serve('leaving'), 7, 'MODEL_RAISED', ['sys.exit(3)']))

  it('whose answer is not the recorded one', async () => {
    copyModel('tree', 'drifted')
    const receipts = '{"data":{"input":[1]},"result":{"leaf":7}}\n'
    const made = JSON.parse(shop.read('models/drifted/saved.json'))
    const digest = `sha256:${createHash('sha256').update(receipts).digest('hex')}`
    made.files['receipts.jsonl'] = digest
    shop.write('models/drifted/receipts.jsonl', receipts)
    shop.write('models/drifted/saved.json', JSON.stringify(made))
    await refused(serve('drifted'), 7, 'EXAMPLE_DIFFERS', [
      'example 1 of 1 differently',
      'It gets no traffic.',
      'result.leaf was 7, is 1.',
    ])
  })
})

describe('a request that the model does not survive', () => {
  it.each([
    ['an exception', '"raise"', 'model-error', /ValueError in train\.py:\d+, `predict`: not in the mood/],
    ['sys.exit', '"leave"', 'model-error', /SystemExit in train\.py:\d+, `predict`: .*sys\.exit\(4\)/],
    ['a result JSON cannot carry', '"object"', 'result-not-serialisable', /`result\.scores\[3\]` is a Mood/],
  ])('%s: HTTP 500, exit 1, the line that raised and where to look', async (_, data, problem, words) => {
    const response = await fetch(url, { method: 'POST', body: `{"data": ${data}}` })
    expect(response.status).toBe(500)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject({ status: 500, code: problem, stage: 'dev', model: 'shop' })
    await refused(
      ['predict', 'dev', `--data=${data}`],
      1,
      'PREDICT_FAILED',
      ['(HTTP 500)', words],
      {},
      problem,
    )
    const { err } = await shop.thampi(['predict', 'dev', `--data=${data}`])
    expect(err).toMatch(/^Run 'thampi tail dev --since=3m' to see recent error logs\.$/m)
  })

  it('and what it was shows in the logs', async () => {
    const { out } = await shop.thampi(['tail', 'dev', '--since=3m', '--non-http'])
    expect(out).toMatch(/ERROR ValueError in train\.py:\d+, `predict`: not in the mood/)
  })
})

describe('the local platform', () => {
  it('names the program that has its port', async () => {
    const { server, port } = await occupied()
    const env = { THAMPI_HOME: join(shop.dir, '..', 'other-home') }
    await refused(['host', '--port', String(port)], 5, 'PORT_TAKEN', [holder(port)], { env })
    server.close()
  })

  it('does not move a stage to another port, because its URL is known', async () => {
    expect((await shop.thampi(['host', '--stop'])).status).toBe(0)
    const port = Number(new URL(url).port)
    const { server } = await occupied(port)
    const { status, out, err } = await shop.thampi(['info', 'dev'])
    server.close()
    expect({ status, out }).toEqual({ status: 5, out: '' })
    expect(err).toMatch(holder(port))
    expect((await shop.thampi(['info', 'dev'])).out).toContain(url)
  })

  it('is not started a second time on the same directory', () =>
    refused(['host'], 5, 'HOST_RUNNING', ['A local platform already runs on']))

  it('does not let its files be cleaned away while it serves', () =>
    refused(['clean', '--scope=all', '--yes'], 5, 'STILL_DEPLOYED', ['thampi undeploy dev']))
})

/**
 * Runs the line as people and as programs do. The message stands on stderr, the document on stdout; exit status and
 * code are those of the category; files and what is served stay as they were.
 */
async function refused(
  args: readonly string[],
  exit: number,
  code: ErrorCode,
  words: readonly (string | RegExp)[],
  around: Around = {},
  problem?: string,
): Promise<void> {
  const before = { files: shop.snapshot(), served: await served() }
  const people = await shop.thampi([...args, '--quiet'], around)
  expect(people).toMatchObject({ status: exit, out: '' })
  for (const word of words) expect(people.err).toMatch(typeof word === 'string' ? literal(word) : word)
  const lines = people.err.trimEnd().split('\n')
  expect(lines.at(-1)).toBe(`${code} · docs/reference/errors.md#${code.toLowerCase()}`)
  expect(lines.length).toBeLessThanOrEqual(4)

  const programs = await shop.thampi([...args, '--json'], around)
  expect(programs.status).toBe(exit)
  const document = JSON.parse(programs.out)
  expect(document.error).toMatchObject({ code, docs: expect.stringMatching(/^docs\/reference\/errors\.md#/) })
  if (problem !== undefined) expect(document.problem).toMatchObject({ code: problem, status: 500 })
  for (const line of programs.err.trimEnd().split('\n').filter(Boolean)) JSON.parse(line)

  expect({ files: shop.snapshot(), served: await served() }).toEqual(before)
}

/** What the stages are now, and that the one that serves still answers. */
async function served(): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', body: '{"data": "hello"}' })
  const stages = (await shop.host())?.stages.map(({ stage, model }) => `${stage}/${model}`)
  return { stages, status: response.status, answer: await response.text() }
}

function copyModel(from: string, to: string): void {
  const [source = '', target = ''] = [from, to].map(name => join(shop.dir, 'models', name))
  cpSync(source, target, { recursive: true })
}

/** The Pythons on PATH, by name, that are not of the minor of the virtual environment. */
function otherPythons(): string[] {
  const ask = ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']
  const env = { ...process.env, PATH: pathThrough('pip') }
  const minorOf = (name: string): string =>
    spawnSync(name, ask, { env, encoding: 'utf8' }).stdout?.trim() ?? ''
  const own = minorOf('python')
  return ['3.9', '3.10', '3.11', '3.12', '3.13', '3.14']
    .filter(minor => minor !== own && minorOf(`python${minor}`) === minor)
    .map(minor => `python${minor}`)
}

async function occupied(wanted = 0): Promise<{ server: Server; port: number }> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(wanted, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { server, port: address.port }
}

/** Windows does not tell who it is. */
function holder(port: number): RegExp {
  return process.platform === 'win32'
    ? literal(`Port ${port} is taken`)
    : new RegExp(`Port ${port} is taken by .*\\(process ${process.pid}\\)`)
}

function literal(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
}
