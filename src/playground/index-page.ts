/** The page at `/`: what is deployed here. */
import { h } from './dom.ts'
import { type Deployed, json } from './server.ts'

export async function indexPage(main: HTMLElement): Promise<void> {
  const { stages } = await json<{ readonly stages: readonly Deployed[] }>('/-/stages')
  document.title = 'Thampi'
  main.replaceChildren(
    h('h1', {}, 'What is served here'),
    stages.length === 0
      ? h('p', {}, 'Nothing yet. ', h('code', {}, 'thampi serve'), ' changes that.')
      : h('ul', { class: 'cards' }, ...stages.map(card)),
  )
}

function card({ stage, model, url, versions }: Deployed): HTMLElement {
  const shares = versions.map(({ number, weight }) =>
    versions.length === 1 ? `version ${number}` : `version ${number}: ${weight} %`,
  )
  return h(
    'li',
    {},
    h('h2', {}, h('a', { href: `/${stage}/${model}/` }, model)),
    h('p', {}, `${stage} · ${shares.join(', ')}`),
    h('code', {}, url),
  )
}
