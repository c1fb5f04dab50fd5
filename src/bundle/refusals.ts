/** Why a project directory is not packed as it is, in words for its owner. */
import { ThampiError } from '../errors.ts'

/** Limits of a project: far above any code, far below any data set. */
export const MAX_FILES = 20_000
export const MAX_BYTES = 250_000_000

interface Sized {
  readonly path: string
  readonly size: number
}

export function noProject(root: string): ThampiError {
  return new ThampiError('PROJECT_INVALID', {
    message: `There is no directory "${root}".`,
    fix: 'pass --project_dir the directory of your code, or leave it out for the current one',
  })
}

export function unreadable(path: string, code: string, cause: unknown): ThampiError {
  return new ThampiError('PERMISSION', {
    message: `"${path}" cannot be read (${code}).`,
    fix: `make it readable, or add "${path}" to "exclude" in zappa_settings.json`,
    cause,
  })
}

export function moved(path: string): ThampiError {
  return new ThampiError('PROJECT_INVALID', {
    message: `"${path}" changed while it was packed.`,
    fix: `run the command again when nothing writes to it, or add "${path}" to "exclude" in zappa_settings.json`,
  })
}

export function outside(path: string, target: string): ThampiError {
  return new ThampiError('PROJECT_INVALID', {
    message: `"${path}" is a link that leads out of the project.`,
    why: `It points to ${target}; only files of the project are packed.`,
    fix: `put a copy in its place, or add "${path}" to "exclude" in zappa_settings.json`,
  })
}

export function circle(path: string): ThampiError {
  return new ThampiError('PROJECT_INVALID', {
    message: `"${path}" is a link that leads in a circle.`,
    fix: `remove it, or add "${path}" to "exclude" in zappa_settings.json`,
  })
}

export function oddName(path: string, what: string): ThampiError {
  return new ThampiError('PROJECT_INVALID', {
    message: `The name ${JSON.stringify(path)} ${what}, which not every system can hold.`,
    fix: 'rename it, or add a pattern for it to "exclude" in zappa_settings.json',
  })
}

export function twinNames(path: string, twin: string): ThampiError {
  return new ThampiError('PROJECT_INVALID', {
    message: `"${path}" and "${twin}" differ in upper and lower case only; some systems take them for one.`,
    fix: 'rename one, or add it to "exclude" in zappa_settings.json',
  })
}

export function tooBig(files: readonly Sized[], isAll: boolean): ThampiError {
  const parts = new Map<string, { files: number; bytes: number }>()
  for (const { path, size } of files) {
    const slash = path.indexOf('/')
    const top = slash < 0 ? path : `${path.slice(0, slash)}/`
    const part = parts.get(top) ?? { files: 0, bytes: 0 }
    parts.set(top, { files: part.files + 1, bytes: part.bytes + size })
  }
  const weight = (part: { files: number; bytes: number }): number =>
    Math.max(part.files / MAX_FILES, part.bytes / MAX_BYTES)
  const biggest = [...parts].sort((a, b) => weight(b[1]) - weight(a[1])).slice(0, 3)
  const listed = biggest.map(
    ([top, part]) =>
      `${top} (${part.files} ${part.files === 1 ? 'file' : 'files'}, ${megabytes(part.bytes)})`,
  )
  const count = isAll ? String(files.length) : `more than ${files.length}`
  return new ThampiError('PROJECT_TOO_BIG', {
    message: `The project has ${count} files (${megabytes(sizeOf(files))}) to pack; the limit is ${MAX_FILES} files and ${megabytes(MAX_BYTES)}.`,
    why: `Biggest: ${listed.join(', ')}.`,
    fix: `"exclude": ${JSON.stringify(biggest.slice(0, 1).map(([top]) => top))} in zappa_settings.json, or --project_dir with a directory that holds the code only`,
  })
}

export function sizeOf(files: readonly Sized[]): number {
  return files.reduce((total, file) => total + file.size, 0)
}

/** `0.1 MB`; below that `12 kB` */
export function megabytes(bytes: number): string {
  if (bytes < 100_000) return `${Math.ceil(bytes / 1000)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
