/**
 * The bytecode of a wheel, made once: an archive below `<home>/spliced` under a key of everything it depends on, and
 * `KEY.json` with its digest. Without that, or when it does not fit, the bytecode is made again.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf, digestOfFile, explainFileError } from '../../system/files.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import { writeZip } from '../zip/write.ts'
import { compile, compilerOf } from './bytecode.ts'
import { WORK } from './left-overs.ts'
import { readSealed, writeSealed } from './sealed.ts'
import { RULES } from './slim.ts'
import type { OpenWheel, Wheel } from './wheel.ts'

/** What makes bytecode, and for where. */
export interface Compiling {
  /** Where the packages will be: `/opt/python/`. Bytecode remembers it. */
  readonly runTimeRoot: string
  readonly python: PythonFound
}

export interface ToCompile {
  readonly open: OpenWheel
  /** Of `wheelKey`. */
  readonly key: Digest
}

/** Everything that decides what is spliced of a wheel. */
export function wheelKey(wheel: Wheel, slim: boolean, compiling: Compiling | undefined): Digest {
  const bytecode = compiling ? ['unchecked-hash', compilerOf(compiling.python), compiling.runTimeRoot] : []
  return digestOf(JSON.stringify([RULES, wheel.sha256, slim, bytecode]))
}

/**
 * For each wheel, in their order, an archive whose entries lie beside the sources: `numpy/__pycache__/…`. What is missing
 * is made in one go. Undefined where Python gave up.
 *
 * @throws ThampiError DISK_FULL, PERMISSION
 */
export async function keptBytecode(
  wheels: readonly ToCompile[],
  compiling: Compiling,
  dir: string,
  system: System,
): Promise<(string | undefined)[]> {
  const known = await Promise.all(wheels.map(({ key }) => readKept(dir, key)))
  const missing = wheels.filter((_, i) => known[i] === undefined)
  const made = missing.length === 0 ? [] : await make(missing, compiling, dir, system)
  return known.map(archive => archive ?? made.shift())
}

async function readKept(dir: string, key: Digest): Promise<string | undefined> {
  const at = filesOf(dir, key)
  const wanted = await readSealed<Digest>(at.marker)
  if (wanted === undefined) return undefined
  return (await digestOfFile(at.archive).catch(() => undefined)) === wanted ? at.archive : undefined
}

async function make(
  wheels: readonly ToCompile[],
  { runTimeRoot, python }: Compiling,
  dir: string,
  system: System,
): Promise<string[]> {
  const work = join(dir, `${WORK}${randomBytes(6).toString('hex')}`)
  await mkdir(work, { recursive: true, mode: 0o700 }).catch(cause => {
    throw explainFileError(cause, dir)
  })
  try {
    const opens = wheels.map(({ open }) => open)
    const what = opens.length === 1 ? '1 package' : `${opens.length} packages`
    system.tell(`compiling ${what} for Python ${python.minor}`)
    const compiled = await compile(opens, work, runTimeRoot, python, system)
    if (!compiled) return []
    const made: string[] = []
    try {
      for (const [i, { key }] of wheels.entries()) {
        const at = filesOf(dir, key)
        const { digest } = await writeZip(at.archive, compiled.filesOf(i))
        await writeSealed(at.marker, digest)
        made.push(at.archive)
      }
    } finally {
      await compiled.close()
    }
    return made
  } finally {
    await rm(work, { recursive: true, force: true }).catch(() => {})
  }
}

interface Files {
  readonly marker: string
  readonly archive: string
}

function filesOf(dir: string, key: Digest): Files {
  const name = join(dir, key.slice('sha256:'.length))
  return { marker: `${name}.json`, archive: `${name}.zip` }
}
