/** Elements, made without markup: what came from a model or a caller only ever becomes a text node. */

type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>
type Child = Node | string | undefined

/**
 * An element with its children. Functions become listeners, `true` an attribute without value, `false` none.
 *
 * @example
 * h('button', { type: 'button', click: () => send() }, 'Predict')
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  fill(element, attributes, children)
  return element
}

/** The same for a drawing. */
export function svg(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  fill(element, attributes, children)
  return element
}

function fill(element: Element, attributes: Attributes, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...children.filter(child => child !== undefined))
}

let labels = 0

/** An id that nothing else on the page has. */
export function freshId(): string {
  labels += 1
  return `field-${labels}`
}
