/** Sizes side by side, as people compare them. */
import { megabytes } from '../refusals.ts'

/** Characters of the longest bar. */
const longest = 24

/**
 * A line for each row: name, bar, size.
 *
 * @example
 * bars([{ name: 'scipy 1.17.1', bytes: 98e6 }]) // ['scipy 1.17.1  ████████████████████████  98.0 MB']
 */
export function bars(rows: readonly { readonly name: string; readonly bytes: number }[]): string[] {
  const most = rows.reduce((max, { bytes }) => Math.max(max, bytes), 1)
  const width = rows.reduce((max, { name }) => Math.max(max, name.length), 0)
  const sizes = rows.map(({ bytes }) => megabytes(bytes))
  const digits = sizes.reduce((max, size) => Math.max(max, size.length), 0)
  return rows.map(({ name, bytes }, at) => {
    const bar = '█'.repeat(Math.max(1, Math.round((bytes / most) * longest)))
    return `${name.padEnd(width)}  ${bar.padEnd(longest)}  ${(sizes[at] ?? '').padStart(digits)}`
  })
}
