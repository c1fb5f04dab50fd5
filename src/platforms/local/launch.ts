/** How the process of a version is started: which Python, which directories, which environment. */
import { readdir } from 'node:fs/promises'
import type { Launch } from '../../sandbox/sandbox.ts'
import type { Environment } from '../../system/places.ts'
import { protocol } from '../../wire/messages.ts'
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

export async function launchOf(record: VersionRecord, at: Layout, env: Environment): Promise<Launch> {
  const modelDir = at.layer(record.layers.model)
  const codeDir = at.layer(record.layers.code)
  const hasCode = (await readdir(codeDir).catch(() => [])).length > 0
  const { settings } = record
  return {
    file: record.python,
    // A directory with a `__main__.py` is a program to Python, and becomes the first entry of its path.
    args: [at.layer(record.layers.runtime)],
    cwd: hasCode ? codeDir : modelDir,
    env: {
      ...Object.fromEntries(
        Object.entries(env).filter((entry): entry is [string, string] => passedOn.test(entry[0])),
      ),
      ...settings.environment,
      PROJECT: record.model,
      STAGE: record.stage,
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
    },
  }
}
