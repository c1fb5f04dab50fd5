/** Of the wheels of each package the one that the target likes best, with a hash that the file agrees to. */
import { fileURLToPath } from 'node:url'
import { ThampiError } from '../../errors.ts'
import { digestOfFile } from '../../system/files.ts'
import type { Target } from '../bundle.ts'
import { parseWheelName } from '../wheels/name.ts'
import { acceptedTags, bestWheel } from '../wheels/tags.ts'
import type { LockedWheel } from './lock.ts'
import type { ListedWheel, LockedPackage } from './pylock.ts'
import { showTarget } from './target.ts'
import type { Wanted } from './wanted.ts'

/**
 * @param shown how messages name the dependency file
 * @throws ThampiError INSTALL_FAILED when a hash of the file is not met, WHEEL_PLATFORM when no wheel fits
 */
export async function chooseWheels(
  packages: readonly LockedPackage[],
  wanted: Wanted,
  target: Target,
  shown: string,
): Promise<LockedWheel[]> {
  const accepted = acceptedTags(target)
  const chosen = packages.map(async ({ name, version, wheels }) => {
    const fitting = await Promise.all(
      wheels.filter(wheel => bestWheel([wheel], ({ file }) => parseWheelName(file), accepted)).map(withHash),
    )
    const allowed = fitting.filter(({ sha256 }) => isExpected(name, sha256, wanted))
    const best = bestWheel(allowed, ({ file }) => parseWheelName(file), accepted)
    if (best) return { name, version: version ?? parseWheelName(best.file)?.version ?? '', ...best }
    const [first] = fitting
    if (first) throw unexpected(name, version, first.sha256, wanted, shown)
    throw new ThampiError('WHEEL_PLATFORM', {
      message: `${name} ${version ?? ''} has no wheel that runs with ${showTarget(target)}.`,
      fix: `change the line of ${name} in ${shown} to another version`,
    })
  })
  return Promise.all(chosen)
}

/** Of a wheel on this disk it is made; nobody else knows it. */
async function withHash(wheel: ListedWheel): Promise<ListedWheel & { readonly sha256: string }> {
  const { sha256, url, file } = wheel
  if (sha256 !== undefined) return { ...wheel, sha256 }
  if (url.startsWith('file:')) {
    const digest = await digestOfFile(fileURLToPath(url))
    return { ...wheel, sha256: digest.slice('sha256:'.length) }
  }
  throw new ThampiError('INSTALL_FAILED', {
    message: `The package index gives no SHA-256 for ${file}.`,
    why: 'Without one nobody can tell later that it is the same file.',
    fix: 'use an index that publishes hashes, or put that wheel into the project ("dependency_sources": ["local"])',
  })
}

/** As pip does it: one hash in the file, and every package needs one. */
function isExpected(name: string, sha256: string, { hashed, hashes, unhashed }: Wanted): boolean {
  const given = hashes.get(name)
  if (given) return given.has(sha256)
  return !hashed || unhashed.has(name)
}

function unexpected(
  name: string,
  version: string | undefined,
  sha256: string,
  { hashes }: Wanted,
  shown: string,
): ThampiError {
  const given = hashes.get(name)
  const what = version === undefined ? name : `${name} ${version}`
  return new ThampiError('INSTALL_FAILED', {
    message: given
      ? `${what} does not have the hash that ${shown} gives.`
      : `${what} is needed, and ${shown} has no hash for it although it has hashes.`,
    why: given
      ? `The index says sha256:${sha256}, the file says ${[...given].map(hex => `sha256:${hex}`).join(', ')}.`
      : undefined,
    fix: `make the hashes in ${shown} again, for all packages: uv pip compile --generate-hashes …`,
  })
}
