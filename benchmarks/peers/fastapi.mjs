/** FastAPI on uvicorn: uvloop and httptools, one worker a core, no access log. It has no batching of its own. */
import { dirname, join } from 'node:path'
import { oneThread } from './peer.mjs'

const configuration = (name, route) => ({
  name,
  batches: false,
  command: ({ python, services, port, cores }) => ({
    file: join(dirname(python), 'uvicorn'),
    args: [
      'fastapi_service:app',
      ...['--app-dir', services, '--host', '127.0.0.1', '--port', String(port), '--workers', String(cores)],
      ...['--loop', 'uvloop', '--http', 'httptools', '--no-access-log', '--log-level', 'warning'],
    ],
  }),
  path: (_, model = 'model') => `/${route}/${model}`,
})

/** @type {import('./peer.mjs').Peer} */
export default {
  name: 'FastAPI',
  environment: 'fastapi',
  packages: ['fastapi', 'uvicorn', 'orjson'],
  configurations: [configuration('async', 'async'), configuration('def', 'def')],
  env: oneThread,
  body: input => JSON.stringify({ input }),
  read: body => JSON.parse(body).result,
}
