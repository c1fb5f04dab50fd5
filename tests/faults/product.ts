/** What the suite runs: the product as it was built, and copies of it with one deliberate bug each. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import type { Edit, Mutant } from './figure.ts'

export interface Product {
  /** `cli.mjs` */
  readonly cli: string
}

const root = resolve(import.meta.dirname, '..', '..')

/** A copy of `lib/`: a build that somebody starts meanwhile must not change what is measured. */
export async function builtProduct(dir: string): Promise<Product> {
  await cp(join(root, 'lib'), dir, { recursive: true })
  return { cli: join(dir, 'cli.mjs') }
}

/** Builds the sources with the mutant's edits into `dir`. Nothing in the work tree changes. */
export async function mutatedProduct({ name, edits }: Mutant, dir: string): Promise<Product> {
  const changed = new Map<string, string>()
  for (const edit of edits) {
    const path = join(root, edit.file)
    changed.set(path, apply(edit, changed.get(path) ?? (await readFile(path, 'utf8')), name))
  }
  await mkdir(dir, { recursive: true })
  await Promise.all([bundle(dir, changed), copyPython(dir, changed)])
  return { cli: join(dir, 'cli.mjs') }
}

/** The text with the edit. Throws when it does not stand there exactly once. */
export function apply({ file, find, replace }: Edit, text: string, mutant: string): string {
  const times = text.split(find).length - 1
  if (times !== 1)
    throw new Error(`The mutant "${mutant}" no longer applies: ${file} has its text ${times} times:\n${find}`)
  return text.replace(find, () => replace)
}

/** As `scripts/build.mjs` does it, with some files replaced. */
async function bundle(dir: string, changed: ReadonlyMap<string, string>): Promise<void> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const replacing: Plugin = {
    name: 'mutant',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = changed.get(path)
        return contents === undefined ? undefined : { contents, loader: 'ts' }
      }),
  }
  await build({
    absWorkingDir: root,
    entryPoints: { cli: 'src/cli/main.ts' },
    outdir: dir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    splitting: true,
    mainFields: ['module', 'main'],
    define: { __THAMPI_VERSION__: JSON.stringify(version) },
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    plugins: [replacing],
    logLevel: 'warning',
  })
}

async function copyPython(dir: string, changed: ReadonlyMap<string, string>): Promise<void> {
  const source = join(root, 'python', 'src', 'thampi')
  const target = join(dir, 'python', 'thampi')
  await cp(source, target, { recursive: true, filter: path => !/(__pycache__|_js)$/.test(path) })
  for (const [path, text] of changed)
    if (path.startsWith(source)) await writeFile(join(target, path.slice(source.length)), text)
}
