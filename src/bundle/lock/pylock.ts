/** `pylock.toml` (PEP 751): read from anybody, written by us with one wheel for each package. */
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parse } from 'smol-toml'
import { ThampiError } from '../../errors.ts'
import { type Digest, digestOf } from '../../system/files.ts'
import { normalName } from '../requirement-lines.ts'
import type { LockedWheel } from './lock.ts'

/** A wheel as a lock lists it: what its author did not know is missing. */
export interface ListedWheel extends Omit<LockedWheel, 'name' | 'version' | 'sha256'> {
  readonly sha256: string | undefined
}

/** A package of a lock with all the wheels that somebody listed for it. */
export interface LockedPackage {
  /** Normalised. */
  readonly name: string
  readonly version: string | undefined
  /** A condition of PEP 508; the package counts only where it holds. */
  readonly marker: string | undefined
  readonly wheels: readonly ListedWheel[]
  /** Where it comes from when no wheel is listed. */
  readonly otherwise: 'sdist' | 'vcs' | 'directory' | 'archive' | undefined
}

/**
 * The packages of any `pylock.toml`.
 *
 * @param shown how messages name the file
 * @param base the directory that its relative paths begin at
 * @throws ThampiError REQUIREMENTS_INVALID when it is no lock, or one of a newer major version
 */
export function readPylock(text: string, shown: string, base: string): LockedPackage[] {
  const document = tomlOf(text, shown)
  const version = document['lock-version']
  if (typeof version !== 'string' || !/^1\.\d+$/.test(version)) {
    throw invalid(`${shown} is no pylock.toml of version 1.`, `lock-version is ${JSON.stringify(version)}.`)
  }
  const packages = document.packages ?? []
  if (!Array.isArray(packages)) throw invalid(`${shown}: "packages" is not a list.`)
  return packages.map(item => packageOf(item, shown, base))
}

/**
 * The wheels of a lock that `writePylock` wrote.
 *
 * @throws ThampiError REQUIREMENTS_INVALID when some package has no wheel, or several
 * @example
 * parsePylock(writePylock(wheels, '3.13')) // equals `wheels`
 */
export function parsePylock(text: string, shown = 'pylock.toml'): LockedWheel[] {
  return readPylock(text, shown, '/').map(({ name, version, wheels }) => {
    const [wheel, second] = wheels
    const { sha256 } = wheel ?? {}
    if (wheel === undefined || sha256 === undefined || second !== undefined || version === undefined) {
      throw invalid(`${shown}: ${name} has ${wheels.length} wheels where one was chosen.`)
    }
    return { name, version, ...wheel, sha256 }
  })
}

/** Archives of source that a lock lists, under the names of their packages. */
export function sdistsOf(text: string): LockedWheel[] {
  const { packages } = tomlOf(text, 'the answer of uv')
  return (Array.isArray(packages) ? packages : []).flatMap(item => {
    if (!isTable(item) || !isTable(item.sdist)) return []
    const { name, version } = packageOf(item, 'the answer of uv', '/')
    const { sha256, ...file } = fileOf(item.sdist, name, 'the answer of uv', '/')
    return sha256 === undefined ? [] : [{ name, version: version ?? '', ...file, sha256 }]
  })
}

/** The same wheels give the same text: nothing in it tells when, where or by whom it was made. */
export function writePylock(wheels: readonly LockedWheel[], python: string): string {
  const lines = [
    '# Made by thampi: the wheels of a model for the machine it is packed for.',
    'lock-version = "1.0"',
    `requires-python = "==${python}.*"`,
    'created-by = "thampi"',
  ]
  for (const { name, version, file, url, sha256, bytes } of sorted(wheels)) {
    const size = bytes === undefined ? '' : `, size = ${bytes}`
    const place = url.startsWith('file:') ? `path = ${quoted(fileURLToPath(url))}` : `url = ${quoted(url)}`
    lines.push(
      '',
      '[[packages]]',
      `name = ${quoted(name)}`,
      `version = ${quoted(version)}`,
      'wheels = [',
      `  { name = ${quoted(file)}, ${place}${size}, hashes = { sha256 = ${quoted(sha256)} } },`,
      ']',
    )
  }
  return `${lines.join('\n')}\n`
}

/** Of what is packed. Where it was fetched from has no part in it. */
export function digestOfWheels(wheels: readonly LockedWheel[]): Digest {
  const lines = sorted(wheels).map(
    ({ name, version, file, sha256 }) => `${name}==${version} ${file} ${sha256}\n`,
  )
  return digestOf(lines.join(''))
}

export function sorted(wheels: readonly LockedWheel[]): LockedWheel[] {
  return [...wheels].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

type Table = Readonly<Record<string, unknown>>

function tomlOf(text: string, shown: string): Table {
  try {
    return parse(text)
  } catch (cause) {
    throw invalid(`${shown} is not TOML.`, cause instanceof Error ? cause.message.split('\n')[0] : undefined)
  }
}

function packageOf(item: unknown, shown: string, base: string): LockedPackage {
  if (!isTable(item) || typeof item.name !== 'string') throw invalid(`${shown}: a package has no name.`)
  const name = normalName(item.name)
  const wheels = Array.isArray(item.wheels) ? item.wheels.map(wheel => fileOf(wheel, name, shown, base)) : []
  if (isTable(item.archive)) {
    const archive = fileOf(item.archive, name, shown, base)
    if (archive.file.endsWith('.whl')) wheels.push(archive)
  }
  const otherwise = (['vcs', 'directory', 'archive', 'sdist'] as const).find(key => item[key] !== undefined)
  return {
    name,
    version: typeof item.version === 'string' ? item.version : undefined,
    marker: typeof item.marker === 'string' ? item.marker : undefined,
    wheels,
    otherwise: wheels.length > 0 ? undefined : otherwise,
  }
}

function fileOf(value: unknown, name: string, shown: string, base: string): ListedWheel {
  const { name: file, url, path, size, hashes } = isTable(value) ? value : {}
  const place =
    typeof url === 'string'
      ? withoutUser(url)
      : typeof path === 'string'
        ? new URL(path, `${pathToFileURL(base)}/`).href
        : undefined
  const sha256 = isTable(hashes) ? hashes.sha256 : undefined
  if (place === undefined) throw invalid(`${shown}: a file of ${name} has neither "url" nor "path".`)
  return {
    file: typeof file === 'string' ? file : fileNameOf(place),
    url: place,
    sha256: typeof sha256 === 'string' && /^[0-9a-f]{64}$/i.test(sha256) ? sha256.toLowerCase() : undefined,
    ...(typeof size === 'number' ? { bytes: size } : {}),
  }
}

function fileNameOf(url: string): string {
  return decodeURIComponent(basename(new URL(url).pathname))
}

function withoutUser(url: string): string {
  const parsed = new URL(url)
  parsed.username = ''
  parsed.password = ''
  parsed.hash = ''
  return parsed.href
}

/** A TOML basic string is a JSON string, except for the one character that JSON leaves as it is. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string, why?: string): ThampiError {
  return new ThampiError('REQUIREMENTS_INVALID', {
    message,
    why,
    fix: 'make the lock again, or pass a requirements file with --dependency_file',
  })
}
