/** Asks uv which versions go together on the target. Nothing of this machine but its indexes has a part in the answer. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { explainFileError } from '../../system/files.ts'
import type { ProgramResult } from '../../system/programs.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import type { Target } from '../bundle.ts'
import { explainUv } from './explain.ts'
import type { Indexes } from './indexes.ts'
import { type LockedPackage, readPylock } from './pylock.ts'
import { showTarget } from './target.ts'
import type { Uv } from './uv.ts'
import type { Wanted } from './wanted.ts'

export interface Question {
  readonly wanted: Wanted
  /** Wheels of this disk, `name @ file:///…`. */
  readonly built: readonly string[]
  /** Directories of wheels that count as if the index had them. */
  readonly links: readonly string[]
  readonly target: Target
  readonly indexes: Indexes
  /** Only what was uploaded before this time, ISO 8601. */
  readonly excludeNewer: string | undefined
  /** torch and its kin come from the index of builds without CUDA. */
  readonly cpuTorch: boolean
  /** How messages name the dependency file. */
  readonly shown: string
}

/** Says that we are still there, as long as it takes. */
const EVERY_MS = 2000

/** @throws ThampiError INSTALL_FAILED, WHEEL_PLATFORM, NETWORK, REQUIREMENTS_INVALID, in the user's words */
export async function resolveWithUv(
  uv: Uv,
  question: Question,
  python: PythonFound,
  system: System,
): Promise<LockedPackage[]> {
  const root = join(system.places.home, 'locks')
  await mkdir(root, { recursive: true, mode: 0o700 }).catch(cause => {
    throw explainFileError(cause, root)
  })
  const work = await mkdtemp(join(root, '.work-'))
  try {
    const { wanted, built, indexes } = question
    await writeFile(join(work, 'requirements.in'), linesOf([...wanted.lines, ...built]))
    await writeFile(join(work, 'constraints.txt'), linesOf(wanted.constraints))
    // Ends uv's search for the settings of a project in the directories above.
    await writeFile(join(work, 'uv.toml'), '')
    const [file, ...first] = uv.command
    const args = [...first, ...argumentsOf(question, python)]
    const said = await telling(question, uv, system, () =>
      system.run(file, args, { env: indexes.env, cwd: work }),
    )
    if (said.exitCode !== 0) throw explainUv(said.stderr, question)
    return readPylock(await readFile(join(work, 'pylock.toml'), 'utf8'), 'the lock of uv', work)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function argumentsOf(question: Question, python: PythonFound): string[] {
  const { wanted, target, links, excludeNewer, cpuTorch } = question
  return [
    ...['pip', 'compile', 'requirements.in', '--constraints', 'constraints.txt'],
    ...['--format', 'pylock.toml', '--output-file', 'pylock.toml', '--no-header', '--quiet'],
    ...['--python-version', target.python ?? '', '--python-platform', platformOf(target)],
    // uv wants some Python beside it although it asks it nothing; without this it would fetch one.
    ...['--python', python.path, '--no-python-downloads'],
    ...['--only-binary', ':all:', '--generate-hashes', '--no-progress'],
    ...['--prerelease', wanted.prereleases ? 'allow' : 'if-necessary-or-explicit'],
    ...links.flatMap(dir => ['--find-links', dir]),
    ...(excludeNewer === undefined ? [] : ['--exclude-newer', excludeNewer]),
    ...(cpuTorch ? ['--torch-backend', 'cpu'] : []),
  ]
}

/** glibc versions that uv has a name for. */
const known = [17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]

function platformOf({ arch, glibc = '2.17' }: Target): string {
  const minor = Number(glibc.split('.')[1])
  const fitting = known.findLast(version => version <= minor) ?? 17
  return `${arch === 'arm64' ? 'aarch64' : 'x86_64'}-manylinux_2_${fitting}`
}

async function telling(
  { wanted, built, target }: Question,
  uv: Uv,
  system: System,
  work: () => Promise<ProgramResult>,
): Promise<ProgramResult> {
  const started = system.now().getTime()
  const seconds = (): string => `${((system.now().getTime() - started) / 1000).toFixed(1)} s`
  const count = wanted.lines.length + built.length
  const what = `${count} ${count === 1 ? 'package' : 'packages'} for ${showTarget(target)} with uv ${uv.version}`
  system.tell(`resolving ${what}`)
  const timer = setInterval(() => system.tell(`resolving ${what} … ${seconds()}`), EVERY_MS)
  try {
    const result = await work()
    if (result.exitCode === 0) system.tell(`resolved ${what} in ${seconds()}`)
    return result
  } finally {
    clearInterval(timer)
  }
}

function linesOf(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('')
}
