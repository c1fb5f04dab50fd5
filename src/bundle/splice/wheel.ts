/** One wheel, opened and judged: what of it goes into `site-packages`, and whether it is what it says (PEP 427). */
import { ThampiError } from '../../errors.ts'
import { normalName } from '../requirement-lines.ts'
import { parseWheelName } from '../wheels/name.ts'
import { compareVersions, parseVersion } from '../wheels/version.ts'
import type { ZipLimits } from '../zip/directory.ts'
import { contentOf, readZip } from '../zip/read.ts'
import type { ZipEntry } from '../zip/zip.ts'
import { parseRecord, type Recorded } from './record.ts'
import { isNeeded } from './slim.ts'

/** A wheel that is on this machine. */
export interface Wheel {
  /** Normalised: `scikit-learn`. */
  readonly name: string
  readonly version: string
  /** Name of the wheel's file. */
  readonly file: string
  /** 64 hexadecimal digits, of the file's bytes. */
  readonly sha256: string
  /** Where it is. */
  readonly path: string
}

/** A file of a wheel and where Python will look for it. */
export interface WheelFile {
  /** Below `site-packages`. */
  readonly path: string
  readonly entry: ZipEntry
  /** What the wheel's own list says about it. */
  readonly recorded: Recorded
  /** It came out of the `.data` directory, which may put files anywhere. */
  readonly moved: boolean
}

export interface OpenWheel {
  readonly wheel: Wheel
  readonly files: readonly WheelFile[]
  readonly dropped: { readonly files: number; readonly bytes: number }
  /** Made for one platform, unlike `py3-none-any`. */
  readonly native: boolean
  close(): Promise<void>
}

/** Frameworks are wheels too: the biggest have 20,000 files and 3 GB. */
export const limits: ZipLimits = { entries: 100_000, bytes: 8 * 1024 ** 3, ratio: 200 }
/** `METADATA` holds a whole README, `RECORD` a line for each file; nothing honest is bigger. */
const LONGEST_TEXT = 32 * 1024 * 1024
const PROCESSOR = /(any|x86_64|aarch64|i686|armv7l|arm64|amd64|win32|universal2|ppc64le|s390x)$/
/** Lists of files that sign the list of files: they cannot stand in it. */
const UNLISTED = /^RECORD(\.jws|\.p7s)?$/

/**
 * Opens a wheel. With `slim`, what no prediction needs is left out.
 *
 * @throws ThampiError WHEEL_INVALID, which names the package
 */
export async function openWheel(wheel: Wheel, slim: boolean): Promise<OpenWheel> {
  const zip = await readZip(wheel.path, limits).catch(cause => {
    throw explained(wheel, cause)
  })
  try {
    const info = infoDirectory(wheel, zip.entries)
    const text = async (name: string): Promise<string> => textOf(wheel, zip.entries, `${info}/${name}`)
    const tags = checkWheelFile(wheel, await text('WHEEL'))
    checkMetadata(wheel, await text('METADATA'))
    const record = parseRecord(await text('RECORD'))
    const files: WheelFile[] = []
    const dropped = { files: 0, bytes: 0 }
    for (const entry of zip.entries) {
      const place = placeOf(wheel, entry.path, info)
      if (place === undefined || !isNeeded(place, wheel.name, slim)) {
        dropped.files += 1
        dropped.bytes += entry.bytes
        continue
      }
      files.push({
        path: place,
        entry,
        recorded: recordedOf(wheel, record, entry, info),
        moved: place !== entry.path,
      })
    }
    checkNothingMissing(wheel, record, zip.entries, info, slim)
    return { wheel, files, dropped, native: tags.every(tag => !tag.endsWith('-any')), close: zip.close }
  } catch (cause) {
    await zip.close()
    throw explained(wheel, cause)
  }
}

/** Says whose wheel it is; what an archive is accused of becomes the reason. */
export function explained(wheel: Wheel, cause: unknown): unknown {
  if (!(cause instanceof ThampiError) || cause.code !== 'ARCHIVE_INVALID') return cause
  return invalid(wheel, cause.message, cause)
}

export function invalid(wheel: Wheel, why: string, cause?: unknown): ThampiError {
  return new ThampiError('WHEEL_INVALID', {
    message: `The wheel of ${wheel.name} ${wheel.version} cannot be used.`,
    why,
    fix: `pin another version of ${wheel.name} in the dependency file`,
    cause,
  })
}

/** `numpy-2.4.6.dist-info`: the only one, named as the file is. */
function infoDirectory(wheel: Wheel, entries: readonly ZipEntry[]): string {
  const found = new Set<string>()
  for (const { path } of entries) {
    const [first = ''] = path.split('/', 1)
    if (first.endsWith('.dist-info') && first.length < path.length) found.add(first)
  }
  const [info, ...others] = found
  if (info === undefined || others.length > 0) {
    throw invalid(wheel, `"${wheel.file}" has ${found.size} directories named "….dist-info" instead of one.`)
  }
  const [name = '', version = ''] = info.slice(0, -'.dist-info'.length).split(/-(?=[^-]*$)/)
  if (!isCalled(wheel, name, version)) {
    throw invalid(wheel, `"${wheel.file}" is called otherwise inside: ${info}.`)
  }
  return info
}

/** Names and versions have several spellings, and tools changed theirs over time: `zope.interface`, `zope_interface`. */
function isCalled(wheel: Wheel, name: string, version: string): boolean {
  const [one, other] = [parseVersion(version), parseVersion(wheel.version)]
  return (
    normalName(name) === normalName(wheel.name) &&
    (one && other ? compareVersions(one, other) === 0 : version === wheel.version)
  )
}

/** `WHEEL` names the version of the format and the tags; a file that was renamed to fit is not what its name says. */
function checkWheelFile(wheel: Wheel, text: string): readonly string[] {
  const fields = headers(text)
  const version = fields.get('wheel-version')?.[0] ?? ''
  if (!/^1\.\d+$/.test(version)) throw invalid(wheel, `Its format is version "${version}"; 1.0 is known.`)
  const tags = parseWheelName(wheel.file)?.tags
  if (!tags) throw invalid(wheel, `"${wheel.file}" is not the name of a wheel.`)
  const inside = fields.get('tag') ?? []
  const kinds = new Set(tags.map(kindOf))
  if (inside.length > 0 && !inside.flatMap(expanded).some(tag => kinds.has(kindOf(tag)))) {
    throw invalid(wheel, `"${wheel.file}" says in its file WHEEL that it was made for ${inside.join(', ')}.`)
  }
  return tags
}

/** `py2.py3-none-any` means two tags. Tools write them one by one here, people do not. */
function expanded(tag: string): string[] {
  const [python = '', abi = '', platform = ''] = tag.split('-').map(part => part.split('.'))
  return [...python].flatMap(py => [...abi].flatMap(name => [...platform].map(os => `${py}-${name}-${os}`)))
}

/** The versions of system libraries may differ, tools add them afterwards: interpreter, ABI and processor may not. */
function kindOf(tag: string): string {
  const [python, abi, platform = ''] = tag.toLowerCase().split('-')
  return `${python}-${abi}-${PROCESSOR.exec(platform)?.[0]}`
}

function checkMetadata(wheel: Wheel, text: string): void {
  const fields = headers(text.slice(0, /\r?\n\r?\n/.exec(text)?.index))
  const name = fields.get('name')?.[0] ?? ''
  const version = fields.get('version')?.[0] ?? ''
  if (!isCalled(wheel, name, version)) {
    throw invalid(wheel, `Its own METADATA calls it ${name} ${version}.`)
  }
}

function headers(text: string): Map<string, string[]> {
  const fields = new Map<string, string[]>()
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^([A-Za-z][A-Za-z-]*):\s*(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    const key = name.toLowerCase()
    fields.set(key, [...(fields.get(key) ?? []), value.trim()])
  }
  return fields
}

async function textOf(wheel: Wheel, entries: readonly ZipEntry[], path: string): Promise<string> {
  const entry = entries.find(entry => entry.path === path)
  if (entry === undefined) throw invalid(wheel, `It has no ${path}.`)
  if (entry.bytes > LONGEST_TEXT) throw invalid(wheel, `Its ${path} has ${entry.bytes} bytes.`)
  return (await contentOf(entry)).toString('utf8')
}

/** Where a file goes, or undefined for what an installer would put outside `site-packages`. */
function placeOf(wheel: Wheel, path: string, info: string): string | undefined {
  const [first = '', kind = '', ...rest] = path.split('/')
  if (!first.endsWith('.data') || kind === '') return path
  if (first !== info.replace(/\.dist-info$/, '.data')) {
    throw invalid(wheel, `It has the data of another package: ${first}.`)
  }
  if (kind === 'scripts' || kind === 'headers' || kind === 'data') return undefined
  if (kind === 'purelib' || kind === 'platlib') return rest.join('/')
  throw invalid(wheel, `It has data of an unknown kind: ${first}/${kind}.`)
}

function recordedOf(
  wheel: Wheel,
  record: ReadonlyMap<string, Recorded>,
  entry: ZipEntry,
  info: string,
): Recorded {
  if (isUnlisted(entry.path, info)) return {}
  const recorded = record.get(entry.path)
  if (recorded === undefined) throw invalid(wheel, `Its RECORD does not list ${entry.path}.`)
  if (recorded.bytes !== undefined && recorded.bytes !== entry.bytes) {
    throw invalid(wheel, `Its RECORD says ${entry.path} has ${recorded.bytes} bytes; it has ${entry.bytes}.`)
  }
  return recorded
}

function isUnlisted(path: string, info: string): boolean {
  return path.startsWith(`${info}/`) && UNLISTED.test(path.slice(info.length + 1))
}

function checkNothingMissing(
  wheel: Wheel,
  record: ReadonlyMap<string, Recorded>,
  entries: readonly ZipEntry[],
  info: string,
  slim: boolean,
): void {
  const there = new Set(entries.map(({ path }) => path))
  for (const path of record.keys()) {
    if (there.has(path) || path.endsWith('/') || isUnlisted(path, info)) continue
    if (isNeeded(path, wheel.name, slim))
      throw invalid(wheel, `Its RECORD lists ${path}, which is not in it.`)
  }
}
