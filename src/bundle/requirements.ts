/** A dependency file with all it includes → texts an installer can work on. The user's files are only ever read. */
import { existsSync, readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { systemCode, ThampiError } from '../errors.ts'
import { digestOfFile, forPeople } from '../system/files.ts'
import type { Environment } from '../system/places.ts'
import { isCondaFile, readCondaFile } from './conda-file.ts'
import { readFiles } from './contents.ts'
import { layerOf } from './layer.ts'
import { isLockFile, readLockFile } from './lock-files.ts'
import { readPyproject } from './pyproject.ts'
import { type CleanText, cleanRequirements, type Listed, type Surroundings } from './requirement-lines.ts'
import { walkProject } from './tree.ts'

export interface Requirements {
  /** The file as its user would write it. */
  readonly shown: string
  /** Copies, cleaned; the first one includes the others by name. */
  readonly files: readonly RequirementsCopy[]
  readonly listed: readonly Listed[]
  readonly count: number
  readonly hashed: boolean
  /** Packages installed from this disk, with a digest each: the same path may hold something else tomorrow. */
  readonly local: readonly string[]
  /** Added by us: the cloudpickle that saved the model. */
  readonly extra: readonly string[]
  readonly notices: readonly string[]
}

export interface RequirementsCopy {
  readonly name: string
  /** The file it is a copy of, as its user would write it. */
  readonly shown: string
  /** Its lines ask for nothing: they only say which versions will do. */
  readonly constraint: boolean
  readonly text: string
}

/** Where relative paths begin, and what `${NAME}` in a file stands for. */
export interface RequirementsPlace {
  readonly cwd: string
  readonly env: Environment
}

/** Nobody has written a longer one. */
const MAX_BYTES = 8 * 1024 * 1024

/**
 * Reads a requirements file, a `pyproject.toml`, a lock or a conda file (told by what is in it) and everything it includes.
 *
 * @throws ThampiError REQUIREMENTS_INVALID naming the file, and the line when there is one
 * @example
 * const requirements = await readRequirements('requirements.txt', { cwd: process.cwd(), env: process.env })
 */
export async function readRequirements(file: string, place: RequirementsPlace): Promise<Requirements> {
  const path = resolve(place.cwd, file)
  const reader = new Reader(place)
  const { python } = await reader.read(path, [])
  const { cleaned, notices } = reader
  const shown = forPeople(path, place.cwd)
  const sources = [...new Set(cleaned.flatMap(({ clean }) => clean.sources))]
  if (sources.length > 0) notices.push(`${shown} also takes packages from: ${sources.join(', ')}.`)
  if (python !== undefined) {
    notices.push(
      `python=${python} in ${shown} does not choose the Python: a model runs on the one that saved it.`,
    )
  }
  const local = [...new Set(cleaned.flatMap(({ clean }) => clean.local))].sort()
  // Constraints ask for nothing: they are not listed.
  const asking = cleaned.filter(({ constraint }) => !constraint).map(({ clean }) => clean)
  return {
    shown,
    files: cleaned.map(({ name, shown, constraint, clean }) => ({
      name,
      shown,
      constraint,
      text: clean.text,
    })),
    listed: asking.flatMap(({ listed }) => listed),
    count: asking.reduce((total, { count }) => total + count, 0),
    hashed: cleaned.some(({ clean }) => clean.hashed),
    local: await Promise.all(local.map(path => digestOfLocal(path, place.cwd))),
    extra: [],
    notices,
  }
}

interface Cleaned {
  readonly name: string
  readonly shown: string
  readonly constraint: boolean
  clean: CleanText
}

class Reader {
  readonly cleaned: Cleaned[] = []
  readonly notices: string[] = []
  readonly #names = new Map<string, string>()
  readonly #place: RequirementsPlace

  constructor(place: RequirementsPlace) {
    this.#place = place
  }

  /** `chain`: the files that led here. */
  async read(
    path: string,
    chain: readonly string[],
    constraint = false,
  ): Promise<{ name: string; python: string | undefined }> {
    const { cwd } = this.#place
    const shown = forPeople(path, cwd)
    if (chain.includes(path)) throw circle([...chain.slice(chain.indexOf(path)), path], cwd)
    const known = this.#names.get(`${constraint} ${path}`)
    if (known !== undefined) return { name: known, python: undefined }
    const name = this.cleaned.length === 0 ? 'requirements.txt' : `requirements-${this.cleaned.length}.txt`
    this.#names.set(`${constraint} ${path}`, name)

    const includer = chain.at(-1)
    const text = decode(await bytesOf(path, shown, includer && forPeople(includer, cwd)), shown)
    const { plain, python } = this.#plain(text, path, shown)
    const clean = cleanRequirements(plain, shown, surroundings(dirname(path), this.#place))
    const entry: Cleaned = { name, shown, constraint, clean }
    this.cleaned.push(entry)

    const lines = clean.text.split('\n')
    for (const { flag, path: written, line } of clean.includes) {
      const expanded = expand(written, this.#place.env)
      if (/^[a-z][a-z0-9+.-]+:\/\//i.test(expanded)) continue
      if (expanded === '') throw invalid(`${shown}:${line + 1}: "${flag}" names no file.`)
      const target = resolve(dirname(path), expanded)
      const included = await this.read(target, [...chain, path], constraint || flag === '-c')
      lines[line] = `${flag} ${included.name}`
    }
    entry.clean = { ...clean, text: lines.join('\n') }
    return { name, python }
  }

  #plain(text: string, path: string, shown: string): { plain: string; python: string | undefined } {
    if (isLockFile(text)) return { plain: readLockFile(text, shown), python: undefined }
    if (path.endsWith('.toml')) return { plain: readPyproject(text, shown), python: undefined }
    if (!isCondaFile(text) && !/\.ya?ml$/.test(path)) return { plain: text, python: undefined }
    const conda = readCondaFile(text, shown)
    this.notices.push(...conda.notices)
    return { plain: conda.text, python: conda.python }
  }
}

async function bytesOf(path: string, shown: string, includer: string | undefined): Promise<Buffer> {
  const from = includer === undefined ? '' : ` (included by ${includer})`
  try {
    const kind = await stat(path)
    if (kind.isDirectory()) throw invalid(`"${shown}"${from} is a directory; a dependency file is wanted.`)
    if (!kind.isFile()) throw invalid(`"${shown}"${from} is not a regular file.`)
    if (kind.size > MAX_BYTES)
      throw invalid(`"${shown}"${from} has ${kind.size} bytes: that is no dependency file.`)
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof ThampiError) throw cause
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw invalid(`There is no dependency file "${shown}"${from}.`)
    if (code === 'EACCES' || code === 'EPERM') throw invalid(`"${shown}"${from} cannot be read (${code}).`)
    throw cause
  }
}

/** UTF-8, or what Windows shells write; Latin-1 when neither, because only comments can hold more than ASCII. */
function decode(bytes: Buffer, shown: string): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le', 2)
  if (bytes[0] === 0xfe && bytes[1] === 0xff && bytes.length % 2 === 0) {
    return Buffer.from(bytes.subarray(2)).swap16().toString('utf16le')
  }
  if (bytes.includes(0)) throw invalid(`"${shown}" is not a text.`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

/** Paths in a file mean what they mean to pip: beside the file first (links), or from where it runs. */
function surroundings(dir: string, { cwd, env }: RequirementsPlace): Surroundings {
  const absolute = (path: string): string | undefined => {
    const expanded = expand(path, env)
    return [cwd, dir].map(base => resolve(base, expanded)).find(there => existsSync(there))
  }
  return {
    absolute,
    isOurs: path => {
      const there = absolute(path)
      if (there === undefined) return false
      try {
        return /^\s*name\s*=\s*["']thampi["']/m.test(readFileSync(join(there, 'pyproject.toml'), 'utf8'))
      } catch {
        return false
      }
    },
  }
}

/** `${NAME}` as pip expands it: capital letters only; unknown names stay. */
function expand(text: string, env: Environment): string {
  return text.replace(/\$\{([A-Z0-9_]+)\}/g, (whole, name: string) => env[name] ?? whole)
}

async function digestOfLocal(path: string, cwd: string): Promise<string> {
  const shown = forPeople(path, cwd)
  if (!(await stat(path)).isDirectory()) return `${shown} ${await digestOfFile(path)}`
  const { files } = await walkProject(path, { exclude: [], includeSecrets: [], own: [] })
  const read = await readFiles(files)
  return `${shown} ${
    layerOf(
      'code',
      read.map(({ entry }) => entry),
    ).digest
  }`
}

function circle(chain: readonly string[], cwd: string): ThampiError {
  return invalid(
    `Dependency files include each other: ${chain.map(path => forPeople(path, cwd)).join(' → ')}.`,
  )
}

function invalid(message: string): ThampiError {
  return new ThampiError('REQUIREMENTS_INVALID', { message, fix: 'pip freeze > requirements.txt' })
}
