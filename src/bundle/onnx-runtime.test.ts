/** Which npm package of a project runs ONNX models, and which of its files travel. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Target } from './bundle.ts'
import { findOnnxRuntime } from './onnx-runtime.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'thampi-onnx-runtime-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const target: Target = { os: 'linux', arch: 'x64' }

async function install(at: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const path = join(root, at, 'node_modules', file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, file.endsWith('package.json') ? '{"version": "1.30.0"}' : file)
  }
}

const common = [
  'onnxruntime-common/package.json',
  'onnxruntime-common/dist/esm/index.js',
  'onnxruntime-common/lib/index.ts',
]
const web = [
  'onnxruntime-web/package.json',
  'onnxruntime-web/dist/ort.node.min.mjs',
  'onnxruntime-web/dist/ort-wasm-simd-threaded.mjs',
  'onnxruntime-web/dist/ort-wasm-simd-threaded.wasm',
  'onnxruntime-web/dist/ort-wasm-simd-threaded.jsep.wasm',
  'onnxruntime-web/dist/ort.min.js',
]
const node = [
  'onnxruntime-node/package.json',
  'onnxruntime-node/dist/index.js',
  'onnxruntime-node/script/install.js',
  'onnxruntime-node/bin/napi-v6/linux/x64/onnxruntime_binding.node',
  'onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so',
  'onnxruntime-node/bin/napi-v6/darwin/arm64/onnxruntime_binding.node',
]

test('a project without one has none', async () => {
  await install('', common)
  expect(await findOnnxRuntime(root, target)).toBeUndefined()
})

test('of the one in WebAssembly travels what Node needs', async () => {
  await install('', [...common, ...web])
  const found = await findOnnxRuntime(root, target)
  expect(found).toMatchObject({ name: 'onnxruntime-web', version: '1.30.0' })
  expect(found?.files.map(({ path }) => path)).toEqual([
    'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.mjs',
    'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm',
    'node_modules/onnxruntime-web/dist/ort.node.min.mjs',
    'node_modules/onnxruntime-web/package.json',
    'node_modules/onnxruntime-common/dist/esm/index.js',
    'node_modules/onnxruntime-common/package.json',
  ])
})

test('machine code is preferred where there is some for the target, and only that travels', async () => {
  await install('', [...common, ...web, ...node])
  const found = await findOnnxRuntime(root, target)
  expect(found?.name).toBe('onnxruntime-node')
  expect(found?.files.map(({ path }) => path).filter(path => path.includes('/bin/'))).toEqual([
    'node_modules/onnxruntime-node/bin/napi-v6/linux/x64/onnxruntime_binding.node',
  ])
  expect((await findOnnxRuntime(root, { os: 'win32', arch: 'x64' }))?.name).toBe('onnxruntime-web')
})

test('packages are found as Node finds them: further up, and beside each other or within', async () => {
  await install('', web)
  await install('node_modules/onnxruntime-web', common)
  await mkdir(join(root, 'deep', 'in', 'it'), { recursive: true })
  const found = await findOnnxRuntime(join(root, 'deep', 'in', 'it'), target)
  expect(found?.files.some(({ path }) => path === 'node_modules/onnxruntime-common/package.json')).toBe(true)
})
