/** The road of the tutorial, from an empty directory to a URL and back, through both doors. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pinned } from '../support/doors.ts'
import { type Project, project } from '../support/journey.ts'

/** Wine instead of iris, a tree instead of neighbours, and an answer with floats, texts and nesting in it. */
const training = `
from typing import Dict

import numpy as np
from sklearn import datasets
from sklearn.tree import DecisionTreeClassifier

import thampi


class Sommelier(thampi.Model):
    def __init__(self, tree, names):
        self.tree = tree
        self.names = names
        super().__init__()

    def predict(self, args: Dict, context) -> Dict:
        sample = np.array([args.get('wine')])
        shares = self.tree.predict_proba(sample)[0]
        best = int(shares.argmax())
        return {'cultivar': best, 'name': self.names[best], 'shares': [float(share) for share in shares]}


if __name__ == '__main__':
    wine = datasets.load_wine()
    tree = DecisionTreeClassifier(min_samples_leaf=7, random_state=0).fit(wine.data, wine.target)
    thampi.save(Sommelier(tree, [str(name) for name in wine.target_names]), 'wine-tree', './models')
`
const glass = '[13.2, 1.78, 2.14, 11.2, 100, 2.65, 2.76, 0.26, 1.28, 4.38, 1.05, 3.4, 1050]'
const question = `{"wine": ${glass}}`

const local = { THAMPI_PLATFORM: 'local' }

/** The second door finds the packages that the first one installed. */
const { home } = project()

describe.each(['pip', 'npm'] as const)('the tutorial through the door %s', door => {
  const shop = project({ door, home })
  let url: string
  let answer: string

  it('begins with the packages of the environment', async () => {
    shop.write('requirements.txt', await shop.python(['-m', 'pip', 'freeze']))
    expect(shop.read('requirements.txt')).toMatch(/^thampi/m)
  })

  it('init asks its four questions in the words of 2018, and takes the answers through a pipe', async () => {
    shop.write(
      '../aws.ini',
      '[profile analytics]\nregion = eu-west-1\n\n[default]\nregion = us-east-1\n\n[sso-session main]\nsso_region = us-east-1\n',
    )
    const { status, out } = await shop.thampi(['init'], { input: 'wine\nanalytics\n\npip\n' })
    expect(status).toBe(0)
    expect(out.replace(/'thampi-[a-z0-9]{9}'/, "'thampi-RANDOM'")).toBe(transcript)
    const { dev, staging, production } = JSON.parse(shop.read('zappa_settings.json'))
    expect(dev).toMatchObject({ project_name: 'wine', profile_name: 'analytics', aws_region: 'eu-west-1' })
    expect(dev.thampi).toEqual({ package_manager: 'pip', platform: 'local' })
    expect(staging).toEqual(production)
    expect(staging).toMatchObject({ keep_warm: true, memory_size: 3008, timeout_seconds: 300 })
    expect(staging.thampi).toEqual({ package_manager: 'pip', platform: 'aws' })
  })

  it('init leaves an existing settings file alone', async () => {
    const before = shop.read('zappa_settings.json')
    const { status, out, err } = await shop.thampi(['init'], { input: 'other\n\n\n\n' })
    expect({ status, out }).toEqual({ status: 5, out: '' })
    expect(err).toContain('zappa_settings.json already exists. Delete it and run again.')
    expect(shop.read('zappa_settings.json')).toBe(before)
  })

  it('training leaves a saved model', async () => {
    shop.write('train.py', training)
    await shop.python(['train.py'])
    const facts = JSON.parse(shop.read('models/wine-tree/thampi.json'))
    expect(Object.keys(facts)).toEqual(['thampi_data_version', 'trained_time_utc', 'instance_id'])
  })

  it('serve returns with the URL alone on stdout and leaves every file as it was', async () => {
    const before = shop.snapshot()
    const { status, out, err } = await shop.thampi(
      ['serve', 'staging', '--model_dir=./models/wine-tree', '--dependency_file=./requirements.txt'],
      { env: local },
    )
    expect(err).toContain('Version 1 serves staging on the local platform')
    expect(err.startsWith('..Waking up The Whale. This will take a while...\n')).toBe(true)
    expect(status).toBe(0)
    expect(out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/staging\/wine\/predict\n$/)
    url = out.trim()
    expect(shop.snapshot()).toEqual(before)
  })

  it('info prints the URL as Python prints a dict', async () => {
    const { status, out } = await shop.thampi(['info', 'staging'], { env: local })
    expect({ status, out }).toEqual({ status: 0, out: `{'url': '${url}'}\n` })
  })

  it('the URL answers with the properties of the saved model and the result', async () => {
    const response = await post(url, `{"data": ${question}}`)
    answer = await response.text()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(answer.endsWith('}\n')).toBe(true)
    const { properties, result } = JSON.parse(answer)
    const saved = JSON.parse(shop.read('models/wine-tree/thampi.json'))
    expect(Object.keys(JSON.parse(answer))).toEqual(['properties', 'result'])
    expect(properties).toEqual({ ...saved, served_time_utc: expect.stringMatching(naiveTime) })
    expect(Object.keys(properties)).toEqual([...Object.keys(properties)].sort())
    expect(result).toEqual(await answerOfModelItself(shop))
  })

  it("predict prints the same answer, exactly as Python's pprint does", async () => {
    const { status, out } = await shop.thampi(['predict', 'staging', `--data=${question}`], { env: local })
    expect(status).toBe(0)
    const pprint = 'import json, pprint, sys; pprint.pprint(json.load(sys.stdin))'
    expect(out).toBe(await shop.python(['-c', pprint], { input: answer }))
  })

  it('a body is read whatever its content type says', async () => {
    const response = await post(url, `{"data": ${question}}`, 'application/x-www-form-urlencoded')
    expect(await response.text()).toBe(answer)
  })

  it('what cannot be answered is a problem with the right status', async () => {
    const get = await fetch(url)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    for (const body of ['{', '[1, 2]', '{"data": NaN}', '']) {
      const response = await post(url, body)
      expect(response.status).toBe(400)
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    }
    expect((await post(url.replace('/wine/', '/beer/'), '{}')).status).toBe(404)
  })

  it('undeploy ends it, and info then says how to begin again', async () => {
    const { status, out } = await shop.thampi(['undeploy', 'staging', '-y'], { env: local })
    expect({ status, out }).toEqual({ status: 0, out: 'Done!\n' })
    const { status: gone, out: nothing, err } = await shop.thampi(['info', 'staging'], { env: local })
    expect({ gone, nothing }).toEqual({ gone: 4, nothing: '' })
    expect(err).toContain('thampi serve staging')
  })

  it('clean asks, deletes its own work and none of the user’s files', async () => {
    const before = shop.snapshot()
    const { status, out, err } = await shop.thampi(['clean', '--scope=project'], { input: 'y\n', env: local })
    expect({ status, out }).toEqual({ status: 0, out: '' })
    expect(err).toContain(
      `This will delete the following project related files:\nLocally:${join(shop.home, 'local/projects/wine')}\n`,
    )
    expect(err).toMatch(/^S3:\/\/thampi-[a-z0-9]{9}\/thampi\/\{dev,staging,production\}\/wine$/m)
    expect(shop.snapshot()).toEqual(before)
  })
})

describe('the conda road', () => {
  const shop = project()

  it('serves with a conda file that is called requirements.txt', async () => {
    const { status: made } = await shop.thampi(['init'], { input: 'means\nthampi-store\nconda\n' })
    expect(made).toBe(0)
    expect(JSON.parse(shop.read('zappa_settings.json')).staging.thampi).toEqual({
      package_manager: 'conda',
      platform: 'local',
    })
    const [, numpy = ''] = pinned('numpy').split('==')
    const [, cloudpickle] = pinned('cloudpickle').split('==')
    shop.write(
      'requirements.txt',
      `name: thampi-tutorial
dependencies:
  - python=3.6.7
  - thampi=0.1.0
  - numpy=${numpy.split('.').slice(0, 2).join('.')}.*
  - cloudpickle=${cloudpickle}
  - mkl=2018.0.3
`,
    )
    shop.write(
      'train.py',
      `
import numpy as np
import thampi

class Means(thampi.Model):
    def __init__(self, weights):
        self.weights = weights
    def predict(self, args, context):
        return {'mean': np.average(args, weights=self.weights)}

thampi.save(Means(np.array([1, 1, 2])), 'means', './models')
`,
    )
    await shop.python(['train.py'])
    const before = shop.snapshot()
    const { status, out, err } = await shop.thampi([
      'serve',
      'staging',
      '--model_dir=./models/means',
      '--dependency_file=./requirements.txt',
    ])
    expect(err).toContain('Version 1 serves staging')
    expect(err).toContain('mkl')
    expect(status).toBe(0)
    expect(shop.snapshot()).toEqual(before)
    const { result } = JSON.parse(await (await post(out.trim(), '{"data": [1, 2, 3]}')).text())
    expect(result).toEqual({ mean: 2.25 })
  })
})

const naiveTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/

const transcript = readFileSync(new URL('init-transcript.txt', import.meta.url), 'utf8')

function post(url: string, body: string, type = 'application/json'): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { 'Content-Type': type } })
}

/** The model asked in Python, without anything of ours between. */
async function answerOfModelItself(shop: Project): Promise<unknown> {
  const ask = `import json, thampi; print(json.dumps(thampi.load('models/wine-tree').predict(${question}, None)))`
  return JSON.parse(await shop.python(['-c', ask]))
}
