/**
 * A disk in memory that can lose its power: stands in for `node:fs/promises` under the code that keeps the state.
 * It remembers every step, and knows what POSIX leaves of them when the power goes: content that was not synced may
 * be there, half there or gone; a name that was made, moved or removed counts only once its directory was synced.
 */
import { basename, dirname } from 'node:path'

type Step =
  | { readonly do: 'write'; readonly file: number; readonly text: string }
  | { readonly do: 'sync'; readonly file: number }
  | { readonly do: 'rename'; readonly dir: string; readonly changes: readonly Change[] }
  | { readonly do: 'sync directory'; readonly dir: string }

/** From now on the path names this file, or none. */
type Change = readonly [path: string, file: number | undefined]

/** What is on a disk: path → text. */
export type Content = ReadonlyMap<string, string>

/** A disk with a past: what it was when it began, and every step since. */
export interface History {
  readonly names: ReadonlyMap<string, number>
  readonly texts: ReadonlyMap<number, string>
  readonly steps: readonly Step[]
}

let names = new Map<string, number>()
let texts = new Map<number, string>()
let begin: Omit<History, 'steps'> = { names, texts }
let steps: Step[] = []
let nextFile = 1

/** Begins anew with this on the disk, all of it safe. */
export function load(content: Content): void {
  names = new Map()
  texts = new Map()
  for (const [path, text] of content) {
    texts.set(nextFile, text)
    names.set(path, nextFile++)
  }
  begin = { names: new Map(names), texts: new Map(texts) }
  steps = []
}

export function content(): Content {
  return contentOf(names, texts)
}

export function history(): History {
  return { ...begin, steps }
}

/** Every content that may be found when the power went after so many steps. */
export function* afterPowerLoss({ names, texts, steps }: History, moment: number): Generator<Content> {
  const safeNames = new Map(names)
  const safe = new Map(texts)
  const written = new Map(texts)
  let open: Extract<Step, { do: 'rename' }>[] = []
  for (const step of steps.slice(0, moment)) {
    if (step.do === 'write') written.set(step.file, step.text)
    else if (step.do === 'sync') safe.set(step.file, written.get(step.file) ?? '')
    else if (step.do === 'rename') open.push(step)
    else {
      for (const { dir, changes } of open) if (dir === step.dir) apply(safeNames, changes)
      open = open.filter(({ dir }) => dir !== step.dir)
    }
  }
  for (let chosen = 0; chosen < 2 ** open.length; chosen++) {
    const found = new Map(safeNames)
    for (const [i, { changes }] of open.entries()) if (chosen & (1 << i)) apply(found, changes)
    const unsafe = [...new Set(found.values())].filter(file => safe.get(file) !== written.get(file))
    for (const some of halfWritten(unsafe, safe, written)) yield contentOf(found, some)
  }
}

/** Each file in each state that its last write may have left: before it, in the middle of it, after it. */
function* halfWritten(
  [file, ...others]: readonly number[],
  safe: ReadonlyMap<number, string>,
  written: ReadonlyMap<number, string>,
): Generator<ReadonlyMap<number, string>> {
  if (file === undefined) {
    yield safe
    return
  }
  const text = written.get(file) ?? ''
  for (const state of [safe.get(file) ?? '', text.slice(0, text.length / 2), text])
    yield* halfWritten(others, new Map(safe).set(file, state), written)
}

function apply(names: Map<string, number>, changes: readonly Change[]): void {
  for (const [path, file] of changes) {
    if (file === undefined) names.delete(path)
    else names.set(path, file)
  }
}

function contentOf(names: ReadonlyMap<string, number>, texts: ReadonlyMap<number, string>): Content {
  return new Map([...names].map(([path, file]) => [path, texts.get(file) ?? '']))
}

function change(dir: string, ...changes: Change[]): void {
  apply(names, changes)
  steps.push({ do: 'rename', dir, changes })
}

// What follows has the names and shapes of `node:fs/promises`. Directories exist when they are asked for.

export async function open(path: string, flags: number | string): Promise<object> {
  const isDirectory = flags === 0
  if (isDirectory)
    return {
      sync: async () => void steps.push({ do: 'sync directory', dir: path }),
      close: async () => {},
    }
  let file = names.get(path)
  if (file === undefined) {
    file = nextFile++
    texts.set(file, '')
    change(dirname(path), [path, file])
  }
  const id = file
  return {
    writeFile: async (text: string | Uint8Array) => {
      texts.set(id, String(text))
      steps.push({ do: 'write', file: id, text: String(text) })
    },
    sync: async () => void steps.push({ do: 'sync', file: id }),
    close: async () => {},
  }
}

export async function readFile(path: string): Promise<string> {
  const file = names.get(path)
  if (file === undefined) throw missing(path)
  return texts.get(file) ?? ''
}

export async function readdir(dir: string): Promise<string[]> {
  const found = [...names.keys()].filter(path => dirname(path) === dir).map(path => basename(path))
  if (found.length === 0) throw missing(dir)
  return found
}

export async function mkdir(): Promise<void> {}

export async function rename(from: string, to: string): Promise<void> {
  const file = names.get(from)
  if (file === undefined) throw missing(from)
  change(dirname(to), [from, undefined], [to, file])
}

export async function rm(path: string): Promise<void> {
  if (names.has(path)) change(dirname(path), [path, undefined])
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), { code: 'ENOENT' })
}
