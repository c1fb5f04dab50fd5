/** onnxruntime-node and onnxruntime-web as a project has them installed; made once, and kept in `.nodes/`. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { findOnnxRuntime } from '../../src/bundle/onnx-runtime.ts'

const version = '1.30.0'
const home = resolve('.nodes', `onnx-${version}`)

type Name = 'onnxruntime-node' | 'onnxruntime-web'

/** A `node_modules` that has it. */
export async function onnxPackages(name: Name): Promise<string> {
  const project = join(home, name)
  if (!existsSync(project)) await install(name, project)
  return join(project, 'node_modules')
}

/** Puts the files that a function carries below `codeDir`, as a bundle has them. */
export async function layOnnxRuntime(name: Name, codeDir: string): Promise<void> {
  const project = dirname(await onnxPackages(name))
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
  const found = await findOnnxRuntime(project, { os: 'linux', arch })
  if (!found) throw new Error(`${project} holds no ${name} for ${arch}`)
  for (const { path, source } of found.files) {
    await mkdir(dirname(join(codeDir, path)), { recursive: true })
    await cp(source, join(codeDir, path))
  }
}

async function install(name: string, project: string): Promise<void> {
  const attempt = `${project}.${process.pid}`
  await mkdir(attempt, { recursive: true })
  // Its own script would fetch what GPUs need.
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  try {
    await promisify(execFile)('npm', ['install', '--prefix', attempt, ...quiet, `${name}@${version}`])
    await rename(attempt, project)
  } catch (error) {
    if (!existsSync(project)) throw error
  } finally {
    await rm(attempt, { recursive: true, force: true })
  }
}
