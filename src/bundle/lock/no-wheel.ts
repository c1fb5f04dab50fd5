/** A package has no wheel for the target: what it has instead, asked of the index before a person hears of it. */
import { ThampiError } from '../../errors.ts'
import type { Target } from '../bundle.ts'
import { normalName } from '../requirement-lines.ts'
import { type Asking, askUv } from './ask.ts'
import { type NoWheelError, reasonIn } from './explain.ts'
import { readPylock } from './pylock.ts'
import { showTarget } from './target.ts'

/** What an index has of a package. */
type Offer =
  | { readonly kind: 'platforms'; readonly version: string; readonly platforms: readonly string[] }
  | { readonly kind: 'python'; readonly version: string; readonly minor: string }
  | { readonly kind: 'source' }

/** Minors that may have had a wheel; older ones nobody saves models with. */
const OLDEST_MINOR = 8

/** Why a person cannot have it, and how it may be had all the same. */
export interface Verdict {
  readonly error: ThampiError
  /** What to ask for when it comes as source only. */
  readonly source: string | undefined
}

/** The verdict on a package of which nothing runs on the target. */
export async function whyNoWheel({ what, said }: NoWheelError, asking: Asking): Promise<Verdict> {
  const { name, version } = what
  const { wanted, shown, target, excludeNewer } = asking.question
  const own = wanted.lines.find(line => normalName(/^[\w.-]+/.exec(line)?.[0] ?? '') === name)
  const line = own ?? (version === undefined ? name : `${name}==${version}`)
  const offer = await offerOf(line, asking)
  const place: Place = {
    asked: version === undefined ? name : `${name} ${version}`,
    line: own === undefined ? `what needs ${name} in ${shown}` : `the line of ${name} in ${shown}`,
    because: own === undefined ? reasonIn(said) : undefined,
    name,
    target,
    excludeNewer,
  }
  return { error: errorOf(offer, place), source: offer.kind === 'source' ? line : undefined }
}

interface Place {
  readonly name: string
  /** With the version, when there was one. */
  readonly asked: string
  /** What a person has to change. */
  readonly line: string
  /** Which other package wants it. */
  readonly because: string | undefined
  readonly target: Target
  readonly excludeNewer: string | undefined
}

function errorOf(offer: Offer, { name, asked, line, because, target, excludeNewer }: Place): ThampiError {
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
        why: because,
        fix: `change ${line} to a version for Python ${target.python}, or save the model with Python ${offer.minor}`,
      })
    case 'source':
      return new ThampiError('WHEEL_PLATFORM', {
        message:
          excludeNewer === undefined
            ? `${asked} comes as source only, and only wheels can be packed for another machine.`
            : `${asked} had no wheel on ${excludeNewer}, and only wheels can be packed for another machine.`,
        why: because,
        fix: `change ${line} to a version that has wheels, or put a wheel of it on an index of yours`,
      })
  }
}

async function offerOf(line: string, asking: Asking): Promise<Offer> {
  const [, wanted = 0] = (asking.question.target.python ?? '').split('.').map(Number)
  for (let minor = wanted; minor >= OLDEST_MINOR; minor--) {
    const there = await wheelsOf(line, `3.${minor}`, asking)
    if (!there) continue
    const { version, files } = there
    const forTarget = files.filter(file => file.includes(`cp3${wanted}-`) || /-(abi3|none)-/.test(file))
    if (minor === wanted && forTarget.length > 0) {
      return { kind: 'platforms', version, platforms: platformsOf(forTarget) }
    }
    const older = files.map(file => Number(/-cp3(\d+)-/.exec(file)?.[1] ?? minor)).filter(it => it < wanted)
    return { kind: 'python', version, minor: `3.${Math.max(minor === wanted ? 0 : minor, ...older)}` }
  }
  return { kind: 'source' }
}

/** All wheels of the version that uv would take if every platform were as good; undefined when there is none. */
async function wheelsOf(
  line: string,
  python: string,
  asking: Asking,
): Promise<{ readonly version: string; readonly files: readonly string[] } | undefined> {
  const args = ['--universal', '--no-deps', '--only-binary', ':all:']
  const { lock } = await askUv(asking, { lines: [line], python, args })
  const [found] = lock === undefined ? [] : readPylock(lock, 'the answer of uv', '/')
  if (found?.version === undefined) return undefined
  return { version: found.version, files: found.wheels.map(({ file }) => file) }
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
