/** The page of one model: try it, see how it does, move its traffic. */
import { asking } from './asking.ts'
import { callsTable } from './calls.ts'
import { chart } from './chart.ts'
import { freshId, h } from './dom.ts'
import { type Credentials, type Document, json, KeyNeeded, route, type Status } from './server.ts'
import { token } from './token.ts'
import { versionsTable } from './versions.ts'

const pollMs = 2000

/** `place` is `/STAGE/MODEL`. */
export async function modelPage(place: string, main: HTMLElement): Promise<void> {
  const credentials: Credentials = { token: token(), key: '' }
  try {
    await shown(place, main, credentials)
  } catch (error) {
    if (!(error instanceof KeyNeeded)) throw error
    main.replaceChildren(askForKey(error.message, credentials, () => shown(place, main, credentials)))
  }
}

/** Until there is a key that fits. */
function askForKey(message: string, credentials: Credentials, retry: () => Promise<void>): HTMLElement {
  const id = freshId()
  const input = h('input', { id, type: 'password', autocomplete: 'off' })
  const said = h('p', { role: 'alert' }, message)
  const submit = (event: Event): void => {
    event.preventDefault()
    credentials.key = input.value
    retry().catch(error => {
      said.textContent = messageOf(error)
    })
  }
  return h(
    'form',
    { submit },
    h('h1', {}, 'An API key is needed'),
    said,
    h('p', { class: 'field' }, h('label', { for: id }, 'API key'), input),
    h('p', {}, h('button', { class: 'primary' }, 'Show the model')),
  )
}

async function shown(place: string, main: HTMLElement, credentials: Credentials): Promise<void> {
  const [api, status] = await Promise.all([
    json<Document>(`${place}/openapi.json`, credentials),
    json<Status>(`${place}/status`, credentials),
  ])
  document.title = `${status.model} · ${status.stage}`

  const said = h('p', { role: 'status', class: 'about' })
  const state = h('span', { class: 'state' })
  const drawing = chart()
  const give = async (version: number): Promise<void> => {
    said.textContent = `Version ${version} is getting all traffic …`
    try {
      await route(`${place}/route`, version, credentials.token ?? '')
      said.textContent = `Version ${version} has all traffic.`
      show(await json<Status>(`${place}/status`, credentials))
    } catch (error) {
      said.textContent = messageOf(error)
    }
  }
  const versions = versionsTable(credentials.token === undefined ? undefined : version => void give(version))
  const show = (now: Status): void => {
    state.textContent = now.state.toLowerCase().replace('_', ' ')
    state.dataset.state = now.state
    drawing.show(now.versions.flatMap(({ figures }) => figures ?? []))
    versions.show(now.versions)
  }

  const calls = callsTable(data => part.use(data))
  const part = asking({
    path: `${place}/predict`,
    document: api,
    credentials,
    onReply: (data, reply) => calls.add(data, reply),
  })
  main.replaceChildren(
    h('p', {}, h('a', { href: '/' }, 'All models')),
    h('h1', {}, status.model, ' ', h('small', {}, status.stage, ' ', state)),
    part.element,
    section('How it does', drawing.element),
    section(
      'Versions',
      said,
      versions.element,
      credentials.token === undefined
        ? h('p', { class: 'hint' }, `To move traffic, open this page with: thampi open ${status.stage}`)
        : undefined,
    ),
    section('Last calls', calls.element),
    h('p', { class: 'hint' }, h('a', { href: `${place}/openapi.json` }, 'OpenAPI document')),
  )
  part.use(status.examples[0] ?? '{}')
  show(status)
  setInterval(() => {
    if (document.hidden) return
    // A host that is being restarted is asked again; what the page shows stays.
    json<Status>(`${place}/status`, credentials).then(show, error => {
      state.textContent = messageOf(error)
    })
  }, pollMs)
}

function section(title: string, ...children: readonly (Node | undefined)[]): HTMLElement {
  return h('section', { 'aria-label': title }, h('h2', {}, title), ...children)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
