/** Thampi itself, as a user has it: saved, served with the command line, with the default settings unless named. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
export const cli = join(root, 'lib', 'cli.mjs')
const stage = 'bench'

/**
 * A configuration of ours.
 * @param {string} name
 * @param {{ batched: boolean, settings?: object, keepWarm?: boolean, models?: string[], schema?: object }} options
 *   `settings`: keys of the stage's `thampi` object; `models`: names under which the model is served, the first is asked;
 *   `schema`: declared for the model's input, which is then compared with it
 * @returns {import('./peer.mjs').Configuration}
 */
export function configured(
  name,
  { batched, settings = {}, keepWarm = true, models = ['model'], schema = undefined },
) {
  return {
    name,
    batches: batched,
    prepare: async ({ python, services, dir, kind, env, run }) => {
      const project = join(dir, 'project')
      mkdirSync(project)
      for (const file of ['models.py', 'thampi_train.py'])
        copyFileSync(join(services, file), join(project, file))
      for (const model of models) {
        const keys = { project_name: model, memory_size: 2048, keep_warm: keepWarm, thampi: settings }
        writeFileSync(join(project, `${model}.json`), JSON.stringify({ [stage]: keys }))
      }
      const way = batched ? 'batched' : 'single'
      await run(python, ['thampi_train.py', kind, way, JSON.stringify(schema ?? null), ...models], {
        cwd: project,
        env: { ...env, PYTHONPATH: join(root, 'python/src'), THAMPI_QUIET: '1' },
      })
    },
    command: ({ port }) => ({ file: process.execPath, args: [cli, 'host', '--port', String(port)] }),
    publish: async ({ dir, env, run }) => {
      for (const model of models) {
        const args = [
          'serve',
          stage,
          '--quiet',
          '--settings-file',
          `${model}.json`,
          '--model_dir',
          `models/${model}`,
        ]
        await run(process.execPath, [cli, ...args], { cwd: join(dir, 'project'), env })
      }
    },
    path: (_, model = models[0]) => `/${stage}/${model}/predict`,
  }
}

/** @type {import('./peer.mjs').Peer} */
export default {
  name: 'Thampi',
  environment: 'thampi',
  packages: ['scikit-learn', 'numpy', 'orjson'],
  configurations: [configured('batched', { batched: true }), configured('one by one', { batched: false })],
  env: ({ dir, python }) => ({ THAMPI_HOME: join(dir, 'home'), THAMPI_PYTHON: python }),
  body: input => JSON.stringify({ data: { input } }),
  read: body => JSON.parse(body).result.result,
  // Between two models the properties differ; within one an answer has the same bytes each time.
  proof: body => body.slice(body.lastIndexOf('"result":{')),
}
