/** Wheels are made and spliced, each time in a home of their own. */
import { mkdtempSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from '../../src/bundle/bundle.ts'
import { type Spliced, type SpliceOptions, spliceWheels } from '../../src/bundle/splice/splice.ts'
import type { Wheel } from '../../src/bundle/splice/wheel.ts'
import { contentOf, readZip } from '../../src/bundle/zip/read.ts'
import { findPython, type PythonFound } from '../../src/system/python.ts'
import { realSystem, type System } from '../../src/system/system.ts'
import { temporaryDirectory, python as venv } from './python.ts'
import { makeWheel, type WheelParts } from './wheels.ts'

export const lambda: Target = { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' }

/** Of this machine. */
export const python: PythonFound = await findPython(realSystem(), { explicit: venv })

/** For the Python of this machine. */
export function host(glibc = '2.34'): Target {
  return { ...lambda, python: python.minor, glibc }
}

export function splice(
  wheels: readonly Wheel[],
  options: Partial<SpliceOptions> = {},
  target: Target = lambda,
  home: string = fresh(),
): Promise<Spliced> {
  return spliceWheels(wheels, target, { prefix: 'python/', ...options }, systemAt(home))
}

export function systemAt(home: string): System {
  return { ...realSystem(), places: { home, state: join(home, 'local') } }
}

export function make(name: string, parts: WheelParts): Wheel {
  return makeWheel(fresh(), name, parts)
}

/** A package with a few modules in it. */
export function pure(name: string): Wheel {
  const modules = Array.from({ length: 5 }, (_, i) => [
    `${name}/m${i}.py`,
    `def f${i}(x):\n    return "${name}", x + ${i}, None\n`,
  ])
  return make(name, {
    files: { [`${name}/__init__.py`]: `name = "${name}"\n`, ...Object.fromEntries(modules) },
  })
}

/** What the archive holds, by path. */
export async function contents({ file }: Spliced): Promise<Record<string, string>> {
  const { entries, close } = await readZip(file)
  const found: Record<string, string> = {}
  for (const entry of entries) found[entry.path] = (await contentOf(entry)).toString('latin1')
  await close()
  return found
}

export function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

const root = temporaryDirectory()

/** An empty directory. */
export function fresh(): string {
  return mkdtempSync(join(root, 'case-'))
}
