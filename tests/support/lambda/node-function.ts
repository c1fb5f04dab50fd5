/** The directory of a Node function as it is unpacked at `/var/task`: our runtime for Lambda around a saved model. */
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { temporaryDirectory } from '../python.ts'
import { servedTimeUtc } from '../talk.ts'

/** What a test wants to be different in `thampi-manifest.json`; `start` member by member. */
export interface ManifestChanges {
  readonly start?: Readonly<Record<string, unknown>>
  readonly model?: unknown
  readonly [member: string]: unknown
}

let runtime: Promise<Uint8Array> | undefined

/** @param saved directory of a saved model; its files go to `model/` */
export async function nodeFunction(saved: string, changes: ManifestChanges = {}): Promise<string> {
  runtime ??= bundled()
  const root = temporaryDirectory()
  writeFileSync(join(root, 'lambda.mjs'), await runtime)
  writeFileSync(join(root, 'thampi_handler.mjs'), "export { handler } from './lambda.mjs'\n")
  cpSync(saved, join(root, 'model'), { recursive: true })
  const { start, ...more } = changes
  const manifest = {
    schemaVersion: 1,
    start: {
      ...{ model: 'mymodel', stage: 'staging', servedTimeUtc, errors: 'full', logLevel: 'INFO' },
      ...{ maxResultBytes: 6 * 1024 * 1024, maxBatch: 1, maxConcurrency: 1, digests: digestsOf(saved) },
      ...start,
    },
    properties: {},
    model: { in: 'function' },
    key: `sha256:${'0'.repeat(64)}`,
    ...more,
  }
  writeFileSync(join(root, 'thampi-manifest.json'), JSON.stringify(manifest))
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

export function digestsOf(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  return Object.fromEntries(
    files
      .filter(file => statSync(join(dir, file)).isFile())
      .map(file => [file, `sha256:${sha256(readFileSync(join(dir, file)))}`]),
  )
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
