/** The playground: which page this is says the address. */
import { h } from './dom.ts'
import { indexPage } from './index-page.ts'
import { modelPage } from './model-page.ts'

const main = document.querySelector('main')
if (main) {
  const place = /^(\/[a-zA-Z0-9_]+\/[a-zA-Z0-9_-]+)\/$/.exec(location.pathname)?.[1]
  const page = place === undefined ? indexPage(main) : modelPage(place, main)
  page.catch(error => {
    const what = error instanceof Error ? error.message : String(error)
    main.replaceChildren(
      h('h1', {}, 'This page cannot be shown'),
      h('p', { role: 'alert' }, what),
      h('p', {}, h('a', { href: '/' }, 'All models')),
    )
  })
}
