/** What is said of one key of a stage, and how a table says it of many. */
import type { Kind } from './kinds.ts'

/**
 * honour: it means what it says · map: it says something we express in another way ·
 * ignore: it has no effect, and a run says so once · refuse: a stage that has it cannot be used.
 */
export type Advice = 'honour' | 'map' | 'ignore' | 'refuse'

export interface Key {
  /** As written in a stage; our own keys are `thampi.…`. */
  readonly name: string
  readonly advice: Advice
  /** Whether it has a meaning on every platform or on AWS only. */
  readonly where: 'everywhere' | 'aws'
  readonly kind: Kind
  readonly meaning: string
  /** Why it is ignored or refused, or what it became. */
  readonly note?: string | undefined
  /** For keys of which only some values are ignored. */
  readonly isIgnored?: (value: unknown) => boolean
  /** The value may be somebody's password: never shown. */
  readonly secret?: boolean
}

/** A key without its name, and without what its neighbours in a table share. */
export type Row = readonly [kind: Kind, meaning: string, more?: Pick<Key, 'note' | 'isIgnored' | 'secret'>]

export function table(advice: Advice, where: Key['where'], rows: Readonly<Record<string, Row>>): Key[] {
  return Object.entries(rows).map(([name, [kind, meaning, more]]) => ({
    name,
    advice,
    where,
    kind,
    meaning,
    ...more,
  }))
}
