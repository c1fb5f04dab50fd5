/** The files of several wheels in one directory: what happens when two bring the same one. */
import { ThampiError } from '../../errors.ts'
import { Names } from '../zip/names.ts'
import { contentOf } from '../zip/read.ts'
import { invalid, type OpenWheel, type WheelFile } from './wheel.ts'

/** A file and the wheel that brings it. */
export interface Placed {
  readonly file: WheelFile
  readonly from: OpenWheel
}

export interface Merged {
  readonly files: readonly Placed[]
  readonly notices: readonly string[]
}

/** Longer ones hold code. */
const LONGEST_MARKER = 64 * 1024
/** What stands in the `__init__.py` of a package that several distributions share, the ways of before PEP 420. */
const OF_NAMESPACE =
  /^(try:|except \w+:|pass|import (pkgutil|pkg_resources)|from pkgutil import extend_path|__path__ = (pkgutil\.|__import__\(['"]pkgutil['"]\)\.)?extend_path\(__path__, __name__\)|(pkg_resources|__import__\(['"]pkg_resources['"]\))\.declare_namespace\(__name__\))$/
/** Beside the packages lie licences and readme files of careless ones: nobody imports them. */
const IMPORTED = /\.(py|pyc|so(\.\d+)*|pth)$/

/**
 * Identical files are kept once. An `__init__.py` that only marks a shared package gives way to one with code. Other
 * differing files would make one package run the code of another: refused.
 *
 * @param wheels sorted by name: the first one wins where it does not matter
 * @throws ThampiError WHEEL_INVALID, which names both packages
 */
export async function merge(wheels: readonly OpenWheel[]): Promise<Merged> {
  const placed = new Map<string, Placed>()
  const names = new Names()
  const notices: string[] = []
  for (const from of wheels) {
    for (const file of from.files) {
      const other = placed.get(file.path)
      if (other) {
        const { kept, notice } = await choose(other, { file, from })
        placed.set(file.path, kept)
        if (notice !== undefined) notices.push(notice)
        continue
      }
      const twin = names.add(file.path)
      if (twin !== undefined) throw clash({ file, from }, placed.get(twin) ?? { file, from }, twin)
      placed.set(file.path, { file, from })
    }
  }
  return { files: [...placed.values()], notices }
}

async function choose(one: Placed, other: Placed): Promise<{ kept: Placed; notice?: string }> {
  const { path } = one.file
  if (isSame(one.file, other.file)) return { kept: one }
  const trespasser = [one, other].find(({ file }) => file.moved)
  if (trespasser) {
    const owner = trespasser === one ? other : one
    throw invalid(
      trespasser.from.wheel,
      `It would put its ${trespasser.file.entry.path} over ${path} of ${nameOf(owner)}.`,
    )
  }
  const says = (kept: Placed): string =>
    `${path} comes with ${nameOf(one)} and with ${nameOf(other)}, and differs; the one of ${kept.from.wheel.name} is packed.`
  if (!path.includes('/') && !IMPORTED.test(path)) return { kept: one, notice: says(one) }
  if (path.endsWith('/__init__.py')) {
    if (await isMarker(other)) return (await isMarker(one)) ? { kept: one } : { kept: one, notice: says(one) }
    if (await isMarker(one)) return { kept: other, notice: says(other) }
  }
  throw clash(one, other, path)
}

function isSame(one: WheelFile, other: WheelFile): boolean {
  const [a, b] = [one.recorded, other.recorded]
  if (one.entry.bytes !== other.entry.bytes || one.entry.crc32 !== other.entry.crc32) return false
  return (
    a.digest === undefined || b.digest === undefined || a.algorithm !== b.algorithm || a.digest === b.digest
  )
}

async function isMarker({ file }: Placed): Promise<boolean> {
  if (file.entry.bytes > LONGEST_MARKER) return false
  const text = (await contentOf(file.entry)).toString('utf8')
  const lines = text.split(/\r?\n/).map(line => line.replace(/#.*$/, '').trim())
  return lines.every(line => line === '' || OF_NAMESPACE.test(line))
}

function clash(one: Placed, other: Placed, path: string): ThampiError {
  const paths = one.file.path === path ? `"${path}"` : `"${path}" and "${one.file.path}"`
  return new ThampiError('WHEEL_INVALID', {
    message: `${nameOf(one)} and ${nameOf(other)} bring different files under one name.`,
    why: `Only one of them can be there: ${paths}.`,
    fix: `take ${one.from.wheel.name} or ${other.from.wheel.name} out of the dependency file`,
  })
}

function nameOf({ from }: Placed): string {
  return `${from.wheel.name} ${from.wheel.version}`
}
