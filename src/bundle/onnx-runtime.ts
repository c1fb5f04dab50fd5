/** The npm package that runs ONNX models, where the user's project has one: which, and the files of it that a sandbox needs. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { digestOfFile, readIfThere } from '../system/files.ts'
import type { FileEntry, Target } from './bundle.ts'

export interface OnnxRuntime {
  readonly name: 'onnxruntime-node' | 'onnxruntime-web'
  readonly version: string
  /** As they lie below `node_modules`. */
  readonly files: readonly FileEntry[]
}

/** Machine code first: it starts and answers several times faster than WebAssembly, but has to fit the machine. */
const runtimes = ['onnxruntime-node', 'onnxruntime-web'] as const

/**
 * Looks where Node itself would look from `projectDir`. Nothing of a package is run.
 *
 * @example (await findOnnxRuntime('.', target))?.name // 'onnxruntime-web'
 */
export async function findOnnxRuntime(
  projectDir: string,
  { os, arch }: Target,
): Promise<OnnxRuntime | undefined> {
  for (const name of runtimes) {
    const dir = await packageDir(projectDir, name)
    const common = dir && (await packageDir(dir, 'onnxruntime-common'))
    if (dir === undefined || common === undefined) continue
    const own = await wanted(dir, name === 'onnxruntime-node' ? nodeFiles(os, arch) : webFiles)
    // Installed for another machine, or by a version that is laid out differently.
    if (!own.some(path => /\.(node|wasm)$/.test(path))) continue
    const shared = await wanted(common, commonFiles)
    const { version } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
    const files = [
      ...own.map(path => [dir, name, path]),
      ...shared.map(path => [common, 'onnxruntime-common', path]),
    ]
    return {
      name,
      version: String(version),
      files: await Promise.all(files.map(([from = '', as = '', path = '']) => entry(from, as, path))),
    }
  }
  return undefined
}

const commonFiles = /^(package\.json|dist\/(cjs|esm)\/(package\.json|[^/]+\.js))$/
const webFiles = /^(package\.json|dist\/(ort\.node\.min\.mjs|ort-wasm-simd-threaded\.(mjs|wasm)))$/

function nodeFiles(os: string, arch: string): RegExp {
  return new RegExp(`^(package\\.json|dist/[^/]+\\.js|bin/napi-v\\d+/${os}/${arch}/[^/]+)$`)
}

/** The directory of a package as seen from `from`: in the nearest `node_modules` upwards that has it. */
async function packageDir(from: string, name: string): Promise<string | undefined> {
  for (let dir = from; ; dir = dirname(dir)) {
    const found = join(dir, 'node_modules', name)
    if ((await readIfThere(join(found, 'package.json'))) !== undefined) return found
    if (dir === dirname(dir)) return undefined
  }
}

/** Regular files whose path fits, without the GPU's: they are big, and asked for by nobody here. */
async function wanted(dir: string, pattern: RegExp): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry =>
      join(entry.parentPath, entry.name)
        .slice(dir.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter(path => pattern.test(path) && !/providers_(cuda|tensorrt)|DirectML|dxcompiler|dxil/.test(path))
    .sort()
}

async function entry(dir: string, name: string, path: string): Promise<FileEntry> {
  const source = join(dir, path)
  const { size } = await stat(source)
  return {
    path: `node_modules/${name}/${path}`,
    digest: await digestOfFile(source),
    size,
    source,
    executable: false,
  }
}
