/** Ray Serve: one replica a core; its batches of up to 64. */
import { join } from 'node:path'
import { oneThread } from './peer.mjs'

const configuration = (name, batched) => ({
  name,
  batches: batched,
  command: ({ python, services, port, cores, dir }) => ({
    file: python,
    args: [
      join(services, 'ray_service.py'),
      JSON.stringify({ port, replicas: cores, batched, dir: join(dir, 'ray') }),
    ],
  }),
  path: () => '/predict',
})

/** @type {import('./peer.mjs').Peer} */
export default {
  name: 'Ray Serve',
  environment: 'ray',
  packages: ['ray', 'uvicorn', 'orjson'],
  configurations: [configuration('one by one', false), configuration('batched', true)],
  env: ({ services }) => ({ ...oneThread(), PYTHONPATH: services, RAY_USAGE_STATS_ENABLED: '0' }),
  body: input => JSON.stringify({ input }),
  read: body => JSON.parse(body).result,
}
