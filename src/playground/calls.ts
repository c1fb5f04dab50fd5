/** The last calls made on this page; they are kept nowhere else. */
import { h } from './dom.ts'
import { milliseconds } from './figures.ts'
import type { Reply } from './server.ts'

export interface Calls {
  readonly element: HTMLElement
  add(data: string, reply: Reply): void
}

const kept = 50
const longest = 80

/** `again` puts the input of a call back into the form. */
export function callsTable(again: (data: string) => void): Calls {
  const body = h('tbody')
  const none = h('p', { class: 'hint' }, 'None yet.')
  const table = h(
    'table',
    { hidden: true },
    h('caption', {}, `The last ${kept} calls of this page, the newest first`),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...['Time', 'Status', 'Took', 'Version', 'Input'].map(name => h('th', { scope: 'col' }, name)),
      ),
    ),
    body,
  )
  return {
    element: h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Last calls' },
      none,
      table,
    ),
    add: (data, { status, ms, version }) => {
      none.hidden = true
      table.hidden = false
      const shown = data.length > longest ? `${data.slice(0, longest)}…` : data
      const use = h('button', { type: 'button', class: 'plain', click: () => again(data) }, shown)
      use.setAttribute('aria-label', `Use this input again: ${shown}`)
      const cells = [new Date().toLocaleTimeString(), String(status), milliseconds(ms), version ?? '–']
      const line = h('tr', {}, ...cells.map(cell => h('td', {}, cell)), h('td', {}, use))
      line.classList.toggle('failed', status >= 400)
      body.prepend(line)
      while (body.children.length > kept) body.lastElementChild?.remove()
    },
  }
}
