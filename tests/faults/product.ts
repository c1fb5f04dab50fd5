/** What the suite runs: the product as it was built, and copies of it with one deliberate bug each. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import type { Edit, Mutant } from './figure.ts'

export interface Product {
  /** `cli.mjs` */
  readonly cli: string
  /** Sources that are not as they stand in the work tree: path → text. */
  readonly changed: ReadonlyMap<string, string>
}

const root = resolve(import.meta.dirname, '..', '..')

/** A copy of `lib/`: a build that somebody starts meanwhile must not change what is measured. */
export async function builtProduct(dir: string): Promise<Product> {
  await cp(join(root, 'lib'), dir, { recursive: true })
  return { cli: join(dir, 'cli.mjs'), changed: new Map() }
}

/** Builds the sources with the mutant's edits into `dir`. Nothing in the work tree changes. */
export async function mutatedProduct({ name, edits }: Mutant, dir: string): Promise<Product> {
  const changed = new Map<string, string>()
  for (const edit of edits) {
    const path = join(root, edit.file)
    changed.set(path, apply(edit, changed.get(path) ?? (await readFile(path, 'utf8')), name))
  }
  await mkdir(dir, { recursive: true })
  const runtime = cp(join(root, 'lib', 'runtime'), join(dir, 'runtime'), { recursive: true })
  await Promise.all([bundle(dir, changed), copyPython(dir, changed), runtime])
  return { cli: join(dir, 'cli.mjs'), changed }
}

/** The text with the edit. Throws when it does not stand there exactly once. */
export function apply({ file, find, replace }: Edit, text: string, mutant: string): string {
  const times = text.split(find).length - 1
  if (times !== 1)
    throw new Error(`The mutant "${mutant}" no longer applies: ${file} has its text ${times} times:\n${find}`)
  return text.replace(find, () => replace)
}

/** The code that keeps the state, on the disk of `inside/disk.ts` instead of a real one. */
export async function bundleOnDisk(
  { changed }: Product,
  outfile: string,
): Promise<typeof import('./inside/state.ts')> {
  const inside = join(import.meta.dirname, 'inside')
  const disk: Plugin = {
    name: 'disk',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^node:fs\/promises$/ }, ({ namespace }) =>
        namespace === 'disk' ? { external: true } : { path: 'disk', namespace: 'disk' },
      )
      // What the disk does not know is not used by the code under test, but must be there to be imported.
      const contents = "module.exports = { ...require('node:fs/promises'), ...require('./disk.ts') }"
      onLoad({ filter: /./, namespace: 'disk' }, () => ({ contents, resolveDir: inside }))
    },
  }
  const entryPoints = [join(inside, 'state.ts')]
  await build({ ...(await common()), entryPoints, outfile, plugins: [disk, replacing(changed)] })
  return import(outfile)
}

/** One module of the sources, with the product's edits, for what has no command of its own. */
export async function bundleModule<Module>(
  { changed }: Pick<Product, 'changed'>,
  file: string,
  outfile: string,
): Promise<Module> {
  await build({ ...(await common()), entryPoints: [file], outfile, plugins: [replacing(changed)] })
  return import(outfile)
}

async function bundle(dir: string, changed: ReadonlyMap<string, string>): Promise<void> {
  await build({
    ...(await common()),
    entryPoints: { cli: 'src/cli/main.ts' },
    outdir: dir,
    outExtension: { '.js': '.mjs' },
    splitting: true,
    plugins: [replacing(changed)],
  })
}

/** As `scripts/build.mjs` has it. */
async function common(): Promise<BuildOptions> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    mainFields: ['module', 'main'],
    define: { __THAMPI_VERSION__: JSON.stringify(version) },
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    logLevel: 'warning',
  }
}

function replacing(changed: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'mutant',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = changed.get(path)
        return contents === undefined ? undefined : { contents, loader: 'ts' }
      }),
  }
}

async function copyPython(dir: string, changed: ReadonlyMap<string, string>): Promise<void> {
  const source = join(root, 'python', 'src', 'thampi')
  const target = join(dir, 'python', 'thampi')
  await cp(source, target, { recursive: true, filter: path => !/(__pycache__|_js)$/.test(path) })
  for (const [path, text] of changed)
    if (path.startsWith(source)) await writeFile(join(target, path.slice(source.length)), text)
}
