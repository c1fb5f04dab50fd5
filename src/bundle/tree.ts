/** Walks a project directory and decides, name by name, what may travel. Reads no file's content. */
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { systemCode } from '../errors.ts'
import { explainFileError } from '../system/files.ts'
import { excludedBy, type Reason, reasonForDirectory, reasonForFile } from './ignore.ts'
import {
  circle,
  MAX_BYTES,
  MAX_FILES,
  noProject,
  oddName,
  outside,
  sizeOf,
  tooBig,
  twinNames,
  unreadable,
} from './refusals.ts'
import { isSecretName } from './secrets.ts'

/** A file that may be packed. */
export interface FoundFile {
  /** Inside the project, with `/`. */
  readonly path: string
  /** Where the bytes are; behind a link, its target. */
  readonly source: string
  readonly size: number
  readonly executable: boolean
  /** Which file of the disk it was when it was judged. */
  readonly device: number
  readonly inode: number
  /** Named by the user as no secret. */
  readonly trusted: boolean
}

export interface LeftOut {
  /** With a slash at the end when it is a directory. */
  readonly path: string
  readonly reason: Reason
  /** Unknown for directories: they were not entered. */
  readonly size?: number
}

export interface Tree {
  readonly files: readonly FoundFile[]
  readonly leftOut: readonly LeftOut[]
}

export interface TreeRules {
  /** Patterns of the settings file. */
  readonly exclude: readonly string[]
  /** Paths, relative to the root or absolute, that are wanted although they look like secrets. */
  readonly includeSecrets: readonly string[]
  /** Absolute directories that are ours and never part of a project. */
  readonly own: readonly string[]
}

/** After so many the walk ends: the picture is clear enough to say which directories are too big. */
const ENOUGH = 10 * MAX_FILES

/**
 * Everything below `root` that is not left out, sorted. A link to something inside the project is packed as what it
 * points to.
 *
 * @throws ThampiError PROJECT_INVALID (links that lead outside or in a circle, names other systems cannot hold),
 * PROJECT_TOO_BIG, PERMISSION
 */
export async function walkProject(root: string, rules: TreeRules): Promise<Tree> {
  const base = await realpath(root).catch(cause => {
    if (systemCode(cause) === 'ENOENT') throw noProject(root)
    throw explainFileError(cause, root)
  })
  if (!(await stat(base)).isDirectory()) throw noProject(root)
  const own = await Promise.all(rules.own.map(path => realpath(path).catch(() => path)))
  const walk = new Walk(root, base, { ...rules, own })
  await walk.directory('', base, [base], await namesIn(base))
  return walk.result()
}

class Walk {
  readonly #base: string
  readonly #excluded: (path: string, isDirectory: boolean) => boolean
  readonly #wanted: readonly string[]
  readonly #own: ReadonlySet<string>
  readonly #files: FoundFile[] = []
  readonly #leftOut: LeftOut[] = []
  /** Files known by name to be secret: the same file under a harmless name (a hard link) is one as well. */
  readonly #secretFiles = new Set<string>()

  constructor(root: string, base: string, rules: TreeRules) {
    this.#base = base
    this.#excluded = excludedBy(rules.exclude)
    this.#wanted = rules.includeSecrets.map(path =>
      resolve(base, relative(resolve(root), resolve(root, path))),
    )
    this.#own = new Set(rules.own)
  }

  /** `chain`: the real directories we came through, to notice a circle. */
  async directory(
    path: string,
    source: string,
    chain: readonly string[],
    names: readonly string[],
  ): Promise<void> {
    const twins = new Map<string, string>()
    for (const name of [...names].sort()) {
      const child = path === '' ? name : `${path}/${name}`
      const before = this.#files.length
      await this.#entry(child, join(source, name), chain)
      if (this.#files.length === before) continue
      checkName(child, name)
      const folded = name.normalize('NFC').toLowerCase()
      const twin = twins.get(folded)
      if (twin !== undefined) throw twinNames(child, twin)
      twins.set(folded, name)
      if (this.#files.length > ENOUGH) throw tooBig(this.#files, false)
    }
  }

  async #entry(path: string, place: string, chain: readonly string[]): Promise<void> {
    const kind = await lstat(place).catch(cause => {
      if (systemCode(cause) !== 'ENOENT') throw explain(cause, path)
      if (path.includes('\uFFFD')) throw oddName(path, 'is not UTF-8')
      return undefined
    })
    // Deleted since its directory was listed: as if it had never been there.
    if (!kind) return
    if (!kind.isSymbolicLink()) return this.#settle(path, place, kind, chain)

    const excluded = this.#reasonForLink(path)
    if (excluded) return this.#leave(path, excluded)
    const target = await realpath(place).catch(cause => {
      const code = systemCode(cause)
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      if (code === 'ELOOP') throw circle(path)
      throw explain(cause, path)
    })
    if (target === undefined) return this.#leave(path, 'broken link')
    if (target !== this.#base && !target.startsWith(this.#base + sep)) throw outside(path, target)
    const reason = await this.#reasonOnTheWay(target)
    if (reason) return this.#leave(path, reason)
    return this.#settle(path, target, await lstat(target), chain)
  }

  async #settle(
    path: string,
    source: string,
    kind: Awaited<ReturnType<typeof lstat>>,
    chain: readonly string[],
  ): Promise<void> {
    if (kind.isDirectory()) {
      if (chain.includes(source)) throw circle(path)
      const names = this.#excluded(path, true) ? [] : await namesIn(source)
      const reason = this.#reasonForDirectory(path, source, names)
      if (reason) return this.#leave(`${path}/`, reason)
      return this.directory(path, source, [...chain, source], names)
    }
    if (!kind.isFile()) return this.#leave(path, 'not a regular file')
    const device = Number(kind.dev)
    const inode = Number(kind.ino)
    const size = Number(kind.size)
    const reason = this.#reasonForFile(path, source)
    if (reason === 'secret') this.#secretFiles.add(`${device}:${inode}`)
    if (reason) return this.#leave(path, reason, size)
    this.#files.push({
      path,
      source,
      size,
      executable: (Number(kind.mode) & 0o100) !== 0,
      device,
      inode,
      trusted: this.#isWanted(source) || this.#isWanted(join(this.#base, path)),
    })
  }

  #reasonForDirectory(path: string, source: string, names: readonly string[]): Reason | undefined {
    if (this.#excluded(path, true)) return 'excluded by the settings'
    if (this.#own.has(source)) return 'files of Thampi'
    // First what it holds: a virtual environment may well be called `.env`.
    const reason = reasonForDirectory(path, names)
    if (reason) return reason
    return isSecretName(lastName(path), true) && !this.#isWanted(source) ? 'secret' : undefined
  }

  #reasonForFile(path: string, source: string): Reason | undefined {
    if (this.#isWanted(source) || this.#isWanted(join(this.#base, path))) return undefined
    if (this.#excluded(path, false)) return 'excluded by the settings'
    return isSecretName(lastName(path), false) ? 'secret' : reasonForFile(path)
  }

  /** What a link is called can be reason enough, wherever it leads: Emacs locks files with links to nowhere. */
  #reasonForLink(path: string): Reason | undefined {
    if (this.#isWanted(join(this.#base, path))) return undefined
    return this.#excluded(path, true)
      ? 'excluded by the settings'
      : (reasonForFile(path) ?? reasonForDirectory(path, []))
  }

  /** A link must not bring what its target's own place would have left out. */
  async #reasonOnTheWay(target: string): Promise<Reason | undefined> {
    const names = relative(this.#base, target).split(sep).filter(Boolean)
    for (let count = 1; count < names.length; count++) {
      const path = names.slice(0, count).join('/')
      const source = join(this.#base, ...names.slice(0, count))
      const reason = this.#reasonForDirectory(path, source, await namesIn(source))
      if (reason) return reason
    }
    const kind = await lstat(target)
    return kind.isFile() ? this.#reasonForFile(names.join('/'), target) : undefined
  }

  /** The path itself, or a directory on the way to it, was named by `--include-secret`. */
  #isWanted(source: string): boolean {
    return this.#wanted.some(
      path => path === source || path.startsWith(source + sep) || source.startsWith(path + sep),
    )
  }

  #leave(path: string, reason: Reason, size?: number): void {
    this.#leftOut.push({ path, reason, ...(size === undefined ? {} : { size }) })
  }

  result(): Tree {
    const files = this.#files.filter(file => {
      const isSecret = !file.trusted && this.#secretFiles.has(`${file.device}:${file.inode}`)
      if (isSecret) this.#leave(file.path, 'secret', file.size)
      return !isSecret
    })
    if (files.length > MAX_FILES || sizeOf(files) > MAX_BYTES) throw tooBig(files, true)
    return { files, leftOut: this.#leftOut }
  }
}

async function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch(cause => {
    throw explain(cause, dir)
  })
}

function explain(cause: unknown, path: string): unknown {
  const code = systemCode(cause)
  return code === 'EACCES' || code === 'EPERM' ? unreadable(path, code, cause) : explainFileError(cause, path)
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function checkName(path: string, name: string): void {
  if (/[\\\x00-\x1f\x7f]/.test(name)) throw oddName(path, 'has a backslash or a control character')
  if (name.includes('\uFFFD')) throw oddName(path, 'is not UTF-8')
}
