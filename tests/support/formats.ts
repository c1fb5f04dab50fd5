/**
 * What authors of models in other formats have installed, made once and kept: a Python with MLflow, skl2onnx, LightGBM and
 * skops, and onnxruntime-web in a `node_modules`. `mlflow-skinny` is MLflow without its web application and its database:
 * all that saving and opening a model takes.
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { pinned } from './doors.ts'

const start = promisify(execFile)
const root = resolve('.journeys', 'formats')
const venv = join(root, 'venv')

/** In versions that go together; those of numpy, pandas and scikit-learn are the project's own. */
const python = [
  ...['mlflow-skinny==3.17.2', 'skl2onnx==1.20.0', 'onnx==1.23.2', 'onnxruntime==1.32.0'],
  ...['lightgbm==4.7.0', 'skops==0.16.0'],
]
const node = ['onnxruntime-web@1.30.0']

export interface Formats {
  /** The virtual environment. */
  readonly venv: string
  /** A directory to link to. */
  readonly nodeModules: string
  /** For training scripts. */
  readonly env: Readonly<Record<string, string>>
  /** For `thampi`: this Python, and not the one it was installed with. */
  readonly chosen: Readonly<Record<string, string>>
  /** One pinned requirement, `lightgbm==4.7.0`. */
  pinned(name: string): string
}

/** Takes a minute or two the first time. */
export async function formats(): Promise<Formats> {
  const own = ['cloudpickle', 'numpy', 'pandas', 'scikit-learn'].map(pinned)
  const packages = [...python, ...own]
  const wanted = JSON.stringify([packages, node])
  const ready = join(root, 'ready')
  if (!existsSync(ready) || readFileSync(ready, 'utf8') !== wanted) {
    await rm(root, { recursive: true, force: true })
    await mkdir(root, { recursive: true })
    await Promise.all([installPython(packages), installNode()])
    await writeFile(ready, wanted)
  }
  return {
    venv,
    nodeModules: join(root, 'node_modules'),
    env: { PYTHONPATH: resolve('python/src') },
    chosen: { THAMPI_PYTHON: join(venv, 'bin', 'python') },
    pinned: name => packages.find(line => line.startsWith(`${name}==`)) as string,
  }
}

async function installPython(packages: readonly string[]): Promise<void> {
  await start(join('.venv', 'bin', 'python'), ['-m', 'venv', venv])
  const pip = join(venv, 'bin', 'pip')
  await start(pip, ['install', '--quiet', '--disable-pip-version-check', ...packages], { maxBuffer: 1e8 })
}

async function installNode(): Promise<void> {
  // Its scripts have nothing to do for us.
  const quietly = ['--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--no-save']
  await start('npm', ['install', ...quietly, '--prefix', root, ...node])
}
