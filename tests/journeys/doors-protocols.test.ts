/** The same model asked in other protocols, by clients that are not ours. */
import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'
import { pythonWith } from '../support/foreign.ts'
import { project } from '../support/journey.ts'

const training = `
import thampi
from sklearn.neighbors import KNeighborsClassifier

class Iris(thampi.Model):
    def __init__(self):
        self.knn = KNeighborsClassifier(1).fit([[1, 2, 3, 4], [5, 6, 7, 8]], [0, 1])

    def predict(self, args, context):
        rows = args['input'] if isinstance(args, dict) else args.to_numpy()
        if rows == 'explode':
            raise ValueError('as asked')
        return {'class': self.knn.predict(rows), 'names': [str(row[0]) for row in rows]}

thampi.save(Iris(), 'iris', './models', examples=[{'input': [[5.9, 3.2, 4.8, 1.8]]}])
`

const shop = project()
let server = ''

beforeAll(async () => {
  shop.write('train.py', training)
  await shop.python(['train.py'])
  const { status, out, err } = await shop.thampi(['serve'])
  if (status !== 0) throw new Error(err)
  server = new URL(out.trim()).origin
})

async function ask(
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = { 'Content-Type': 'application/json' },
): Promise<{ status: number; type: string | null; text: string; body: unknown }> {
  const sent = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(
    `${server}${path}`,
    body === undefined ? {} : { method: 'POST', headers, body: sent },
  )
  const text = await response.text()
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = undefined
  }
  return { status: response.status, type: response.headers.get('content-type'), text, body: parsed }
}

const rows = { name: 'input', shape: [2, 4], datatype: 'FP64', data: [1, 2, 3, 4, 5, 6, 7, 8] }

describe('Open Inference Protocol V2', () => {
  it.each(['', '/dev'])('answers below "%s" as the specification says', async prefix => {
    expect(await ask(`${prefix}/v2`)).toMatchObject({ status: 200, body: { name: 'thampi', extensions: [] } })
    for (const path of ['live', 'ready']) {
      expect(await ask(`${prefix}/v2/health/${path}`)).toMatchObject({
        status: 200,
        body: { live: true, ready: true },
      })
    }
    expect((await ask(`${prefix}/v2/models/iris`)).body).toEqual({
      name: 'iris',
      versions: ['1'],
      platform: 'thampi',
      inputs: [{ name: 'input', datatype: 'FP64', shape: expect.any(Array) }],
      outputs: expect.any(Array),
    })
    expect((await ask(`${prefix}/v2/models/iris/versions/1/ready`)).body).toEqual({
      name: 'iris',
      ready: true,
    })
    const answer = await ask(`${prefix}/v2/models/iris/infer`, { id: 'a', inputs: [rows] })
    expect(answer).toMatchObject({ status: 200, type: 'application/json' })
    expect(answer.body).toEqual({
      id: 'a',
      model_name: 'iris',
      model_version: '1',
      outputs: [
        { name: 'class', datatype: 'INT64', shape: [2], data: [0, 1] },
        { name: 'names', datatype: 'BYTES', shape: [2], data: ['1', '5'] },
      ],
    })
  })

  it('refuses with {"error"} and nothing else, whoever refuses', async () => {
    const refusals = await Promise.all([
      ask(`/v2/models/nobody/infer`, { inputs: [rows] }),
      ask(`/dev/v2/models/iris/versions/9/infer`, { inputs: [rows] }),
      ask(`/dev/v2/models/iris/versions/x/infer`, { inputs: [rows] }),
      ask(`/dev/v2/models/iris/infer`, { inputs: [] }),
      ask(`/dev/v2/models/iris/infer`, { inputs: [{ ...rows, parameters: { binary_data_size: 64 } }] }),
      ask(`/dev/v2/models/iris/infer`, '{}12345678', { 'Inference-Header-Content-Length': '2' }),
      ask(`/dev/v2/models/iris/versions/9`),
    ])
    expect(refusals.map(({ status }) => status)).toEqual([404, 404, 404, 400, 415, 415, 404])
    for (const { body, type } of refusals) {
      expect(type).toBe('application/json')
      expect(body).toEqual({ error: expect.any(String) })
    }
  })

  it('is spoken by the client of Triton', async () => {
    const python = await pythonWith('triton', ['tritonclient[http]==2.73.0'])
    const printed = execFileSync(python, ['-c', triton, server.replace('http://', ''), 'iris'], {
      encoding: 'utf8',
    })
    expect(JSON.parse(printed)).toEqual({
      live: true,
      ready: true,
      model: true,
      metadata: 'iris',
      class: [0, 1],
      names: ['1.0', '5.0'],
      version: '1',
      refused: expect.stringContaining('needs 8'),
      binary: expect.stringContaining('binary_data=False'),
    })
  })
})

/** Of KServe, which speaks both. */
describe('the client of KServe', () => {
  it('asks in both of its protocols', async () => {
    const python = await pythonWith('kserve', ['kserve==0.21.0'])
    const printed = execFileSync(python, ['-c', kserve, `${server}/dev`, 'iris'], { encoding: 'utf8' })
    expect(JSON.parse(printed.trim().split('\n').at(-1) ?? '')).toEqual({
      v1: { ready: true, answer: { predictions: [{ class: [1], names: ['5'] }] } },
      v2: { live: true, ready: true, class: [0, 1], names: ['1.0', '5.0'] },
    })
  })
})

describe('KServe V1', () => {
  it('asks for a prediction for each instance', async () => {
    expect((await ask('/v1/models')).body).toEqual({ models: ['iris'] })
    expect((await ask(`/dev/v1/models/iris`)).body).toEqual({ name: 'iris', ready: true })
    const instances = [{ input: [[1, 2, 3, 4]] }, { input: [[5, 6, 7, 8]] }]
    expect((await ask(`/v1/models/iris:predict`, { instances })).body).toEqual({
      predictions: [
        { class: [0], names: ['1'] },
        { class: [1], names: ['5'] },
      ],
    })
    expect(await ask(`/v1/models/iris:predict`, {})).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('instances') },
    })
  })
})

describe("MLflow's invocations", () => {
  // The payloads are those that its documentation publishes, with the columns of this model.
  it.each(['/invocations', '/dev/invocations', '/dev/MODEL/invocations'])('are taken at %s', async path => {
    const there = path.replace('MODEL', 'iris')
    expect((await ask(there, { inputs: { input: [[1, 2, 3, 4]] } })).body).toEqual({
      predictions: { class: [0], names: ['1'] },
    })
    expect((await ask(there, { instances: [{ input: [[5, 6, 7, 8]] }] })).body).toEqual({
      predictions: [{ class: [1], names: ['5'] }],
    })
    expect((await ask(there, { data: { input: [[5, 6, 7, 8]] } })).body).toMatchObject({
      properties: { thampi_data_version: '0.1' },
      result: { class: [1] },
    })
  })

  it('have problem documents', async () => {
    const both = await ask('/invocations', { inputs: 1, instances: [] })
    expect(both).toMatchObject({
      status: 400,
      type: 'application/problem+json',
      body: { code: 'invalid-request' },
    })
    const form = await ask('/invocations', 'a=1', { 'Content-Type': 'application/x-www-form-urlencoded' })
    expect(form).toMatchObject({ status: 415, body: { code: 'unsupported-media-type' } })
    // The environment of this journey has no pandas.
    const table = { columns: ['a', 'b', 'c', 'd'], data: [[1, 2, 3, 4]] }
    expect(await ask('/invocations', { dataframe_split: table })).toMatchObject({
      status: 415,
      body: { detail: expect.stringContaining('pandas') },
    })
  })

  it('stand beside its other paths', async () => {
    expect((await ask('/version')).text).toMatch(/^\d+\.\d+\.\d+\n$/)
    for (const path of ['/ping', '/health', '/dev/ping', '/dev/health'])
      expect((await ask(path)).status).toBe(200)
    expect((await ask('/nowhere/ping')).status).toBe(503)
  })
})

describe('a request through a door', () => {
  it('is in the log of its stage', async () => {
    await ask(`/dev/v2/models/iris/infer`, { inputs: [rows] }, { 'X-Request-Id': 'through-v2' })
    await expect
      .poll(async () => (await shop.thampi(['logs', '--since=10m', '--filter=through-v2'])).out)
      .toContain('/infer 200')
  })

  it('means nothing when two stages have the model and the path names none', async () => {
    shop.write(
      'zappa_settings.json',
      JSON.stringify({ other: { project_name: 'iris' }, dev: { project_name: 'iris' } }),
    )
    expect((await shop.thampi(['serve', 'other', '--model_dir=models/iris'])).status).toBe(0)
    expect(await ask(`/v2/models/iris/infer`, { inputs: [rows] })).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining('More than one') },
    })
    expect((await ask(`/other/v2/models/iris/infer`, { inputs: [rows] })).status).toBe(200)
    expect((await shop.thampi(['undeploy', 'other', '--yes'])).status).toBe(0)
  })

  it('needs the API key of its stage', async () => {
    shop.write(
      'zappa_settings.json',
      JSON.stringify({ dev: { project_name: 'iris', api_key_required: true } }),
    )
    expect((await shop.thampi(['serve', 'dev', '--model_dir=models/iris'])).status).toBe(0)
    const created = JSON.parse((await shop.thampi(['keys', 'create', 'dev', 'test', '--json'])).out)
    const path = `/v2/models/iris/infer`
    expect(await ask(path, { inputs: [rows] })).toMatchObject({
      status: 401,
      body: { error: expect.any(String) },
    })
    expect((await ask(path, { inputs: [rows] }, { 'X-API-Key': created.key })).status).toBe(200)
  })
})

const triton = `
import json, sys
import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

client = http.InferenceServerClient(url=sys.argv[1] + '/dev')
model = sys.argv[2]

def tensor(binary, values=8):
    data = np.arange(1, values + 1, dtype='float64').reshape(2, values // 2)
    one = http.InferInput('input', [2, 4], 'FP64')
    if values == 8:
        one.set_data_from_numpy(data, binary_data=binary)
    else:
        one._data = list(data.flatten())  # what it would refuse to send
    return one

def refusal(one):
    try:
        client.infer(model, [one])
    except InferenceServerException as error:
        return error.message()

wanted = [http.InferRequestedOutput(name, binary_data=False) for name in ('class', 'names')]
result = client.infer(model, [tensor(False)], outputs=wanted)
print(json.dumps({
    'live': client.is_server_live(),
    'ready': client.is_server_ready(),
    'model': client.is_model_ready(model, '1'),
    'metadata': client.get_model_metadata(model)['name'],
    'class': result.as_numpy('class').tolist(),
    'names': result.as_numpy('names').tolist(),
    'version': result.get_response()['model_version'],
    'refused': refusal(tensor(False, 6)),
    'binary': refusal(tensor(True)),
}))
`

const kserve = `
import asyncio, json, sys
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

base, model = sys.argv[1:]

async def main():
    v1, v2 = (InferenceRESTClient(RESTConfig(protocol=name)) for name in ('v1', 'v2'))
    instances = {'instances': [{'input': [[5, 6, 7, 8]]}]}
    one = InferInput('input', [2, 4], 'FP64')
    one.set_data_from_numpy(np.arange(1.0, 9.0).reshape(2, 4), binary_data=False)
    answer = await v2.infer(base, InferRequest(model_name=model, infer_inputs=[one]), model_name=model)
    outputs = {output.name: output.data for output in answer.outputs}
    print(json.dumps({
        'v1': {'ready': await v1.is_model_ready(base, model), 'answer': await v1.infer(base, instances, model_name=model)},
        'v2': {'live': await v2.is_server_live(base), 'ready': await v2.is_model_ready(base, model), **outputs},
    }))

asyncio.run(main())
`
