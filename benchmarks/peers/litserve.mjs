/** LitServe: one worker a core; batches of up to 64; its quicker queue and two API processes, which help batches. */
import { join } from 'node:path'
import { oneThread } from './peer.mjs'

const configuration = (name, { batched = false, fast = false }) => ({
  name,
  batches: batched,
  command: ({ python, services, port, cores }) => {
    const options = { port, workers: cores, batched, fast_queue: fast, api_servers: fast ? cores : 1 }
    return { file: python, args: [join(services, 'litserve_service.py'), JSON.stringify(options)] }
  },
  path: () => '/predict',
})

/** @type {import('./peer.mjs').Peer} */
export default {
  name: 'LitServe',
  environment: 'litserve',
  packages: ['litserve', 'fastapi', 'pyzmq', 'orjson'],
  configurations: [
    configuration('one by one', {}),
    configuration('batched', { batched: true }),
    configuration('batched, fast queue', { batched: true, fast: true }),
  ],
  env: oneThread,
  body: input => JSON.stringify({ input }),
  read: body => JSON.parse(body).result,
}
