/** The npm package that computes: `onnxruntime-node` or `onnxruntime-web`, whichever travels with the model. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LoadFailure } from '../failure.ts'

/** What both packages have in common, as far as it is used. */
export interface OnnxRuntime {
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OnnxTensor
  readonly InferenceSession: {
    create(model: Uint8Array | string, options: object): Promise<Session>
  }
  readonly env: { readonly wasm: { numThreads?: number } }
}

export interface OnnxTensor {
  readonly type: string
  readonly data: unknown
  readonly dims: readonly number[]
}

export interface Session {
  run(
    feeds: Readonly<Record<string, OnnxTensor>>,
    fetches: readonly string[],
  ): Promise<Readonly<Record<string, OnnxTensor>>>
}

export interface Opened {
  readonly ort: OnnxRuntime
  /** It reads files itself, which the one in WebAssembly cannot. */
  readonly isNative: boolean
}

/** Imports the package below `codeDir`. Throws `LoadFailure`. */
export async function openRuntime(codeDir: string | null, name: string): Promise<Opened> {
  const packages = join(codeDir ?? '', 'node_modules')
  const web = join(packages, 'onnxruntime-web', 'dist', 'ort.node.min.mjs')
  if (codeDir !== null && existsSync(join(packages, 'onnxruntime-node'))) {
    return { ort: createRequire(join(packages, 'x.js'))('onnxruntime-node'), isNative: true }
  }
  if (codeDir !== null && existsSync(web)) {
    const ort = (await import(pathToFileURL(web).href)) as OnnxRuntime
    // Threads of its own would compete with the other sandboxes.
    ort.env.wasm.numThreads = 1
    return { ort, isNative: false }
  }
  throw new LoadFailure('MODEL_LOAD_FAILED', {
    message: `${name} is an ONNX model, and nothing that runs one travels with it.`,
    fix: 'npm install onnxruntime-web, and serve it again',
  })
}
