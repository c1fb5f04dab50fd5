/** What of a package no prediction needs. When one does, `keep` names the package and everything of it stays. */
import { normalName } from '../requirement-lines.ts'

/** Raised whenever a rule below changes: what was spliced by other rules is not used again. */
export const RULES = 1

/** Read by compilers and type checkers only. */
const FOR_BUILDING = /\.(a|h|hh|hpp|hxx|cuh|pxd|pyi)$/
/** Written by installers for installers, or bills of materials. */
const FOR_INSTALLERS = /^[^/]+\.dist-info\/(INSTALLER|REQUESTED|direct_url\.json|sboms\/.+)$/
/** They import their own tests when they are imported. */
const NEEDS_ITS_TESTS = new Set(['astropy'])

export function isSlimmed({ name }: { readonly name: string }, keep: readonly string[]): boolean {
  return !keep.some(kept => normalName(kept) === name)
}

/**
 * Tests are most of the bytes. `testing` is another matter: numpy and others import theirs. What describes a package
 * stays, `RECORD` too: without it Python no longer knows which package a module belongs to.
 *
 * @param path below `site-packages`
 * @param slim false: only the bytecode of others is left out
 */
export function isNeeded(path: string, packageName: string, slim: boolean): boolean {
  const parts = path.split('/')
  // Bytecode in a wheel is of whatever Python built it; ours is made for the target.
  if (parts.includes('__pycache__')) return false
  if (!slim) return true
  if (parts[0]?.endsWith('.dist-info')) return !FOR_INSTALLERS.test(path)
  if (parts.slice(0, -1).includes('tests') && !NEEDS_ITS_TESTS.has(packageName)) return false
  return !FOR_BUILDING.test(path)
}
