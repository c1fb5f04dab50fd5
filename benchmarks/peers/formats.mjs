/** The iris model in the formats that need no Python, served by us; and what a person writes by hand instead. */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ensureEnvironment, ensureNodePackages } from '../environments.mjs'
import { cli, configured } from './thampi.mjs'

const root = resolve(import.meta.dirname, '../..')
const stage = 'bench'

/** A configuration of ours that serves what `make` puts into the project, and gives the path of. */
function ours(name, make, { keepWarm = true } = {}) {
  const base = configured(name, { batched: false, keepWarm })
  return {
    ...base,
    prepare: async about => {
      const project = join(about.dir, 'project')
      mkdirSync(project)
      const keys = { project_name: 'model', memory_size: 2048, keep_warm: keepWarm }
      writeFileSync(join(project, 'model.json'), JSON.stringify({ [stage]: keys }))
      await make({ ...about, project })
    },
    publish: async ({ dir, env, run }) => {
      const args = ['serve', stage, '--quiet', '--settings-file', 'model.json', '--model_dir', 'iris.onnx']
      if (name.startsWith('TypeScript')) args[6] = 'iris'
      await run(process.execPath, [cli, ...args], { cwd: join(dir, 'project'), env })
    },
  }
}

export const typescript = options =>
  ours(
    'TypeScript',
    ({ project }) => {
      cpSync(join(root, 'lib/demo/iris-demo'), join(project, 'iris'), { recursive: true })
    },
    options,
  )

/** Its graph has one output, which is the result. */
export const onnx = options => ({
  ...ours(
    'ONNX',
    async ({ project, services, run, env }) => {
      await exportTo(join(project, 'iris.onnx'), { services, run, env })
      symlinkSync(join(ensureNodePackages(), 'node_modules'), join(project, 'node_modules'))
    },
    options,
  ),
  speech: { read: body => JSON.parse(body).result },
})

/** @type {import('./peer.mjs').Peer} */
export const byHand = {
  name: 'By hand',
  environment: 'formats',
  packages: ['skl2onnx', 'onnx', 'scikit-learn'],
  configurations: [
    {
      name: 'onnxruntime behind fastify',
      batches: false,
      prepare: about => exportTo(join(about.dir, 'iris.onnx'), about),
      command: ({ services, dir, port }) => ({
        file: process.execPath,
        args: [join(services, 'fastify_onnx.mjs'), join(dir, 'iris.onnx'), String(port)],
        cwd: ensureNodePackages(),
      }),
      path: () => '/predict',
    },
  ],
  body: input => JSON.stringify({ input }),
  read: body => JSON.parse(body).result,
}

async function exportTo(file, { services, run, env }) {
  const python = ensureEnvironment('formats')
  await run(python, [join(services, 'onnx_export.py'), file], { env: { ...env, PYTHONPATH: services } })
}
