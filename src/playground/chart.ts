/** The last ten minutes of a stage as a drawing and, for those who do not see it, as a sentence. */
import { h, svg } from './dom.ts'
import { sentence, summed } from './figures.ts'
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
  return {
    element: h('div', {}, drawing, caption),
    show: figures => {
      const slots = summed(figures.map(({ requestsBySlot }) => requestsBySlot))
      drawing.replaceChildren(...bars(slots))
      caption.textContent = sentence(slots, figures)
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
