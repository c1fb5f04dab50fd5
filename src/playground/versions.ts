/** The versions of a stage, and the button that gives one of them all traffic. */
import { h } from './dom.ts'
import type { DeployedVersion } from './server.ts'

export interface Versions {
  readonly element: HTMLElement
  show(versions: readonly DeployedVersion[]): void
}

/** `give` is undefined for who may only look. */
export function versionsTable(give: ((version: number) => void) | undefined): Versions {
  const body = h('tbody')
  const headings = ['Version', 'Traffic', 'Trained', 'Served', 'By', ...(give ? ['Action'] : [])]
  const table = h(
    'table',
    {},
    h('caption', {}, 'Versions, the newest first'),
    h('thead', {}, h('tr', {}, ...headings.map(heading => h('th', { scope: 'col' }, heading)))),
    body,
  )
  let shown = ''
  return {
    element: h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Versions' }, table),
    show: versions => {
      // What has not changed stays: a button that is replaced loses the keyboard.
      const essence = JSON.stringify(versions.map(({ figures: _, ...rest }) => rest))
      if (essence === shown) return
      shown = essence
      body.replaceChildren(...[...versions].reverse().map(version => row(version, give)))
    },
  }
}

function row(version: DeployedVersion, give: ((version: number) => void) | undefined): HTMLElement {
  const { number, weight, servedTimeUtc, trainedTimeUtc, by, commit, wasRouted } = version
  const origin = [by, commit?.slice(0, 7)].filter(Boolean).join(' · ')
  return h(
    'tr',
    weight > 0 ? { class: 'current' } : {},
    h('th', { scope: 'row' }, String(number)),
    h('td', {}, weight > 0 ? `${weight} %` : '–'),
    h('td', {}, minute(trainedTimeUtc)),
    h('td', {}, minute(servedTimeUtc)),
    h('td', {}, origin || '–'),
    give && h('td', {}, weight < 100 && wasRouted ? button(number, give) : undefined),
  )
}

function button(number: number, give: (version: number) => void): HTMLElement {
  return h('button', { type: 'button', click: () => give(number) }, `Give all traffic to ${number}`)
}

/** `2018-09-06 22:03`, as UTC as it came. */
function minute(time: string): string {
  return time.replace('T', ' ').slice(0, 16)
}
