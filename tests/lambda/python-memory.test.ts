/**
 * What loading a model from S3 costs in memory: its own size and little more, however big it is.
 *
 * `MODEL_MB=900 npx vitest run --project unit tests/lambda/python-memory.test.ts` is the long form; it prints figures.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { startBucket } from '../support/lambda/bucket.ts'
import { sha256 } from '../support/lambda/manifest.ts'
import { pythonFunction, pythonHere, pythonLayer } from '../support/lambda/python-function.ts'
import { temporaryDirectory } from '../support/python.ts'
import { runFunction } from '../support/runtime-api.ts'

const modelMb = Number(process.env.MODEL_MB ?? 192)
const key = 'thampi/blobs/sha256/weights'

/** A model with so many MB of weights in arrays of eight; tells the most memory that its process has had, in KiB. */
function saveWeights(megabytes: number): string {
  const dir = temporaryDirectory()
  const source = `
import numpy, thampi

class Weights(thampi.Model):
    def __init__(self):
        self.weights = [numpy.full(${megabytes} * 125_000 // 8, layer, dtype="float64") for layer in range(8)]

    def predict(self, args, context):
        with open("/proc/self/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        return {"peak": int(peak.split()[1]), "sum": float(sum(layer[-1] for layer in self.weights if len(layer)))}

thampi.save(Weights(), "mymodel", ".")
`
  execFileSync(pythonHere().program, ['-c', source], {
    cwd: dir,
    env: { ...process.env, PYTHONPATH: resolve('python/src'), THAMPI_QUIET: '1' },
  })
  return join(dir, 'mymodel')
}

async function loaded(
  megabytes: number,
): Promise<{ bytes: number; peakMb: number; sum: number; ms: number }> {
  const saved = saveWeights(megabytes)
  const pickled = readFileSync(join(saved, 'model.pkl'))
  const bucket = await startBucket()
  bucket.objects.set(key, pickled)
  const files = { 'model.pkl': { key, sha256: sha256(pickled), bytes: pickled.length } }
  const model = { in: 's3', bucket: bucket.name, load: 'memory', files }
  const fn = await runFunction({
    taskRoot: pythonFunction(saved, { model }, ['model.pkl']),
    layerRoot: pythonLayer(pythonHere(), ['cloudpickle', 'numpy', 'numpy.libs']),
    ...{ runtime: 'python3.11', handler: 'thampi_handler.handler', memoryMb: 10_240, timeoutSeconds: 120 },
    environment: { AWS_ENDPOINT_URL_S3: bucket.url },
  })
  try {
    const health = JSON.parse((await fn.invoke({ thampi: 'health' })).payload.toString())
    const { payload } = await fn.invoke({ data: null })
    const { result } = JSON.parse(payload.toString())
    return { bytes: pickled.length, peakMb: result.peak / 1024, sum: result.sum, ms: health.loadMs }
  } finally {
    await fn.close()
    await bucket.close()
  }
}

it.skipIf(process.platform !== 'linux')(
  'a model takes its own size and little more while it is loaded (Linux says how much)',
  async () => {
    const small = await loaded(1)
    const big = await loaded(modelMb)
    const growthMb = big.peakMb - small.peakMb
    const sizeMb = (big.bytes - small.bytes) / 2 ** 20
    const figures = [
      `${sizeMb.toFixed(0)} MB came from S3 and were loaded in ${big.ms} ms`,
      `peak ${big.peakMb.toFixed(0)} MB, of which ${small.peakMb.toFixed(0)} MB are Python, numpy and boto3`,
      `${(growthMb / sizeMb).toFixed(3)} times the size of the model`,
    ]
    if (process.env.MODEL_MB !== undefined) console.log(figures.join('; '))
    expect(big.sum).toBe(28)
    expect(growthMb, figures.join('; ')).toBeLessThan(1.15 * sizeMb)
    // What was loaded is there.
    expect(growthMb, figures.join('; ')).toBeGreaterThan(0.95 * sizeMb)
  },
  300_000,
)
