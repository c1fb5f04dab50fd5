/** What stays with a version after its proof, and what it is made of: for comparing two versions. */
import { readdir, rm } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import type { Evidence, Proof } from '../../model/proof.ts'
import { readSchema } from '../../model/schema.ts'
import { type Digest, digestOfFile } from '../../system/files.ts'
import type { VersionContents } from '../platform.ts'
import { packagesIn } from './launch.ts'
import type { Layout, StageKey } from './layout.ts'
import { readRecord, type VersionRecord, versionsOnDisk, writeRecord } from './records.ts'

/** Replaces what was kept before. Evidence of versions that are gone goes on this occasion. */
export async function keepEvidence(
  at: Layout,
  key: StageKey,
  number: number,
  evidence: Evidence,
): Promise<void> {
  await writeRecord(at.evidence(key, number), evidence)
  const numbers = new Set(await versionsOnDisk(at, key))
  const dir = dirname(at.evidence(key, number))
  for (const name of await readdir(dir)) {
    const of = /^(\d+)\.evidence\.json$/.exec(name)?.[1]
    if (of !== undefined && !numbers.has(Number(of))) await rm(join(dir, name), { force: true })
  }
}

/** Undefined for versions that were released before there was evidence, or whose file is damaged. */
export async function readProof(at: Layout, key: StageKey, number: number): Promise<Proof | undefined> {
  return (await readEvidence(at, key, number).catch(() => undefined))?.proof
}

export async function contentsOf(at: Layout, record: VersionRecord): Promise<VersionContents> {
  return {
    properties: record.properties,
    language: record.language ?? 'python',
    packages: record.packages,
    code: await digestsIn(at.layer(record.layers.code)),
    schema: await readSchema(at.layer(record.layers.model)),
    evidence: await readEvidence(at, record, record.number),
    here: {
      modelDir: at.layer(record.layers.model),
      codeDir: at.layer(record.layers.code),
      program: record.program,
      ...(record.unpacked ? { packagesDir: packagesIn(at.layer(record.layers.dependencies)) } : {}),
    },
  }
}

export function readEvidence(at: Layout, key: StageKey, number: number): Promise<Evidence | undefined> {
  return readRecord<Evidence>(at.evidence(key, number))
}

async function digestsIn(dir: string): Promise<Record<string, Digest>> {
  const digests: Record<string, Digest> = Object.create(null)
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries.filter(found => found.isFile())) {
    const path = join(entry.parentPath, entry.name)
    digests[relative(dir, path).split(sep).join('/')] = await digestOfFile(path)
  }
  return digests
}
