/** What somebody writes by hand: onnxruntime behind fastify, in one process. `node fastify_onnx.mjs MODEL PORT`, where the packages are. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [model, port] = process.argv.slice(2)
const require = createRequire(join(process.cwd(), 'package.json'))
const fastify = require('fastify')
const ort = require('onnxruntime-web')

ort.env.wasm.numThreads = 1
const session = await ort.InferenceSession.create(model)
const [name] = session.outputNames
const app = fastify()
app.post('/predict', async request => {
  const { input } = request.body
  const outputs = await session.run({ input: new ort.Tensor('float32', Float32Array.from(input), [1, 4]) })
  return { result: Number(outputs[name].data[0]) }
})
await app.listen({ host: '127.0.0.1', port: Number(port) })
