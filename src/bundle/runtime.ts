/** The runtime layer: what of ourselves travels, in Python or for Node, with the file that starts it. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ThampiError } from '../errors.ts'
import { digestOfFile } from '../system/files.ts'
import type { FileEntry, Layer } from './bundle.ts'
import { layerOf } from './layer.ts'

/** Parts of the package that only the author's machine needs: the command line in JavaScript, caches, tests. */
const STAYS = new Set(['_js', '__pycache__', 'tests'])
const START = 'thampi/runtime/bootstrap.py'

/** `runtimeDir` holds the package `thampi`; a Python given the layer as a directory runs its `__main__.py`. */
export async function pythonRuntime(runtimeDir: string): Promise<Layer> {
  const paths = await pathsBelow(runtimeDir, 'thampi')
  if (!paths.includes(START)) throw incomplete(join(runtimeDir, START))
  const files = await Promise.all([
    ...paths.map(path => entry(path, join(runtimeDir, path))),
    entry('__main__.py', join(runtimeDir, START)),
  ])
  return layerOf('runtime', files)
}

const NODE_START = 'runtime.mjs'

/** `runtimeDir` holds the bundled runtime, which `node runtime.mjs` starts. */
export async function nodeRuntime(runtimeDir: string): Promise<Layer> {
  const names = (await readdir(runtimeDir).catch(() => [])).sort()
  if (!names.includes(NODE_START)) throw incomplete(join(runtimeDir, NODE_START))
  return layerOf('runtime', await Promise.all(names.map(name => entry(name, join(runtimeDir, name)))))
}

function incomplete(missing: string): ThampiError {
  return new ThampiError('INTERNAL', {
    message: `The runtime is not complete: ${missing} is missing.`,
    fix: 'install thampi again',
  })
}

async function pathsBelow(root: string, dir: string): Promise<string[]> {
  const entries = await readdir(join(root, dir), { withFileTypes: true }).catch(() => [])
  const nested = entries
    .filter(({ name }) => !STAYS.has(name) && !name.startsWith('.') && !/\.py[co]$/.test(name))
    .map(async item => {
      const path = `${dir}/${item.name}`
      if (item.isDirectory()) return pathsBelow(root, path)
      return item.isFile() ? [path] : []
    })
  return (await Promise.all(nested)).flat()
}

async function entry(path: string, source: string): Promise<FileEntry> {
  const { size } = await stat(source)
  return { path, digest: await digestOfFile(source), size, source, executable: false }
}
