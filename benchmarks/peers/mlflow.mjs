/** MLflow's own server (`mlflow models serve`): one worker a core. It has no batching of its own. */
import { dirname, join } from 'node:path'
import { oneThread } from './peer.mjs'

/** @type {import('./peer.mjs').Peer} */
export default {
  name: 'MLflow',
  environment: 'mlflow',
  packages: ['mlflow', 'fastapi', 'uvicorn'],
  configurations: [
    {
      name: 'models serve',
      batches: false,
      prepare: async ({ python, services, dir, kind, run }) => {
        await run(python, [join(services, 'mlflow_save.py'), kind, join(dir, 'saved')])
      },
      command: ({ python, dir, port, cores }) => ({
        file: join(dirname(python), 'mlflow'),
        args: [
          ...['models', 'serve', '--model-uri', join(dir, 'saved'), '--env-manager', 'local'],
          ...['--host', '127.0.0.1', '--port', String(port), '--workers', String(cores)],
        ],
      }),
      path: () => '/invocations',
    },
  ],
  env: ({ services, python }) => ({
    ...oneThread(),
    PYTHONPATH: services,
    // It starts `python` and `uvicorn` by name.
    PATH: `${dirname(python)}:/usr/bin:/bin`,
    MLFLOW_DISABLE_TELEMETRY: 'true',
  }),
  body: input => JSON.stringify({ inputs: [input] }),
  read: body => JSON.parse(body).predictions[0],
}
