/** Small files that must never be half right: each carries a version and a checksum, and is written whole. */
import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Language, LayerKind } from '../../bundle/bundle.ts'
import type { Likeness } from '../../bundle/likeness.ts'
import { systemCode, ThampiError } from '../../errors.ts'
import type { Properties } from '../../model/saved-model.ts'
import type { Stage } from '../../settings/stage.ts'
import { type Digest, digestOf, explainFileError, readIfThere, writeWhole } from '../../system/files.ts'
import type { Layout, StageKey } from './layout.ts'

/** What of a stage's settings a version keeps: it answers the same way for ever, whatever the file says later. */
export type VersionSettings = Pick<
  Stage,
  | 'memoryMb'
  | 'timeoutSeconds'
  | 'keepWarm'
  | 'maxSandboxes'
  | 'maxBatch'
  | 'maxWaitMs'
  | 'maxConcurrency'
  | 'maxQueue'
  | 'idempotent'
  | 'memoryWall'
  | 'fork'
  | 'environment'
  | 'errors'
  | 'logLevel'
  | 'apiKeyRequired'
  | 'cors'
  | 'record'
  | 'recordHide'
>

export interface VersionRecord extends StageKey {
  readonly number: number
  readonly bundle: Digest
  readonly servedTimeUtc: string
  readonly properties: Properties
  /** Of the runtime; absent in records from before there was a choice. */
  readonly language?: Language
  /** The Python or the Node that runs it. */
  readonly program: string
  /** Sorted `name==version` lines of its dependencies; absent in records from before they were kept. */
  readonly packages?: readonly string[]
  /** How it is related to what Lambda gets; absent where the settings do not mean Lambda. */
  readonly likeness?: Likeness | undefined
  /** Its packages lie in the store, as a layer like the others; absent: beside its program. */
  readonly unpacked?: true | undefined
  readonly layers: Readonly<Record<LayerKind, Digest>>
  /** File of the model layer → digest: what the runtime compares before it loads. */
  readonly digests: Readonly<Record<string, Digest>>
  readonly settings: VersionSettings
  readonly by?: string | undefined
  readonly commit?: string | undefined
  /** Whether its processes may be forked; known once the model was loaded. */
  readonly mayFork?: boolean
}

/** What zygotes of a breed import. */
export interface ZygoteRecord {
  readonly imports: readonly string[]
}

/** The pointer of a stage. */
export interface CurrentRecord {
  /** Every version that ever had traffic. */
  readonly routed: readonly number[]
  readonly weights: readonly (readonly [number: number, percent: number])[]
}

export interface HostRecord {
  readonly port: number
}

interface Envelope {
  readonly schemaVersion: 1
  readonly checksum: Digest
  readonly content: unknown
}

export async function writeRecord(path: string, content: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const envelope: Envelope = { schemaVersion: 1, checksum: checksumOf(content), content }
  await writeWhole(path, `${JSON.stringify(envelope, null, 2)}\n`)
}

/** The content, or undefined when there is no file. A file that is not as it was written is refused by name. */
export async function readRecord<T extends object>(path: string): Promise<T | undefined> {
  const text = await readIfThere(path)
  if (text === undefined) return undefined
  let envelope: Partial<Envelope>
  try {
    envelope = JSON.parse(text) as Partial<Envelope>
  } catch (cause) {
    throw damaged(path, 'it is not JSON', cause)
  }
  if (envelope?.schemaVersion !== 1)
    throw damaged(path, `its schemaVersion is ${envelope?.schemaVersion}, not 1`)
  if (checksumOf(envelope.content) !== envelope.checksum)
    throw damaged(path, 'its checksum does not fit its content')
  return envelope.content as T
}

function checksumOf(content: unknown): Digest {
  return digestOf(JSON.stringify(content) ?? '')
}

function damaged(path: string, why: string, cause?: unknown): ThampiError {
  return new ThampiError('INTEGRITY', {
    message: `"${path}" is damaged: ${why}.`,
    fix: 'serve the stage again; the damaged file is then replaced',
    cause,
  })
}

/** Every stage that has a pointer on disk. */
export async function stagesOnDisk(at: Layout): Promise<StageKey[]> {
  const keys: StageKey[] = []
  for (const model of await names(at.projects)) {
    for (const stage of await names(join(at.projects, model))) {
      if (existsSync(at.current({ stage, model }))) keys.push({ stage, model })
    }
  }
  return keys
}

/** The version numbers of a stage, ascending. */
export async function versionsOnDisk(at: Layout, key: StageKey): Promise<number[]> {
  const files = await names(dirname(at.version(key, 1)))
  return files
    .map(name => Number(/^(\d+)\.json$/.exec(name)?.[1]))
    .filter(Number.isInteger)
    .sort((a, b) => a - b)
}

/** Only a directory that is not there has no names: one that cannot be read must not look empty. */
async function names(dir: string): Promise<string[]> {
  return readdir(dir).catch(cause => {
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw explainFileError(cause, dir)
  })
}
