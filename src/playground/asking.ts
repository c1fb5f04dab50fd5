/** The middle of a model's page: the input as a form or as JSON, the answer, the same call as code. */
import { freshId, h } from './dom.ts'
import { fieldOf, NotAValue } from './fields.ts'
import { milliseconds } from './figures.ts'
import { type Form, formOf } from './form.ts'
import { type Credentials, type Document, predict, type Reply } from './server.ts'
import { languages, snippet } from './snippets.ts'
import { tabs } from './tabs.ts'

export interface Asking {
  readonly element: HTMLElement
  /** Puts JSON text into the form, or into the JSON editor when the form cannot show it. */
  use(data: string): void
}

export interface AskingOptions {
  readonly path: string
  readonly document: Document
  readonly credentials: Credentials
  readonly onReply: (data: string, reply: Reply) => void
}

export function asking({ path, document: api, credentials, onReply }: AskingOptions): Asking {
  const needsKey = api.security !== undefined
  const schemas = api.components.schemas
  const field = fieldOf(schemas.Data ?? {}, schemas)
  const form = field.kind === 'json' ? undefined : formOf('data', field)
  const json = editor()
  let shown: 'Form' | 'JSON' = form ? 'Form' : 'JSON'
  const key = keyField(credentials)
  const answer = answerPart()
  const code = codePart({ url: location.origin + path, needsKey })

  const read = (): string | undefined => {
    try {
      return (shown === 'Form' ? form : json)?.read() ?? 'null'
    } catch (error) {
      if (error instanceof NotAValue) return undefined
      throw error
    }
  }
  const refresh = (): void => {
    const data = read()
    if (data !== undefined) code.show(data)
  }
  const send = async (event: Event): Promise<void> => {
    event.preventDefault()
    const data = read()
    if (data === undefined) return
    code.show(data)
    answer.wait()
    try {
      const reply = await predict(path, data, credentials.key)
      answer.show(reply)
      onReply(data, reply)
    } catch (error) {
      answer.fail(`The server could not be reached: ${error instanceof Error ? error.message : error}`)
    }
  }

  const inputs = tabs('How to write the input', [
    ...(form ? [{ name: 'Form', panel: form.element }] : []),
    { name: 'JSON', panel: json.element },
  ])
  inputs.element.addEventListener('click', event => {
    const chosen = (event.target as Element).closest('[role=tab]')?.textContent
    if (chosen !== 'Form' && chosen !== 'JSON') return
    if (chosen !== shown) shown = carryOver(shown, chosen, { form, json })
    inputs.choose(shown)
  })
  return {
    element: h(
      'div',
      { class: 'columns' },
      h(
        'form',
        { submit: event => void send(event), change: refresh, novalidate: true },
        inputs.element,
        needsKey ? key : undefined,
        h('p', {}, h('button', { class: 'primary' }, 'Predict')),
      ),
      answer.element,
      code.element,
    ),
    use: data => {
      json.write(data)
      shown = form?.write(JSON.parse(data)) ? 'Form' : 'JSON'
      inputs.choose(shown)
      code.show(data)
    },
  }
}

interface Editor {
  readonly element: HTMLElement
  read(): string | undefined
  write(data: string): void
}

function editor(): Editor {
  const form = formOf('data, as JSON', { kind: 'json' })
  const input = form.element.querySelector('textarea')
  input?.setAttribute('rows', '8')
  return {
    element: form.element,
    read: form.read,
    write: data => {
      if (input) input.value = data
    },
  }
}

/** What was written on one side is shown on the other; a form that cannot show it stays away. */
function carryOver(
  from: 'Form' | 'JSON',
  to: 'Form' | 'JSON',
  { form, json }: { form: Form | undefined; json: Editor },
): 'Form' | 'JSON' {
  try {
    if (from === 'Form') json.write(form?.read() ?? 'null')
    else if (!form?.write(JSON.parse(json.read() ?? 'null'))) return from
    return to
  } catch (error) {
    if (error instanceof NotAValue) return from
    throw error
  }
}

function keyField(credentials: Credentials): HTMLElement {
  const id = freshId()
  const change = (): void => {
    credentials.key = input.value
  }
  const input = h('input', {
    id,
    type: 'password',
    autocomplete: 'off',
    value: credentials.key,
    input: change,
  })
  return h('p', { class: 'field' }, h('label', { for: id }, 'API key'), input)
}

interface AnswerPart {
  readonly element: HTMLElement
  wait(): void
  show(reply: Reply): void
  fail(message: string): void
}

function answerPart(): AnswerPart {
  const about = h('p', { class: 'about', role: 'status' }, 'Nothing was asked yet.')
  const body = h('pre', { tabindex: 0, role: 'region', 'aria-label': 'Answer' })
  return {
    element: h('section', { class: 'answer', 'aria-label': 'Answer' }, h('h2', {}, 'Answer'), about, body),
    wait: () => {
      about.textContent = 'Asking …'
    },
    show: ({ status, text, ms, version, requestId }) => {
      body.classList.toggle('failed', status >= 400)
      body.textContent = text
      about.textContent = [
        `${status < 400 ? 'Answered' : 'Refused'} with ${status} after ${milliseconds(ms)}`,
        ...(version === undefined ? [] : [`by version ${version}`]),
        ...(requestId === undefined ? [] : [`request ${requestId}`]),
      ].join(', ')
    },
    fail: message => {
      body.textContent = ''
      about.textContent = message
    },
  }
}

function codePart(call: { url: string; needsKey: boolean }): {
  readonly element: HTMLElement
  show(data: string): void
} {
  const parts = languages.map(language => {
    const code = h('pre', { tabindex: 0, role: 'region', 'aria-label': `The call in ${language}` })
    const copied = h('span', { role: 'status', class: 'hint' })
    const copy = async (): Promise<void> => {
      await navigator.clipboard.writeText(code.textContent ?? '')
      copied.textContent = 'Copied.'
    }
    const button = h('button', { type: 'button', click: () => void copy() }, `Copy ${language}`)
    return { language, code, copied, panel: h('div', {}, code, h('p', {}, button, ' ', copied)) }
  })
  return {
    element: h(
      'section',
      { 'aria-label': 'Code' },
      h('h2', {}, 'The same call as code'),
      tabs(
        'Language',
        parts.map(({ language, panel }) => ({ name: language, panel })),
      ).element,
    ),
    show: data => {
      for (const { language, code, copied } of parts) {
        code.textContent = snippet(language, { ...call, data })
        copied.textContent = ''
      }
    },
  }
}
