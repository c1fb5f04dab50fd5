/** The last ten minutes of a stage as a drawing, bars for requests and a line for p99, and as a sentence for all. */
import { h, svg } from './dom.ts'
import { milliseconds, sentence, slowest, summed } from './figures.ts'
import type { Figures } from './server.ts'

export interface Chart {
  readonly element: HTMLElement
  show(figures: readonly Figures[]): void
}

const width = 600
const height = 80

export function chart(): Chart {
  const drawing = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: 'none',
    class: 'chart',
    'aria-hidden': 'true',
  })
  const caption = h('p', { class: 'caption' })
  const legend = h('p', { class: 'legend' })
  return {
    element: h('div', {}, drawing, legend, caption),
    show: figures => {
      const slots = summed(figures.map(({ requestsBySlot }) => requestsBySlot))
      const latencies = slowest(figures.map(({ p99MsBySlot }) => p99MsBySlot))
      drawing.replaceChildren(...bars(slots), ...line(latencies))
      caption.textContent = sentence(slots, figures)
      legend.textContent = legendOf(latencies)
    },
  }
}

function bars(slots: readonly number[]): SVGElement[] {
  const highest = Math.max(1, ...slots)
  const step = width / Math.max(1, slots.length)
  return slots.flatMap((count, at) => {
    if (count === 0) return []
    const tall = Math.max(2, (count / highest) * height)
    return [svg('rect', { x: at * step, y: height - tall, width: Math.max(1, step - 2), height: tall })]
  })
}

/** A line through neighbours, a dash where one stands alone; it breaks where nobody asked. */
function line(latencies: readonly (number | null)[]): SVGElement[] {
  const highest = Math.max(...latencies.map(ms => ms ?? 0))
  if (highest === 0) return []
  const step = width / latencies.length
  const path = latencies
    .map((ms, at) => {
      if (ms === null) return ''
      const y = (height - (ms / highest) * (height - 2)).toFixed(1)
      const isFirst = (latencies[at - 1] ?? null) === null
      return `${isFirst ? 'M' : 'L'}${(at * step).toFixed(1)} ${y}H${((at + 1) * step - 2).toFixed(1)}`
    })
    .join('')
  return [svg('path', { d: path, class: 'latency', 'vector-effect': 'non-scaling-stroke' })]
}

function legendOf(latencies: readonly (number | null)[]): string {
  const highest = Math.max(...latencies.map(ms => ms ?? 0))
  return highest === 0 ? '' : `Bars: requests. Line: 99 % of them, up to ${milliseconds(highest)}.`
}
