/** The directory of a Node function as it is unpacked at `/var/task`: our runtime for Lambda around a saved model. */
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { temporaryDirectory } from '../python.ts'
import { type ManifestChanges, writeManifest } from './manifest.ts'

let runtime: Promise<Uint8Array> | undefined

/** @param saved directory of a saved model; its files go to `model/` */
export async function nodeFunction(saved: string, changes: ManifestChanges = {}): Promise<string> {
  runtime ??= bundled()
  const root = temporaryDirectory()
  writeFileSync(join(root, 'lambda.mjs'), await runtime)
  writeFileSync(join(root, 'thampi_handler.mjs'), "export { handler } from './lambda.mjs'\n")
  cpSync(saved, join(root, 'model'), { recursive: true })
  writeManifest(root, changes)
  return root
}

/** The runtime as `scripts/build.mjs` makes it. */
async function bundled(): Promise<Uint8Array> {
  const { outputFiles } = await esbuild.build({
    entryPoints: ['src/runtime/lambda/bootstrap.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0]?.contents as Uint8Array
}
