/** A form for the input of a model, and the value that stands in it as JSON text. */
import { freshId, h } from './dom.ts'
import { type Field, jsonOf, type NamedField, NotAValue, writtenAs } from './fields.ts'

export interface Form {
  readonly element: HTMLElement
  /** JSON text of what was written; undefined for an optional field that was left empty. Marks and focuses what is wrong, then throws `NotAValue`. */
  read(): string | undefined
  /** False when the value does not fit into the form. */
  write(value: unknown): boolean
}

/** The form for a field; `label` names it for everybody. */
export function formOf(label: string, field: Field, required = true, description?: string): Form {
  switch (field.kind) {
    case 'object':
      return objectForm(label, field.fields)
    case 'flag':
      return flagForm(label)
    case 'choice':
      return choiceForm(label, field.values, required)
    default:
      return lineForm(label, field, required, description)
  }
}

function objectForm(label: string, fields: readonly NamedField[]): Form {
  const parts = fields.map(({ name, field, required, description }) => ({
    name,
    required,
    form: formOf(name, field, required, description),
  }))
  const element = h('fieldset', {}, h('legend', {}, label), ...parts.map(({ form }) => form.element))
  return {
    element,
    read: () => {
      const members = parts.flatMap(({ name, form }) => {
        const value = form.read()
        return value === undefined ? [] : [`${JSON.stringify(name)}: ${value}`]
      })
      return `{${members.join(', ')}}`
    },
    write: value => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
      const given = value as Readonly<Record<string, unknown>>
      const known = new Set(parts.map(({ name }) => name))
      if (Object.keys(given).some(name => !known.has(name))) return false
      return parts.every(({ name, required, form }) =>
        Object.hasOwn(given, name) ? form.write(given[name]) : !required,
      )
    },
  }
}

function flagForm(label: string): Form {
  const id = freshId()
  const input = h('input', { id, type: 'checkbox' })
  return {
    element: h('p', { class: 'field flag' }, input, h('label', { for: id }, label)),
    read: () => String(input.checked),
    write: value => {
      input.checked = value === true
      return typeof value === 'boolean'
    },
  }
}

function choiceForm(label: string, values: readonly unknown[], required: boolean): Form {
  const id = freshId()
  const texts = values.map(value => JSON.stringify(value))
  const shown = values.map(value => (typeof value === 'string' ? value : JSON.stringify(value)))
  const select = h(
    'select',
    { id },
    ...(required ? [] : [h('option', { value: '' }, '')]),
    ...texts.map((value, at) => h('option', { value }, shown[at])),
  )
  return {
    element: h('p', { class: 'field' }, h('label', { for: id }, label), select),
    read: () => (select.value === '' ? undefined : select.value),
    write: value => {
      select.value = JSON.stringify(value)
      return texts.includes(JSON.stringify(value))
    },
  }
}

function lineForm(label: string, field: Field, required: boolean, description?: string): Form {
  const id = freshId()
  const hints = [description, field.kind === 'row' ? field.hint : undefined].filter(
    hint => hint !== undefined,
  )
  const problem = h('span', { class: 'wrong', id: `${id}-problem`, role: 'alert' })
  const attributes = {
    id,
    'aria-describedby': `${id}-hint ${id}-problem`,
    autocomplete: 'off',
    spellcheck: 'false',
    ...(field.kind === 'number' ? { inputmode: 'decimal' } : {}),
  }
  const input =
    field.kind === 'json'
      ? h('textarea', { ...attributes, rows: 2 })
      : h('input', { ...attributes, type: 'text' })
  const element = h(
    'p',
    { class: 'field' },
    h('label', { for: id }, required ? label : `${label} (optional)`),
    input,
    h('span', { class: 'hint', id: `${id}-hint` }, hints.join(' · ')),
    problem,
  )
  return {
    element,
    read: () => {
      problem.textContent = ''
      input.removeAttribute('aria-invalid')
      if (!required && input.value.trim() === '') return undefined
      try {
        return jsonOf(field, input.value)
      } catch (error) {
        if (!(error instanceof NotAValue)) throw error
        problem.textContent = error.message
        input.setAttribute('aria-invalid', 'true')
        input.focus()
        throw error
      }
    },
    write: value => {
      const written = writtenAs(field, value)
      input.value = written ?? ''
      return written !== undefined
    },
  }
}
