/** How the process of a version is started: which Python, which directories, which environment. */
import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Breed } from '../../sandbox/nursery.ts'
import type { Command } from '../../sandbox/process.ts'
import { digestOf } from '../../system/files.ts'
import type { Environment } from '../../system/places.ts'
import { protocol, type Start } from '../../wire/messages.ts'
import type { Layout } from './layout.ts'
import type { VersionRecord } from './records.ts'

/** Lambda's synchronous limit, kept here too: what works locally must work there. */
export const maxPayloadBytes: number = 6 * 1024 * 1024

/** Loading and `initialize` together. */
const startTimeoutMs = 60_000

/**
 * What a model sees of the user's environment. An allow-list, because the rest holds credentials and tokens
 * that a served model has no business with; whatever else it needs is named in the settings.
 */
const passedOn =
  /^(PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|WINDIR|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|CUDA_[A-Z_]+|NVIDIA_[A-Z_]+|(OMP|OPENBLAS|MKL|NUMEXPR)_[A-Z_]+|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)$/i

/**
 * How many threads the numeric libraries of one sandbox may use. Left alone each takes every core, and sandboxes
 * that compute side by side then slow each other down.
 */
const threadVariables = ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMEXPR_NUM_THREADS']

/** What it takes to run a version: whose zygote its processes may come from, and what they are told. */
export interface Launch {
  readonly breed: Breed
  readonly command: Command
  readonly start: Start
  readonly memoryMb: number
  readonly startTimeoutMs: number
}

export async function launchOf(record: VersionRecord, at: Layout, env: Environment): Promise<Launch> {
  const modelDir = at.layer(record.layers.model)
  const codeDir = at.layer(record.layers.code)
  const hasCode = (await readdir(codeDir).catch(() => [])).length > 0
  const { settings, layers } = record
  const shared = {
    ...threads(settings.maxSandboxes ?? availableParallelism()),
    ...Object.fromEntries(
      Object.entries(env).filter((entry): entry is [string, string] => passedOn.test(entry[0])),
    ),
    ...settings.environment,
    ...pathOf(record, at),
  }
  const program = { file: record.program, args: argumentsOf(record, at) }
  return {
    breed: {
      key: digestOf(
        JSON.stringify([layers.dependencies, layers.runtime, record.program, Object.entries(shared).sort()]),
      ),
      command: { ...program, cwd: at.root, env: shared },
    },
    command: {
      ...program,
      cwd: hasCode ? codeDir : modelDir,
      env: { ...shared, PROJECT: record.model, STAGE: record.stage },
    },
    memoryMb: settings.memoryMb,
    startTimeoutMs,
    start: {
      protocol,
      modelDir,
      codeDir: hasCode ? codeDir : null,
      digests: record.digests,
      servedTimeUtc: record.servedTimeUtc,
      stage: record.stage,
      model: record.model,
      version: record.number,
      errors: settings.errors,
      logLevel: settings.logLevel,
      maxResultBytes: maxPayloadBytes,
      maxBatch: settings.maxBatch,
      maxConcurrency: settings.maxConcurrency,
      ...(settings.memoryWall ? { wallMb: settings.memoryMb } : {}),
    },
  }
}

function argumentsOf(
  { language = 'python', layers, settings, unpacked }: VersionRecord,
  at: Layout,
): string[] {
  const runtime = at.layer(layers.runtime)
  switch (language) {
    case 'python':
      // A directory with a `__main__.py` is a program to Python, and becomes the first entry of its path.
      return unpacked ? [...withoutOwnPackages, runtime] : [runtime]
    case 'node':
      // Unless told, Node sizes its heap by the machine, and collects too late for what the stage allows.
      return [`--max-old-space-size=${settings.memoryMb}`, join(runtime, 'runtime.mjs')]
  }
}

/**
 * What is installed beside a Python whose packages come from a layer does not count: Lambda has not got it. Nor is
 * anything written into the layer, where the owner of all files could.
 */
export const withoutOwnPackages = ['-S', '-B'] as const

/** By a variable, so that processes which a model starts find the same packages. */
function pathOf({ unpacked, layers, settings }: VersionRecord, at: Layout): Record<string, string> {
  if (!unpacked) return {}
  const { PYTHONPATH: own } = settings.environment
  const packages = packagesIn(at.layer(layers.dependencies))
  return { PYTHONPATH: own ? `${packages}${delimiter}${own}` : packages }
}

/** Where a layer of Lambda has its packages. */
export function packagesIn(layer: string): string {
  return join(layer, 'python')
}

function threads(sandboxes: number): Record<string, string> {
  const each = String(Math.max(1, Math.floor(availableParallelism() / sandboxes)))
  return Object.fromEntries(threadVariables.map(name => [name, each]))
}
