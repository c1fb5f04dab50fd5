/** The dependencies of a `pyproject.toml`, as a requirements text. */
import { parse } from 'smol-toml'
import { ThampiError } from '../errors.ts'
import { normalName } from './requirement-lines.ts'

/** @throws ThampiError REQUIREMENTS_INVALID when there is no list that can be read without running a build */
export function readPyproject(text: string, shown: string): string {
  let value: unknown
  try {
    value = parse(text)
  } catch (cause) {
    throw invalid(`${shown} is not TOML.`, cause instanceof Error ? cause.message.split('\n')[0] : undefined)
  }
  const { project, tool } = value as {
    project?: { dependencies?: unknown; dynamic?: unknown }
    tool?: { uv?: { sources?: Readonly<Record<string, unknown>> } }
  }
  const { dependencies, dynamic } = project ?? {}
  if (Array.isArray(dependencies) && dependencies.every(item => typeof item === 'string')) {
    refuseElsewhere(dependencies, Object.keys(tool?.uv?.sources ?? {}), shown)
    return `${dependencies.join('\n')}\n`
  }
  if (Array.isArray(dynamic) && dynamic.includes('dependencies')) {
    throw invalid(`${shown} leaves its dependencies to a build ("dynamic").`)
  }
  throw invalid(`${shown} has no list "dependencies" under [project].`)
}

/** An index that has another package of that name would be asked for it. */
function refuseElsewhere(dependencies: readonly string[], elsewhere: readonly string[], shown: string): void {
  const names = new Set(elsewhere.map(normalName))
  const first = dependencies
    .map(line => normalName(/^[\w.-]+/.exec(line.trim())?.[0] ?? ''))
    .find(name => names.has(name))
  if (first === undefined) return
  throw new ThampiError('REQUIREMENTS_INVALID', {
    message: `${shown} takes ${first} from a place that only uv knows ([tool.uv.sources]).`,
    fix: 'uv export --no-dev --no-emit-project --format requirements.txt -o requirements.txt, and pass that file',
  })
}

function invalid(message: string, why?: string): ThampiError {
  return new ThampiError('REQUIREMENTS_INVALID', {
    message,
    why,
    fix: 'pip freeze > requirements.txt, and pass --dependency_file=requirements.txt',
  })
}
