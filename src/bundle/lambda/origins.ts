/** Where every file of a package comes from. */
import type { Bundle } from '../bundle.ts'
import { normalName } from '../requirement-lines.ts'
import { contentOf, readZip } from '../zip/read.ts'
import type { ZipEntry } from '../zip/zip.ts'
import { functionFiles } from './function-zip.ts'
import { manifestFile } from './manifest.ts'
import type { LambdaPackage } from './package.ts'

export interface Origin {
  /** `function`, or the name of a layer. */
  readonly in: string
  readonly path: string
  /** Unpacked. */
  readonly bytes: number
  readonly from: 'wheel' | 'bytecode' | 'project' | 'runtime' | 'model' | 'handler' | 'manifest'
  /** Of a wheel: `numpy 2.4.6`. */
  readonly package?: string | undefined
}

/** Sorted as they lie in their archives, the function first. */
export async function originsOf(bundle: Bundle, { functionZip, layers }: LambdaPackage): Promise<Origin[]> {
  const from = new Map(functionFiles(bundle).map(file => [file.path, file.from]))
  const own = await withEntries(functionZip.file, async entries =>
    entries.map(({ path, bytes }): Origin => {
      const kind = path === manifestFile ? 'manifest' : (from.get(path) ?? 'runtime')
      return { in: 'function', path, bytes, from: kind }
    }),
  )
  const others = await Promise.all(layers.map(({ name, archive }) => inLayer(name, archive.file)))
  return [...own, ...others.flat()]
}

async function inLayer(layer: string, file: string): Promise<Origin[]> {
  return withEntries(file, async entries => {
    const owners = await ownersOf(entries)
    return entries.map(({ path, bytes }): Origin => {
      const source = path.replace(/__pycache__\/([^/]+)\.cpython-\d+\.pyc$/, '$1.py')
      const isBytecode = source !== path && !owners.has(path)
      return { in: layer, path, bytes, from: isBytecode ? 'bytecode' : 'wheel', package: owners.get(source) }
    })
  })
}

/** Every wheel lists its files; the lists travel with the packages. */
async function ownersOf(entries: readonly ZipEntry[]): Promise<Map<string, string>> {
  const owners = new Map<string, string>()
  for (const entry of entries) {
    const [, prefix = '', name, version] = /^(.*?)([^/]+)-([^/-]+)\.dist-info\/RECORD$/.exec(entry.path) ?? []
    if (name === undefined) continue
    const text = (await contentOf(entry)).toString('utf8')
    for (const line of text.split('\n')) {
      // Names with commas are quoted, as in any CSV.
      const path = /^"((?:[^"]|"")*)"|^([^,]+)/.exec(line)?.slice(1).find(Boolean)?.replaceAll('""', '"')
      if (path !== undefined) owners.set(prefix + path, `${normalName(name)} ${version}`)
    }
  }
  return owners
}

async function withEntries<T>(file: string, use: (entries: readonly ZipEntry[]) => Promise<T>): Promise<T> {
  const { entries, close } = await readZip(file)
  try {
    return await use(entries)
  } finally {
    await close()
  }
}
