/** G18: archives that want to write elsewhere, leave links, or fill the disk. */
import { existsSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hostileZips } from '../../support/hostile-zips.ts'
import { rawZip, wide } from '../../support/raw-zip.ts'
import { atMost, type Figure, none } from '../figure.ts'
import type { Lab } from '../lab.ts'
import { bundleModule } from '../product.ts'

type Unpacking = typeof import('../../../src/bundle/zip/unpack.ts')

const names = 'src/bundle/zip/names.ts'
const directory = 'src/bundle/zip/directory.ts'
const read = 'src/bundle/zip/read.ts'
const unpack = 'src/bundle/zip/unpack.ts'

/** What the archives may fill; some say they hold less and hold more. */
const limits = { entries: 20_000, bytes: 32 * 1024 * 1024, ratio: 200 }
const MiB = 1024 * 1024
const maxSeconds = 2
/** Where the archives are unpacked, while the second wall below is the one under test. */
const guessed = '.out.guessed'

export const hostileArchives: Figure = {
  id: 'G18',
  title: 'hostile archives: ways out, links, twins, bombs, numbers that lie',
  mutants: [
    {
      name: 'prefix tested without separator',
      edits: [
        // Two walls stand before it: names that lead out are refused, and nobody knows the directory's name.
        { file: names, find: "if (parts.includes('..'))", replace: 'if (false)' },
        { file: unpack, find: "randomBytes(6).toString('hex')", replace: "'guessed'" },
        {
          file: 'src/system/files.ts',
          find: '!path.startsWith(base + sep)',
          replace: '!path.startsWith(base)',
        },
      ],
      reddens: 'bytes outside',
    },
    {
      name: 'links are taken for files',
      edits: [
        { file: directory, find: 'kind !== REGULAR &&', replace: 'kind !== REGULAR && kind !== 0o120000 &&' },
      ],
      reddens: 'accepted',
    },
    {
      name: 'a file is as long as it turns out',
      edits: [{ file: read, find: 'if (bytes > entry.bytes) break', replace: '' }],
      reddens: 'MiB on the disk at any time',
    },
    {
      name: 'twins are two files',
      edits: [
        { file: names, find: 'const twin = this.#files.get(folded)', replace: 'const twin = undefined' },
      ],
      reddens: 'accepted',
    },
  ],
  run: async lab => {
    const outfile = join(lab.dir, 'unpacking.mjs')
    const { unpackZip } = await bundleModule<Unpacking>(lab.product, unpack, outfile)
    const outside = join(lab.dir, 'outside')
    mkdirSync(outside)
    const found = {
      accepted: [] as string[],
      outside: [] as string[],
      links: [] as string[],
      left: [] as string[],
    }
    let slowest = 0
    let fullest = 0
    const archives = hostileZips(outside, `${guessed}-evil`)
    for (const [index, { name, bytes }] of archives.entries()) {
      const place = join(lab.dir, `archive-${index}`)
      const here = join(place, 'here')
      mkdirSync(here, { recursive: true })
      const file = join(place, 'archive.zip')
      writeFileSync(file, bytes)
      const before = performance.now()
      const watch = setInterval(() => {
        fullest = Math.max(fullest, bytesBelow(here))
      }, 2)
      const accepted = await unpackZip(file, join(here, 'out'), limits).then(
        () => true,
        () => false,
      )
      clearInterval(watch)
      slowest = Math.max(slowest, (performance.now() - before) / 1000)
      if (accepted) found.accepted.push(name)
      const stray = [place, outside].flatMap(below).filter(path => path !== file && path !== here)
      const [inside, beyond] = split(stray, path => path.startsWith(`${join(here, 'out')}/`))
      if (beyond.length > 0) found.outside.push(name)
      if (stray.some(path => lstatSync(path).isSymbolicLink())) found.links.push(name)
      if (!accepted && inside.length > 0) found.left.push(name)
      await rm(place, { recursive: true, force: true })
      for (const path of below(outside)) await rm(path, { recursive: true, force: true })
    }
    const flips = await flipped(lab, unpackZip)
    return [
      { name: 'archives', got: archives.length, atLeast: 30 },
      none('accepted', found.accepted),
      none('bytes outside', found.outside),
      none('links', found.links),
      none('left behind', found.left),
      atMost('seconds for one', slowest, maxSeconds),
      atMost('MiB on the disk at any time', fullest / MiB, limits.bytes / MiB),
      { name: 'honest ones with a byte changed', got: flips.count, atLeast: lab.size(200, 20_000) },
      none('of those, unpacked as something else', flips.wrong),
      none('honest ones refused', flips.refused),
    ]
  },
}

/** An honest archive, whole and with one byte changed: it is refused, or gives what it always gave. */
async function flipped(
  lab: Lab,
  unpackZip: Unpacking['unpackZip'],
): Promise<{ count: number; wrong: string[]; refused: string[] }> {
  const place = join(lab.dir, 'honest')
  mkdirSync(place)
  const [file, out] = [join(place, 'archive.zip'), join(place, 'out')]
  const contents = ['first '.repeat(50), 'second', '']
  const whole = rawZip([
    ...contents.slice(0, 2).map((content, i) => ({ name: `dir/${i}`, content })),
    {
      name: 'dir/2',
      method: 0,
      central: { bytes: 0xffffffff, packedBytes: 0xffffffff },
      extra: wide(0n, 0n),
    },
  ])
  const sizes = (): string =>
    below(out)
      .filter(path => statSync(path).isFile())
      .map(path => statSync(path).size)
      .sort()
      .join()
  const honest = contents
    .map(({ length }) => length)
    .sort()
    .join()
  const wrong: string[] = []
  const count = lab.size(200, 20_000)
  for (let i = 0; i < count; i++) {
    const bytes = Buffer.from(whole)
    const at = Math.floor(lab.random() * bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 + Math.floor(lab.random() * 255))
    writeFileSync(file, bytes)
    const accepted = await unpackZip(file, out).then(
      () => true,
      () => false,
    )
    if (accepted && sizes() !== honest) wrong.push(`byte ${at}`)
    await rm(out, { recursive: true, force: true })
  }
  writeFileSync(file, whole)
  const refused = await unpackZip(file, out).then(
    () => (sizes() === honest ? [] : ['unpacked as something else']),
    error => [String(error)],
  )
  return { count, wrong, refused }
}

/** Everything below a directory, also what links lead to nowhere. */
function below(dir: string): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).map(name => join(dir, name))
}

/** What is deleted meanwhile counts nothing. */
function bytesBelow(dir: string): number {
  return below(dir).reduce((sum, path) => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return sum + (found?.isFile() ? found.size : 0)
  }, 0)
}

function split<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter(one => !test(one))]
}
