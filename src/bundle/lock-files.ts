/** Locks that other tools made, `pylock.toml` and `uv.lock` → lines of a requirements file: versions, conditions, hashes. */
import { parse } from 'smol-toml'
import { ThampiError } from '../errors.ts'
import { normalName } from './requirement-lines.ts'

type Table = Readonly<Record<string, unknown>>

/** Told by content: both have a list of packages, under different names. */
export function isLockFile(text: string): boolean {
  return (
    /^lock-version\s*=/m.test(text) || (/^version\s*=\s*\d/m.test(text) && /^\[\[package\]\]/m.test(text))
  )
}

/**
 * The very versions of a lock, each with the hashes of all its files, so that nothing else will do.
 *
 * @param shown how messages name the file
 * @throws ThampiError REQUIREMENTS_INVALID when it is no lock that can be read, or a package of it is on no index
 * @example
 * readLockFile(text, 'uv.lock') // 'six==1.17.0 --hash=sha256:4721… --hash=sha256:ff70…\n'
 */
export function readLockFile(text: string, shown: string): string {
  let value: Table
  try {
    value = parse(text)
  } catch (cause) {
    throw invalid(`${shown} is not TOML.`, cause instanceof Error ? cause.message.split('\n')[0] : undefined)
  }
  const lines = 'lock-version' in value ? fromPylock(value, shown) : fromUvLock(value, shown)
  return `${[...new Set(lines)].sort().join('\n')}\n`
}

function fromPylock(value: Table, shown: string): string[] {
  if (!/^1\.\d+$/.test(String(value['lock-version']))) {
    throw invalid(`${shown} is a lock of version ${value['lock-version']}, and 1 is what can be read.`)
  }
  return tablesOf(value.packages).map(item => {
    const marker = typeof item.marker === 'string' ? item.marker : ''
    const files = [...tablesOf(item.wheels), ...tablesOf([item.sdist])]
    const hashes = files.flatMap(({ hashes }) => (isTable(hashes) ? [String(hashes.sha256)] : []))
    return lineOf(item, marker, hashes, shown)
  })
}

/** Follows the packages from the project on: what is only for developing it is not among them. */
function fromUvLock(value: Table, shown: string): string[] {
  const packages = tablesOf(value.package)
  const root = packages.find(
    ({ source }) => isTable(source) && (source.virtual === '.' || source.editable === '.'),
  )
  if (root === undefined) throw invalid(`${shown} does not say which of its packages is the project.`)
  const conditions = conditionsOf(packages, root)
  return packages.flatMap(item => {
    const condition = conditions.get(item)
    if (condition === undefined || item === root) return []
    const files = [...tablesOf(item.wheels), ...tablesOf([item.sdist])]
    const hashes = files.map(({ hash }) => String(hash).replace(/^sha256:/, ''))
    return [lineOf(item, markerOf(condition), hashes, shown)]
  })
}

/** Ways from the project to a package: each a set of conditions that hold together. */
type Ways = readonly ReadonlySet<string>[]

/** Conditions under which each package is needed. A way that only adds conditions to another says nothing new, so this ends. */
function conditionsOf(packages: readonly Table[], root: Table): ReadonlyMap<Table, Ways> {
  const needed = new Map<Table, Ways>([[root, [new Set()]]])
  const extras = new Map<Table, Set<string>>()
  const todo = [root]
  // The nearest first: their conditions are the fewest, and most longer ways then say nothing new.
  for (let item = todo.shift(); item !== undefined; item = todo.shift()) {
    const ways = needed.get(item) ?? []
    const optional = isTable(item['optional-dependencies']) ? item['optional-dependencies'] : {}
    const wanted = [...(extras.get(item) ?? [])].flatMap(extra => tablesOf(optional[extra]))
    for (const edge of [...tablesOf(item.dependencies), ...wanted]) {
      const target = packages.find(
        ({ name, version }) => name === edge.name && (edge.version === undefined || version === edge.version),
      )
      if (target === undefined) continue
      const marker = typeof edge.marker === 'string' ? [edge.marker] : []
      const before = needed.get(target) ?? []
      const after = simplest([...before, ...ways.map(way => new Set([...way, ...marker]))])
      const known = extras.get(target) ?? new Set()
      const more = (Array.isArray(edge.extra) ? edge.extra.map(String) : []).filter(
        extra => !known.has(extra),
      )
      extras.set(target, new Set([...known, ...more]))
      if (more.length === 0 && after.length === before.length && after.every(way => before.includes(way)))
        continue
      needed.set(target, after)
      if (!todo.includes(target)) todo.push(target)
    }
  }
  return needed
}

/** More ways than this are not told apart: what all of them have in common must do. */
const MOST_WAYS = 8

function simplest(ways: Ways): Ways {
  const kept: ReadonlySet<string>[] = []
  for (const way of [...ways].sort((a, b) => a.size - b.size)) {
    if (!kept.some(other => [...other].every(condition => way.has(condition)))) kept.push(way)
  }
  if (kept.length <= MOST_WAYS) return kept
  const [first = new Set<string>(), ...others] = kept
  return [new Set([...first].filter(condition => others.every(other => other.has(condition))))]
}

function markerOf(ways: Ways): string {
  if (ways.some(way => way.size === 0)) return ''
  const all = ways.map(way =>
    [...way]
      .sort()
      .map(marker => `(${marker})`)
      .join(' and '),
  )
  return all.sort().join(' or ')
}

function lineOf(item: Table, marker: string, hashes: readonly string[], shown: string): string {
  const { name, version } = item
  if (typeof name !== 'string') throw invalid(`${shown}: a package has no name.`)
  const known = [...new Set(hashes)].filter(hash => /^[0-9a-f]{64}$/.test(hash)).sort()
  if (typeof version !== 'string' || known.length === 0) {
    throw invalid(
      `${shown}: ${name} comes from no index.`,
      'Only packages of an index can be installed from a lock: they have versions and hashes.',
    )
  }
  const condition = marker === '' ? '' : ` ; ${marker}`
  return [`${normalName(name)}==${version}${condition}`, ...known.map(hash => `--hash=sha256:${hash}`)].join(
    ' ',
  )
}

function tablesOf(value: unknown): Table[] {
  return Array.isArray(value) ? value.filter(isTable) : []
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
