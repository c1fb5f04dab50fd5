/** Flask on gunicorn: one worker a core, with one thread (which closes each connection) or with several. */
import { dirname, join } from 'node:path'
import { oneThread } from './peer.mjs'

const configuration = (name, more) => ({
  name,
  batches: false,
  command: ({ python, services, port, cores }) => ({
    file: join(dirname(python), 'gunicorn'),
    args: [
      'flask_service:app',
      ...['--chdir', services, '--bind', `127.0.0.1:${port}`, '--workers', String(cores), '--timeout', '120'],
      ...['--log-level', 'warning', '--no-control-socket', ...more],
    ],
  }),
  path: () => '/predict',
})

/** @type {import('./peer.mjs').Peer} */
export default {
  name: 'Flask',
  environment: 'flask',
  packages: ['flask', 'gunicorn', 'orjson'],
  configurations: [
    configuration('sync', []),
    configuration('gthread', ['--worker-class', 'gthread', '--threads', '4', '--keep-alive', '75']),
  ],
  env: oneThread,
  body: input => JSON.stringify({ input }),
  read: body => JSON.parse(body).result,
}
