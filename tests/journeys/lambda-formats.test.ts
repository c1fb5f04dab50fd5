/** Models that other tools wrote, in a Python function: their files on scratch disk, the big ones from S3. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { readModel } from '../../src/model/read.ts'
import { type Formats, formats } from '../support/formats.ts'
import { type Bucket, startBucket } from '../support/lambda/bucket.ts'
import { sha256 } from '../support/lambda/manifest.ts'
import { pythonFunction } from '../support/lambda/python-function.ts'
import { temporaryDirectory } from '../support/python.ts'
import { type RunningFunction, runFunction } from '../support/runtime-api.ts'

const train = `
import mlflow
import numpy as np
from pathlib import Path
from skl2onnx import to_onnx
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

features, targets = load_iris(return_X_y=True)
iris = LogisticRegression(max_iter=1000).fit(features, targets)
graph = to_onnx(iris, features[:1].astype(np.float32), options={"zipmap": False})
Path("iris.onnx").write_bytes(select_model_inputs_outputs(graph, "label").SerializeToString())
signature = mlflow.models.infer_signature(features, iris.predict(features))
mlflow.sklearn.save_model(iris, "irisml", signature=signature, pip_requirements=["scikit-learn"])
`

let made: Formats
let trained: string
let layerRoot: string
let bucket: Bucket
const running: RunningFunction[] = []

beforeAll(async () => {
  made = await formats()
  trained = temporaryDirectory()
  writeFileSync(join(trained, 'train.py'), train)
  execFileSync(join(made.venv, 'bin/python'), ['train.py'], { cwd: trained, env: made.env })
  // The very files, not a link to their directory: a function does not see what lies elsewhere.
  layerRoot = mkdtempSync(join(dirname(made.venv), 'layer-'))
  execFileSync('cp', ['-al', join(made.venv, 'lib/python3.11/site-packages'), join(layerRoot, 'python')])
  bucket = await startBucket()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(each => each.close()))
})
afterAll(async () => {
  await bucket?.close()
  rmSync(layerRoot, { recursive: true, force: true })
})

/** The files as they are packed: with what we have found out about them. */
async function packed(name: string): Promise<string> {
  const dir = temporaryDirectory()
  const { added = {}, files, dir: from } = await readModel(name, trained)
  for (const path of new Set([...Object.keys(files), ...Object.keys(added)])) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    if (added[path] === undefined) cpSync(join(from, path), join(dir, path))
    else writeFileSync(join(dir, path), added[path])
  }
  return dir
}

async function start(saved: string, file: string): Promise<RunningFunction> {
  const bytes = readFileSync(join(saved, file))
  bucket.objects.set(file, bytes)
  const files = { [file]: { key: file, sha256: sha256(bytes), bytes: bytes.length } }
  const model = { in: 's3', bucket: bucket.name, load: 'scratch', files }
  const fn = await runFunction({
    taskRoot: pythonFunction(saved, { model }, [file]),
    ...{ layerRoot, runtime: 'python3.11', handler: 'thampi_handler.handler', version: '7' },
    ...{ memoryMb: 1769, timeoutSeconds: 120, environment: { AWS_ENDPOINT_URL_S3: bucket.url } },
  })
  running.push(fn)
  return fn
}

const rows = [
  [5.9, 3.2, 4.8, 1.8],
  [5.1, 3.5, 1.4, 0.2],
]

it('a model of MLflow answers in its own protocol and in ours', async () => {
  const fn = await start(await packed('irisml'), 'model.skops')
  const health = JSON.parse((await fn.invoke({ thampi: 'health' })).payload.toString())
  expect(health.failed).toBeUndefined()
  const direct = JSON.parse((await fn.invoke({ data: { input: rows } })).payload.toString())
  expect(direct.result).toEqual([2, 0])
  const { payload } = await fn.invoke({
    rawPath: '/invocations',
    requestContext: { http: { method: 'POST' } },
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: rows }),
  })
  expect(JSON.parse(payload.toString())).toMatchObject({ statusCode: 200, body: '{"predictions":[2,0]}\n' })
})

it('a model in ONNX is read from the file that came', async () => {
  const fn = await start(await packed('iris.onnx'), 'iris.onnx')
  const direct = JSON.parse((await fn.invoke({ data: { input: rows } })).payload.toString())
  expect(direct.result).toEqual([2, 0])
})
