/** Locks without uv: pip looks up a list that says everything already. It resolves nothing, because it would do so for this machine. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ThampiError } from '../../errors.ts'
import { explainFileError } from '../../system/files.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import type { Target } from '../bundle.ts'
import { normalName } from '../requirement-lines.ts'
import { type MarkerEnvironment, markerEnvironment, markerHolds } from '../wheels/markers.ts'
import { allows, parseRange } from '../wheels/ranges.ts'
import { acceptedTags } from '../wheels/tags.ts'
import type { Question } from './ask.ts'
import { environmentForPip } from './indexes.ts'
import type { LockedPackage } from './pylock.ts'
import { showTarget } from './target.ts'
import { noUv } from './uv.ts'

/** A requirement of PEP 508, taken apart. */
interface Requirement {
  readonly name: string
  readonly extras: readonly string[]
  readonly range: string
  readonly marker: string
}

/** What pip's report says of one wheel; there is more in it. */
interface Reported {
  readonly metadata: {
    readonly name: string
    readonly version: string
    readonly requires_dist?: readonly string[]
  }
  readonly download_info: {
    readonly url: string
    /** pip 22 writes `hash`, `sha256=…`. */ readonly archive_info?: {
      readonly hash?: string
      readonly hashes?: { readonly sha256?: string }
    }
  }
}

/**
 * @param why what stood in the way of uv
 * @throws ThampiError INSTALL_FAILED when some line has no exact version, a package is not listed, or pip does not find one
 */
export async function lockWithPip(
  why: string,
  question: Question,
  python: PythonFound,
  system: System,
): Promise<LockedPackage[]> {
  const { wanted, target, shown } = question
  const environment = markerEnvironment(target)
  const asked = wanted.lines
    .map(parseRequirement)
    .filter(({ marker }) => marker === '' || markerHolds(marker, environment))
  const beyond = beyondPip(asked, question)
  if (beyond !== undefined) {
    const { why: because, fix } = noUv(why)
    throw new ThampiError('INSTALL_FAILED', {
      message: `${beyond}, and uv, which can do that for another machine, is not here.`,
      why: because,
      fix,
    })
  }
  checkConstraints(asked, question)
  system.tell(`looking up ${asked.length} packages for ${showTarget(target)} with pip`)
  const found = await reportOf(asked, question, python, system)
  const problem = firstMissing(asked, found, wanted.brought, environment)
  if (problem !== undefined) {
    throw new ThampiError('INSTALL_FAILED', {
      message: `${shown} is not complete: ${problem}.`,
      why: `uv, which finds what is missing, is not here: ${why}`,
      fix: noUv(why).fix,
    })
  }
  return found.map(({ metadata, download_info }) => ({
    name: normalName(metadata.name),
    version: metadata.version,
    marker: undefined,
    wheels: [wheelOf(download_info)],
    otherwise: undefined,
  }))
}

/** What of the question pip cannot answer, in words. */
function beyondPip(
  asked: readonly Requirement[],
  { wanted, excludeNewer, shown }: Question,
): string | undefined {
  const loose = asked.find(({ range }) => !/^===?[^*,]+$/.test(range))
  if (loose) return `\`${loose.name}\` of ${shown} has no exact version`
  if (wanted.local.length > 0) return `${shown} names files of this disk`
  if (excludeNewer !== undefined) return `Only what was there on ${excludeNewer} is wanted`
  return undefined
}

/** @throws ThampiError INSTALL_FAILED when a version is outside of what a constraint leaves */
function checkConstraints(asked: readonly Requirement[], { wanted, shown }: Question): void {
  for (const { name, range } of wanted.constraints.map(parseRequirement)) {
    const version = asked.find(it => it.name === name)?.range.replace(/^===?/, '')
    const limits = range === '' ? undefined : parseRange(range)
    if (version === undefined || !limits || allows(limits, version)) continue
    throw new ThampiError('INSTALL_FAILED', {
      message: `${shown} wants ${name} ${version}, and a constraint wants ${name} ${range}.`,
      fix: 'change one of the two',
    })
  }
}

async function reportOf(
  asked: readonly Requirement[],
  { indexes, wanted, target, shown }: Question,
  python: PythonFound,
  system: System,
): Promise<Reported[]> {
  const root = join(system.places.home, 'locks')
  await mkdir(root, { recursive: true, mode: 0o700 }).catch(cause => {
    throw explainFileError(cause, root)
  })
  const work = await mkdtemp(join(root, '.work-'))
  try {
    const lines = asked.map(({ name, range }) => `${name}${range}\n`)
    await writeFile(join(work, 'requirements.in'), lines.join(''))
    const { index, links, trusted, none } = wanted.sources
    // uv's indexes may have a name before their address.
    const own =
      index ?? (indexes.env.UV_DEFAULT_INDEX ?? indexes.env.UV_INDEX_URL)?.replace(/^[\w-]+=(?=\w+:)/, '')
    const result = await system.run(
      python.path,
      [
        ...['-I', '-m', 'pip', 'install', '--dry-run', '--ignore-installed', '--quiet', '--report', '-'],
        // Nothing is put there, but pip looks for other machines only when it does not install for this one.
        ...['--target', join(work, 'nothing')],
        ...['--no-deps', '--only-binary=:all:', '-r', 'requirements.in', ...tagsFor(target)],
        ...(none ? ['--no-index'] : []),
        ...links.flatMap(link => ['--find-links', link]),
        ...trusted.flatMap(host => ['--trusted-host', host]),
      ],
      {
        // In the environment and not in the arguments, which everybody on the machine can read.
        env: { ...environmentForPip(system), ...(own === undefined ? {} : { PIP_INDEX_URL: own }) },
        cwd: work,
      },
    )
    if (result.exitCode !== 0) throw explainPip(result.stderr, shown, target)
    const report = JSON.parse(result.stdout) as { readonly install: Reported[] }
    return report.install
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** pip takes tags literally: whatever is not listed does not match. */
function tagsFor(target: Target): string[] {
  const parts = [...acceptedTags(target).keys()].map(tag => tag.split('-'))
  const abis = new Set(parts.map(([, abi = '']) => abi))
  const platforms = new Set(parts.map(([, , platform = '']) => platform))
  platforms.delete('any')
  return [
    ...['--python-version', target.python ?? '', '--implementation', 'cp'],
    ...[...abis].flatMap(abi => ['--abi', abi]),
    ...[...platforms].flatMap(platform => ['--platform', platform]),
  ]
}

/** What a listed package needs and the list does not have, in words; undefined when it is complete. */
function firstMissing(
  asked: readonly Requirement[],
  found: readonly Reported[],
  brought: readonly string[],
  environment: MarkerEnvironment,
): string | undefined {
  const versions = new Map(found.map(({ metadata }) => [normalName(metadata.name), metadata.version]))
  for (const { metadata } of found) {
    const extras = asked.find(({ name }) => name === normalName(metadata.name))?.extras ?? []
    for (const line of metadata.requires_dist ?? []) {
      const { name, range, marker } = parseRequirement(line)
      const counts = ['', ...extras].some(
        extra => marker === '' || markerHolds(marker, { ...environment, extra }),
      )
      if (!counts || brought.includes(name)) continue
      const version = versions.get(name)
      if (version === undefined)
        return `${metadata.name} ${metadata.version} needs ${name}, which it does not list`
      const wanted = range === '' ? undefined : parseRange(range)
      if (wanted && !allows(wanted, version))
        return `${metadata.name} ${metadata.version} needs ${name} ${range}, and it lists ${version}`
    }
  }
  return undefined
}

function parseRequirement(line: string): Requirement {
  const [, name = '', extras = '', range = '', marker = ''] =
    /^([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?\s*([^;]*?)\s*(?:;\s*(.*))?$/s.exec(line) ?? []
  return {
    name: normalName(name),
    extras: extras.split(',').map(normalName).filter(Boolean),
    range: range.replace(/[()\s]/g, ''),
    marker,
  }
}

function wheelOf({ url, archive_info }: Reported['download_info']): LockedPackage['wheels'][number] {
  const place = new URL(url)
  place.username = ''
  place.password = ''
  place.hash = ''
  const file = decodeURIComponent(place.pathname.split('/').at(-1) ?? '')
  const sha256 = archive_info?.hashes?.sha256 ?? /^sha256=(\w+)$/.exec(archive_info?.hash ?? '')?.[1]
  return { file, url: place.href, sha256 }
}

function explainPip(stderr: string, shown: string, target: Target): ThampiError {
  const missing = /No matching distribution found for ([^\s(]+)/.exec(stderr)?.[1]
  if (/NewConnectionError|Connection refused|resolve|timed out|ConnectionError/i.test(stderr)) {
    return new ThampiError('NETWORK', {
      message: `The package index could not be reached for ${shown}.`,
      fix: 'check the network (and HTTPS_PROXY, when you are behind a proxy), then run the command again',
    })
  }
  if (missing !== undefined) {
    return new ThampiError('WHEEL_PLATFORM', {
      message: `The package index has no wheel of ${missing} that runs with ${showTarget(target)}.`,
      fix: `change that line of ${shown} to a version that has one`,
    })
  }
  return new ThampiError('INSTALL_FAILED', {
    message: `pip could not look up the packages of ${shown}.`,
    why: stderr
      .split('\n')
      .findLast(line => /error|no such option/i.test(line))
      ?.replace(/^ERROR:\s*/, ''),
    fix: 'pip install --upgrade pip   # 22.2 or newer is needed; or: pip install uv',
  })
}
