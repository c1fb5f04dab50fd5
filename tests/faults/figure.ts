/** What a figure is: a promise in numbers, the run that measures it, and the bugs that must turn it red. */
import type { Lab } from './lab.ts'

export interface Figure {
  /** `G1` */
  readonly id: string
  /** What happens to the product while it is measured. */
  readonly title: string
  readonly mutants: readonly Mutant[]
  readonly run: (lab: Lab) => Promise<readonly Check[]>
}

/** One number that was measured, and where it must lie. */
export interface Check {
  readonly name: string
  readonly got: number
  readonly atLeast?: number
  readonly atMost?: number
  /** What it came from, for the person who has to mend it. */
  readonly evidence?: readonly string[]
}

/** A deliberate bug: the product is built once more with it, and the figure must fall short. */
export interface Mutant {
  readonly name: string
  readonly edits: readonly Edit[]
  /** The check that must go red. A mutant that only breaks something else is not caught by this figure. */
  readonly reddens: string
}

/** `find` must stand in the file exactly once: a mutant that no longer fits its source proves nothing. */
export interface Edit {
  /** Below the repository: `src/…` or `python/src/thampi/…`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export function holds({ got, atLeast = -Infinity, atMost = Infinity }: Check): boolean {
  return got >= atLeast && got <= atMost
}

/** A number that must be 0, with the first few things that were counted. */
export function none(name: string, found: number | readonly (string | number)[]): Check {
  if (typeof found === 'number') return { name, got: found, atMost: 0 }
  return { name, got: found.length, atMost: 0, evidence: found.slice(0, 5).map(String) }
}

export function atMost(name: string, got: number, limit: number): Check {
  return { name, got, atMost: limit }
}

export function atLeast(name: string, got: number, limit: number): Check {
  return { name, got, atLeast: limit }
}
