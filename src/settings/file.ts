/** The settings file as text: which one counts, what it says, on which line. Nothing is judged here but its form. */
import { extname, resolve } from 'node:path'
import { systemCode, ThampiError } from '../errors.ts'
import { forPeople, readIfThere } from '../system/files.ts'
import { jsonLine, lineAt } from './lines.ts'
import { checkStageName, named } from './names.ts'

/** The names that are looked for, the first one counts. */
export const settingsFileNames = [
  'zappa_settings.json',
  'zappa_settings.toml',
  'zappa_settings.yml',
  'zappa_settings.yaml',
] as const

/** The keys of one stage as they stand in the file; our own are named `thampi.…`. */
export type Entries = ReadonlyMap<string, unknown>

export interface SettingsFile {
  readonly path: string
  /** The path as a person in the project would write it. */
  readonly name: string
  /** In the order of the file. */
  readonly stages: ReadonlyMap<string, Entries>
  /** The line of a stage, of one of its keys or of something deeper; undefined when that is not cheaply known. */
  readonly lineOf: (...path: readonly string[]) => number | undefined
}

/**
 * The file `file`, or the first of the known names in `dir`; undefined when there is none.
 * Throws `SETTINGS_MISSING` for a named file that is not there and `SETTINGS_INVALID` for one that cannot be understood.
 */
export async function readSettingsFile(dir: string, file?: string): Promise<SettingsFile | undefined> {
  const found = file === undefined ? await findFile(dir) : await readNamed(resolve(dir, file), dir)
  if (!found) return undefined
  const name = forPeople(found.path, dir)
  // Editors on Windows put a byte order mark before the text.
  const text = found.text.startsWith('\uFEFF') ? found.text.slice(1) : found.text
  if (text.includes('\0')) throw invalid(name, 'It is not text in UTF-8; save it in that encoding.')
  if (text.trim() === '') throw invalid(name, 'It is empty.', 'delete it and run `thampi init`')
  const { content, lineOf } = await parse(text, extname(found.path).toLowerCase(), name)
  return { path: found.path, name, stages: stagesOf(content, name, lineOf), lineOf }
}

/** Path and text of the first known settings file in `dir`. */
export async function findFile(dir: string): Promise<{ path: string; text: string } | undefined> {
  for (const name of settingsFileNames) {
    const path = resolve(dir, name)
    const text = await readText(path, name)
    if (text !== undefined) return { path, text }
  }
  return undefined
}

async function readNamed(path: string, dir: string): Promise<{ path: string; text: string }> {
  const name = forPeople(path, dir)
  const text = await readText(path, name)
  if (text !== undefined) return { path, text }
  throw new ThampiError('SETTINGS_MISSING', {
    message: `There is no settings file "${name}".`,
    fix: 'thampi init',
  })
}

async function readText(path: string, name: string): Promise<string | undefined> {
  try {
    return await readIfThere(path)
  } catch (cause) {
    if (cause instanceof ThampiError) throw cause
    const code = systemCode(cause)
    const why = code === 'EISDIR' ? 'It is a directory.' : `It cannot be read (${code ?? reason(cause)}).`
    throw invalid(name, why, undefined, cause)
  }
}

interface Parsed {
  readonly content: unknown
  readonly lineOf: SettingsFile['lineOf']
}

async function parse(text: string, extension: string, name: string): Promise<Parsed> {
  if (extension === '.toml') return parseToml(text, name)
  if (extension === '.yml' || extension === '.yaml') return parseYaml(text, name)
  return parseJson(text, name)
}

function parseJson(text: string, name: string): Parsed {
  try {
    return { content: JSON.parse(text), lineOf: (...path) => jsonLine(text, path) }
  } catch (cause) {
    const why = reason(cause)
    const end = text.trimEnd().length
    const position =
      /at position (\d+)/.exec(why)?.[1] ?? (why.startsWith('Unexpected end') ? end : undefined)
    const line = position === undefined ? undefined : lineAt(text, Math.min(Number(position), end))
    throw invalid(
      at(name, line),
      `It is not JSON: ${why.replace(/ (in JSON )?at position .*/, '')}.`,
      undefined,
      cause,
    )
  }
}

async function parseToml(text: string, name: string): Promise<Parsed> {
  const { parse, TomlError } = await import('smol-toml')
  try {
    return { content: parse(text), lineOf: () => undefined }
  } catch (cause) {
    const line = cause instanceof TomlError ? cause.line : undefined
    throw invalid(at(name, line), `It is not TOML: ${reason(cause)}.`, undefined, cause)
  }
}

async function parseYaml(text: string, name: string): Promise<Parsed> {
  const { isNode, LineCounter, parseDocument } = await import('yaml')
  const lineCounter = new LineCounter()
  try {
    // YAML 1.1 is what Zappa reads: `yes` is true, `<<` merges. Unknown tags are only noted, never acted upon.
    const document = parseDocument(text, {
      lineCounter,
      version: '1.1',
      prettyErrors: false,
      logLevel: 'error',
    })
    const [problem] = document.errors
    if (problem) {
      const { line } = lineCounter.linePos(problem.pos[0])
      throw invalid(at(name, line), `It is not YAML: ${firstLine(problem.message)}.`, undefined, problem)
    }
    const lineOf = (...path: readonly string[]): number | undefined => {
      const node = document.getIn(path, true)
      return isNode(node) && node.range ? lineCounter.linePos(node.range[0]).line : undefined
    }
    return { content: document.toJS(), lineOf }
  } catch (cause) {
    if (cause instanceof ThampiError) throw cause
    // Aliases without an anchor, or far too many of them, are only found when the document is turned into values.
    throw invalid(name, `It is not YAML: ${reason(cause)}.`, undefined, cause)
  }
}

function stagesOf(content: unknown, name: string, lineOf: SettingsFile['lineOf']): Map<string, Entries> {
  if (!isMapping(content)) {
    throw invalid(name, 'It must be an object of stages, such as {"dev": {"project_name": "mymodel"}}.')
  }
  const stages = new Map<string, Entries>()
  for (const [stage, entries] of Object.entries(content)) {
    if (stage === '$schema') continue
    checkStageName(stage, name)
    if (!isMapping(entries)) {
      throw invalid(at(name, lineOf(stage)), `Stage ${named(stage)} must be an object of settings.`)
    }
    stages.set(stage, new Map(Object.entries(entries).flatMap(flatten)))
  }
  if (stages.size === 0) throw invalid(name, 'It has no stage.', 'delete it and run `thampi init`')
  return stages
}

/** Our own settings become keys beside the others, so that inheritance and checks know only one kind of key. */
function flatten([key, value]: [string, unknown]): [string, unknown][] {
  if (key !== 'thampi' || !isMapping(value)) return [[key, value]]
  return Object.entries(value).map(([own, entry]) => [`thampi.${own}`, entry])
}

/** An object of JSON, TOML or YAML, as opposed to lists, dates and YAML's sets. */
function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function invalid(where: string, why: string, fix?: string, cause?: unknown): ThampiError {
  return new ThampiError('SETTINGS_INVALID', { message: `${where} cannot be used.`, why, fix, cause })
}

function at(name: string, line: number | undefined): string {
  return line === undefined ? name : `${name}, line ${line},`
}

function reason(cause: unknown): string {
  return firstLine(cause instanceof Error ? cause.message : String(cause))
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/\.$/, '')
}
