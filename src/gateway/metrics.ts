/**
 * Counting for Prometheus, and its text format 0.0.4.
 *
 * By hand, because a prediction takes microseconds here: the usual client libraries join the labels of each observation
 * into a text and look that up. Here whoever counts holds the histogram itself; observing one is a few additions, and text
 * is made when somebody scrapes.
 */

/** The content type of what `exposition` gives. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8'

/** OpenTelemetry advises these for the duration of HTTP requests, in seconds. */
export const requestBounds: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
/** Small models answer in less than a millisecond. */
export const predictBounds: readonly number[] = [0.0005, 0.001, 0.0025, ...requestBounds]

/** How often which values were seen: one counter between each two bounds. */
export class Histogram {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: readonly number[]
  /** One more than bounds, the last for what lies above all of them. Not cumulative. */
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const { bounds } = this
    let i = 0
    while (i < bounds.length && value > (bounds[i] as number)) i++
    this.counts[i] = (this.counts[i] as number) + 1
    this.sum += value
  }
}

export type Labels = Readonly<Record<string, string>>

/** One line, or for a histogram several. */
export interface Sample {
  readonly labels: Labels
  readonly value: number | Histogram
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

/**
 * The text that Prometheus reads.
 *
 * @example
 * exposition([{ name: 'thampi_queue_length', help: 'Waiting.', type: 'gauge', samples: [{ labels: {}, value: 3 }] }])
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function exposition(families: readonly Family[]): string {
  const lines: string[] = []
  for (const { name, help, type, samples } of families) {
    lines.push(
      `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}`,
      `# TYPE ${name} ${type}`,
    )
    for (const { labels, value } of samples) {
      if (value instanceof Histogram) lines.push(...histogramLines(name, labels, value))
      else lines.push(`${name}${labelText(labels)} ${value}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function histogramLines(name: string, labels: Labels, { bounds, counts, sum }: Histogram): string[] {
  let total = 0
  const buckets = [...counts].map((count, i) => {
    total += count
    return `${name}_bucket${labelText({ ...labels, le: i < bounds.length ? String(bounds[i]) : '+Inf' })} ${total}`
  })
  return [...buckets, `${name}_sum${labelText(labels)} ${sum}`, `${name}_count${labelText(labels)} ${total}`]
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}
