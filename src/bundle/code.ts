/** The code layer: the project directory as a prediction may need it. */
import { ThampiError } from '../errors.ts'
import type { Layer } from './bundle.ts'
import { readFiles } from './contents.ts'
import type { Reason } from './ignore.ts'
import { layerOf } from './layer.ts'
import { megabytes, sizeOf } from './refusals.ts'
import { type FoundFile, type LeftOut, type TreeRules, walkProject } from './tree.ts'

export interface PackedCode {
  readonly layer: Layer
  readonly leftOut: readonly LeftOut[]
  /** Sentences for people. */
  readonly notices: readonly string[]
}

/**
 * @throws ThampiError SECRET_FOUND when a file that would be packed holds one, and what `walkProject` throws
 * @example
 * const { layer } = await codeLayer('.', { exclude: ['*.tmp'], includeSecrets: [], own: [] })
 */
export async function codeLayer(projectDir: string, rules: TreeRules): Promise<PackedCode> {
  const { files, leftOut } = await walkProject(projectDir, rules)
  const read = await readFiles(files)
  const hits = read.flatMap(({ entry: { path }, findings }) =>
    findings.map(({ kind, line }) => ({ path, place: `${path}:${line}`, kind })),
  )
  const [first, ...others] = hits
  if (first) throw secretFound(first, others)
  return {
    layer: layerOf(
      'code',
      read.map(({ entry }) => entry),
    ),
    leftOut,
    notices: noticesOf(files, leftOut),
  }
}

/** Shared with the model layer: a pickle can carry a token as well. */
export function secretFound(
  first: { readonly path: string; readonly place: string; readonly kind: string },
  others: readonly { readonly place: string }[],
): ThampiError {
  const more = others.slice(0, 4).map(({ place }) => place)
  const rest = others.length - more.length
  return new ThampiError('SECRET_FOUND', {
    message: `${first.place} holds what looks like ${first.kind}.`,
    why:
      others.length === 0
        ? 'Whoever can read a deployment can read every file in it.'
        : `Also ${more.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}. Whoever can read a deployment can read every file in it.`,
    fix: `move it to "environment_variables", or, when it is no secret: --include-secret ${first.path}`,
  })
}

function noticesOf(files: readonly FoundFile[], leftOut: readonly LeftOut[]): string[] {
  const notices = [
    `Packed ${files.length} ${files.length === 1 ? 'file' : 'files'} of the project (${megabytes(sizeOf(files))}).`,
  ]
  const groups = new Map<Reason, string[]>()
  for (const { path, reason } of leftOut) groups.set(reason, [...(groups.get(reason) ?? []), path])
  const secrets = groups.get('secret')
  groups.delete('secret')
  if (groups.size > 0) {
    const parts = [...groups].map(([reason, paths]) => `${enumerate(paths, 3)} (${reason})`)
    notices.push(`Left out: ${parts.join(', ')}.`)
  }
  // Every one of them is named: a model that needs its `.env` must not find out in production.
  if (secrets) {
    notices.push(
      `Never packed, because they hold secrets: ${secrets.join(', ')}. To pack one: --include-secret PATH.`,
    )
  }
  return notices
}

function enumerate(paths: readonly string[], most: number): string {
  const rest = paths.length - most
  return paths.slice(0, most).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
