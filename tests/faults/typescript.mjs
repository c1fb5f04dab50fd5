/** Lets Node 20 run the suite's TypeScript as it stands: `node --import ./tests/faults/typescript.mjs tests/faults/run.ts`. */
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { transform } from 'esbuild'

// Node runs the hooks of this very file in a thread of their own.
if (isMainThread) register(import.meta.url)

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context)
  const path = fileURLToPath(url)
  const { code } = await transform(await readFile(path, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    sourcefile: path,
    define: { __THAMPI_VERSION__: '"faults"' },
  })
  return { format: 'module', source: code, shortCircuit: true }
}
