/** BentoML: one worker a core; its adaptive batches of up to 64. */
import { dirname, join } from 'node:path'
import { oneThread } from './peer.mjs'

const configuration = (name, service, batches, speech) => ({
  name,
  batches,
  speech,
  command: ({ python, services, port }) => ({
    file: join(dirname(python), 'bentoml'),
    args: [
      'serve',
      `bentoml_service:${service}`,
      '--working-dir',
      services,
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
    ],
  }),
  path: () => '/predict',
})

/** With batches on, a request is a batch itself, and several are put together. */
const speechOfBatches = {
  body: input => JSON.stringify({ input: [input] }),
  read: body => JSON.parse(body)[0],
}

/** @type {import('./peer.mjs').Peer} */
export default {
  name: 'BentoML',
  environment: 'bentoml',
  packages: ['bentoml', 'uvicorn'],
  configurations: [
    configuration('one by one', 'OneByOne', false),
    configuration('batched', 'Batched', true, speechOfBatches),
  ],
  env: ({ dir, cores }) => ({
    ...oneThread(),
    BENCH_WORKERS: String(cores),
    BENTOML_HOME: join(dir, 'bentoml'),
    BENTOML_DO_NOT_TRACK: 'true',
  }),
  body: input => JSON.stringify({ input }),
  read: JSON.parse,
}
