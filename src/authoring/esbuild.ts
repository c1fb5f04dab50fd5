/** The user's own esbuild: the one that their project has is the one that knows their TypeScript. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ThampiError } from '../errors.ts'

/** What we use of it. */
export interface Esbuild {
  build(options: Readonly<Record<string, unknown>>): Promise<BuildResult>
}

export interface BuildResult {
  readonly outputFiles: readonly { readonly path: string; readonly contents: Uint8Array }[]
  readonly metafile: {
    readonly inputs: Readonly<Record<string, { readonly bytes: number }>>
    readonly outputs: Readonly<
      Record<
        string,
        {
          readonly exports: readonly string[]
          readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>
        }
      >
    >
  }
}

export interface BuildMessage {
  readonly text: string
  readonly location: { readonly file: string; readonly line: number } | null
}

/**
 * Looks from each of `places` upwards, as Node would.
 *
 * @param model named in the error
 * @throws ThampiError ESBUILD_MISSING
 */
export async function findEsbuild(places: readonly string[], model: string): Promise<Esbuild> {
  for (const place of places) {
    const path = resolved(place)
    if (path !== undefined) return ((await import(pathToFileURL(path).href)) as { default: Esbuild }).default
  }
  throw new ThampiError('ESBUILD_MISSING', {
    message: `${model} needs esbuild to be bundled, and it is not installed here.`,
    fix: 'npm install --save-dev esbuild',
  })
}

function resolved(place: string): string | undefined {
  const require = createRequire(join(place, 'here.js'))
  try {
    return require.resolve('esbuild')
  } catch {
    return viaTsx(require)
  }
}

/** Package managers that keep dependencies apart hide the esbuild that a project has with its tsx. */
function viaTsx(require: NodeJS.Require): string | undefined {
  try {
    const tsx = dirname(require.resolve('tsx/package.json'))
    return existsSync(tsx) ? createRequire(join(tsx, 'here.js')).resolve('esbuild') : undefined
  } catch {
    return undefined
  }
}
