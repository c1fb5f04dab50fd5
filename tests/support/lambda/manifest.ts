/** `thampi-manifest.json` for functions that a test lays out itself. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { servedTimeUtc } from '../talk.ts'

/** What a test wants to be different; `start` member by member. */
export interface ManifestChanges {
  readonly start?: Readonly<Record<string, unknown>>
  readonly model?: unknown
  readonly [member: string]: unknown
}

/** Writes it beside the files in `model/` of a task root. */
export function writeManifest(root: string, { start, ...more }: ManifestChanges): void {
  const manifest = {
    schemaVersion: 1,
    start: {
      ...{ model: 'mymodel', stage: 'staging', servedTimeUtc, errors: 'full', logLevel: 'INFO' },
      ...{ maxResultBytes: 6 * 1024 * 1024, maxBatch: 1, maxConcurrency: 1 },
      digests: digestsOf(join(root, 'model')),
      ...start,
    },
    properties: {},
    model: { in: 'function' },
    key: `sha256:${'0'.repeat(64)}`,
    ...more,
  }
  writeFileSync(join(root, 'thampi-manifest.json'), JSON.stringify(manifest))
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
