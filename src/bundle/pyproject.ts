/** The dependencies of a `pyproject.toml`, as a requirements text. */
import { parse } from 'smol-toml'
import { ThampiError } from '../errors.ts'

/** @throws ThampiError REQUIREMENTS_INVALID when there is no list that can be read without running a build */
export function readPyproject(text: string, shown: string): string {
  let value: unknown
  try {
    value = parse(text)
  } catch (cause) {
    throw invalid(`${shown} is not TOML.`, cause instanceof Error ? cause.message.split('\n')[0] : undefined)
  }
  const { project } = value as { project?: { dependencies?: unknown; dynamic?: unknown } }
  const { dependencies, dynamic } = project ?? {}
  if (Array.isArray(dependencies) && dependencies.every(item => typeof item === 'string')) {
    return `${dependencies.join('\n')}\n`
  }
  if (Array.isArray(dynamic) && dynamic.includes('dependencies')) {
    throw invalid(`${shown} leaves its dependencies to a build ("dynamic").`)
  }
  throw invalid(`${shown} has no list "dependencies" under [project].`)
}

function invalid(message: string, why?: string): ThampiError {
  return new ThampiError('REQUIREMENTS_INVALID', {
    message,
    why,
    fix: 'pip freeze > requirements.txt, and pass --dependency_file=requirements.txt',
  })
}
