/** What a run of the suite says: one table, a line for each number. */
import { type Check, holds } from './figure.ts'

/** A figure after its run; also the form for machines. */
export interface Measured {
  readonly id: string
  readonly title: string
  /** Every number lies where it must. */
  readonly holds: boolean
  readonly checks: readonly Check[]
  readonly mutants: readonly { readonly name: string; readonly caught: boolean; readonly why?: string }[]
  /** The harness itself failed. */
  readonly error: string | undefined
  readonly seconds: number
}

const columns = ['figure', 'target', 'got', 'mutant caught', 'seconds', 'what happens'] as const

export function table(measured: readonly Measured[]): string {
  const rows: string[][] = [[...columns]]
  for (const figure of measured) rows.push(...rowsOf(figure))
  // The last column is prose and ends where it ends.
  const widths = columns.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const lines = rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  lines.splice(1, 0, widths.map(width => '-'.repeat(width)).join('  '))
  return [...lines, ...measured.flatMap(complaints)].join('\n')
}

function rowsOf({ id, title, checks, mutants, error, seconds }: Measured): string[][] {
  const rows = Array.from({ length: Math.max(1, checks.length, mutants.length) }, (_, i) => {
    const [check, mutant] = [checks[i], mutants[i]]
    return [
      '',
      check ? targetOf(check) : '',
      check ? `${shown(check.got)}${holds(check) ? '' : ' SHORT'}` : '',
      mutant ? `${mutant.caught ? 'yes' : 'NO'}: ${mutant.name}` : '',
      '',
      '',
    ]
  })
  const [first = []] = rows
  first[0] = id
  if (error) first[2] = 'ERROR'
  first[4] = String(seconds)
  first[5] = title
  return rows
}

/** `0 wrong`, `executions of a request: 2` */
export function inWords({ name, got, atMost }: Check): string {
  return atMost === 0 ? `${shown(got)} ${name}` : `${name}: ${shown(got)}`
}

function targetOf({ name, atLeast, atMost }: Check): string {
  if (atLeast !== undefined) return `${name} ≥ ${shown(atLeast)}`
  return atMost === 0 ? `0 ${name}` : `${name} ≤ ${shown(atMost ?? 0)}`
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 0)
}

/** Why something is red, below the table. */
function complaints({ id, checks, mutants, error }: Measured): string[] {
  const lines = checks
    .filter(check => !holds(check))
    .map(({ name, evidence = [] }) => [`\n${id}: ${name}`, ...evidence].join('\n  '))
  for (const { name, caught, why } of mutants)
    if (!caught) lines.push(`\n${id}: the mutant "${name}" was not caught: ${why}`)
  return error ? [...lines, `\n${id}: ${error}`] : lines
}
