/** A Node runtime as a bundle carries it, and models to try it with. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as esbuild from 'esbuild'
import { temporaryDirectory } from './python.ts'

/** The runtime, bundled from its sources: a directory with `runtime.mjs`. */
export async function nodeLayer(): Promise<string> {
  const dir = temporaryDirectory()
  await esbuild.build({
    entryPoints: ['src/runtime/bootstrap.ts'],
    outfile: join(dir, 'runtime.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  })
  return dir
}

/** Makes a saved model of source text whose default export is a class or a definition. */
export async function saveSource(
  source: string,
  properties: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const dir = temporaryDirectory()
  await esbuild.build({
    stdin: { contents: source, resolveDir: resolve('.'), sourcefile: 'iris.ts', loader: 'ts' },
    outfile: join(dir, 'model.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    keepNames: true,
    sourcemap: 'inline',
    logLevel: 'error',
  })
  const facts = {
    thampi_data_version: '0.1',
    trained_time_utc: '2018-09-06T22:03:04.886644',
    instance_id: randomUUID(),
    ...properties,
  }
  writeFileSync(join(dir, 'thampi.json'), JSON.stringify(facts))
  writeFileSync(join(dir, 'saved.json'), JSON.stringify({ schemaVersion: 1, format: 'typescript' }))
  return dir
}
