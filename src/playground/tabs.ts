/** A few texts of which one is shown, with the keyboard of tabs: arrows move, Home and End go to the ends. */
import { freshId, h } from './dom.ts'

export interface Tab {
  readonly name: string
  readonly panel: HTMLElement
}

export interface Tabs {
  readonly element: HTMLElement
  choose(name: string): void
}

export function tabs(label: string, all: readonly Tab[]): Tabs {
  const ids = all.map(() => freshId())
  const buttons = all.map(({ name }, at) =>
    h(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: ids[at],
        'aria-controls': `${ids[at]}-panel`,
        click: () => select(at),
      },
      name,
    ),
  )
  const panels = all.map(({ panel }, at) =>
    h('div', { role: 'tabpanel', id: `${ids[at]}-panel`, 'aria-labelledby': ids[at] }, panel),
  )
  const select = (chosen: number): void => {
    for (const [at, button] of buttons.entries()) {
      button.setAttribute('aria-selected', String(at === chosen))
      button.tabIndex = at === chosen ? 0 : -1
      const panel = panels[at]
      if (panel) panel.hidden = at !== chosen
    }
  }
  const move = (event: Event): void => {
    const { key } = event as KeyboardEvent
    const at = buttons.indexOf(event.target as HTMLButtonElement)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[key]
    if (at < 0 || to === undefined) return
    event.preventDefault()
    const next = (to + buttons.length) % buttons.length
    select(next)
    buttons[next]?.focus()
  }
  select(0)
  return {
    element: h(
      'div',
      {},
      h('div', { role: 'tablist', 'aria-label': label, keydown: move }, ...buttons),
      ...panels,
    ),
    choose: name =>
      select(
        Math.max(
          0,
          all.findIndex(tab => tab.name === name),
        ),
      ),
  }
}
