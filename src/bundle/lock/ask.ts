/** One run of `uv pip compile`, in a directory of its own, in which nothing of this machine or of the project counts. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { explainFileError, readIfThere } from '../../system/files.ts'
import type { Environment } from '../../system/places.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import type { Target } from '../bundle.ts'
import type { Indexes } from './indexes.ts'
import type { Uv } from './uv.ts'
import type { Wanted } from './wanted.ts'

/** What is to be resolved, and for which machine. */
export interface Question {
  readonly wanted: Wanted
  readonly target: Target
  readonly indexes: Indexes
  /** Only what was uploaded before this time, ISO 8601. */
  readonly excludeNewer: string | undefined
  /** torch and its kin come from the index of builds without CUDA. */
  readonly cpuTorch: boolean
  /** How messages name the dependency file. */
  readonly shown: string
}

/** A question, and who answers it. */
export interface Asking {
  readonly question: Question
  readonly uv: Uv
  /** Any Python: uv wants one beside it although it asks it nothing. */
  readonly python: PythonFound
  readonly system: System
}

export interface Answer {
  readonly stderr: string
  /** A `pylock.toml`; undefined when there is no answer. */
  readonly lock: string | undefined
}

export interface Asked {
  readonly lines: readonly string[]
  readonly constraints?: readonly string[]
  /** Beside those that every question has. */
  readonly args: readonly string[]
  readonly python: string
}

/** @throws ThampiError DISK_FULL, PERMISSION */
export async function askUv({ question, uv, python, system }: Asking, asked: Asked): Promise<Answer> {
  const { excludeNewer, wanted, indexes } = question
  return inWork(system, async work => {
    await writeFile(join(work, 'requirements.in'), linesOf(asked.lines))
    await writeFile(join(work, 'constraints.txt'), linesOf(asked.constraints ?? []))
    // Ends uv's search for the settings of a project in the directories above.
    await writeFile(join(work, 'uv.toml'), '')
    const [file, ...first] = uv.command
    const { exitCode, stderr } = await system.run(
      file,
      [
        ...[...first, 'pip', 'compile', 'requirements.in', '--constraints', 'constraints.txt'],
        ...[
          '--format',
          'pylock.toml',
          '--output-file',
          'pylock.toml',
          '--no-header',
          '--quiet',
          '--no-progress',
        ],
        // Without these uv would look for a Python of that version, and fetch one.
        ...['--python-version', asked.python, '--python', python.path, '--no-python-downloads'],
        ...['--prerelease', wanted.prereleases ? 'allow' : 'if-necessary-or-explicit'],
        ...(excludeNewer === undefined ? [] : ['--exclude-newer', excludeNewer]),
        ...asked.args,
      ],
      { env: buildEnvironment(indexes.env), cwd: work },
    )
    return { stderr, lock: exitCode === 0 ? await readIfThere(join(work, 'pylock.toml')) : undefined }
  })
}

/** The times in a wheel are part of its bytes: 1980, the first that a zip can hold, is as good as any. */
export function buildEnvironment(env: Environment): Environment {
  return { ...env, SOURCE_DATE_EPOCH: '315532800' }
}

/** A directory under our own that is gone afterwards. */
export async function inWork<T>(system: System, work: (dir: string) => Promise<T>): Promise<T> {
  const root = join(system.places.home, 'locks')
  await mkdir(root, { recursive: true, mode: 0o700 }).catch(cause => {
    throw explainFileError(cause, root)
  })
  const dir = await mkdtemp(join(root, '.work-'))
  try {
    return await work(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function linesOf(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('')
}
