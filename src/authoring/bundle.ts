/** A module and all that it imports → one file that travels: `model.mjs`. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { systemCode, ThampiError } from '../errors.ts'
import type { Package } from '../model/saved-model.ts'
import { forPeople } from '../system/files.ts'
import { type BuildMessage, type BuildResult, type Esbuild, findEsbuild } from './esbuild.ts'

/** What is to be bundled. */
export interface Module {
  /** Absolute. */
  readonly file: string
  /** The name of the class in it; undefined: its default export is wanted. */
  readonly exported: string | undefined
  /** For messages. */
  readonly model: string
  /** Where it will stand, so that its source map leads back to the sources. */
  readonly outDir: string
  readonly cwd: string
}

export interface BundledModule {
  readonly code: Uint8Array
  /** Packages of other people in it, by name. */
  readonly packages: Readonly<Record<string, Package>>
  /** The project's own files in it, as written from `cwd`. */
  readonly localModules: readonly string[]
}

/**
 * What a module of one file lacks beside a file of its own: its place, which `import.meta.url` and CommonJS packages ask
 * for. The runtime loads bytes that it has compared, not a file, and says under this key where they came from.
 */
const banner = `import { createRequire as __thampi_require } from 'node:module'
const __thampi_url = globalThis[Symbol.for('thampi.module.url')] ?? import.meta.url
const require = __thampi_require(__thampi_url)`

/** Node 20: the oldest that models are served with. */
const target = 'node20'

/** @throws ThampiError ESBUILD_MISSING, BUNDLE_FAILED */
export async function bundleModule(module: Module): Promise<BundledModule> {
  const esbuild = await findEsbuild([dirname(module.file), module.cwd], module.model)
  const { outputFiles, metafile } = await run(esbuild, module, {
    stdin: {
      contents: await entryOf(esbuild, module),
      resolveDir: dirname(module.file),
      sourcefile: 'thampi-entry.js',
    },
    outfile: join(module.outDir, 'model.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target,
    keepNames: true,
    sourcemap: 'inline',
    // Line numbers are wanted, not a second copy of the sources.
    sourcesContent: false,
    legalComments: 'inline',
    define: { 'import.meta.url': '__thampi_url' },
    banner: { js: banner },
  })
  const inputs = usedInputs(metafile, module)
  return {
    code: (outputFiles[0] as { contents: Uint8Array }).contents,
    packages: packagesOf(inputs),
    localModules: inputs
      .map(path => forPeople(path, module.cwd).replaceAll('\\', '/'))
      .filter(path => !/^(\.\.|\/|[a-zA-Z]:)|(^|\/)node_modules\//.test(path))
      .sort(),
  }
}

/** A module whose default export is the one that was meant. */
async function entryOf(esbuild: Esbuild, module: Module): Promise<string> {
  const from = JSON.stringify(`./${relative(dirname(module.file), module.file)}`)
  const { metafile } = await run(esbuild, module, {
    entryPoints: [module.file],
    bundle: false,
    outdir: module.outDir,
  })
  const exports = Object.values(metafile.outputs)[0]?.exports ?? []
  const wanted = module.exported ?? 'default'
  if (exports.includes(wanted)) return `export { ${wanted} as default } from ${from}`
  if (exports.includes('default')) return `export { default } from ${from}`
  // CommonJS says at run time only what it exports.
  if (exports.length === 0 && isCommonJs(module.file))
    return `import * as found from ${from}\nexport default found[${JSON.stringify(wanted)}] ?? found.default`
  const shown = forPeople(module.file, module.cwd)
  throw new ThampiError('BUNDLE_FAILED', {
    message: `${shown} does not export ${module.exported ?? 'a default'}.`,
    why: exports.length > 0 ? `It exports ${exports.join(', ')}.` : 'It exports nothing.',
    fix:
      module.exported === undefined
        ? `write \`export default defineModel({ … })\` in ${shown}`
        : `write \`export class ${module.exported}\` in ${shown}`,
  })
}

function isCommonJs(file: string): boolean {
  return /\.c?js$/.test(file) && /\b(module\.)?exports\b/.test(readFileSync(file, 'utf8'))
}

async function run(esbuild: Esbuild, module: Module, options: object): Promise<BuildResult> {
  try {
    const always = { absWorkingDir: module.cwd, write: false, metafile: true, logLevel: 'silent' }
    return await esbuild.build({ ...always, ...options })
  } catch (cause) {
    throw explained(cause, module)
  }
}

function explained(cause: unknown, { model }: Module): unknown {
  const [first, ...others] = (cause as { errors?: BuildMessage[] }).errors ?? []
  if (first === undefined)
    return systemCode(cause) === undefined ? failed(model, String(cause), cause) : cause
  const native = /No loader is configured for "\.node" files: (?:.*node_modules\/)?((?:@[^/]+\/)?[^/]+)/.exec(
    first.text,
  )
  if (native) {
    return new ThampiError('BUNDLE_FAILED', {
      message: `${model} imports ${native[1]}, which has native code and cannot be put into one file.`,
      fix: 'import a package without native code, or keep it to the training script',
      cause,
    })
  }
  const place = first.location ? `${first.location.file}:${first.location.line}: ` : ''
  const more = others.length > 0 ? ` (and ${others.length} more)` : ''
  return failed(model, `${place}${first.text}${more}`, cause)
}

function failed(model: string, why: string, cause: unknown): ThampiError {
  return new ThampiError('BUNDLE_FAILED', {
    message: `${model} could not be bundled.`,
    why,
    fix: 'npx tsc --noEmit   # shows what the compiler thinks of it',
    cause,
  })
}

/** Absolute paths of what really is in the bundle. */
function usedInputs({ outputs }: BuildResult['metafile'], { cwd }: Module): string[] {
  return Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && !path.startsWith('<'))
    .map(([path]) => resolve(cwd, path))
    .filter(path => existsSync(path))
}

function packagesOf(inputs: readonly string[]): Record<string, Package> {
  const packages: Record<string, Package> = {}
  for (const path of inputs) {
    const found = /^(.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/]/.exec(path)
    const name = found?.[2]?.replaceAll('\\', '/')
    if (!found || name === undefined || name === 'thampi' || packages[name]) continue
    const { version } = JSON.parse(readFileSync(join(found[1] as string, 'package.json'), 'utf8')) as {
      version?: string
    }
    packages[name] = { distribution: name, version: version ?? '' }
  }
  return Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)))
}
