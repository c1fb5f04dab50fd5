/** A package has no wheel for the target: what it has instead, asked of the index before a person hears of it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ThampiError } from '../../errors.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import { normalName } from '../requirement-lines.ts'
import { type NoWheelError, reasonIn } from './explain.ts'
import { readPylock } from './pylock.ts'
import type { Question } from './resolve.ts'
import { showTarget } from './target.ts'
import type { Uv } from './uv.ts'

/** What an index has of a package. */
type Offer =
  | { readonly kind: 'platforms'; readonly version: string; readonly platforms: readonly string[] }
  | { readonly kind: 'python'; readonly version: string; readonly minor: string }
  | { readonly kind: 'source' }

/** Minors that may have had a wheel; older ones nobody saves models with. */
const OLDEST_MINOR = 8

/** The error for a package of which nothing runs on the target. */
export async function whyNoWheel(
  { what, said }: NoWheelError,
  uv: Uv,
  question: Question,
  python: PythonFound,
  system: System,
): Promise<ThampiError> {
  const { name, version } = what
  const { target, shown } = question
  const asked = version === undefined ? name : `${name} ${version}`
  const own = question.wanted.lines.find(line => normalName(/^[\w.-]+/.exec(line)?.[0] ?? '') === name)
  const wanted = own !== undefined
  const line = wanted ? `the line of ${name} in ${shown}` : `what needs ${name} in ${shown}`
  const exact = version === undefined ? name : `${name}==${version}`
  const offer = await offerOf(own ?? exact, uv, question, python, system)
  switch (offer.kind) {
    case 'platforms':
      return new ThampiError('WHEEL_PLATFORM', {
        message: `${name} ${offer.version} has no wheel that runs with ${showTarget(target)}.`,
        why: `It has wheels for ${offer.platforms.join(', ')}.`,
        fix: offer.platforms.some(platform => platform.includes('glibc'))
          ? `change ${line} to an older version, whose wheels want an older glibc`
          : `change ${line} to a package that runs on Linux, or give it a condition: ${name}; sys_platform == "win32"`,
      })
    case 'python':
      return new ThampiError('WHEEL_PLATFORM', {
        message: `${name} ${offer.version} has no wheel for Python ${target.python}; the newest it has one for is ${offer.minor}.`,
        why: wanted ? undefined : reasonIn(said),
        fix: `change ${line} to a version for Python ${target.python}, or save the model with Python ${offer.minor}`,
      })
    case 'source':
      return new ThampiError('WHEEL_PLATFORM', {
        message: `${asked} comes as source only, and only wheels can be packed for another machine.`,
        why: wanted ? undefined : reasonIn(said),
        fix: `change ${line} to a version that has wheels, or put a wheel of it on an index of yours`,
      })
  }
}

async function offerOf(
  line: string,
  uv: Uv,
  question: Question,
  python: PythonFound,
  system: System,
): Promise<Offer> {
  const [, wanted = 0] = (question.target.python ?? '').split('.').map(Number)
  const ask = (minor: number): Promise<{ version: string; files: string[] } | undefined> =>
    wheelsOf(line, `3.${minor}`, uv, question, python, system)
  for (let minor = wanted; minor >= OLDEST_MINOR; minor--) {
    const there = await ask(minor)
    if (!there) continue
    const { version, files } = there
    const forTarget = files.filter(file => file.includes(`cp3${wanted}-`) || /-(abi3|none)-/.test(file))
    if (minor === wanted && forTarget.length > 0) {
      return { kind: 'platforms', version, platforms: platformsOf(forTarget) }
    }
    const newest = files.map(file => Number(/-cp3(\d+)-/.exec(file)?.[1] ?? minor)).filter(m => m < wanted)
    return { kind: 'python', version, minor: `3.${Math.max(minor === wanted ? 0 : minor, ...newest)}` }
  }
  return { kind: 'source' }
}

/** All wheels of the version that uv would take if every platform were as good; undefined when there is none. */
async function wheelsOf(
  line: string,
  pythonVersion: string,
  uv: Uv,
  { indexes, excludeNewer, wanted }: Question,
  python: PythonFound,
  system: System,
): Promise<{ version: string; files: string[] } | undefined> {
  const work = await mkdtemp(join(system.places.home, 'locks', '.work-'))
  try {
    await writeFile(join(work, 'requirements.in'), `${line}\n`)
    await writeFile(join(work, 'uv.toml'), '')
    const [file, ...first] = uv.command
    const { exitCode } = await system.run(
      file,
      [
        ...[
          ...first,
          'pip',
          'compile',
          'requirements.in',
          '--universal',
          '--no-deps',
          '--quiet',
          '--no-progress',
        ],
        ...['--format', 'pylock.toml', '--output-file', 'pylock.toml', '--only-binary', ':all:'],
        ...['--python-version', pythonVersion, '--python', python.path, '--no-python-downloads'],
        ...['--prerelease', wanted.prereleases ? 'allow' : 'if-necessary-or-explicit'],
        ...(excludeNewer === undefined ? [] : ['--exclude-newer', excludeNewer]),
      ],
      { env: indexes.env, cwd: work },
    )
    if (exitCode !== 0) return undefined
    const text = await readFile(join(work, 'pylock.toml'), 'utf8')
    const [found] = readPylock(text, 'the answer of uv', work)
    return found?.version === undefined
      ? undefined
      : { version: found.version, files: found.wheels.map(({ file }) => file) }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** `Windows (amd64)`, `Linux x86_64 with glibc 2.39` …, each once. */
function platformsOf(files: readonly string[]): string[] {
  const shown = files.map(file => {
    const tag =
      file
        .replace(/\.whl$/, '')
        .split('-')
        .at(-1) ?? ''
    const [, glibc, arch] = /(?:^|\.)manylinux_2_(\d+)_(\w+?)(?:\.|$)/.exec(tag) ?? []
    if (glibc !== undefined) return `Linux ${arch} with glibc 2.${glibc}`
    const musl = /musllinux_\d+_\d+_(\w+?)(?:\.|$)/.exec(tag)?.[1]
    if (musl !== undefined) return `Linux ${musl} with musl`
    const mac = /macosx_\d+_\d+_(\w+?)(?:\.|$)/.exec(tag)?.[1]
    if (mac !== undefined) return `macOS ${mac}`
    return tag.startsWith('win') ? `Windows ${tag.replace(/^win_?/, '')}` : tag
  })
  return [...new Set(shown)].sort()
}
