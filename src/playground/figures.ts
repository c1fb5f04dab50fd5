/** Numbers about a stage, in words. Nothing here touches the page. */
import type { Figures } from './server.ts'

const slotSeconds = 10

/** Adds rows that end at the same moment. */
export function summed(rows: readonly (readonly number[])[]): number[] {
  const length = Math.max(0, ...rows.map(row => row.length))
  return Array.from({ length }, (_, at) =>
    rows.reduce((sum, row) => sum + (row[row.length - length + at] ?? 0), 0),
  )
}

/** The slowest of rows that end at the same moment, null where none has a value. */
export function slowest(rows: readonly (readonly (number | null)[])[]): (number | null)[] {
  const length = Math.max(0, ...rows.map(row => row.length))
  return Array.from({ length }, (_, at) => {
    const values = rows.flatMap(row => row[row.length - length + at] ?? [])
    return values.length === 0 ? null : Math.max(...values)
  })
}

/** `1.2 requests a second now, at most 3.4 …`; latencies of several versions are those of the slowest. */
export function sentence(slots: readonly number[], figures: readonly Figures[]): string {
  const requests = figures.reduce((sum, figure) => sum + figure.requests, 0)
  if (requests === 0) return 'No requests in the last ten minutes.'
  const errors = figures.reduce((sum, figure) => sum + figure.errors, 0)
  const worst = (pick: (figure: Figures) => number | undefined): string =>
    `${milliseconds(Math.max(...figures.map(figure => pick(figure) ?? 0)))}`
  const rate = (count: number): string => (count / slotSeconds).toFixed(1)
  return (
    `${requests} ${requests === 1 ? 'request' : 'requests'} in ten minutes, ${errors} failed; ` +
    `at most ${rate(Math.max(...slots))} a second; ` +
    `half within ${worst(figure => figure.p50Ms)}, 99 % within ${worst(figure => figure.p99Ms)}.`
  )
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}
