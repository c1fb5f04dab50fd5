/** MLServer: parallel workers, one a core; its adaptive batches of up to 64. It speaks the V2 protocol of tensors. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { freePort } from '../service.mjs'
import { oneThread } from './peer.mjs'

const configuration = (name, batches) => ({
  name,
  batches,
  prepare: async ({ dir, port, cores }) => {
    const model = join(dir, 'models', 'bench')
    mkdirSync(model, { recursive: true })
    const settings = {
      host: '127.0.0.1',
      http_port: port,
      grpc_port: await freePort(),
      metrics_port: await freePort(),
      parallel_workers: cores,
      debug: false,
    }
    const batching = batches ? { max_batch_size: 64, max_batch_time: 0.001 } : {}
    writeFileSync(join(dir, 'models', 'settings.json'), JSON.stringify(settings))
    writeFileSync(
      join(model, 'model-settings.json'),
      JSON.stringify({ name: 'bench', implementation: 'mlserver_service.Bench', ...batching }),
    )
  },
  command: ({ python, dir }) => ({
    file: join(dirname(python), 'mlserver'),
    args: ['start', join(dir, 'models')],
  }),
  path: () => '/v2/models/bench/infer',
})

/** @type {import('./peer.mjs').Peer} */
export default {
  name: 'MLServer',
  environment: 'mlserver',
  packages: ['mlserver', 'fastapi', 'orjson'],
  configurations: [configuration('one by one', false), configuration('batched', true)],
  env: ({ services }) => ({ ...oneThread(), PYTHONPATH: services }),
  body: input => {
    const data = [input].flat(Infinity)
    const shape = Array.isArray(input) ? [1, ...shapeOf(input)] : [1]
    return JSON.stringify({ inputs: [{ name: 'input', datatype: 'FP64', shape, data }] })
  },
  read: body => {
    const { shape, data } = JSON.parse(body).outputs[0]
    return shape.length > 2 ? rowsOf(data, shape.at(-1)) : data[0]
  },
  // Each answer has an id of its own.
  varies: true,
  proof: body => body.slice(body.indexOf('"outputs"')),
}

function shapeOf(value) {
  return Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : []
}

function rowsOf(data, width) {
  return Array.from({ length: data.length / width }, (_, row) => data.slice(row * width, (row + 1) * width))
}
